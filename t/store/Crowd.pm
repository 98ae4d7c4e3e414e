package Crowd;

=head1 NAME

Crowd - many clients at once

=head1 SYNOPSIS

    my @did = crowd(clients => 16, servers => \@httpd, path => '/witness/a',
        uploads => 100);
    my @admitted = grep { $_->{admitted} } @did;
    cmp_ok most_at_once(@did), '<=', 5;

=head1 FUNCTIONS

=over

=item crowd(%o)

Each client is a process. One after the other, and to the servers in turn, it
begins so many uploads of C<bytes> (1000) that ask first. If it is to go on, it
waits up to C<pause> seconds (0.004, at random), sends the content, and reads
the response. C<path> is a path, or code that gets the number of the client and
of the upload, and returns a path and header lines. C<drops>: code that gets the
same, and returns whether the client closes the connection in place of sending
the content. C<crowded>: none sends the content before some upload was refused,
so that it is certain that there are more clients than places.

Returns what became of each: { client, nth, server, status, admitted, dropped,
since, until }; the times between which it was certainly under way, by a clock
that is the same for all.

=item most_at_once(@did)

How many of them were certainly under way at the same time.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET ();
use POSIX ();
use Socket ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use ExpectTest ();
use File;

our @EXPORT = qw(crowd most_at_once);

use constant RECONNECTS => 3;

sub now { return clock_gettime(CLOCK_MONOTONIC) }

sub connected {
    my($server) = @_;
    my $socket = IO::Socket::INET->new(Timeout => ExpectTest::WAIT,
        PeerAddr => '127.0.0.1:' . $server->port) or die "connect: $!\n";
    setsockopt $socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1;
    return $socket;
}

# All of a chunked body, which the caller does not want (httpd 2.5 sends some).
sub drop_chunks {
    my($socket) = @_;
    while (defined(my $line = <$socket>)) {
        my $size = hex $line;
        read $socket, my $chunk, $size + 2;
        last if !$size;
    }
}

# The status of the next response, and whether the connection ends; its body is
# out of the way.
sub response {
    my($socket) = @_;
    my $line = <$socket> // return (0, 1);
    my($status) = $line =~ m{^HTTP/1\.1 (\d+)} or die "no response: $line";
    my($length, $closes, $is_chunked) = (0, 0, 0);
    while (defined($line = <$socket>) && $line =~ /\S/) {
        $length = $1 if $line =~ /^Content-Length: (\d+)/i;
        $closes = 1 if $line =~ /^Connection: close/i;
        $is_chunked = 1 if $line =~ /^Transfer-Encoding: chunked/i;
    }
    drop_chunks($socket) if $is_chunked;
    read $socket, my $body, $length if $length;
    return ($status, $closes);
}

sub wait_for_refusal {
    my($file) = @_;
    my $until = now() + ExpectTest::WAIT;
    select undef, undef, undef, 0.002 while !-e $file && now() < $until;
}

sub one_upload {
    my($o, $did, $connections) = @_;
    my($client, $nth) = @$did{qw(client nth)};
    my $server = $o->{servers}[$did->{server}];
    my($path, @headers) = ref $o->{path} ? $o->{path}->($client, $nth)
                                         : $o->{path};
    my $kept = delete $connections->{$did->{server}};
    my $socket = $kept // connected($server);
    my $head = join "\r\n", "PUT $path HTTP/1.1", 'Host: x',
        'Expect: 100-continue', "Content-Length: $o->{bytes}", @headers,
        '', '';
    print {$socket} $head;
    ($did->{status}) = response($socket);
    # a busy httpd closes connections before it has read from them, or says that
    # it has waited for too long
    for (1 .. RECONNECTS) {
        last if $did->{status} && $did->{status} != 408;
        $socket = connected($server);
        print {$socket} $head;
        ($did->{status}) = response($socket);
    }
    if ($did->{status} != 100) {
        spew($o->{refused}, '') if $o->{crowded};
        return;
    }
    @$did{qw(admitted since)} = (1, now());
    wait_for_refusal($o->{refused}) if $o->{crowded};
    select undef, undef, undef, rand $o->{pause} if $o->{pause};
    $did->{until} = now();
    if ($o->{drops} && $o->{drops}->($client, $nth)) {
        $did->{dropped} = 1;
        close $socket;
        return;
    }
    print {$socket} 'x' x $o->{bytes};
    ($did->{status}, my $closes) = response($socket);
    $connections->{$did->{server}} = $socket unless $closes;
}

sub one_client {
    my($o, $client, $out) = @_;
    my %connections;
    local $SIG{PIPE} = 'IGNORE';
    srand $client;
    for my $nth (1 .. $o->{uploads}) {
        my %did = (client => $client, nth => $nth,
            server => ($client + $nth) % @{ $o->{servers} });
        one_upload($o, \%did, \%connections);
        print {$out} join(' ', %did), "\n";
    }
}

sub crowd {
    my %o = (clients => 16, bytes => 1000, pause => 0.004, @_,
        refused => ExpectTest::conf_var('t_logs') . "/crowd-$$-refused");
    my(@from, @did);
    unlink $o{refused};
    for my $client (1 .. $o{clients}) {
        my $pid = open(my $in, '-|') // die "fork: $!\n";
        if (!$pid) {
            one_client(\%o, $client, \*STDOUT);
            close STDOUT;
            POSIX::_exit(0);
        }
        push @from, $in;
    }
    for my $in (@from) {
        push @did, map { +{ split ' ' } } <$in>;
        close $in;
    }
    return @did;
}

sub most_at_once {
    my @at = sort { $a->[0] <=> $b->[0] || $a->[1] <=> $b->[1] }
        map { [$_->{since}, 1], [$_->{until}, -1] }
        grep { $_->{admitted} } @_;
    my($now, $most) = (0, 0);
    for (@at) {
        $now += $_->[1];
        $most = $now if $now > $most;
    }
    return $most;
}

1;
