#!/usr/bin/perl
# A module that takes a connection over for another protocol gets what comes
# after the head, where rules are in force as elsewhere: it removes HTTP_IN, by
# its name or by its handle, and reads. Upgrades by httpd's own modules work.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $conf = <<'CONF';
<Location /takes/name>
    SetHandler witness-takes-by-name
</Location>
<Location /takes/handle>
    SetHandler witness-takes-by-handle
</Location>
CONF
my $rules = if_expect(<<'CONF');
<Location /takes>
    ExpectRequire content-length max=10
</Location>
<Location /witness>
    ExpectRequire content-length max=10
</Location>
CONF
my %server = (
    stock      => h2_stock($conf . $rules),
    'no rules' => h2_httpd($conf),
    rules      => h2_httpd($conf . $rules),
);

# 2.5-dev reads content by a filter above HTTP_IN, HTTP1_BODY_IN, which finds
# its end
my $got = httpd_at_least('2.5') ? qr/got <>/ : qr/got <FRAME>/;

for my $name (sort keys %server) {
    for my $by (qw(name handle)) {
        my $t = talk($server{$name}, "GET /takes/$by HTTP/1.1\r\n"
            . "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
            qr/^HTTP\/1\.1 101 .*\r\n\r\n/s, 'FRAME', $got, 'eof');
        is $t->{missed}, undef, "$name: HTTP_IN removed by its $by"
            or diag $t->{bytes};
    }
    # what is not taken over has no content, and the next request is one
    my $t = talk($server{$name}, "GET /witness/a HTTP/1.1\r\n"
        . "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        qr/^HTTP\/1\.1 200 .*read=0\n/s, "GET /witness/b HTTP/1.1\r\n"
        . "Host: localhost\r\nConnection: close\r\n\r\n",
        qr/HTTP\/1\.1 200 .*read=0\n/s, 'eof');
    is $t->{missed}, undef, "$name: an upgrade that is ignored"
        or diag $t->{bytes};
    next if !has_h2();
    my $url = 'http://127.0.0.1:' . $server{$name}->port . '/witness/h2c';
    is qx(curl -s --http2 -o /dev/null -w '%{http_version} %{http_code}' $url),
        '2 200', "$name: an upgrade to h2c";
}

done_testing();
