package Fleet;

# What several servers pay for deciding together (ExpectStore), and how many of
# them one Redis server can serve. All of them are on this machine: the way to
# Redis through a network comes on top.
#
# "fleet": one upload at a time, in turn to a server with a store (A) and to one
# without (B), which has the same rules and its ledger. Times are milliseconds;
# what an admitted upload adds is two round trips: the decision, and giving back
# when the content is over; a refused one has the decision only.
#
# "servers": N httpds at once, each with clients of its own, that share a Redis
# (A); as many without a store (B). "redis": commands of mod_expect sent by
# redis-benchmark, so that Redis has as little as possible beside it. (Its
# settle finds nothing to give back, and takes less than that of an upload.)

use strict;
use warnings;

use IO::Socket::INET ();
use Time::HiRes qw(time);

use Client;
use File;
use Measure ();
use Servers;
use Util;

use constant {
    PAIRED => 1000,                 # uploads of one measurement, A's and B's
    SECONDS => 0.5,                 # of one measurement of N httpds
    ROUND_TRIPS => 20_000,          # of one measurement by redis-benchmark
    AT_ONCE => 16,                  # its connections
    P50_MORE => 0.25,               # targets, milliseconds
    P99_MORE => 2,
};

my @SERVERS = (1, 2, 4);

# In a file of their own: that makes them the same rules for all servers.
my $RULES = <<'END';
<Directory "%1$s/few">
    ExpectRequire in-flight uploads=100000 key=ip
    ExpectRequire quota bytes=100000G per=day key=ip
</Directory>
<Directory "%1$s/in-flight">
    ExpectRequire in-flight uploads=1 key=ip
    ExpectRequire quota bytes=100000G per=day key=ip
</Directory>
END

# --- servers -----------------------------------------------------------

my $socket;

sub redis_conf {
    my($dir, $port) = @_;
    $socket = "$dir/socket";
    return <<"END";
bind 127.0.0.1
port $port
unixsocket $socket
dir $dir
logfile $dir/log
save ""
appendonly no
END
}

sub tcp { return 'redis://127.0.0.1:' . server_port('redis') . '/0' }
sub unix { return "redis+unix://$socket/0" }

# With a store, where $url says. It may take its time: on a busy machine it is
# still the store that decides.
sub httpd {
    my($url, $prefix) = @_;
    return { module => 1, store => 1, main => sub {
        return join "\n", 'RequestReadTimeout body=0', 'Timeout 600',
            $url ? "ExpectStore @{[$url->()]} prefix=$prefix timeout=10000"
                 : (), "Include \"$work/fleet.rules\"", '';
    } };
}

define(
    redis => { program => 'redis', conf => \&redis_conf,
               command => sub { return ('redis-server', $_[0]) } },
    'fleet-none'  => httpd(),
    'fleet-again' => httpd(),
    'fleet-tcp'   => httpd(\&tcp, 'tcp'),
    'fleet-unix'  => httpd(\&unix, 'unix'),
    (map { ("fleet-store-$_" => httpd(\&tcp, 'fleet'),
            "fleet-ledger-$_" => httpd()) } 1 .. $SERVERS[-1]),
);

# --- cases -------------------------------------------------------------

my @ADDED = (
    ['noise', 'again', 'admitted POST: no store / no store'],
    ['tcp', 'tcp', 'admitted POST: Redis by TCP / no store'],
    ['unix', 'unix', 'admitted POST: Redis by its socket / no store'],
    ['tcp-not', 'tcp', '429: Redis by TCP / no store'],
    ['unix-not', 'unix', '429: Redis by its socket / no store'],
);

sub added {
    my($name, $server, $shows) = @_;
    my($request, $status) = $name =~ /-not$/ ? ('full', 429) : ('few', 200);
    return { part => 'fleet', name => "fleet-$name", shows => $shows,
             a => ["fleet-$server", $request, $status],
             b => ['fleet-none', $request, $status],
             paired => PAIRED, held => $status == 429,
             $server eq 'again' ? ()
                 : (stored => 1, p50_more => P50_MORE, p99_more => P99_MORE) };
}

sub servers_at {
    my($n) = @_;
    return { part => 'servers', name => 'servers', at => $n,
             shows => 'admitted POSTs to N httpds: one Redis / no store',
             a => [map { ["fleet-store-$_", 'few', 200] } 1 .. $n],
             b => [map { ["fleet-ledger-$_", 'few', 200] } 1 .. $n] };
}

sub cases {
    add_requests(full => request('POST /in-flight/x', asks, typed(1024)));
    return ((map { added(@$_) } @ADDED), (map { servers_at($_) } @SERVERS),
            map { { part => 'redis', name => "redis-$_->[0]", word => $_->[0],
                    shows => $_->[1] } }
                ['take', 'the decision of an admitted upload'],
                ['settle', 'giving back at its end']);
}

sub place { spew("$work/fleet.rules", sprintf $RULES, "$work/htdocs") }

# --- what Redis has done -----------------------------------------------

sub redis_says {
    return output('redis-cli', '-p', server_port('redis'), @_);
}

sub calls {
    my $said = redis_says('info', 'commandstats');
    return $said =~ /^cmdstat_evalsha:calls=(\d+)/m ? $1 : 0;
}

# Those of httpds; redis-cli has one.
sub connections {
    return redis_says('info', 'clients') =~ /^connected_clients:(\d+)/m
        ? $1 - 1 : 0;
}

# Runs $does; returns what it returns, then seconds, nanoseconds of Redis'
# processor time, and calls of the script.
sub beside_redis {
    my($does) = @_;
    my($begun, $cpu, $calls) = (time, cpu(server_pid('redis')), calls());
    my $got = $does->();

    return ($got, time - $begun, cpu(server_pid('redis')) - $cpu,
            calls() - $calls);
}

# Of all servers together there is one quota.
sub expect_one_quota {
    my @keys = redis_says('--scan', '--pattern', '{fleet}:*:q');
    die "t/bench/run: the servers have ", scalar @keys, " quotas, not one\n"
        if @keys != 1;
}

# Else the ledger would be measured.
sub expect_calls {
    my($case, $calls, $uploads) = @_;
    die "t/bench/run: $case->{name}: $calls calls of the store for $uploads ",
        "uploads\n" if $calls < $uploads;
}

# --- measuring ---------------------------------------------------------

# Milliseconds of A and of B, their difference, and their ratio.
sub one_pair {
    my($case, $all) = @_;
    my($got, undef, undef, $calls) =
        beside_redis(sub { Measure::pair($case) });

    expect_calls($case, $calls, $got->{a}{requests}) if $case->{stored};
    for my $key (qw(p50 p99)) {
        my($a, $b) = map { $got->{$_}{"${key}_us"} / 1000 } qw(a b);
        push @{ $all->{"${key}_a"} }, $a;
        push @{ $all->{"${key}_b"} }, $b;
        push @{ $all->{"${key}_more"} }, $a - $b;
        push @{ $all->{$key} }, $b / $a;
    }
}

sub measure_added {
    my($case, $rounds) = @_;
    my %all;

    serve($case->{$_}[0]) for qw(a b);
    if ($case->{held}) {
        Measure::hold_once($case->{$_}) for qw(a b);
    }
    one_pair($case, {});                # not counted: warming up
    one_pair($case, \%all) for 1 .. $rounds;
    return \%all;
}

# All servers of a side at once: uploads, uploads in a second, milliseconds.
sub together {
    my(@sides) = @_;
    my @got = load_at_once(\@sides, ['-c', $opt{clients}, '-t', SECONDS]);
    my %sum;

    for my $got (@got) {
        $sum{$_} += $got->{$_} for qw(requests begun rate);
    }
    return { %sum, p50 => median(map { $_->{p50_us} / 1000 } @got) };
}

sub one_side {
    my($case, $side, $all) = @_;
    my($got, $seconds, $cpu, $calls) =
        beside_redis(sub { together(@{ $case->{$side} }) });

    push @{ $all->{"rate_$side"} }, $got->{rate};
    push @{ $all->{"p50_$side"} }, $got->{p50};
    return $got->{rate} if $side eq 'b';
    expect_calls($case, $calls, $got->{requests});
    push @{ $all->{redis_us} }, $cpu / 1000 / $got->{begun};
    push @{ $all->{connections} }, connections();
    push @{ $all->{redis_busy} }, 100 * $cpu / 1e9 / $seconds;
    return $got->{rate};
}

sub measure_servers {
    my($case, $rounds) = @_;
    my %all;

    serve($_->[0]) for @{ $case->{a} }, @{ $case->{b} };
    one_side($case, $_, {}) for qw(a b);
    expect_one_quota();
    for my $round (1 .. $rounds) {
        my %rate = map { $_ => one_side($case, $_, \%all) }
            $round % 2 ? qw(a b) : qw(b a);
        push @{ $all{rate} }, $rate{a} / $rate{b};
    }
    return \%all;
}

# The arguments of a command that httpd sends for an upload: MONITOR shows them.
sub command_of {
    my($word) = @_;
    my $monitor = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => server_port('redis')) or die "connect: $!\n";

    print $monitor "MONITOR\r\n";
    $monitor->flush;
    my $said = <$monitor> // '';
    die "t/bench/run: MONITOR: $said\n" unless $said =~ /^\+OK/;
    load([['fleet-tcp', 'few', 200]], ['-n', 1]);
    while (defined(my $line = <$monitor>)) {
        return $line =~ /"([^"]*)"/g if $line =~ /"EVALSHA".*"\Q$word\E"/i;
    }
    die "t/bench/run: Redis has closed MONITOR\n";
}

# The upload's id is another one each time: the same command once more would
# only be given the same answer.
sub with_other_ids {
    my(@command) = map { s/\b[0-9a-f]{16}-[0-9a-f]+\b/__rand_int__/r } @_;
    die "t/bench/run: no id of an upload: @command\n"
        unless grep { /__rand_int__/ } @command;
    return @command;
}

sub measure_redis {
    my($case, $rounds) = @_;
    my %all;

    serve('fleet-tcp');
    my @command = with_other_ids(command_of($case->{word}));
    say_line("    @command") if $opt{verbose};
    for (1 .. $rounds) {
        my($said, undef, $cpu, $calls) = beside_redis(sub { scalar output(
            'redis-benchmark', '-p', server_port('redis'), '-c', AT_ONCE,
            '-n', ROUND_TRIPS, '-r', 1_000_000_000, '--csv', @command) });
        my($rate) = $said =~ /,"([\d.]+)"/
            or die "t/bench/run: redis-benchmark: $said\n";
        expect_calls($case, $calls, ROUND_TRIPS);
        push @{ $all{rate} }, $rate;
        push @{ $all{redis_us} }, $cpu / 1000 / $calls;
    }
    return \%all;
}

my %MEASURE = (fleet => \&measure_added, servers => \&measure_servers,
               redis => \&measure_redis);

sub measures { return $MEASURE{ $_[0]{part} } }

sub measure {
    my($case, $rounds) = @_;
    serve('redis');
    return $MEASURE{ $case->{part} }->($case, $rounds);
}

1;
