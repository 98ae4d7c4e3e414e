package Slow;

# What refused clients that stay cost the others: 200 slow ones, each of which
# keeps its connection for 300 ms when it has been refused, and beside them 20
# that GET a small file every 300 ms, over a new connection each time. Slow ones
# that asked are silent meanwhile, the others send a byte of content now and
# then. httpd has 25 workers, and its own defaults otherwise. GETs are not sent
# one after the other: where all workers are held now and then, those sent in
# between would be the most.

use strict;
use warnings;

use Client;
use Floor ();
use Servers;
use Util;

use constant {
    CLIENTS => 200,
    STAY => 300,                    # milliseconds
    SECONDS => 3,                   # of one measurement
    ALONE => 200,                   # GETs without slow clients
    WORKERS => 25,
    P50_MAX => 5,                   # targets, milliseconds
    P95_MAX => 50,
};

my %more = (workers => WORKERS);

define(
    'slow-expect' => { %more, module => 1, dir => { size => $Floor::MAX } },
    'slow-limit'  => { %more, dir => { size => $Floor::CORE_MAX } },
    'slow-denied' => { %more, dir => { size => 'Require all denied' } },
);

my %TITLES = (
    'slow-expect' => 'mod_expect', 'slow-limit' => 'LimitRequestBody',
    'slow-denied' => 'Require all denied', nginx => 'nginx',
    haproxy => 'HAProxy',
);

# Require all denied reads all content of clients that did not ask, then
# answers.
my @KINDS = (
    { name => 'slow-asked', shows => 'refused, asked first, silent',
      request => 'refuse',
      inside => ['slow-expect', 'slow-denied', 'slow-limit'] },
    { name => 'slow-unasked', shows => 'refused, did not ask, trickle on',
      request => 'unasked', inside => ['slow-expect', 'slow-limit'] },
);

sub one_case {
    my($kind, $server, $mpm) = @_;
    my $at = join '/', $server, $mpm // ();
    return { part => 'slow', name => $kind->{name}, shows => $kind->{shows},
             at => $at =~ s/^slow-//r, mpm => $mpm, title => $TITLES{$server},
             a => [$at, $kind->{request}, 403, 413, 417],
             b => [$at, 'get-once', 200, 404],
             $server eq 'slow-expect'
                 ? (p50_max => P50_MAX, p95_max => P95_MAX) : () };
}

sub cases {
    add_requests('get-once' => request('GET /files/small.txt',
        "Connection: close\r\n"));
    return map {
        my $kind = $_;
        ((map { my $server = $_;
                map { one_case($kind, $server, $_) } qw(event worker prefork) }
              @{ $kind->{inside} }),
         map { one_case($kind, $_) } qw(nginx haproxy));
    } @KINDS;
}

sub place { }

# Milliseconds: of a GET alone, and of one beside slow clients; a value for each
# round. refused: in a second.
sub measure {
    my($case, $rounds) = @_;
    my %all;

    serve($case->{b}[0]);
    for (1 .. $rounds) {
        my($alone) = load([$case->{b}], ['-n', ALONE, '-t', SECONDS]);
        my($slow, $get) = load([@$case{qw(a b)}],
            ['-c', CLIENTS, '-l', STAY, '-t', SECONDS]);
        push @{ $all{alone} }, $alone->{p50_us} / 1000;
        push @{ $all{refused} }, $slow->{rate};
        push @{ $all{gets} }, $get->{requests};
        push @{ $all{$_} }, $get->{"${_}_us"} / 1000 for qw(p50 p95);
    }
    stop_all();
    return \%all;
}

1;
