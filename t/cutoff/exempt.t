#!/usr/bin/perl
# Content of unknown length that was admitted under a max, and then moved by
# FallbackResource to a section where nothing is written, or nothing counts:
# there is no max there, and nothing of the section before is left.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;

my $root = conf_var('documentroot');
mkpath("$root/$_") for qw(exempt exempt-off moved/off);
for my $file (map { "$root/$_/x.txt" } qw(moved moved/off)) {
    open my $fh, '>', $file or die "$file: $!\n";
}

my $server = own_httpd(conf => <<"CONF");
<Directory "$root/exempt">
    FallbackResource /moved/x.txt
    ExpectRequire content-length max=10
</Directory>
<Directory "$root/exempt-off">
    FallbackResource /moved/off/x.txt
    ExpectRequire content-length max=10
</Directory>
<Directory "$root/moved">
    SetHandler witness
</Directory>
<Directory "$root/moved/off">
    ExpectEngine Off
    ExpectRequire header X-Never
</Directory>
CONF

for my $place (qw(exempt exempt-off)) {
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => "/$place/new",
            method => 'POST', chunked => 1, content => 5000, asks => $asks,
            eager => !$asks);
        is $r->{status}, 200, "$place, asks $asks: admitted" or diag explain $r;
        is $r->{witness}{read}, 5000, "$place, asks $asks: read";
    }
}

done_testing();
