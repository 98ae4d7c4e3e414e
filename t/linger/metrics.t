#!/usr/bin/perl
# The number of lingering connections, and of bytes thrown away, in every form
# of the status page and in mod_status. The gauge falls when clients go; the
# counter survives a restart.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/linger';
use StatusTest;
use Lingering;

my $server = linger_httpd(conf => <<'CONF');
ExpectLinger time=600 idle=600
<Location /server-status>
    SetHandler server-status
</Location>
CONF

sub get {
    return upload(method => 'GET', path => $_[0], vhost => $server,
        unwitnessed => 1)->{body};
}

# form, where, and where in it: how many linger, how many bytes
my @forms = (
    ['JSON', '/expect-status?format=json', qr/"lingering":(\d+)/,
        qr/"bytes_drained":(\d+)/],
    ['OpenMetrics', '/expect-status?format=openmetrics',
        qr/^# TYPE expect_lingering gauge\n.*^expect_lingering (\d+)$/ms,
        qr/^# TYPE expect_bytes_drained counter\n
            .*^expect_bytes_drained_total\ (\d+)$/msx],
    ['page', '/expect-status', qr{<b>(\d+)</b><span class="soft">refused, ling},
        qr/lingering; ([\d.]+ kB) thrown away/],
    ['mod_status', '/server-status', qr/<dt>Lingering: (\d+)</,
        qr/<dt>Thrown away: ([\d.]+ kB)</],
    ['mod_status, ?auto', '/server-status?auto', qr/^ExpectLingering: (\d+)$/m,
        qr/^ExpectBytesDrained: (\d+)$/m],
);

sub check_forms {
    my($lingering, $what) = @_;
    for (@forms) {
        my($name, $path, $held, $bytes) = @$_;
        my $body = get($path);
        is +($body =~ $held)[0], $lingering, "$what, $name: connections";
        my($drained) = $body =~ $bytes;
        is $drained, $bytes =~ /kB/ ? '75.0 kB' : 75_000,
            "$what, $name: bytes";
    }
}

my @clients = map { refused($server) } 1 .. 3;
send_all($_, 25_000) for @clients;
ok $server->wait_for(sub { drained($server) == 75_000
    && lingering($server) == 3 }), 'three that send';
check_forms(3, 'while they are there');

close $_->{socket} for @clients;
ok $server->wait_for(sub { lingering($server) == 0 }), 'they go';
check_forms(0, 'when they are gone');

ok $server->graceful, 'a restart';
check_forms(0, 'behind it');

done_testing();
