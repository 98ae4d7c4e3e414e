package Report;

# The tables: a row for each case that was measured.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(sum);

use File;
use Peers ();
use Servers;
use Util;

our @EXPORT = qw(head_of row_of machine memory_rows verdict);

my %FORMAT = (
    floor => '%-13s  %-47s  %-27s  %-27s  %-27s  %-13s %7s  %-12s  %s',
    peers => '%-12s  %-16s  %8s  %-27s  %-27s  %-27s  %-27s  %-15s  %-17s  %s',
    slow => '%-12s  %-18s  %-7s  %9s  %5s  %-21s  %-21s  %-21s  %-22s  %s',
    fleet => '%-14s  %-46s  %-13s  %-27s  %-13s  %-27s  %-27s  %-24s  %s',
    servers => '%-8s %3s  %13s  %-27s  %-13s  %9s  %10s  %11s',
    redis => '%-13s  %-36s  %9s  %9s',
    growth => '%-11s %6s  %-27s  %-27s  %-15s %9s  %-13s  %-12s  %s',
);
my %HEAD = (
    floor => [qw(case A/B), 'rate A/B', 'time B/A', 'cpu B/A', 'instr A/B',
              'more', 'target', ''],
    peers => ['job', 'B', 'B per s', 'rate A/B', 'p50 B/A', 'p99 B/A',
              'cpu B/A', 'cpu us A/B', 'sent A/B', ''],
    slow => ['clients', 'server', 'MPM', 'refused/s', 'GETs', 'p50 alone',
             'p50', 'p95', 'target', ''],
    fleet => [qw(case A/B), 'p50 ms A/B', 'p50 A-B, ms', 'p99 ms A/B',
              'p99 A-B, ms', 'p50 B/A', 'target', ''],
    servers => ['httpds', 'N', 'per s A/B', 'rate A/B', 'p50 ms A/B',
                'Redis us', 'Redis busy', 'connections'],
    redis => ['command', '', 'per s', 'Redis us'],
    growth => ['curve', 'N', 'rate A/B', 'time B/A', 'instr A/B', 'more',
               'MB A/B', 'target', ''],
);
my %TITLE = (
    floor  => 'What it costs, and the floor',
    peers  => 'A: mod_expect; B: other ways to do the same',
    slow   => 'A GET beside 200 refused clients that stay for 300 ms each: '
              . 'milliseconds',
    growth => 'How cost grows',
    fleet  => 'What a store adds to an upload, one at a time',
    servers => 'Several servers and one Redis, all on this machine; processor '
               . 'time of Redis for one upload',
    redis  => 'What one Redis can do, by redis-benchmark',
);

# Of the machine: the numbers are its own.
sub machine {
    my($model) = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.*)/m;
    my $cores = () = slurp('/proc/cpuinfo') =~ /^processor/mg;
    my($load) = slurp('/proc/loadavg') =~ /^(\S+)/;
    return sprintf '%s, %d processors, load %s at the start; %s',
        $model // 'unknown', $cores, $load // '?', join ', ',
        map { $_ . ' ' . version_of($_) } qw(httpd nginx haproxy lighttpd
                                                redis-server);
}

sub head_of {
    my($part) = @_;
    return ('', $TITLE{$part}, '', sprintf $FORMAT{$part}, @{ $HEAD{$part} });
}

sub target {
    my($case) = @_;
    return defined $case->{ratio} ? "rate >= $case->{ratio}"
        : defined $case->{p50_max}
            ? "p50 <= $case->{p50_max}, p95 <= $case->{p95_max}"
        : defined $case->{p50_more}
            ? "p50 +$case->{p50_more}, p99 +$case->{p99_more}"
        : defined $case->{instructions} ? "more <= $case->{instructions}"
        : '-';
}

# "?": the target lies in the interval of the median.
sub verdict {
    my($case, $got) = @_;
    my $least = $case->{ratio};
    if (defined $least) {
        my($low, $high) = interval(@{ $got->{rate} });
        return (median(@{ $got->{rate} }) >= $least ? 'ok' : 'BELOW')
            . ($low < $least && $high > $least ? '?' : '');
    }
    if (defined $case->{p50_max}) {
        return (grep { median(@{ $got->{$_} }) > $case->{"${_}_max"} }
                qw(p50 p95)) ? 'OVER' : 'ok';
    }
    return verdict_of_more($case, $got) if defined $case->{p50_more};
    return '-' unless $got->{instr} && defined $case->{instructions};
    return $got->{instr}[0] - $got->{instr}[1] <= $case->{instructions}
        ? 'ok' : 'OVER';
}

sub verdict_of_more {
    my($case, $got) = @_;
    my($is_over, $is_open);

    for my $key (qw(p50_more p99_more)) {
        my($low, $high) = interval(@{ $got->{$key} });
        my $most = $case->{$key};
        $is_over ||= median(@{ $got->{$key} }) > $most;
        $is_open ||= $low < $most && $high > $most;
    }
    return ($is_over ? 'OVER' : 'ok') . ($is_open ? '?' : '');
}

sub instr {
    my($got) = @_;
    my $instr = $got->{instr} or return ('-', '-');
    return (sprintf('%.0f/%.0f', @$instr),
            sprintf('%+.0f', $instr->[0] - $instr->[1]));
}

# Bytes, short.
sub bytes {
    my($n) = @_;
    return $n < 1000 ? sprintf '%.0f', $n
        : $n < 1_000_000 ? sprintf '%.1f kB', $n / 1000
        : sprintf '%.1f MB', $n / 1_000_000;
}

sub pair_of {
    my($pair, $show) = @_;
    return $pair ? join '/', map { $show->($_) } @$pair : '-';
}

# Microseconds of processor time for one request.
sub cpu_of {
    my($got) = @_;
    my @cpu = map { $got->{"cpu_$_"} } qw(a b);
    return '-' if grep { !defined } map { @$_ } @cpu;
    return join '/', map { sprintf '%.0f', median(@$_) / 1000 } @cpu;
}

# Medians of A and of B.
sub both {
    my($got, $key) = @_;
    return join '/', map { Util::short(median(@{ $got->{"${key}_$_"} })) }
        qw(a b);
}

# Of a few: the median, the least and the greatest.
sub middle {
    my @sorted = sort { $a <=> $b } @_;
    return sprintf '%s (%s-%s)', map { Util::short($_) } median(@sorted),
        @sorted[0, -1];
}

my %ROW = (
    floor => sub {
        my($case, $got) = @_;
        return (@$case{qw(name shows)},
            (map { span(@{ $got->{$_} }) } qw(rate p50 cpu)), instr($got),
            target($case), verdict($case, $got));
    },
    peers => sub {
        my($case, $got) = @_;
        my $title = $Peers::TITLES{ $case->{peer} };
        return ($case->{name}, $title, ('-') x 7, "($case->{cannot})")
            if $case->{cannot};
        return ($case->{name}, $title,
            sprintf('%.0f', median(@{ $got->{rate_b} })),
            (map { span(@{ $got->{$_} }) } qw(rate p50 p99 cpu)),
            cpu_of($got), pair_of($got->{sent}, \&bytes),
            verdict($case, $got));
    },
    slow => sub {
        my($case, $got) = @_;
        return (@$case{qw(name title)}, $case->{mpm} // '-',
            sprintf('%.0f', median(@{ $got->{refused} })),
            sum(@{ $got->{gets} }),
            (map { middle(@{ $got->{$_} }) } qw(alone p50 p95)),
            target($case), verdict($case, $got));
    },
    fleet => sub {
        my($case, $got) = @_;
        return (@$case{qw(name shows)},
            (map { (both($got, $_), span(@{ $got->{"${_}_more"} })) }
                 qw(p50 p99)), span(@{ $got->{p50} }),
            target($case), verdict($case, $got));
    },
    servers => sub {
        my($case, $got) = @_;
        return (@$case{qw(name at)}, both($got, 'rate'),
            span(@{ $got->{rate} }), both($got, 'p50'),
            sprintf('%.0f', median(@{ $got->{redis_us} })),
            sprintf('%.0f%%', median(@{ $got->{redis_busy} })),
            median(@{ $got->{connections} }));
    },
    redis => sub {
        my($case, $got) = @_;
        return (@$case{qw(word shows)},
            map { sprintf '%.0f', median(@{ $got->{$_} }) } qw(rate redis_us));
    },
    growth => sub {
        my($case, $got) = @_;
        return (@$case{qw(name at)},
            (map { span(@{ $got->{$_} }) } qw(rate p50)), instr($got),
            pair_of($got->{pss}, sub { sprintf '%.1f', $_[0] / 1e6 }),
            target($case), verdict($case, $got));
    },
);

sub row_of {
    my($case, $got) = @_;
    my @cells = $ROW{ $case->{part} }->($case, $got);
    return sprintf($FORMAT{ $case->{part} }, @cells) =~ s/ +$//r;
}

sub memory_rows {
    my($requests, @memory) = @_;
    return ('', "Memory of a server (Pss) after $requests refusals", '',
            map { sprintf '%-16s  %6.1f MB', $Peers::TITLES{$_->[0]},
                  $_->[1] / 1e6 } @memory);
}

1;
