package Measure;

# Measures a case: two sides, A and B, each a server and a request.
#
#     { a => ['expect', 'refuse', 417], b => ['limit', 'refuse', 413] }
#
# A side is the server, the request and the statuses that it expects. More that
# a case may say:
#
#     rounds    so many, and not the part's own number of them
#     clients, seconds, n    of one measurement: it ends with either
#     paired    requests of one measurement of time, both sides in turn;
#               0: the times are those of the measurements of rates, as over
#               HTTP/2, where the server's name ends in /h2
#     anew      each round has its servers started anew, so that no figure is
#               that of one start
#     held      an upload of each side is under way meanwhile, and is the first
#     counted   requests whose instructions are counted; 0: none are

use strict;
use warnings;

use Exporter qw(import);

use Client;
use File;
use Servers;
use Util;

our @EXPORT = qw(ratios counts by_function);

use constant H2_MOST => 100;        # requests of one connection
use constant PATIENCE => 60;        # seconds for one measurement
use constant WARM => 50;            # requests of the shorter callgrind run
use constant COUNTED => 640;        # requests that the longer one adds: all
                                    # lengths of the padding alike often
use constant PAIRED => 400;         # requests of one measurement of time
use constant TELLING => 100;        # so many, and there is a 99th percentile

# --- rates and times -------------------------------------------------

# So many for each side of the case that the longer run lasts as long as one of
# HTTP/1.1: with fewer, the start of a connection would count for more. For each
# client no more than nginx lets a connection have, which counts refused content
# as a flood.
sub h2_requests {
    my($case) = @_;
    my $clients = $case->{clients} // $opt{clients};
    return $case->{h2_requests} //= do {
        my($slow) = sort { $a <=> $b } map {
            load_h2($case->{$_}, H2_MOST * $clients, $clients)->{rate}
        } qw(a b);
        my $n = $slow * ($case->{seconds} // $opt{seconds}) / $clients;
        $clients * ($n < 2 ? 2 : $n > H2_MOST ? H2_MOST : int $n);
    };
}

sub run_side {
    my($side, $case) = @_;
    my $clients = $case->{clients} // $opt{clients};
    return load_h2($side, h2_requests($case), $clients)
        if $side->[0] =~ m{/h2$};
    my($got) = load([$side], ['-c', $clients,
        '-t', $case->{seconds} // $opt{seconds},
        $case->{n} ? ('-n', $case->{n}) : ()]);
    return $got;
}

# One short run. On a machine that is busy otherwise, it may fall into a gap
# without any request.
sub rate {
    my($side, $case) = @_;
    my $pid = server_pid($side->[0]);

    for (1 .. 10) {
        my $before = cpu($pid);
        my $got = run_side($side, $case);
        my $after = cpu($pid);
        next unless $got->{requests};
        my $begun = $got->{begun} // $got->{requests};
        $got->{cpu} = defined $after ? ($after - $before) / $begun : undef;
        $got->{left} /= $begun if defined $got->{left};
        return $got;
    }
    die "t/bench/run: @$side: no answer\n";
}

# Both sides in turn, one request at a time.
sub pair {
    my($case) = @_;
    my($a, $b) = load([@$case{qw(a b)}],
        ['-n', $case->{paired} // PAIRED, '-t', PATIENCE]);
    return { a => $a, b => $b };
}

# A round is A and B, then B and A; then both in turn.
sub one_round {
    my($case, $round, $all) = @_;
    my %got = map { $_ => rate($case->{$_}, $case) }
        $round % 2 ? qw(a b) : qw(b a);
    my $alone = $case->{a}[0] =~ m{/h2$} || defined $case->{paired}
        && !$case->{paired};
    my $times = $alone ? \%got : pair($case);

    for my $side (qw(a b)) {
        push @{ $all->{"${_}_$side"} }, $got{$side}{$_} for qw(rate cpu left);
    }
    push @{ $all->{rate} }, $got{a}{rate} / $got{b}{rate};
    push @{ $all->{cpu} }, $got{b}{cpu} / $got{a}{cpu} if $got{a}{cpu};
    push @{ $all->{p50} }, $times->{b}{p50_us} / $times->{a}{p50_us};
    push @{ $all->{p99} }, $times->{b}{p99_us} / $times->{a}{p99_us}
        if $times->{a}{requests} >= TELLING
           && $times->{b}{requests} >= TELLING;
}

# The uploads that are under way: for as long as the servers are, as all of them
# are stopped together.
my %held;

sub hold_once {
    my($side) = @_;
    my $key = join ' ', server_pid($side->[0]), $side->[1];
    $held{$key} //= hold($side);
}

sub begin {
    my($case) = @_;
    serve($case->{$_}[0]) for qw(a b);
    if ($case->{held}) {
        hold_once($case->{$_}) for qw(a b);
    }
    rate($case->{$_}, $case) for qw(a b);   # not counted: warming up
}

# A hash of lists, a value for each round: rate (A/B), p50, p99 and cpu (B/A),
# so over 1 is for A; for one request of A and of B: rate_a, rate_b; cpu_a,
# cpu_b, nanoseconds; left_a, left_b, bytes of content.
sub ratios {
    my($case, $rounds) = @_;
    my %all = map { $_ => [] } qw(rate cpu p50 p99);

    for my $round (1 .. $case->{rounds} // $rounds) {
        if ($case->{anew}) {
            end($case->{$_}[0]) for qw(a b);
        }
        begin($case) if $round == 1 || $case->{anew};
        one_round($case, $round, \%all);
    }
    return \%all;
}

# --- instructions ----------------------------------------------------

# Runs so many requests under callgrind; returns the file of its counts.
sub callgrind {
    my($side, $requests) = @_;
    my $out = "$work/callgrind.$side->[0].$side->[1].$requests";
    my($pid, $port) = start($side->[0], mpm => 'prefork', under =>
        ['valgrind', '-q', '--tool=callgrind', "--callgrind-out-file=$out"]);

    load([$side], ['-n', $requests, '-t', 300], { $side->[0] => $port });
    # gracefully: prefork's -X may lock up if TERM meets it at work
    stop($pid, 'USR1');
    -s $out or die "t/bench/run: callgrind left no counts\n";
    return $out;
}

my %instructions;

sub instructions {
    my($side, $counted) = @_;
    return $instructions{"@$side[0, 1] $counted"} //= do {
        my @sum = map {
            slurp(callgrind($side, $_)) =~ /^(?:totals|summary): (\d+)/m
                or die "t/bench/run: callgrind's file has no sum\n";
            $1;
        } WARM, WARM + $counted;
        ($sum[1] - $sum[0]) / $counted;
    };
}

# Instructions of A and B for one request, or none.
sub counts {
    my($case) = @_;
    my $counted = $case->{counted} // COUNTED;
    return if !$opt{callgrind} || !$counted;
    return map { instructions($case->{$_}, $counted) } qw(a b);
}

# Inclusive counts of each function for one request.
sub by_function {
    my($side, $counted) = @_;
    my @counts = map {
        my %count;
        for (output('callgrind_annotate', '--inclusive=yes',
                    '--threshold=99.99', '--show-percs=no',
                    callgrind($side, $_))) {
            my($n, $name) = /^\s*([\d,]+)\s+\S*?:([a-z_]\S*)/ or next;
            $n =~ tr/,//d;
            # a function has a row for each source file it has lines from
            $count{$name} = $n if $n > ($count{$name} // 0);
        }
        \%count;
    } WARM, WARM + ($counted || COUNTED);
    my %each;
    $each{$_} = ($counts[1]{$_} - ($counts[0]{$_} // 0))
        / ($counted || COUNTED) for keys %{ $counts[1] };
    return \%each;
}

1;
