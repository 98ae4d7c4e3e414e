#!/usr/bin/perl
# Each connection has a process of its own, which changes its user before the
# request is judged, and ends with the connection. All processes count in the
# same memory, for the status page and mod_status, and over a graceful
# restart. The log lines and notes of DetectionOnly are as with other MPMs.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use Idle ();
use lib 't/itk';
use Itk;
use StatusTest;

my @tenants = tenants(3);
my $server  = itk_httpd(\@tenants, log_pids() . COUNTED, sub { <<"CONF" });
    Alias /detect "@{[conf_var('documentroot')]}/tenant"
    <Location /detect>
        ExpectEngine DetectionOnly
        ExpectRequire content-length max=10
    </Location>
CONF

give_file($_, 'up/.htaccess', "ExpectRequire content-length max=10\n")
    for @tenants;

# Each tenant, $n rounds: one admitted, one refused that asked, one refused that
# did not, one detected.
my %each = (continue => 1, refuse => 2, detect => 1, bytes_refused => 1011,
    bytes_spared => 1000);
sub rounds { my($n) = @_; return { map { $_ => $each{$_} * $n } keys %each } }

sub client {
    my($tenant, $n) = @_;
    my $bad = 0;
    for (1 .. $n) {
        for ([201, 204, path => '/up/x', content => 10],
             [417, 417, path => '/up/x', content => 1000, asks => 1],
             [413, 413, path => '/up/x', content => 11],
             [200, 200, path => '/detect/x', content => 12, eager => 1]) {
            my($one, $other, @upload) = @$_;
            my $status = upload(vhost => $server, host => $tenant->{host},
                @upload)->{status} // 0;
            $bad++ unless $status == $one || $status == $other;
        }
    }
    return $bad;
}

# All tenants at a time; returns how many answers were wrong.
sub storm {
    my($n) = @_;
    my $bad = 0;
    my @clients = map {
        my $tenant = $_;
        my $pid = open(my $out, '-|') // die "fork: $!\n";
        if (!$pid) {
            print client($tenant, $n);
            close STDOUT;
            POSIX::_exit(0);
        }
        $out;
    } @tenants;
    for my $out (@clients) {
        my $answer = <$out>;
        $bad += $answer // 1;
        close $out;
    }
    return $bad;
}

my $before = status($server);
is storm(10), 0, 'all tenants at a time: all is answered';
is_deeply changed($before, $server), rounds(30), 'and counted';
my %pids = map { $_ => 1 } pids();
cmp_ok scalar(keys %pids), '>=', 120, 'by a process for each connection';

ok $server->graceful, 'a graceful restart';
is_deeply changed($before, $server), rounds(30), 'nothing is lost by it';
is status($server)->{since}, $before->{since}, 'nor begun anew';
is storm(2), 0, 'after it';
is_deeply changed($before, $server), rounds(36), 'it is counted on';
is @{ status($server)->{last} }, 32, 'the last refusals are there';
like page('format=openmetrics', vhost => $server)->{body},
    qr/^expect_requests_total\{[^}]*verdict="refuse"[^}]*\} \d+/m, 'metrics';
for ('', '?auto') {
    like upload(vhost => $server, method => 'GET', path => "/server-status$_")
        ->{body}, qr/expect/i, "mod_status$_ has its block";
}

# a tenant's host has the page as well, where its administrator put it
is upload(vhost => $server, host => $tenants[1]{host}, method => 'GET',
    path => '/expect-status?format=json')->{status}, 200,
    'the page, by a process that is a tenant';

# a restart while a tenant's upload is under way
{
    my $n = status($server)->{totals}{continue};
    my $t = talk($server, join("\r\n", 'PUT /up/x HTTP/1.1',
        "Host: $tenants[0]{host}", 'Content-Length: 10',
        'Expect: 100-continue', 'Connection: close', '', ''),
        qr{100 Continue\r\n\r\n}) ;
    ok !$t->{missed}, 'an upload that its client gives up';
    Idle::wait_until($server->port);
    is status($server)->{totals}{continue}, $n + 1, 'was admitted once';
}

for my $tenant (@tenants) {
    admitted_ok("$tenant->{host}: DetectionOnly", { vhost => $server,
        host => $tenant->{host}, path => '/detect/x', content => 11 },
        status => 200, verdict => 'detect', rule => 'content-length',
        log => qr/expect: would refuse 41[37]: content-length 11 is over /);
    refused_ok("$tenant->{host}: refused", { vhost => $server,
        host => $tenant->{host}, path => '/up/x', content => 11 },
        status => 413, asked_status => 417, rule => 'content-length',
        like => qr/^content-length 11 is over max=10$/);
}
is join('', $server->crashes), '', 'nothing crashed';

done_testing();
