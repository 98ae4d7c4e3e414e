#!/usr/bin/perl
# Places in flight have leases: those of long uploads are renewed, those of
# servers and processes that die end, and a server that was suspended for long
# goes on. A process that ends in good order gives its places back at once.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules', 't/linger';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use Admission;
use Lingering qw(child_pids);
use Store;

use constant { LEASE => 3, LIMIT => 3 };

# A busy machine is late.
use constant LATE => 3;

my $redis = redis();
my $rules = <<"CONF";
<Location /witness/a>
    ExpectRequire in-flight uploads=@{[ LIMIT ]} bytes=1M
</Location>
CONF

sub server { return fleet_httpd($redis, $rules, 'timeout=5000',
    'lease=' . LEASE) }

sub hold_some {
    my($httpd, $n) = @_;
    my @held = map { hold($httpd, path => '/witness/a', content => 1000) }
        1 .. $n;
    is_deeply [map { "@{ $_->{r}{interim} }" } @held], [(100) x $n],
        "$n are under way";
    return @held;
}

sub may_crash {
    my($httpd) = @_;
    open my $fh, '>', $httpd->dir . '/may-crash' or die "may-crash: $!\n";
}

# When the lease of each place ends.
sub ends {
    my($key) = @{ $redis->call('KEYS', '*:f') };
    return @{ $redis->call('ZRANGE', $key, 0, -1, 'WITHSCORES') // [] }
        if $key;
    return;
}

# Those that have not ended.
sub leases {
    my($now, %ends) = ($redis->call('TIME')->[0], ends());
    return grep { $_ / 1000 > $now } values %ends;
}

# Whether one more upload is admitted, in time.
sub soon_admitted_ok {
    my($name, $httpd, $seconds) = @_;
    my($since, $status) = (time, 0);
    while (time - $since < $seconds + LATE) {
        $status = upload(vhost => $httpd, path => '/witness/a', content => 9,
            asks => 1, unwitnessed => 1)->{status};
        last if $status == 200;
        select undef, undef, undef, 0.05;
    }
    is $status, 200, $name;
    return time - $since;
}

sub refused_now {
    my($name, $httpd) = @_;
    is upload(vhost => $httpd, path => '/witness/a', content => 9, asks => 1,
        unwitnessed => 1)->{status}, 503, $name;
}

# --- a long upload ------------------------------------------------------------

{
    my $httpd = server();
    my @held = hold_some($httpd, LIMIT);
    my %first = ends();
    is scalar(keys %first), LIMIT, 'long: each has a lease';
    ok comes_true(sub {
        my %now = ends();
        return !grep { $now{$_} < $first{$_} + 1000 * LEASE } keys %first;
    }), 'long: they are renewed, for longer than a lease';
    refused_now('long: no place is free', $httpd);
    is finish($_)->{status}, 200, 'long: one ends' for @held;
    is scalar($redis->places), 0, 'long: its place is free at once';
    soon_admitted_ok('long: for the next', $httpd, 0);
}

# --- a server dies ------------------------------------------------------------

{
    my($dies, $lives) = (server(), server());
    my @held = hold_some($dies, LIMIT);
    refused_now('dies: no place is free', $lives);
    may_crash($dies);
    kill KILL => -$dies->pid;
    waitpid delete $dies->{pid}, 0;
    soon_admitted_ok('dies: its places are free when their leases end', $lives,
        LEASE);
    ok comes_true(sub { !leases() }), 'dies: all of them';
}

# --- a process dies -----------------------------------------------------------

# mpm_itk's children have children.
if (($ENV{TEST_MPM} // '') ne 'itk') {
    my $httpd = server();
    my @held = hold_some($httpd, LIMIT);
    may_crash($httpd);
    kill KILL => child_pids($httpd);
    soon_admitted_ok('process: as well', $httpd, LEASE);
}

# --- a server is suspended for longer than a lease ----------------------------

{
    my($stops, $other) = (server(), server());
    my @held = hold_some($stops, LIMIT);
    kill STOP => -$stops->pid;
    ok comes_true(sub { !leases() }), 'stopped: its leases end';
    soon_admitted_ok('stopped: its places are for others', $other, LEASE);
    my @others = hold_some($other, LIMIT);
    kill CONT => -$stops->pid;
    ok comes_true(sub { $redis->places == 2 * LIMIT }),
        'stopped: its uploads go on, and count';
    refused_now('stopped: for others as well', $other);
    is finish($_)->{status}, 200, 'stopped: one ends' for @held, @others;
    ok comes_true(sub { !$redis->places }), 'stopped: nothing is left';
}

# --- in good order ------------------------------------------------------------

# prefork's processes end at once. Those of event and worker wait for uploads,
# until httpd kills them after ten seconds: then leases end.
{
    my($httpd, $other) = (server(), server());
    my @held = hold_some($httpd, LIMIT);
    my $is_quick = !has_h2();
    may_crash($httpd);
    kill TERM => $httpd->pid;
    if ($is_quick) {
        my $time = $redis->call('TIME');
        ok comes_true(sub { !$redis->places }), 'TERM: places are given back';
        my $now = $redis->call('TIME');
        cmp_ok $now->[0] - $time->[0], '<', LEASE - 1, 'TERM: at once';
    }
    soon_admitted_ok('TERM: others have the places', $other,
        $is_quick ? 0 : 15 + LEASE);
    waitpid delete $httpd->{pid}, 0;
    $redis->call('FLUSHALL');
}

{
    my $httpd = server();
    my @held = hold_some($httpd, LIMIT);
    $httpd->graceful;
    my %first = ends();
    ok comes_true(sub {
        my %now = ends();
        return keys(%now) == LIMIT
            && !grep { $now{$_} < $first{$_} + 1000 * LEASE } keys %first;
    }), 'graceful: uploads go on, and their leases are renewed';
    refused_now('graceful: no place is free', $httpd);
    is finish($_)->{status}, 200, 'graceful: one ends' for @held;
    ok comes_true(sub { !$redis->places }), 'graceful: nothing is left';
}

# An upload whose client goes away.
{
    my $httpd = server();
    my @held = hold_some($httpd, LIMIT);
    drop($_) for @held;
    ok comes_true(sub { !$redis->places }), 'aborted: all places are free';
}

done_testing();
