#!/usr/bin/perl
# Processes end while uploads are under way, in every way: what they held is
# free within two seconds, what others hold stays, and nobody waits for ever.

use strict;
use warnings;

use lib 't/admission', 't/other-modules', 't/linger';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use File;
use OtherModules;
use Lingering qw(child_pids ends);
use Admission;

use constant { ALL => 16, BYTES => 1_000_000, KILLS => 200, HELD => 12 };

my @h2 = (0, has_h2() ? 1 : ());
my $mpm = $ENV{TEST_MPM} // '';
my $path = '/witness/a';
my %all = ('in-flight-uploads' => ALL, 'in-flight-bytes' => BYTES);

my $forks = $mpm =~ /^(?:prefork|itk)$/;

# Several processes, so that uploads are under way in some of them, and others
# are there to be asked when these have been killed. httpd replaces them within
# a second or a few; where that would take its time, there are many.
sub conf {
    my($is_many) = @_;
    my($processes, $most) = $forks ? ($is_many ? 56 : 32, 120)
                                   : ($is_many ? 16 : 6, 24);
    return ($forks
        ? "StartServers $processes\nMinSpareServers $processes\n"
          . "MaxSpareServers 100\nMaxRequestWorkers $most\n"
        : "StartServers $processes\nThreadsPerChild 8\n"
          . 'MinSpareThreads ' . 8 * $processes . "\n"
          . "MaxSpareThreads 192\nMaxRequestWorkers 192\n")
        . "ServerLimit $most\nGracefulShutdownTimeout 5\n"
        . "<Location $path>\n"
        . 'ExpectRequire in-flight uploads=' . ALL . "\n"
        . 'ExpectRequire in-flight bytes=' . BYTES . "\n"
        . "ExpectRequire quota per=366d bytes=1000000000\n</Location>\n";
}

# Waits until there are enough processes that live. Where each has one upload:
# for those that are killed, and for those that are sent then.
sub enough_ok {
    my($name, $server, $is_many) = @_;
    my $enough = $forks ? HELD + ALL : $is_many ? HELD : 1;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok $server->wait_for(sub {
        $enough < grep { slurp("/proc/$_/stat") =~ /\) [^Z] / }
            child_pids($server);
    }, 20), "$name: there are enough processes";
}

my @folders;

sub new_server {
    my $server = h2_httpd(conf(@_));
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

# A connection that was taken by a process of an old generation may be closed
# before anything of it was read. The client tries again then.
sub hold_anew {
    my($server, $nth) = @_;
    for (1 .. 10) {
        my $upload = hold($server, path => $path, content => 1000,
            h2 => $nth % @h2);
        return $upload if @{ $upload->{r}{interim} }
            || defined $upload->{r}{status};
    }
    die "no process answers\n";
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

# The sockets of TCP: the ports at both ends, the state, the name as a process
# has it.
sub sockets {
    open my $fh, '<', '/proc/net/tcp' or die "tcp: $!\n";
    my @rows = map { [split] } grep { /^\s*\d/ } <$fh>;
    return map { +{ near => hex $_->[1] =~ s/.*://r,
        far => hex $_->[2] =~ s/.*://r, listens => $_->[3] eq '0A',
        name => "socket:[$_->[9]]" } } grep { $_->[9] } @rows;
}

# The names of those of some sockets that a process has; the names of all of
# these are keys.
sub opened {
    my($pid, $names) = @_;
    return grep { $names->{$_} } map { readlink($_) // '' }
        glob "/proc/$pid/fd/*";
}

# The processes that have the server's ends of the uploads' connections, each
# with its uploads.
sub holders {
    my($server, @uploads) = @_;
    my %of_port = map { $_->{wire}{socket}->sockport => $_ } @uploads;
    my %of_socket = map { ($_->{name} => $of_port{ $_->{far} }) }
        grep { $of_port{ $_->{far} } } sockets();
    my %pid;
    # under mpm_itk both have it; the one that serves it is the younger
    for my $pid (processes($server)) {
        $pid{ $of_socket{$_} } = $pid for opened($pid, \%of_socket);
    }
    my %holders;
    push @{ $holders{ $pid{$_} // die "no process has the connection\n" } }, $_
        for @uploads;
    return \%holders;
}

# A new generation has begun, and the processes of the old one take no more
# connections. An upload by HTTP/2 that one of them takes is not finished: its
# connection ends with a GOAWAY, as without mod_expect.
sub graceful_ok {
    my($name, $server) = @_;
    my @old = child_pids($server);
    my $has_begun = $server->graceful;
    my %listens = map { $_->{name} => 1 }
        grep { $_->{listens} && $_->{near} == $server->port } sockets();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok $has_begun && %listens && $server->wait_for(sub {
        !grep { opened($_, \%listens) } @old;
    }, 20), $name;
}

# --- kill -9 ------------------------------------------------------------------

# Those that have uploads, and no others: what these say is not delayed by the
# start of new ones.
{
    my $server = new_server('many');
    my($kills, $rounds) = (0, 0);
    while ($kills < KILLS) {
        my $round = ++$rounds;
        enough_ok("killed, $round", $server, 'many') or last;
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
{
    my $server = new_server();
    my @held = hold_some($server, HELD);
    kill KILL => processes($server);
    free_ok('all are killed: all is free', $server, ALL);
    works_ok('all are killed', $server);
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
        enough_ok("SIGTERM, $round", $server);
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
        graceful_ok("graceful, $round", $server);
        left_ok("graceful, $round: they are still in flight", $server, $path,
            'in-flight-uploads' => ALL - HELD);
        my @more = map { hold_anew($server, $_) } 1 .. ALL - HELD;
        is finish(hold_anew($server, $round))->{status}, 503,
            "graceful, $round: and count";
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
    graceful_ok('graceful, and killed', $server);
    kill KILL => @old_ones;
    free_ok('graceful, and killed: all is free', $server, ALL);
    works_ok('graceful', $server);
}

# --- restart, stop ------------------------------------------------------------

# At once: event waits some time for threads of HTTP/2.
{
    my @signals = (restarts_once() ? 'HUP' : (), 'TERM', 'WINCH');
    my %server = map { $_ => new_server() } @signals;
    my %held = map { $_ => [hold_some($server{$_}, HELD)] } @signals;
    my $mark = $server{HUP} && log_mark($server{HUP});
    kill $_ => $server{$_}->pid for @signals;
    $_->{h2} ? drop($_) : finish($_) for @{ $held{WINCH} };
    ok ends($server{$_}), "SIG$_: the server ends" for qw(WINCH TERM);
    if ($server{HUP}) {
        ok $server{HUP}->has_begun($mark, 30), 'restart';
        free_ok('restart: all is free', $server{HUP}, ALL);
        works_ok('restart', $server{HUP});
    }
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
