#!/usr/bin/perl
# mod_proxy_http2 to an HTTP/2 origin: content that is cut off reaches the
# origin without END_STREAM, so that the origin does not take it for the
# whole.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;
use H2Origin;

my $modules = module_dir();
my $origin  = H2Origin->start;
my $port    = $origin->port;

my $front = own_httpd(conf => <<"CONF");
LoadModule proxy_http2_module "$modules/mod_proxy_http2.so"
Protocols h2c http/1.1
<Location "/small/">
    ProxyPass h2c://127.0.0.1:$port/small/
    ExpectRequire content-length max=1000
</Location>
<Location "/large/">
    ProxyPass h2c://127.0.0.1:$port/large/
    ExpectRequire content-length max=100000
</Location>
CONF

# mod_proxy_http2 of 2.4.71 misses an origin's 100 Continue now and then and
# lets its client wait for ever: no client asks here.
for (['small', 1000], ['large', 100_000]) {
    my($name, $max) = @$_;
    within_ok($name, "/$name/x", $max, status => 200, where => $front,
        asks => [0], body => sub { qr/^read=$_[0]\n/ });
    cut_off_ok($name, "/$name/over", $max, where => $front,
        asks => [0]);
    refused_ok("$name, announced", { path => "/$name/x", vhost => $front,
        content => $max + 1 }, status => 413, asked_status => 417,
        rule => 'content-length');

    my $parts = sub { grep { $_->{path} eq "/$name/over" } $origin->streams };
    ok $front->wait_for($parts), "$name: parts have come to the origin";
    my @parts = $parts->();
    is_deeply [grep { $_->{how} eq 'ended' || $_->{read} > $max } @parts], [],
        "$name: none that was cut off has ended";
}

done_testing();
