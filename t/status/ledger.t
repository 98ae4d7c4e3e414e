#!/usr/bin/perl
# What is in flight, on the page, in JSON, in OpenMetrics and in mod_status's
# lines: as long as it is, by rule, and without a key, an address or a user. And
# what was reserved and given back, to the byte.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;
use StatusTest;

my $root = conf_var('documentroot');
my $twice = conf_var('t_logs') . "/limit-$$.conf";
spew($twice, "ExpectRequire in-flight uploads=4\n");
my $server = own_httpd(conf => <<"CONF");
ExpectLedger keys=64
<Location /expect-status>
    SetHandler expect-status
</Location>
<Location /witness/ip>
    ExpectRequire in-flight bytes=2000 uploads=4 key=ip
</Location>
<Location /witness/all>
    Include "$twice"
</Location>
<Location /witness/beside>
    Include "$twice"
</Location>
<Location /witness/bytes>
    ExpectRequire in-flight bytes=1G key=directory
</Location>
<Location /witness/expr>
    ExpectRequire in-flight uploads=7 "key=expr=%{HTTP:X-Secret-Key}"
</Location>
<Location /lazy/bytes>
    ExpectRequire quota bytes=1G per=day
</Location>
<Location /witness/many>
    ExpectRequire quota uploads=9 per=day "key=expr=%{HTTP:X-Secret-Key}"
</Location>
<VirtualHost *>
    ServerName localhost
</VirtualHost>
CONF
write_htaccess('tenant/ledger', "ExpectRequire in-flight uploads=9 key=ip\n");

# --- uploads that are held open --------------------------------------------

# An upload of so many bytes that has its 100 Continue.
sub hold {
    my($path, $bytes, $chunked) = @_;
    my $wire = connection($server);
    ExpectTest::send_bytes($wire, "PUT $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Expect: 100-continue\r\nConnection: close\r\n"
        . ($chunked ? 'Transfer-Encoding: chunked'
                    : "Content-Length: $bytes") . "\r\n\r\n");
    ExpectTest::read_until($wire, ExpectTest::WAIT,
        sub { $wire->{bytes} =~ m{^HTTP/1.1 100 } })
        or die "$path: no 100: $wire->{bytes}\n";
    return $wire;
}

sub finish {
    my($wire, $content) = @_;
    ExpectTest::send_bytes($wire, $content);
    ExpectTest::read_until($wire, ExpectTest::WAIT, sub { 0 });
    like $wire->{bytes}, qr{^HTTP/1.1 200 }m, 'an upload came to its end';
}

# --- what is said of them --------------------------------------------------

my %auto = (in_flight => 'InFlight', in_flight_bytes => 'InFlightBytes',
    reserved_bytes => 'ReservedBytes', refunded_bytes => 'RefundedBytes',
    ledger_keys => 'LedgerKeys', ledger_full => 'LedgerFull');
my %metric = map {
    $_ => "expect_$_" . (/^(?:in_flight|ledger_keys)/ ? '' : '_total')
} keys %auto;

sub body {
    my($path) = @_;
    return upload(method => 'GET', vhost => $server, path => $path)->{body};
}

# The same in all forms; returns the JSON.
sub said_ok {
    my($name, %want) = @_;
    my $json = status($server);
    my %lines = body('/server-status?auto') =~ /^Expect(\w+): (\d+)$/mg;
    my %samples = page('format=openmetrics', vhost => $server)->{body}
        =~ /^(\w+) (\d+)$/mg;
    for my $key (sort keys %want) {
        is $json->{$key}, $want{$key}, "$name: JSON: $key";
        is $lines{ $auto{$key} }, $want{$key}, "$name: ?auto: $key";
        is $samples{ $metric{$key} }, $want{$key}, "$name: OpenMetrics: $key";
    }
    return $json;
}

# The rows of the page: the cells of each, without tags.
sub rows {
    my($section) = page('', vhost => $server)->{body}
        =~ m{<h2>In flight</h2>(.*?)</section>}s or return 'no section';
    my @rows = map { join ' | ', map { s/<[^>]+>//gr } m{<td>(.*?)</td>}gs }
        $section =~ m{<tr>(<td>.*?)</tr>}gs;
    my($last) = $section =~ m{<p class="none">(.*?)</p>};
    return [@rows, $last];
}

my %nothing = (in_flight => 0, in_flight_bytes => 0);
my $IP = 'in-flight bytes=2000 uploads=4 key=ip';
my $BYTES = 'in-flight bytes=1G key=directory';

my $json = said_ok('at first', %nothing, reserved_bytes => 0,
    refunded_bytes => 0, ledger_keys => 0, ledger_full => 0);
is $json->{ledger_keys_max}, 64, 'at first: how many keys there can be';
is_deeply rows(), ["$IP | 0 (4 per key) | 0 B (2.0 kB per key)",
    'in-flight uploads=4 | 0 of 4 | 0 B', "$BYTES | 0 | 0 B of 1.1 GB",
    'in-flight uploads=7 key=expr | 0 (7 per key) | 0 B',
    'The ledger remembers 0 of 64 keys.'], 'at first: the page';

# Two under one rule, and one each under two others.
{
    my @held = map { hold("/witness/$_/x", 1000) } 'all', 'beside';
    said_ok('two', in_flight => 2, in_flight_bytes => 2000,
        reserved_bytes => 2000, refunded_bytes => 0, ledger_keys => 1);
    push @held, hold('/witness/ip/x', 500), hold('/tenant/ledger/x', 30);
    $json = said_ok('four', in_flight => 4, in_flight_bytes => 2530,
        reserved_bytes => 2530, refunded_bytes => 0, ledger_keys => 3);
    is_deeply $json->{limits}, [
        { rule => 'in-flight uploads=4', in_flight => 2,
            in_flight_bytes => 2000, uploads => 4,
            per_key => JSON::PP::false() },
        { rule => $IP, in_flight => 1, in_flight_bytes => 500, uploads => 4,
            bytes => 2000, per_key => JSON::PP::true() },
        { rule => $BYTES, in_flight => 0, in_flight_bytes => 0,
            bytes => 2**30, per_key => JSON::PP::false() },
        { rule => 'in-flight uploads=7 key=expr', in_flight => 0,
            in_flight_bytes => 0, uploads => 7,
            per_key => JSON::PP::true() },
        { rule => 'rules of .htaccess files', in_flight => 1,
            in_flight_bytes => 30 },
    ], 'four: by rule' or diag explain $json->{limits};
    is_deeply rows(), ['in-flight uploads=4 | 2 of 4 | 2.0 kB',
        "$IP | 1 (4 per key) | 500 B (2.0 kB per key)",
        "$BYTES | 0 | 0 B of 1.1 GB",
        'in-flight uploads=7 key=expr | 0 (7 per key) | 0 B',
        'rules of .htaccess files | 1 | 30 B',
        'The ledger remembers 3 of 64 keys.'], 'four: the page';
    like page('', vhost => $server)->{body},
        qr{uploads=4<svg [^\n]*<rect class="yes" width="0\.5000"},
        'four: the bar of what is half full';
    like body('/server-status'),
        qr{<dt>In flight: 4</dt>\n<dt>In flight, announced: 2\.5 kB</dt>},
        'four: mod_status';

    ok $server->graceful, 'a graceful restart';
    said_ok('restarted', in_flight => 4, in_flight_bytes => 2530);
    is rows()->[0], 'in-flight uploads=4 | 2 of 4 | 2.0 kB',
        'restarted: the rule is the same';

    finish(shift @held, 'x' x 1000) for 1, 2;
    said_ok('two are over', in_flight => 2, in_flight_bytes => 530,
        reserved_bytes => 2530, refunded_bytes => 0);
    finish(shift @held, 'x' x 500);
    finish(shift @held, 'x' x 30);
    $json = said_ok('all are over', %nothing, reserved_bytes => 2530,
        refunded_bytes => 0);
    is scalar @{ $json->{limits} }, 4, 'all are over: no .htaccess any more';
    is_deeply [map { / \| (\d+)/ ? $1 : () } @{ rows() }], [0, 0, 0, 0],
        'all are over: the page';
}

# An .htaccess shows nothing of the rule that it has.
unlike page('', vhost => $server)->{body}, qr/uploads=9/,
    'no rule of an .htaccess';

# --- what is given back ----------------------------------------------------

my $reserved = 2530;
{
    my $wire = hold('/witness/all/x', 1000);
    ExpectTest::send_bytes($wire, 'x' x 300);
    close $wire->{socket};
    ok $server->wait_for(sub { !status($server)->{in_flight} }),
        'cut off by the client: it is over';
    $reserved += 1000;
    said_ok('cut off by the client', reserved_bytes => $reserved,
        refunded_bytes => 700);

    is upload(vhost => $server, path => '/lazy/bytes/x', length => 5000,
        content => '', asks => 1)->{status}, 200, 'a handler never reads';
    $reserved += 5000;
    ok $server->wait_for(sub { status($server)->{refunded_bytes} > 700 }),
        'it is over';
    said_ok('a handler that never reads', %nothing,
        reserved_bytes => $reserved, refunded_bytes => 5700);

    # unknown: charged as it is read
    $wire = hold('/witness/bytes/x', 0, 1);
    ExpectTest::send_bytes($wire, "64\r\n" . 'x' x 100 . "\r\n");
    $reserved += 100;
    ok $server->wait_for(sub { status($server)->{in_flight_bytes} }),
        'unknown length: it is read';
    said_ok('unknown length', in_flight => 1, in_flight_bytes => 100,
        reserved_bytes => $reserved);
    finish($wire, "0\r\n\r\n");
    said_ok('unknown length, over', %nothing, reserved_bytes => $reserved,
        refunded_bytes => 5700);

    # refused: nothing is taken
    is upload(vhost => $server, path => '/witness/ip/x', length => 2001,
        content => '', asks => 1)->{status}, 413, 'too large';
    said_ok('refused', %nothing, reserved_bytes => $reserved,
        refunded_bytes => 5700);
}

# --- a full ledger ---------------------------------------------------------

{
    my $keys = status($server)->{ledger_keys};
    upload(vhost => $server, path => '/witness/many/x', content => 1,
        headers => ["X-Secret-Key: secret-$_"], eager => 1) for 1 .. 3;
    said_ok('three keys', ledger_keys => $keys + 3, ledger_full => 0);
    upload(vhost => $server, path => '/witness/many/x', content => 1,
        headers => ["X-Secret-Key: secret-$_"], eager => 1) for 4 .. 60;
    my $now = status($server);
    cmp_ok $now->{ledger_full}, '>', 0, 'full: seen';
    said_ok('full', ledger_keys => $now->{ledger_keys},
        ledger_full => $now->{ledger_full});
    is rows()->[-1], "The ledger remembers $now->{ledger_keys} of 64 keys. It "
        . "was full for $now->{ledger_full} uploads, whose keys had to share "
        . 'a limit.', 'full: the page';
}

for my $query ('', 'format=json', 'format=openmetrics') {
    unlike page($query, vhost => $server)->{body},
        qr{[Ss]ecret|127\.0\.0\.1|\Q$root\E|httpd\.conf},
        "no key, address or place, $query";
}

# --- no such rules; and no ledger ------------------------------------------

{
    my $other = own_httpd(conf => COUNTED);
    unlike page('', vhost => $other)->{body}, qr/In flight|ledger/,
        'without such rules: nothing on the page';
    is status($other)->{in_flight}, 0, 'without such rules: JSON';
}
{
    my $other = with_library('deny', 'DENY=apr_shm_create:anonymous',
        sub { own_httpd(conf => COUNTED . "ExpectRequire in-flight uploads=1\n"
        ) });
    is status($other)->{in_flight}, 0, 'memory in a file: JSON';
}
{
    my $other = with_library('deny', 'DENY=apr_shm_create',
        sub { own_httpd(conf => COUNTED . "ExpectRequire in-flight uploads=1\n"
        ) });
    ok !exists status($other)->{in_flight}, 'no memory: JSON';
    unlike page('format=openmetrics', vhost => $other)->{body},
        qr/in_flight|ledger/, 'no memory: OpenMetrics';
    unlike upload(method => 'GET', path => '/server-status?auto',
        vhost => $other)->{body}, qr/InFlight/, 'no memory: ?auto';
}

write_htaccess('tenant/ledger', undef);
done_testing();
