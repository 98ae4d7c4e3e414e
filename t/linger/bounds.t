#!/usr/bin/perl
# ExpectLinger: time, idle and max bound clients that are silent, trickle or
# flood; then the connection is reset, and no part of the answer is lost.
# Virtual hosts have different bounds.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant MB => 1024 * 1024;
# what both systems hold in their buffers; half a second, and a busy machine
use constant { BUFFERS => 12 * MB, LATE => 5 };

my $server = linger_httpd(
    conf => 'ExpectLinger time=4 idle=1',
    vhosts => {
        idle   => 'ExpectLinger time=600 idle=3',
        time   => 'ExpectLinger idle=600 time=3',
        max    => 'ExpectLinger max=20M time=600 idle=600',
        none   => 'ExpectLinger max=0 time=600 idle=600',
        off    => 'ExpectLinger Off',
        again  => "ExpectLinger time=600\nExpectLinger time=2 idle=600",
        engine => 'ExpectStatus specific',
    });

# the host, what its client does, and what ends it: after how many seconds, or
# how many bytes
my @cases = (
    ['plain', 'silent', seconds => 1],
    ['plain', 'trickle', seconds => 4],
    ['plain', 'flood', seconds => 4],
    ['engine', 'silent', seconds => 1],
    ['idle', 'silent', seconds => 3],
    ['time', 'silent', seconds => 3],
    ['time', 'trickle', seconds => 3],
    ['time', 'flood', seconds => 3],
    ['again', 'trickle', seconds => 2],
    ['max', 'flood', bytes => 20 * MB],
    ['none', 'trickle', bytes => 0],
    ['none', 'flood', bytes => 0],
);

my @clients = map {
    my($host, $does, $what, $bound) = @$_;
    map { { name => "$host, $does" . ($_ ? ', asked' : ''), what => $what,
            bound => $bound, %{ refused($server, host => $host,
                does => $does, asks => $_) } } } 0, 1;
} @cases;
my @stay = map { refused($server, host => $_) } qw(max none);
follow(20, @clients);

for my $c (@clients) {
    my $specific = $c->{name} =~ /engine/ || $c->{name} !~ /asked/;
    is $c->{status}, $specific ? 413 : 417, "$c->{name}: the status is read";
    like $c->{got}, qr{\r\n\r\n.*</html>}s, "$c->{name}: so is the page";
    is $c->{how}, 'reset', "$c->{name}: reset in the end" or next;
    if ($c->{what} eq 'seconds') {
        cmp_ok $c->{ended} - $c->{begun}, '>=', $c->{bound},
            "$c->{name}: not before its time";
        cmp_ok $c->{ended} - $c->{answered}, '<=', $c->{bound} + LATE,
            "$c->{name}: in time";
    }
    else {
        cmp_ok $c->{sent}, '>=', $c->{bound}, "$c->{name}: not before max";
        cmp_ok $c->{sent}, '<=', $c->{bound} + BUFFERS,
            "$c->{name}: soon after max";
        cmp_ok $c->{ended} - $c->{answered}, '<', 60, "$c->{name}: by bytes";
    }
}
ok !is_reset($_), 'a client that sends nothing is within any max' for @stay;
ok $server->wait_for(sub { lingering($server) == 2 }),
    'those are left, and no other';

# ExpectLinger Off: gone at once, whatever the client does.
for my $asks (0, 1) {
    my $c = refused($server, host => 'off', does => 'flood', asks => $asks);
    is $c->{status}, $asks ? 417 : 413, 'Off: the status is read';
    is lingering($server), 2, 'Off: nothing lingers';
    follow(20, $c);
    is $c->{how}, 'reset', 'Off: a client that sends on is reset';
    cmp_ok $c->{sent}, '<=', BUFFERS, 'Off: and has sent little';
}

# What lingers is counted, to the byte.
{
    my $c = refused($server, host => 'max', asks => 1);
    my $before = drained($server);
    send_all($c, 100_000);
    ok $server->wait_for(sub { drained($server) - $before == 100_000 }),
        'bytes that were thrown away are counted';
    push @stay, $c;
    ok $server->wait_for(sub { lingering($server) == 3 }),
        'and so are connections';
}

# A client that vanishes is forgotten at once, though its time is ten minutes.
{
    my $reset = pop @stay;
    setsockopt $reset->{socket}, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
        pack 'ii', 1, 0;
    close $reset->{socket};
    ok $server->wait_for(sub { lingering($server) == 2 }),
        'a client that resets its connection';
    close $_->{socket} for @stay;
    ok $server->wait_for(sub { lingering($server) == 0 }),
        'clients that close theirs';
}

is join('', $server->crashes), '', 'nothing crashed';

done_testing();
