#!/usr/bin/perl
# The content of a login's step is thrown away by the worker, within the
# bounds of its virtual host's ExpectLinger and within bounds of its own.

use strict;
use warnings;

use lib 't/auth', 't/other-modules', 't/linger';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use File;
use OtherModules;
use Lingering;
use Ntlm;
use StatusTest;

my $users = conf_var('t_logs') . "/linger-users-$$";
spew($users, "HOUSE:alice:secret\n");
$ENV{NTLM_USER_FILE} = $users;

my %says = (
    default => '',
    max     => 'ExpectLinger max=1000 time=600 idle=600',
    large   => 'ExpectLinger max=100M time=600 idle=600',
    idle    => 'ExpectLinger idle=1',
    off     => 'ExpectLinger Off',
);
my $server = h2_httpd(load('auth_gssapi') . COUNTED . <<'CONF'
<Location /witness/auth>
    ExpectMerging Off
    AuthType GSSAPI
    AuthName house
    GssapiConnectionBound On
    Require valid-user
    ExpectRequire auth
</Location>
CONF
    . join '', map {
        "<VirtualHost *>\nServerName $_\n$says{$_}\n</VirtualHost>\n"
    } sort keys %says);

use constant MB => 1024 * 1024;
# host, bytes that come, bytes that are announced, whether the login goes on
my @cases = (
    ['default', 100_000, 100_000, 1],
    ['default', 4 * MB, 4 * MB, 0],
    ['default', 10, 20, 0],
    ['max', 900, 900, 1],
    ['max', 100_000, 100_000, 0],
    ['large', 2 * MB, 2 * MB, 1],
    ['large', 4 * MB, 4 * MB, 0],
    ['large', 10, 20, 0],
    ['idle', 100_000, 100_000, 1],
    ['idle', 10, 20, 0],
    ['off', 900, 900, 0],
);
for (@cases) {
    my($host, $sent, $announced, $goes_on) = @$_;
    my $name = "$host, $sent of $announced bytes";
    # what lingers of the one before would be counted in this one
    $server->wait_for(sub { lingering($server) == 0 });
    my $before = drained($server);
    my $began = time;
    my $on = connection($server);
    my $r = upload(on => $on, vhost => $server, eager => 1,
        unwitnessed => 1, content => 'x' x $sent, length => $announced,
        path => '/witness/auth/x', host => $host,
        headers => [Ntlm->new(user => 'alice')->first]);
    if ($goes_on) {
        is $r->{status}, 401, "$name: a step";
        ok !$r->{closed}, "$name: the login goes on";
        is drained($server) - $before, $sent, "$name: counted";
        next;
    }
    # others are too soon over for that, or Off
    ok $server->wait_for(sub { lingering($server) == 1 }),
        "$name: then it lingers" if $host eq 'large';
    # a client that sends all may see the connection broken before the answer
    like $r->{status} // 401, qr/^401$/, "$name: no other answer";
    ExpectTest::read_until($on, 5, sub { 0 });
    ok $on->{eof}, "$name: the connection ends";
    cmp_ok time - $began, '<', 5, "$name: the worker is not held for long";
}

done_testing();
