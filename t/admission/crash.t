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

use constant { ALL => 16, BYTES => 1_000_000, KILLS => 200, HELD => 12 };

my @h2 = (0, has_h2() ? 1 : ());
my $mpm = $ENV{TEST_MPM} // '';
my $path = '/witness/a';
my %all = ('in-flight-uploads' => ALL, 'in-flight-bytes' => BYTES);

# Under prefork uploads have a process each: those that are killed, and those
# that are sent then.
my $enough = HELD + ($mpm =~ /^(?:prefork|itk)$/ ? ALL : 0);

# Many processes, so that uploads are under way in several of them, and others
# are there to be asked when these have been killed. httpd replaces them within
# a second or a few.
my $conf = ($mpm =~ /^(?:prefork|itk)$/
    ? "StartServers 60\nMinSpareServers 60\nMaxSpareServers 100\n"
      . "MaxRequestWorkers 120\nServerLimit 120\n"
    : "StartServers 16\nThreadsPerChild 8\nMinSpareThreads 128\n"
      . "MaxSpareThreads 192\nMaxRequestWorkers 192\nServerLimit 32\n")
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

# The processes that have the server's ends of the uploads' connections, each
# with its uploads.
sub holders {
    my($server, @uploads) = @_;
    my %of_port = map { sprintf('%04X', $_->{wire}{socket}->sockport) => $_ }
        @uploads;
    open my $fh, '<', '/proc/net/tcp' or die "tcp: $!\n";
    my(%of_socket, %pid);
    while (my $line = <$fh>) {
        my(undef, undef, $client, @rest) = split ' ', $line;
        my $upload = $of_port{ $client =~ s/.*://r } or next;
        $of_socket{"socket:[$rest[6]]"} = $upload if $rest[6];
    }
    # under mpm_itk both have it; the one that serves it is the younger
    for my $pid (processes($server)) {
        for (glob "/proc/$pid/fd/*") {
            my $upload = $of_socket{ readlink($_) // '' } or next;
            $pid{$upload} = $pid;
        }
    }
    my %holders;
    push @{ $holders{ $pid{$_} // die "no process has the connection\n" } }, $_
        for @uploads;
    return \%holders;
}

# --- kill -9 ------------------------------------------------------------------

# Those that have uploads, and no others: what these say is not delayed by the
# start of new ones.
{
    my $server = new_server();
    my($kills, $rounds) = (0, 0);
    while ($kills < KILLS) {
        my $round = ++$rounds;
        ok $server->wait_for(sub { child_pids($server) > $enough }, 20),
            "killed, $round: there are enough processes" or last;
        my @held = hold_some($server, HELD, chunked => $round % 2);
        left_ok("killed, $round: in flight", $server, $path,
            'in-flight-uploads' => ALL - HELD);
        my @victims = keys %{ holders($server, @held) };
        $kills += kill KILL => @victims;
        free_ok("killed, $round: all that " . @victims . ' have held is free',
            $server, ALL);
    }
    cmp_ok $kills, '>=', KILLS, 'killed: so many';
    works_ok('killed', $server);
    left_ok('killed: and free again', $server, $path, %all);
    cmp_ok left($server, $path)->{'quota-bytes-366d'}, '>=',
        1_000_000_000 - $rounds * (HELD * 1000 + ALL * BYTES), 'killed: the'
        . ' quota is not overspent';
}

# all of them at once: nobody is left to be asked
for my $round (1, 2) {
    my $server = new_server();
    my @held = hold_some($server, HELD);
    kill KILL => processes($server);
    free_ok("all are killed, $round: all is free", $server, ALL);
    works_ok("all are killed, $round", $server);
}

# only one of them: what the others hold stays
{
    my $server = new_server();
    my @held = hold_some($server, HELD);
    my $holders = holders($server, @held);
    my($victim) = sort keys %$holders;
    kill KILL => $victim;
    my $others = @held - @{ delete $holders->{$victim} };
    free_ok("one is killed: its places are free, $others are not", $server,
        ALL - $others);
    is finish($_)->{status}, 200, 'one is killed: the others go on'
        for map { @$_ } values %$holders;
    left_ok('one is killed: all is free in the end', $server, $path, %all);
    works_ok('one is killed', $server);
}

# --- SIGTERM to a process -----------------------------------------------------

{
    my $server = new_server();
    for my $round (1 .. 3) {
        ok $server->wait_for(sub { child_pids($server) > $enough }, 20),
            "SIGTERM, $round: there are enough processes";
        my @held = hold_some($server, HELD);
        kill TERM => keys %{ holders($server, @held) };
        # event and worker wait for their threads; so the clients go away
        drop($_) for @held;
        free_ok("SIGTERM to processes, $round: all is free", $server, ALL);
        works_ok("SIGTERM to processes, $round", $server);
    }
}

# --- graceful restarts --------------------------------------------------------

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
    my @old_ones = keys %{ holders($server, @last) };
    ok $server->graceful, 'graceful, and killed';
    kill KILL => @old_ones;
    free_ok('graceful, and killed: all is free', $server, ALL);
    works_ok('graceful', $server);
}

# --- restart, stop ------------------------------------------------------------

# At once: event waits some time for threads of HTTP/2.
{
    my %server = map { $_ => new_server() } qw(HUP TERM WINCH);
    my %held = map { $_ => [hold_some($server{$_}, HELD)] } keys %server;
    my $mark = log_mark($server{HUP});
    kill $_ => $server{$_}->pid for keys %server;
    $_->{h2} ? drop($_) : finish($_) for @{ $held{WINCH} };
    ok ends($server{$_}), "SIG$_: the server ends" for qw(WINCH TERM);
    ok $server{HUP}->wait_for(sub {
        grep { /resuming normal operations/ } error_log_since($mark)
    }, 20), 'restart';
    free_ok('restart: all is free', $server{HUP}, ALL);
    works_ok('restart', $server{HUP});
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
