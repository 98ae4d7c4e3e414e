#!/usr/bin/perl
# A server with the fewest modules that DAV needs, and without the witness: no
# filter stands beside HTTP_IN where mod_expect's filter has to go. The stored
# file shows how much was read.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $root = conf_var('documentroot');
mkdir "$root/dav/few-modules" or die "dav/few-modules: $!\n";
my $server = own_httpd(only => [qw(authz_core dav dav_fs mime unixd)],
    conf => <<"CONF");
<Directory "$root/dav/few-modules">
    Dav On
    ExpectRequire content-length max=1000
</Directory>
CONF

sub put {
    my($name, $content, %o) = @_;
    my $r = ExpectTest::upload_h1(ExpectTest::complete_options(
            vhost => $server, path => "/dav/few-modules/$name",
            content => $content, %o));
    return ($r->{status}, $r->{closed} ? 'closed' : 'open',
        -s "$root/dav/few-modules/$name");
}

for my $asks (1, 0) {
    my $client = $asks ? 'asked' : 'not asked';
    is_deeply [put("in-$asks", 1000, chunked => 1, asks => $asks)],
        [201, 'open', 1000], "chunked, within max, $client";
    is_deeply [put("over-$asks", 1001, chunked => 1, asks => $asks)],
        [413, 'closed', undef], "chunked, over max, $client: cut off, no file";
    is_deeply [put("far-$asks", 500_000, chunked => 1, asks => $asks)],
        [413, 'closed', undef], "chunked, far over max, $client";
    is_deeply [put("plain-$asks", 1000, asks => $asks)],
        [201, 'open', 1000], "announced, within max, $client";
    is_deeply [put("no-$asks", 1001, asks => $asks)],
        [$asks ? 417 : 413, 'closed', undef], "announced, over max, $client";
}

done_testing();
