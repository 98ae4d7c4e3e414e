#!/usr/bin/perl
# 2000 refused clients stay connected to a server with five workers: other
# clients are served, and each process has one thread for the refused ones.
# While a hundred of them send as fast as they can, others are served as well,
# and memory does not grow.

use strict;
use warnings;

use POSIX ();
use Test::More;
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant { CLIENTS => 2000, FLOODS => 100, PATIENCE => 60 };
use constant { MB => 1024 * 1024, THROWN_AWAY => 400, MEMORY => 32 };

# for the clients, and for a quarter that each of the server's processes has
use constant FILES => 10_000;

exec 'sh', '-c', 'ulimit -n ' . FILES . ' && TEST_FILES=1 exec "$@"', 'sh',
    $^X, '-It/lib', $0 or die "sh: $!\n" if !$ENV{TEST_FILES};

my $server = linger_httpd(few => 1,
    conf => 'ExpectLinger time=600 idle=600');

sub is_served {
    return upload(method => 'GET', path => '/static/file.txt',
        vhost => $server, unwitnessed => 1)->{status} == 200;
}

# The most that a process has: of threads, and MB of memory.
sub most {
    my($pattern) = @_;
    my $most = 0;
    for my $pid (child_pids($server)) {
        open my $fh, '<', "/proc/$pid/status" or next;
        my($n) = join('', <$fh>) =~ $pattern;
        $most = $n if ($n // 0) > $most;
    }
    return $most;
}

sub threads { return most(qr/^Threads:\s+(\d+)/m) }
sub memory  { return most(qr/^VmRSS:\s+(\d+) kB/m) / 1024 }

is_served() for 1 .. 10;
my $threads = threads();
my @clients = map { refused($server, asks => $_ % 2) } 1 .. CLIENTS;
is scalar(grep { $_->{status} =~ /^41[37]$/ } @clients), CLIENTS,
    'each is answered';
ok $server->wait_for(sub { lingering($server) == CLIENTS }, PATIENCE),
    'all of them linger';
ok is_served(), 'a GET beside them' for 1 .. 10;
is threads(), $threads + 1, 'one thread does it';
is scalar(grep { is_reset($_) } @clients), 0, 'all are still there';
close $_->{socket} for @clients;
ok $server->wait_for(sub { lingering($server) == 0 }, PATIENCE),
    'all of them go';

@clients = map { refused($server, does => 'flood') } 1 .. FLOODS;
ok $server->wait_for(sub { lingering($server) == FLOODS }, PATIENCE),
    'clients that flood linger';
my $memory = memory();
my $before = drained($server);
# the clients are a process of their own, so that GETs come in between
defined(my $pid = fork) or die "fork: $!\n";
if (!$pid) {
    follow(PATIENCE, @clients);
    POSIX::_exit(0);
}
my $served = 0;
ok $server->wait_for(sub {
        $served += is_served();
        return drained($server) - $before >= THROWN_AWAY * MB;
    }, PATIENCE), 'many bytes are thrown away';
cmp_ok $served, '>=', 1, 'GETs are served meanwhile';
cmp_ok memory() - $memory, '<', MEMORY, 'and no memory is taken for them';
is lingering($server), FLOODS, 'all are still there';
kill KILL => $pid;
waitpid $pid, 0;
close $_->{socket} for @clients;
ok $server->wait_for(sub { lingering($server) == 0 }, PATIENCE),
    'all of them go';
is join('', $server->crashes), '', 'nothing crashed';

done_testing();
