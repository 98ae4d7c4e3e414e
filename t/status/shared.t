#!/usr/bin/perl
# One tally for all processes: sums are right when many processes count at a
# time, after a graceful restart, and after children were killed. Without
# shared memory requests are judged, and nothing is counted.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use Idle ();
use StatusTest;

my $pids = conf_var('t_logs') . "/pids-$$";
my $conf = COUNTED . <<"CONF";
StartServers 3
CustomLog "$pids" "%P"
<Location /witness/detect>
    ExpectEngine DetectionOnly
</Location>
CONF

# Sends an upload, again if a killed child took it along: that may have been
# counted before. Returns how often it was sent.
sub send_until_answered {
    my($server, $path, $length, $asks) = @_;
    for my $times (1 .. 50) {
        my $t = eval { talk($server, "PUT /witness$path HTTP/1.1\r\n"
                . "Host: localhost\r\nContent-Length: $length\r\n"
                . ($asks ? "Expect: 100-continue\r\n"
                         : "Connection: close\r\n")
                . "\r\n" . ($asks ? '' : 'x' x $length),
            qr{^HTTP/1.1 \d+ .*?\r\n\r\n}s) };
        return $times if $t && $t->{bytes} =~ m{^HTTP/1.1 (?!100)\d};
    }
    die "no answer\n";
}

# Four clients at a time, $n rounds each, of one admitted, two refused (one of
# them had asked) and one detected. Returns how many more had to be sent.
sub storm {
    my($server, $n, $meanwhile) = @_;
    my @clients;
    for (1 .. 4) {
        my $pid = open(my $out, '-|') // die "fork: $!\n";
        push(@clients, $out), next if $pid;
        my $more = 0;
        for (1 .. $n) {
            $more += send_until_answered($server, @$_) - 1
                for ['/x', 10, 0], ['/x', 11, 0], ['/x', 1000, 1],
                    ['/detect/x', 12, 0];
        }
        print $more;
        close STDOUT;
        POSIX::_exit(0);
    }
    $meanwhile->() if $meanwhile;
    my $more = 0;
    for my $out (@clients) {
        my $answer = <$out>;
        ok defined $answer, 'a client came to its end';
        $more += $answer // 0;
        close $out;
    }
    return $more;
}

sub children {
    open my $fh, '<', $pids or return;
    my %seen = map { /(\d+)/ ? ($1 => 1) : () } <$fh>;
    return keys %seen;
}

my %each = (continue => 1, refuse => 2, detect => 1, bytes_refused => 1011,
    bytes_spared => 1000);
sub rounds { my($n) = @_; return { map { $_ => $each{$_} * $n } keys %each } }

{
    my $server = own_httpd(conf => $conf);
    my $before = status($server);

    is storm($server, 40), 0, 'all were answered at once';
    is_deeply changed($before, $server), rounds(160), 'the sums are right';
    cmp_ok scalar(children()), '>', 1, 'several processes counted';

    ok $server->graceful, 'a graceful restart';
    is_deeply changed($before, $server), rounds(160), 'nothing is lost by it';
    is status($server)->{since}, $before->{since}, 'nor begun anew';

    if (restarts_once()) {
        my $mark = log_mark($server);
        Idle::wait_until($server->port);
        kill HUP => $server->pid;
        # httpd waits up to ten seconds for its children
        ok $server->wait_for(sub {
            grep { /resuming normal operations/ } error_log_since($mark)
        }, 30), 'a restart that is not graceful';
        is_deeply changed($before, $server), rounds(160), 'nor is by that';
    }

    my $more = storm($server, 10, sub { $server->graceful });
    my $now = changed($before, $server);
    cmp_ok $now->{refuse}, '>=', 400, 'a restart amid them: none is missing';
    cmp_ok $now->{refuse}, '<=', 400 + $more, 'none is counted twice';
    is @{ status($server)->{last} }, 32, 'the last refusals are there';

    # Children of older generations count in the same memory, and one that is
    # killed leaves it usable.
    $before = status($server);
    $more = storm($server, 25, sub {
        for (1 .. 5) {
            kill KILL => children();
            select undef, undef, undef, 0.1;
        }
    });
    $now = changed($before, $server);
    cmp_ok $now->{refuse}, '>=', 200, 'children killed: none is missing';
    cmp_ok $now->{refuse}, '<=', 200 + $more, 'none is counted twice';
    $before = status($server);
    is storm($server, 5), 0, 'and it goes on';
    is_deeply changed($before, $server), rounds(20), 'with the right sums';
    my %torn = map { $_->{reason} => 1 }
        grep { $_->{reason} !~ /^content-length \d+ is over max=10$/ }
        @{ status($server)->{last} };
    is join(' ', keys %torn), '', 'no refusal is torn';
}

{
    my $server = with_library('deny', 'DENY=apr_shm_create',
        sub { own_httpd(conf => $conf) });
    is send_until_answered($server, '/x', 11, 1), 1, 'no memory: judged';
    is scalar(() = join('', error_log_since({ at => 0,
                    file => $server->dir . '/error_log' }))
            =~ /expect: no shared memory/g), 1, 'no memory: said so, once';
    ok !status($server)->{counting}, 'no memory: JSON';
    like page('', vhost => $server)->{body}, qr/Nothing is counted/,
        'no memory: page';
    is page('format=openmetrics', vhost => $server)->{body} =~ s/^#.*\n//gmr,
        "expect_counting 0\n", 'no memory: OpenMetrics';
    like upload(method => 'GET', path => '/server-status',
        vhost => $server)->{body}, qr/Nothing is counted/,
        'no memory: mod_status';
    is upload(method => 'GET', path => '/server-status?auto',
        vhost => $server)->{status}, 200, 'no memory: ?auto';
}

{
    my $server = with_library('deny', 'DENY=apr_shm_create:anonymous',
        sub { own_httpd(conf => $conf) });
    my $before = status($server);
    storm($server, 5);
    is_deeply changed($before, $server), rounds(20), 'memory in a file';
    ok $server->graceful, 'a graceful restart of it';
    is_deeply changed($before, $server), rounds(20), 'nothing is lost';
}

# The sample is what the manual says.
{
    my $sample = conf_var('top_dir') . '/conf-sample/status.conf';
    my $server = own_httpd(conf => qq(Include "$sample"\n));
    is page('', vhost => $server)->{status}, 200, 'the sample: local';
    my($exit) = config_error(qq(Include "$sample"\n));
    is $exit, 0, 'the sample: a configuration';
}

done_testing();
