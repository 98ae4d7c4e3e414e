#!/usr/bin/perl
# Many uploads at once: connections are used again, and no command is so long
# that the store answers nobody else meanwhile.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use List::Util qw(sum);
use Test::More;
use ExpectTest;
use Admission;
use OtherModules;
use Store;

use constant { CLIENTS => 16, UPLOADS => 60, RULES => 32,
    # as in renewer.c, and what the last upload may have more
    ITEMS => 128 + 32 };

my $redis = redis('slowlog-log-slower-than' => 0, 'slowlog-max-len' => 100_000);

sub connections {
    my($n) = $redis->call(qw(INFO stats))
        =~ /^total_connections_received:(\d+)/m;
    return $n;
}

# How many keys the commands had that renew and settle, the most at first.
sub keys_of_commands {
    return sort { $b <=> $a } map { $_->[3][2] }
        grep { $_->[3][0] eq 'EVALSHA' && $_->[3][3] =~ /:f$/ }
        @{ $redis->call(qw(SLOWLOG GET -1)) };
}

# --- connections -------------------------------------------------------------

# A store that takes its time has as many connections as there are clients; the
# next uploads use the same ones.
{
    my $proxy = proxy($redis);
    my $httpd = fleet_httpd($proxy, <<"CONF", 'timeout=5000');
<IfModule mpm_prefork_module>
    StartServers @{[ CLIENTS ]}
    MaxRequestWorkers @{[ CLIENTS ]}
</IfModule>
<IfModule !mpm_prefork_module>
    ServerLimit 1
    StartServers 1
    ThreadsPerChild @{[ CLIENTS ]}
    MaxRequestWorkers @{[ CLIENTS ]}
</IfModule>
<Location /witness/a>
    ExpectRequire in-flight uploads=1000
</Location>
CONF
    my $before = connections();
    $proxy->mode('slow');
    my @status;
    for (1 .. 4) {
        my @wires = map { connection($httpd) } 1 .. CLIENTS;
        ExpectTest::send_bytes($_, "PUT /witness/a HTTP/1.1\r\nHost: x\r\n"
            . "Connection: close\r\nContent-Length: 1\r\n\r\nx") for @wires;
        for my $wire (@wires) {
            ExpectTest::read_until($wire, ExpectTest::WAIT, sub { 0 });
            push @status, $wire->{bytes} =~ m{^HTTP/1\.1 (\d+)};
        }
    }
    is_deeply \@status, [(200) x @status], 'all are admitted';
    # one more for the thread
    cmp_ok connections() - $before, '<=', CLIENTS + 1,
        'each connection is used again';
    $proxy->mode('pass');
}

# --- long commands --------------------------------------------------------

{
    my $httpd = fleet_httpd($redis, <<"CONF", 'timeout=1000', 'lease=3');
<Location /witness/denied>
    Require all denied
</Location>
<Location /witness>
@{[ join '', map { "ExpectRequire in-flight uploads=${_}000\n" } 1 .. RULES ]}
</Location>
CONF
    my @held = map { hold($httpd, path => '/witness/a') } 1 .. UPLOADS;
    my $places = UPLOADS * RULES;
    is scalar($redis->places), $places, 'all are in flight';
    $redis->call(qw(SLOWLOG RESET));
    my $renewed = sub { sum(0, keys_of_commands()) / 2 };
    ok comes_true(sub { $renewed->() >= $places }), 'all are renewed';
    cmp_ok((keys_of_commands())[0], '<=', 2 * ITEMS,
        'by commands that are not long');

    # what OPTIONS costs, and what it costs if there is no access
    my $asked = sub {
        my($path) = @_;
        $redis->call(qw(SLOWLOG RESET));
        left($httpd, $path);
        return scalar grep { $_->[3][0] eq 'EVALSHA' && $_->[3][3] =~ /:c:/ }
            @{ $redis->call(qw(SLOWLOG GET -1)) };
    };
    is $asked->('/witness/a'), 1, 'OPTIONS asks once for all rules';
    is $asked->('/witness/denied'), 0, 'and not at all for everyone';

    # they end while the store is stopped: all of them wait to be given back
    $redis->call(qw(SLOWLOG RESET));
    $redis->signal('STOP');
    ok comes_true(sub { store_log($httpd) }), 'the store does not answer';
    drop($_) for @held;
    left_ok('they are over', $httpd, '/witness/a', uploads => RULES * 1000);
    $redis->signal('CONT');
    ok comes_true(sub { !$redis->places }), 'all are given back';
    cmp_ok((keys_of_commands())[0], '<=', 3 * ITEMS,
        'by commands that are not long');
}

done_testing();
