#!/usr/bin/perl
# What expect-status shows of the store: whether it answers, what it has decided
# and how often it did not answer, the same figures in each format; and nothing
# of it without ExpectStore.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use StatusTest;
use Store;

my $conf = <<'CONF';
<Location /expect-status>
    SetHandler expect-status
</Location>
<Location /server-status>
    SetHandler server-status
</Location>
<Location /witness>
    ExpectRequire quota uploads=2 per=366d key=ip
</Location>
CONF

# The last one is mod_status's.
sub forms {
    my($server) = @_;
    return ((map { $_ => page("format=$_", vhost => $server)->{body} }
                qw(html json openmetrics)),
            auto => upload(method => 'GET', path => '/server-status?auto',
                vhost => $server)->{body});
}

# Without is_up and four counts: nothing of a store.
sub shown_ok {
    my($name, $server, $is_up, @n) = @_;
    my %form = forms($server);
    my %json = (up => $is_up ? JSON::PP::true() : JSON::PP::false());
    @json{qw(taken refused timeout error)} = @n;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply status($server)->{store}, \%json, "$name: json";
    is join(' ', $form{auto} =~ /^ExpectStore(\w+: \d+)$/mg),
        "Up: $is_up Taken: $n[0] Refused: $n[1] Timeout: $n[2] Error: $n[3]",
        "$name: auto";
    is join(' ', $form{openmetrics} =~ /^expect_store_up (\d)$/m,
            map { $form{openmetrics}
                =~ /^expect_store_requests_total\{result="$_"\} (\d+)$/m }
            qw(taken refused timeout error)),
        "$is_up @n", "$name: openmetrics";
    my $answers = $is_up ? 'answers' : 'does not answer';
    my $none = $n[2] + $n[3];
    like $form{html}, qr/The\ store\ \Q$answers\E\.\ Its\ decisions:\ $n[0]
        \ to\ admit,\ $n[1]\ to\ refuse;\ $none\ without\ an\ answer\./x,
        "$name: html";
}

my $redis = redis();
my $httpd = fleet_httpd($redis, $conf, 'timeout=5000', 'on-error=refuse');

shown_ok('at first', $httpd, 1, 0, 0, 0, 0);
is join(' ', map { upload(vhost => $httpd, path => '/witness/x', asks => 1,
        content => 10, unwitnessed => 1)->{status} } 1 .. 3), '200 200 429',
    'two are admitted, and a third is not';
shown_ok('then', $httpd, 1, 2, 1, 0, 0);

# How long it took: each answer is in one bucket, and in all that are wider.
my %form = forms($httpd);
my @bucket = $form{openmetrics}
    =~ /^expect_store_seconds_bucket\{le="([^"]+)"\} (\d+)$/mg;
my @le = @bucket[grep { !($_ % 2) } 0 .. $#bucket];
my @count = @bucket[grep { $_ % 2 } 0 .. $#bucket];
is $le[-1], '+Inf', 'the widest bucket';
is_deeply [@le[0 .. $#le - 1]], [sort { $a <=> $b } @le[0 .. $#le - 1]],
    'buckets are in order';
is_deeply \@count, [sort { $a <=> $b } @count], 'and none has less than before';
my($count) = $form{openmetrics} =~ /^expect_store_seconds_count (\d+)$/m;
cmp_ok $count, '>=', 3, 'the decisions are counted';
is $count[-1], $count, 'the widest bucket has all of them';
like $form{openmetrics}, qr/^expect_store_seconds_sum \d+\.\d{6}$/m,
    'and they took some time';

$redis->stop;
is upload(vhost => $httpd, path => '/witness/x', asks => 1, content => 10,
    unwitnessed => 1)->{status}, 503, 'the store does not answer';
shown_ok('it is gone', $httpd, 0, 2, 1, 0, 1);

my $alone = own_httpd(conf => $conf);
my %without = forms($alone);
unlike $without{$_}, qr/The store|"store"|expect_store|ExpectStore/,
    "without a store: $_" for sort keys %without;

done_testing();
