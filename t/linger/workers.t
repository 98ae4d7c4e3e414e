#!/usr/bin/perl
# Lingering connections hold no worker: 200 refused clients stay for ten
# minutes, silent or trickling, with five workers, and others are served
# beside them, whichever module refused. All are still connected afterwards,
# and when they go nothing of them is left.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant CLIENTS => 200;

my $server = linger_httpd(few => 1, conf => <<"CONF");
ExpectLinger time=600 idle=600
<Location /denied>
    Require all denied
    ExpectRequire auth
</Location>
<Location /denied-first>
    Require all denied
    ExpectRequire handler
</Location>
<Location /login>
    AuthType Basic
    AuthName login
    AuthBasicProvider witness
    Require valid-user
    ExpectRequire method PUT
    ExpectRequire handler
</Location>
CONF

# The most that a process has.
sub sockets {
    my @counts = sort { $a <=> $b } map {
        scalar grep { (readlink($_) // '') =~ /^socket:/ } glob "/proc/$_/fd/*"
    } child_pids($server);
    return $counts[-1] // 0;
}

my $get = sub { upload(method => 'GET', path => '/static/file.txt',
    vhost => $server, unwitnessed => 1) };
$get->() for 1 .. 10;
my $before = sockets();

# Refuses in every way.
sub head {
    my($path, @lines) = @_;
    return join "\r\n", "PUT $path HTTP/1.1", 'Host: plain', @lines, '', '';
}

my $chunk = "5\r\nabcde\r\n" x 3;
my @heads = (
    [413, head('/witness/x', 'Content-Length: 100000')],
    [417, head('/witness/x', 'Content-Length: 100000',
        'Expect: 100-continue')],
    [417, head('/witness/x', 'Content-Length: 100000', 'Expect: pigs-fly')],
    [413, head('/witness/x', 'Transfer-Encoding: chunked') . $chunk],
    [403, head('/denied/x', 'Content-Length: 100000')],
    # by httpd itself, while a rule waits
    [403, head('/denied-first/x', 'Content-Length: 100000')],
    [401, head('/login/x', 'Content-Length: 100000')],
    [401, head('/login/x', 'Content-Length: 100000', 'Expect: 100-continue')],
);

my @clients;
for my $i (1 .. CLIENTS) {
    my($status, $head) = @{ $heads[$i % @heads] };
    my $c = { wants => $status, got => '' };
    $c->{socket} = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
        . $server->port) or die "connect: $!\n";
    syswrite $c->{socket}, $head;
    local $SIG{ALRM} = sub { die "client $i has no answer\n" };
    alarm 4 * ExpectTest::WAIT;
    1 while sysread $c->{socket}, $c->{got}, 65_536, length $c->{got};
    alarm 0;
    push @clients, $c;
}
is scalar(grep { $_->{got} =~ m{\AHTTP/1\.1 $_->{wants} } } @clients),
    CLIENTS, 'each has its status';

# A byte of each, and again behind the GETs: so all were there meanwhile.
sub send_byte {
    local $SIG{PIPE} = 'IGNORE';
    return scalar grep { !is_reset($_) && syswrite $_->{socket}, 'x' } @clients;
}

is send_byte(), CLIENTS, 'and stays';
ok $server->wait_for(sub { lingering($server) == CLIENTS }),
    'all of them linger';
is $get->()->{status}, 200, 'a GET beside them' for 1 .. 10;
is send_byte(), CLIENTS, 'all are still there, and send';
is lingering($server), CLIENTS, 'and linger';

close $_->{socket} for @clients;
ok $server->wait_for(sub { lingering($server) == 0 }), 'they go';
ok $server->wait_for(sub { sockets() <= $before + 1 }),
    'and no descriptor is left';
is join('', $server->crashes), '', 'nothing crashed';

done_testing();
