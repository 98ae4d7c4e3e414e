#!/usr/bin/perl
# mod_deflate inflates request content: max= counts the bytes that cross the
# network, announced or not, and the type and coding are those that were sent.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

use IO::Compress::Gzip qw(gzip);

my $large = 'x' x 20_000;
gzip(\$large => \my $small) or die 'gzip';

write_htaccess('tenant/inflate', "SetInputFilter DEFLATE\n"
    . "ExpectRequire content-length max=1000\n"
    . "ExpectRequire content-encoding gzip identity\n");
write_htaccess('tenant/inflate-not', "SetInputFilter DEFLATE\n"
    . "ExpectRequire content-length max=10\n");
my $server = h2_httpd(load('deflate'));
my @gzip = (headers => ['Content-Encoding: gzip']);

for my $chunked (0, 1) {
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => '/tenant/inflate/x', @gzip,
            content => $small, chunked => $chunked, asks => $asks,
            eager => !$asks);
        my $name = "chunked $chunked, asks $asks";
        is $r->{status}, 200, "$name: small on the network";
        is $r->{body}, "read=20000\n", "$name: large behind it";
        is_deeply $r->{interim}, $asks ? [100] : [], "$name: interim";

        $r = upload(vhost => $server, path => '/tenant/inflate-not/x', @gzip,
            content => $small, chunked => $chunked, asks => $asks,
            eager => $chunked && !$asks);
        is $r->{status}, $asks && !$chunked ? 417 : 413,
            "$name: over max on the network";
        ok $r->{closed}, "$name: closed";
        cmp_ok $r->{witness}{read}, '<=', $chunked ? 11 : 0,
            "$name: no more read";
    }
}
refused_on('another coding', $server, { path => '/tenant/inflate/x',
        content => 5, headers => ['Content-Encoding: br'] },
    status => 415, asked_status => 417);

done_testing();
