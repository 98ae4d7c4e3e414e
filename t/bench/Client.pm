package Client;

# The clients of the bench, and the requests they send. A request is a row
# that request() makes:
#
#     Client::add(get => request('GET /files/small.txt'));
#
# load() and load_h2() run one kind of it and return what came of it:
# requests, rate, p50_us, p99_us, status_NNN and, of load(), p95_us, left and
# begun.

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET ();

use File;
use H2Client ();
use Servers;
use Util;

our @EXPORT = qw(request asks length_of typed add_requests load load_at_once
    load_h2 sent_h2 hold);

use constant WAIT => 30;                # seconds for an answer over HTTP/2

my %requests;

sub request {
    my($line, @fields) = @_;
    return join '', "$line HTTP/1.1\r\nHost: bench.example\r\n",
        "User-Agent: bench{p}\r\nAccept: */*\r\n", @fields, "\r\n";
}

sub asks { return "Expect: 100-continue\r\n" }

sub length_of { return "Content-Length: $_[0]\r\n" }

sub typed { return length_of($_[0]) . "Content-Type: image/png\r\n" }

sub add_requests {
    my(%rows) = @_;
    %requests = (%requests, %rows);
}

# --- HTTP/1.1 --------------------------------------------------------

sub head_file {
    my($name) = @_;
    my $file = "$work/$name.head";
    spew($file, $requests{$name} // die "t/bench/run: no request $name\n")
        unless -e $file;
    return $file;
}

# Dies unless all requests were answered with what the side expects.
sub check {
    my($side, $got, $what) = @_;
    my($server, $request, @statuses) = @$side;
    my $good = 0;

    say_line("    $server $request: " . join ' ', map { "$_=$got->{$_}" }
             sort keys %$got) if $opt{verbose};
    $good += $got->{"status_$_"} // 0 for @statuses;
    die "t/bench/run: $server, $request: not all were answered with ",
        "@statuses:\n$what" if $good != ($got->{requests} // -1);
}

# Runs the client against the sides' servers, in turn if there are two;
# returns a hash for each. $ports: name => port of servers that are not
# serve()d.
sub load {
    my($sides, $options, $ports) = @_;
    my @lines = output("$work/load",
        (map { ('-p', $ports->{$_->[0]} // server_port($_->[0])) } @$sides),
        @$options, map { head_file($_->[1]) } @$sides);
    my $failed = $?;
    my @all;

    for my $side (@$sides) {
        my $line = shift @lines // '';
        my %got = $line =~ /(\w+)=(\S+)/g;
        check($side, $failed ? {} : \%got, $line);
        push @all, \%got;
    }
    return @all;
}

# A client for each side, all at the same time; returns a hash for each.
sub load_at_once {
    my($sides, $options) = @_;
    my @heads = map { head_file($_->[1]) } @$sides;
    my @pipes = map { output_of("$work/load", '-p',
        server_port($sides->[$_][0]), @$options, $heads[$_]) } 0 .. $#$sides;

    return map {
        my $pipe = $pipes[$_];
        my $line = <$pipe> // '';
        my %got = $line =~ /(\w+)=(\S+)/g;
        check($sides->[$_], close $pipe ? \%got : {}, $line);
        \%got;
    } 0 .. $#$sides;
}

# Begins a side's upload, and leaves it under way: 100 Continue says that the
# server has admitted it, and waits for content that does not come.
sub hold {
    my($side) = @_;
    my($server, $request) = @$side;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => server_port($server)) or die "connect: $!\n";

    print $socket slurp(head_file($request)) =~ s/\{p\}//r;
    $socket->flush;
    my $answer = <$socket> // 'no answer';
    die "t/bench/run: $server, $request: not held: $answer\n"
        unless $answer =~ m{^HTTP/1\.1 100 };
    return $socket;
}

# --- HTTP/2 ----------------------------------------------------------

# Method, path, fields and length of a request's content.
sub parts {
    my($name) = @_;
    my($line, @fields) = split /\r\n/, $requests{$name}
        // die "t/bench/run: no request $name\n";
    my($method, $path) = split / /, $line;
    my %field = map { s/\{p\}//gr } map { my($key, $value) = split /: /, $_, 2;
                                       (lc $key, $value) } @fields;
    return ($method, $path, delete $field{'content-length'},
            map { [$_ => $field{$_}] } grep { $_ ne 'host' } sort keys %field);
}

# As many zeros; the file has no blocks.
sub content_file {
    my($length) = @_;
    my $file = "$work/content-$length";
    if (!-e $file) {
        spew($file, '');
        truncate $file, $length or die "$file: $!\n";
    }
    return $file;
}

sub percentile {
    my($sorted, $percent) = @_;
    return $sorted->[@$sorted * $percent / 100];
}

# h2load leaves a line for each request: begin in microseconds, status, and
# how many it took.
sub read_log {
    my($file) = @_;
    my($first, $last, @took);

    for (split /\n/, slurp($file)) {
        my($begin, undef, $us) = split /\t/;
        my $end = $begin + $us;
        $first = $begin if !defined $first || $begin < $first;
        $last = $end if !defined $last || $end > $last;
        push @took, $us;
    }
    die "t/bench/run: h2load left no times\n" unless @took && $last > $first;
    @took = sort { $a <=> $b } @took;
    return { requests => scalar @took, rate => @took * 1e6 / ($last - $first),
             p50_us => percentile(\@took, 50),
             p99_us => percentile(\@took, 99) };
}

# It counts statuses by their first digit, and knows no more of a response
# that is followed by a reset of the stream.
sub read_statuses {
    my($got, $said, @expected) = @_;
    my %first = map { int($_ / 100) => $_ } @expected;

    $got->{"status_$first{$_}"} = $said =~ /\b(\d+) ${_}xx/ ? $1 : 0
        for keys %first;
}

# h2load does not wait for 100 Continue: it sends what the windows allow.
sub load_h2 {
    my($side, $requests, $clients) = @_;
    my($method, $path, $length, @fields) = parts($side->[1]);
    my $log = "$work/h2load.log";
    my $url = 'http://127.0.0.1:' . server_port($side->[0]);
    unlink $log;
    my $said = output('h2load', '-n', $requests, '-c', $clients, '-m', 1,
        '-p', 'h2c', "--log-file=$log", '-H', ":method: $method",
        (map { ('-H', "$_->[0]: $_->[1]") } @fields),
        defined $length ? ('-d', content_file($length)) : (),
        map { $url . $path =~ s/\{c\}/$_/r } 0 .. $clients - 1);
    my $got = read_log($log);

    read_statuses($got, $said, @$side[2 .. $#$side]);
    check($side, $got, $said);
    return $got;
}

# Bytes of content that a client sends which does not wait.
sub sent_h2 {
    my($side) = @_;
    my($method, $path, $length, @fields) = parts($side->[1]);
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => server_port($side->[0])) or die "connect: $!\n";
    my $r = H2Client->new($socket)->request(
        head => [[':method' => $method], [':scheme' => 'http'],
                 [':path' => $path], [':authority' => 'bench.example'],
                 ['content-length' => $length], @fields],
        content => "\0" x $length, eager => 1, wait => WAIT);
    die "t/bench/run: @$side: HTTP/2: ", $r->{status} // 'no answer', "\n"
        unless grep { $_ == ($r->{status} // 0) } @$side[2 .. $#$side];
    return $r->{sent};
}

1;
