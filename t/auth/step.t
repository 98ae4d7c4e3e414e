#!/usr/bin/perl
# A step of a login that httpd learns of after mod_expect's hooks (a check of
# access answers 401 with a token). A client that waits for 100 Continue will
# not send its content any more, so httpd does not wait for it, and the answer
# is sent.

use strict;
use warnings;

use lib 't/other-modules';
use POSIX ();
use Test::More;
use ExpectTest;
use File;
use OtherModules;

my $dir = conf_var('t_logs') . "/step-$$";
mkdir $dir or die "$dir: $!\n";
spew("$dir/step.lua", <<'LUA');
function step(r)
    r.err_headers_out['WWW-Authenticate'] = 'NTLM TlRMTVNTUAACAAAA'
    return 401
end
LUA

my $server = h2_httpd(load('lua') . <<"CONF");
<Location /witness/step>
    LuaHookAccessChecker "$dir/step.lua" step
    AuthType Basic
    AuthName house
    Require valid-user
    ExpectRequire auth
</Location>
CONF

# Seconds of the processor that the server's processes have used.
sub used {
    my $ticks = 0;
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $stat or next;
        my @field = split ' ', (<$in> // '') =~ s/^.*\) //r;
        $ticks += $field[11] + $field[12]
            if @field > 12 && $field[1] == $server->pid;
    }
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

for my $chunked (0, 1) {
    my $before = used();
    my $r = upload(vhost => $server, path => '/witness/step/x', asks => 1,
        content => 100, chunked => $chunked);
    my $used = used() - $before;
    is $r->{status}, 401, "chunked $chunked: the challenge";
    like $r->{headers}{'www-authenticate'}, qr/^NTLM /, 'with its token';
    is_deeply [@$r{qw(interim sent)}, $r->{witness}{read}], [[], 0, 0],
        'no content';
    ok $r->{closed}, 'closed, as the content may still come';
    # a busy wait would last for as long as the client waits
    cmp_ok $used, '<', ExpectTest::WAIT / 10, 'and nothing is waited for busily';
}

done_testing();
