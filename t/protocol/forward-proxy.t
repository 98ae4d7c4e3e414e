#!/usr/bin/perl
# A forward proxy: the target is not on this server, and the rules are those
# of <Proxy>. A refused request never reaches the origin.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $origin = own_httpd();
my $server = own_httpd(conf => keep_expect() . <<'CONF');
ProxyRequests On
<Proxy "*">
    ExpectRequire content-length max=10
</Proxy>
<Proxy "*/full/*">
    ExpectRequire free-space 1
</Proxy>
CONF
my $url = 'http://127.0.0.1:' . $origin->port . '/witness/';

for my $asks (1, 0) {
    my $client = $asks ? 'asked' : 'not asked';
    my $r = upload(vhost => $server, path => $url, content => 10,
        asks => $asks);
    is $r->{status}, 200, "within, $client: status";
    is witness_of($r->{id}, $origin)->{read}, 10, "within, $client: handed on";

    for (['over', $url, 11, 413, qr/^content-length 11 is over max=10/],
         ['no file system', "${url}full/x", 5, 507, qr/^free-space/]) {
        my($name, $path, $length, $status, $reason) = @$_;
        my $mark = log_mark($origin);
        my $refused = upload(vhost => $server, path => $path,
            content => $length, asks => $asks);
        is $refused->{status}, $asks ? 417 : $status, "$name, $client: status";
        is_deeply $refused->{interim}, [], "$name, $client: no interim response";
        is $refused->{witness}{read}, 0, "$name, $client: unread";
        like $refused->{witness}{reason}, $reason, "$name, $client: reason";
    }
}

# The origin has seen what was admitted and no more.
open my $fh, '<', $origin->dir . '/witness_log' or die "witness_log: $!\n";
is scalar(my @lines = <$fh>), 2, 'the origin saw two requests';

done_testing();
