#!/usr/bin/perl
# mod_reqtimeout: its time for content begins when content is read, not while
# rules are evaluated, and a client that then sends nothing is timed out as
# usual.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use OtherModules;

write_htaccess('tenant/reqtimeout', if_expect(
    "ExpectRequire content-length max=10\n"));

my $conf   = load('reqtimeout') . "RequestReadTimeout header=1 body=1\n";
my $server = h2_httpd($conf);
my $stock  = h2_stock($conf);
my $head   = "PUT /tenant/reqtimeout/x HTTP/1.1\r\nHost: localhost\r\n"
    . "Content-Length: 5\r\n";
my $ASKS   = "Expect: 100-continue\r\n";

admitted_on('in time', $server, { path => '/tenant/reqtimeout/x',
        content => 10 }, status => 200);
refused_on('refused', $server, { path => '/tenant/reqtimeout/x',
        content => 11 }, status => 413, asked_status => 417);

# Too slow, in each part: as stock httpd, and not earlier. All of them wait at
# the same time.
my @slow = map {
    my($name, @steps) = @$_;
    map { [$name, ref $_ ? $_ : (), @steps] } $server, $stock;
} ['the head', $head],
  ['content behind 100', "$head$ASKS\r\n", qr/^HTTP\/1.1 100 .*?\r\n\r\n/s,
      'hel'],
  ['content that was not held back', "$head\r\nhel"];

for (@slow) {
    my($name, $where, @steps) = @$_;
    my $wire = ExpectTest::open_wire($where);
    my $began = time;
    for my $step (@steps) {
        if (ref $step) {
            ok ExpectTest::read_until($wire, 5, sub {
                $wire->{bytes} =~ $step }), "$name: 100";
        }
        else { ExpectTest::send_bytes($wire, $step) }
    }
    push @$_, { wire => $wire, began => $began };
}
my %shape;
for (@slow) {
    my($name, $wait) = @$_[0, -1];
    my $wire = $wait->{wire};
    ExpectTest::read_until($wire, 5, sub { 0 });
    ok $wire->{eof}, "$name: the end";
    cmp_ok time - $wait->{began}, '>', 0.8, "$name: not early";
    push @{ $shape{$name} },
        join ' ', $wire->{bytes} =~ /^HTTP\/1.1 (\d+)/mg;
}
for my $name (sort keys %shape) {
    my($ours, $theirs) = @{ $shape{$name} };
    is $ours, $theirs, "$name: as stock httpd";
    like $ours, qr/^(?:100 )?408$/, "$name: 408";
}

# Each request of a connection has its own clock: a client that waited for a
# verdict has all its time left.
{
    my $t = talk($server, map { ("$head$ASKS\r\n",
        qr/^HTTP\/1.1 100 .*?\r\n\r\n/ms, 'hello', qr/read=5\n/) } 1 .. 3);
    is $t->{missed}, undef, 'three uploads on one connection'
        or diag $t->{bytes};
}

done_testing();
