#!/usr/bin/perl
# The end of a refused connection, which the connection's own process brings
# about while another process holds the socket as well: a client that writes
# everything before it reads gets the answer; one that does not stop is cut
# off within the bounds of ExpectLinger; and the process ends.

use strict;
use warnings;

use IO::Socket::INET ();
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use lib 't/itk', 't/linger';
use Itk;
use Lingering;

use constant MB => 1024 * 1024;
# the 4 MB below, and what both systems have in their buffers
use constant BYTES => 16 * MB;
use constant { MOST => 64 * MB, PATIENCE => 60 };

my @tenants = tenants(2);
my $server  = itk_httpd(\@tenants,
    "ExpectLinger max=4M time=600 idle=600\n");
give_file($_, 'up/.htaccess', "ExpectRequire content-length max=10\n")
    for @tenants;

sub head {
    my($tenant, @lines) = @_;
    return join "\r\n", 'PUT /up/x HTTP/1.1', "Host: $tenant->{host}", @lines,
        '', '';
}

for my $tenant (@tenants) {
    for my $size (11, 100_000, 2 * MB) {
        my $r = upload(vhost => $server, host => $tenant->{host},
            path => '/up/x', content => $size, eager => 1);
        is_deeply [@$r{qw(status closed)}], [413, 1],
            "$tenant->{host}: $size bytes at once: the answer arrives";
        is $r->{witness}{read}, 0, "$tenant->{host}: $size: none is read";
    }
}

# Never reads before it has to stop: how many bytes went, and how it ended.
sub pour {
    my($tenant) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
        . $server->port) or die "connect: $!\n";
    my $piece = 'x' x 65_536;
    my($sent, $got) = (0, '');
    my $until = time + PATIENCE;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, head($tenant, 'Content-Length: 1099511627776');
    $socket->blocking(0);
    while ($sent < MOST && time < $until) {
        my $out = '';
        vec($out, fileno $socket, 1) = 1;
        select undef, $out, undef, 1;
        my $n = syswrite $socket, $piece;
        last if !defined $n && !$!{EAGAIN};
        $sent += $n // 0;
    }
    return ($sent, time < $until);
}

for my $tenant (@tenants) {
    my($sent, $ended) = pour($tenant);
    ok $ended, "$tenant->{host}: a client that goes on is cut off";
    cmp_ok $sent, '<=', BYTES, "$tenant->{host}: soon";
}

# A client that is silent or trickles is cut off in its time, with Off at once.
for my $case (['time=600 idle=1', 0, 1], ['time=2 idle=600', 1, 2],
    ['Off', 0, 0]) {
    my($says, $trickles, $seconds) = @$case;
    my $short = itk_httpd(\@tenants,
    "ExpectLinger $says\n");
    my $began = time;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
        . $short->port) or die "connect: $!\n";
    syswrite $socket, head($tenants[0], 'Content-Length: 1099511627776');
    my $got = '';
    1 while sysread $socket, $got, 65_536, length $got;
    like $got, qr{\AHTTP/1\.1 413 .*</html>}s, "$says: the answer arrives";
    local $SIG{PIPE} = 'IGNORE';
    my $error = 0;
    until ($error || time > $began + PATIENCE) {
        select undef, undef, undef, 0.05;
        $error = unpack 'i', getsockopt $socket, Socket::SOL_SOCKET(),
            Socket::SO_ERROR();
        $error ||= !syswrite $socket, 'x' if $trickles || $says eq 'Off';
    }
    ok $error, "$says: reset";
    cmp_ok time - $began, '>=', $seconds, "$says: not before";
    cmp_ok time - $began, '<', $seconds + 5, "$says: in time";
}

# Those of a server's children: mpm_itk forks for each connection.
sub grandchildren {
    my($of) = @_;
    my %parent;
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $fh, '<', $stat or next;
        my($pid, $ppid) = (<$fh> // '') =~ /^(\d+) \(.*\) \S (\d+)/s or next;
        $parent{$pid} = $ppid;
    }
    return grep { ($parent{ $parent{$_} } // 0) == $of->pid } keys %parent;
}

ok $server->wait_for(sub { !grandchildren($server) }, PATIENCE),
    'the processes of refused connections end';

{
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
        . $server->port) or die "connect: $!\n";
    syswrite $socket, "PUT /up/x HTTP/1.1\r\n";
    ok $server->wait_for(sub { grandchildren($server) == 1 }),
        'as one does while its connection is there';
}
is join('', $server->crashes), '', 'nothing crashed';

# A stop waits for none of them.
{
    my $stopped = itk_httpd(\@tenants, "ExpectLinger time=600 idle=600\n");
    my @clients = map { refused($stopped, host => $tenants[0]{host},
        path => '/up/x') } 1 .. 10;
    is scalar(grep { $_->{status} == 413 } @clients), 10,
        'ten clients linger';
    my @processes = grandchildren($stopped);
    is scalar(@processes), 10, 'each has a process';
    kill TERM => $stopped->pid;
    ok ends($stopped), 'a stop ends the server';
    my $until = time + PATIENCE;
    my @left;
    select undef, undef, undef, 0.02
        while (@left = grep { kill 0 => $_ } @processes) && time < $until;
    is "@left", '', 'and these processes';
    kill KILL => @left;
    is join('', $stopped->crashes), '', 'nothing crashed';
}

done_testing();
