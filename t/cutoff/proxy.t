#!/usr/bin/perl
# mod_proxy_http: httpd 2.4 does not apply LimitRequestBody to it. mod_expect
# holds content of announced and of unknown length to max=, however it is
# forwarded, and the origin never takes a part for the whole.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $port = conf_var('port');
my @ids;                # of requests that were cut off

# The origin's records of these requests.
sub origin_records {
    my %wanted = map { ("origin-$_" => 1) } @_;
    open my $fh, '<', conf_var('t_logs') . '/witness_log'
        or die "witness_log: $!\n";
    return map { +{ /(\w+)=(\S+)/g } }
        grep { /^id=(\S+) .*\n/ && $wanted{$1} } <$fh>;
}

sub try_proxy {
    my($name, $path, $max, %o) = @_;
    my @here;
    my @asks = $o{asks} ? (asks => $o{asks}) : ();
    within_ok($name, $path, $max, status => 200, @asks,
        body => sub { qr/^read=$_[0]\n/ },
        sizes => $o{sizes} || [$max],
        after => sub {
            my($label, $r) = @_;
            my $origin = witness_of("origin-$r->{id}");
            is_deeply [@$origin{qw(status read eos)}], [200, $max, 1],
                "$label: the origin has it all";
        });
    cut_off_ok($name, $path, $max, sizes => [$max + 1, 5 * $max], @asks,
        after => sub { push @here, $_[1]{id} });
    ok eventually(sub { @here == origin_records(@here) }),
        "$name: the origin has seen the beginning of each" if $o{streamed};
    push @ids, @here;
}

# where; max; whether the origin is asked before all content is there
try_proxy(@$_) for (
    ['small', '/cutoff/small/x', 1000],
    ['small, sendchunked', '/cutoff/small-chunked/x', 1000],
    ['small, sendcl', '/cutoff/small-spooled/x', 1000],
    ['large', '/cutoff/large/x', 100_000, streamed => 1],
    ['large, sendchunked', '/cutoff/large-chunked/x', 100_000, streamed => 1],
    ['large, sendcl', '/cutoff/large-spooled/x', 100_000],
    ['large, HTTP/1.0', '/cutoff/large-http10/x', 100_000,
        httpd_at_least('2.4.54') ? () : (asks => [0])],
    ['large, Proxy100Continue Off', '/cutoff/large-no100/x', 100_000,
        streamed => 1],
);

# httpd before 2.4.54 by itself refuses a client that asks, where it would ask
# the origin in HTTP/1.0.
{
    my $r = upload(path => '/cutoff/large-http10/x', content => 5, asks => 1);
    is_deeply [@{ $r->{interim} }, $r->{status}],
        httpd_at_least('2.4.54') ? [100, 200] : [417],
        'HTTP/1.0, asked: what httpd makes of it';
}

# What a tenant can write.
{
    my $limit = 'ExpectRequire content-length max=1000';
    my $to = "http://127.0.0.1:$port/witness/";
    my %by = (
        handler => "SetHandler proxy:$to",
        rewrite => "RewriteEngine On\nRewriteRule ^ ${to}x [P]",
    );
    for my $by (sort keys %by) {
        write_htaccess("cutoff-tenant/$by", "$limit\n$by{$by}\n");
        try_proxy("by .htaccess, $by", "/cutoff-tenant/$by/x", 1000);
        refused_ok("announced, by .htaccess, $by",
            { path => "/cutoff-tenant/$by/x", content => 1001 },
            status => 413, asked_status => 417, rule => 'content-length');
    }
}

# However it was cut off, at no time did the origin take it for the whole, or
# get more than max.
{
    my @records = origin_records(@ids);
    cmp_ok scalar @records, '>', 0, 'parts have come to the origin';
    is_deeply [grep { $_->{eos} || $_->{status} < 400
                      || $_->{read} > 100_000 } @records], [],
        'the origin has taken no part for the whole';
}

# The answer has one error only.
unlike upload(path => '/cutoff/small/x', content => 1001, chunked => 1,
    asks => 1)->{body}, qr/Additionally/, 'nothing of 100 in the answer';

# Announced.
admitted_ok('announced, at max', { path => '/cutoff/small/x',
    content => 1000 }, status => 200);
refused_ok('announced, over max', { path => '/cutoff/small/x',
    content => 1001 }, status => 413, asked_status => 417,
    rule => 'content-length', like => qr/1001 is over max=1000/);
refused_ok('announced, far over max', { path => '/cutoff/large/x',
    length => 5_000_000_000 }, status => 413, asked_status => 417,
    rule => 'content-length');

# Why that is needed. (In httpd 2.5 LimitRequestBody holds.)
{
    my $stock = stock_httpd(conf => <<'CONF');
<Location "/limited/">
    LimitRequestBody 1000
    ProxyPass http://127.0.0.1:${ORIGIN_PORT}/witness/
    RequestHeader edit X-Witness ^ origin-
</Location>
<Location "/witness/limited/">
    LimitRequestBody 1000
</Location>
CONF
    for my $chunked (0, 1) {
        my $how = $chunked ? 'chunked' : 'announced';
        is upload(vhost => $stock, path => '/witness/limited/',
            content => 1001, chunked => $chunked, eager => 1)->{status}, 413,
            "stock httpd, $how: LimitRequestBody holds";
        my $r = upload(vhost => $stock, path => '/limited/x',
            content => 1001, chunked => $chunked, eager => 1);
        if (httpd_at_least('2.5')) {
            is $r->{status}, 413, "stock httpd, $how: the same behind a proxy";
            next;
        }
        is_deeply [@$r{qw(status body)}], [200, "read=1001\n"],
            "stock httpd, $how: not behind a proxy";
    }
}

done_testing();
