#!/usr/bin/perl
# Processes end while uploads are under way, in every way: what they held is
# free within two seconds, what others hold stays, and nobody waits for ever.

use strict;
use warnings;

use lib 't/admission', 't/other-modules', 't/linger';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use OtherModules;
use Lingering qw(child_pids ends);
use Admission;

use constant { ALL => 10, BYTES => 1_000_000, ROUNDS => 10, HELD => 4 };

my @h2 = (0, has_h2() ? 1 : ());
my $mpm = $ENV{TEST_MPM} // '';
my $path = '/witness/a';
my %all = ('in-flight-uploads' => ALL, 'in-flight-bytes' => BYTES);

# Two processes, or as many as prefork needs; there is room for those of old
# generations.
my $conf = ($mpm =~ /^(?:prefork|itk)$/
    ? "StartServers 8\nMinSpareServers 4\nMaxSpareServers 8\n"
    : "StartServers 2\nThreadsPerChild 25\nMinSpareThreads 25\n"
      . "MaxSpareThreads 100\nMaxRequestWorkers 200\nServerLimit 8\n")
    . "GracefulShutdownTimeout 5\n<Location $path>\n"
    . 'ExpectRequire in-flight uploads=' . ALL . "\n"
    . 'ExpectRequire in-flight bytes=' . BYTES . "\n"
    . 'ExpectRequire quota per=366d bytes=1000000000' . "\n</Location>\n";

my @folders;

sub new_server {
    my $server = h2_httpd($conf);
    push @folders, $server->dir;
    # for t/run: what is killed here has not crashed
    open my $fh, '>', $server->dir . '/may-crash' or die "may-crash: $!\n";
    return $server;
}

sub works_ok {
    my($name, $server) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $h2 (@h2) {
        is upload(vhost => $server, path => $path, content => 10, h2 => $h2,
            asks => 1, unwitnessed => 1)->{status}, 200,
            "$name: uploads go on, h2 $h2";
    }
}

sub hold_some {
    my($server, $n, %o) = @_;
    return map { hold($server, path => $path, content => 1000,
        h2 => $_ % @h2, %o) } 1 .. $n;
}

# So many uploads can be under way now, and no more. What the dead have held is
# given back when somebody needs it.
sub free_ok {
    my($name, $server, $free) = @_;
    my($got, $until) = (-1, time + Admission::FREE);
    while ($got != $free && time < $until) {
        my @held;
        while (@held <= ALL) {
            my $upload = hold($server, path => $path, content => BYTES / ALL);
            "@{ $upload->{r}{interim} }" eq '100' or last;
            push @held, $upload;
        }
        $got = @held;
        finish($_) for @held;
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $got, $free, $name;
}

# All processes: mpm_itk's children have one for each connection.
sub processes {
    my($server) = @_;
    return map { ($_, child_pids($_)) } child_pids($server);
}

# The process that has the server's end of an upload's connection.
sub process_of {
    my($server, $upload) = @_;
    my $port = sprintf '%04X', $upload->{wire}{socket}->sockport;
    open my $fh, '<', '/proc/net/tcp' or die "tcp: $!\n";
    my %is_its;
    while (my $line = <$fh>) {
        my(undef, undef, $client, @rest) = split ' ', $line;
        $is_its{"socket:[$rest[6]]"} = $client =~ /:$port$/;
    }
    # under mpm_itk both have it; the one that serves it is the younger
    for my $pid (reverse processes($server)) {
        return $pid if grep { $is_its{ readlink($_) // '' } }
            glob "/proc/$pid/fd/*";
    }
    die "no process has the connection\n";
}

# --- kill -9 --------------------------------------------------------------------

{
    my $server = new_server();
    my $quota;
    for my $round (1 .. ROUNDS) {
        my @held = hold_some($server, HELD, chunked => $round % 2);
        left_ok("killed, $round: in flight", $server, $path,
            'in-flight-uploads' => ALL - HELD);
        kill KILL => processes($server);
        free_ok("killed, $round: all is free", $server, ALL);
    }
    works_ok('killed', $server);
    left_ok('killed: and free again', $server, $path, %all);
    cmp_ok left($server, $path)->{'quota-bytes-366d'}, '>=',
        1_000_000_000 - ROUNDS * (HELD * 1000 + ALL * BYTES), 'killed: the quota'
        . ' is not overspent';
}

# only one of them: what the other holds stays
{
    my $server = new_server();
    my @held = hold_some($server, 6);
    my %of;
    push @{ $of{ process_of($server, $_) } }, $_ for @held;
    my($victim) = sort keys %of;
    kill KILL => $victim;
    my $others = @held - @{ $of{$victim} };
    free_ok("one is killed: its places are free, $others are not", $server,
        ALL - $others);
    for my $pid (grep { $_ ne $victim } keys %of) {
        is finish($_)->{status}, 200, 'one is killed: the others go on'
            for @{ $of{$pid} };
    }
    left_ok('one is killed: all is free in the end', $server, $path, %all);
    works_ok('one is killed', $server);
}

# --- SIGTERM to a process ---------------------------------------------------------

for my $round (1 .. 3) {
    my $server = new_server();
    my @held = hold_some($server, HELD);
    kill TERM => processes($server);
    # event and worker wait for their threads; so the clients go away
    drop($_) for @held;
    free_ok("SIGTERM to the processes, $round: all is free", $server, ALL);
    works_ok("SIGTERM to the processes, $round", $server);
}

# --- graceful restarts --------------------------------------------------------------

{
    my $server = new_server();
    my @held = hold_some($server, HELD);
    for my $round (1 .. 3) {
        ok $server->graceful, "graceful, $round";
        left_ok("graceful, $round: they are still in flight", $server, $path,
            'in-flight-uploads' => ALL - HELD);
        my @more = hold_some($server, ALL - HELD);
        is upload(vhost => $server, path => $path, content => 5, asks => 1)
            ->{status}, 503, "graceful, $round: and count";
        is finish($_)->{status}, 200, "graceful, $round: one of the new ends"
            for @more;
    }
    my @old = map { $_->{h2} ? () : $_ } @held;
    is finish($_)->{status}, 200, 'graceful: one of the old ends' for @old;
    drop($_) for grep { $_->{h2} } @held;
    left_ok('graceful: all is free in the end', $server, $path, %all);

    # their processes are killed, which belong to no generation of today
    my @last = hold_some($server, HELD);
    ok $server->graceful, 'graceful, and killed';
    kill KILL => processes($server);
    free_ok('graceful, and killed: all is free', $server, ALL);
    works_ok('graceful', $server);
}

# --- restart, stop ------------------------------------------------------------------

if (restarts_once()) {
    my $server = new_server();
    my @held = hold_some($server, HELD);
    my $mark = log_mark($server);
    kill HUP => $server->pid;
    ok $server->wait_for(sub {
        grep { /resuming normal operations/ } error_log_since($mark)
    }, 20), 'restart';
    free_ok('restart: all is free', $server, ALL);
    works_ok('restart', $server);
}
for my $signal ('TERM', 'WINCH') {
    my $server = new_server();
    my @held = hold_some($server, HELD);
    kill $signal => $server->pid;
    if ($signal eq 'WINCH') {
        finish($_) for grep { !$_->{h2} } @held;
        drop($_) for grep { $_->{h2} } @held;
    }
    ok ends($server), "SIG$signal: the server ends";
}

done_testing();

# Processes that mpm_itk has forked outlive their server: SIGTERM hangs in the
# cleanup of mod_http2's threads, which such a process does not have. Without
# mod_expect it is the same.
END {
    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $fh, '<', $file or next;
        my $command = <$fh> // '';
        my($pid) = $file =~ /(\d+)/;
        kill KILL => $pid if grep { index($command, "$_/httpd.conf") >= 0 }
            @folders;
    }
}
