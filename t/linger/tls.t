#!/usr/bin/perl
# ExpectLinger over TLS: the client reads the whole answer and a close_notify,
# and then the same bounds hold.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant MB => 1024 * 1024;
use constant { BUFFERS => 12 * MB, LATE => 5 };

my $port = ExpectTest::Server::free_port();
my $conf = conf_var('t_conf');
my $tls = "SSLEngine on\nSSLCertificateFile \"$conf/tls.crt\"\n"
    . "SSLCertificateKeyFile \"$conf/tls.key\"";
my %says = (
    bounds => 'ExpectLinger time=4 idle=1',
    max    => 'ExpectLinger max=5M time=600 idle=600',
    off    => 'ExpectLinger Off',
);
my $server = linger_httpd(conf => join "\n", "Listen 127.0.0.1:$port", map {
    "<VirtualHost *:$port>\nServerName $_\n$tls\n$says{$_}\n</VirtualHost>"
} sort keys %says);

# host, what its client does, what ends it
my @cases = (
    ['bounds', 'silent', seconds => 1],
    ['bounds', 'trickle', seconds => 4],
    ['bounds', 'flood', seconds => 4],
    ['max', 'flood', bytes => 5 * MB],
    ['off', 'flood', bytes => 0],
);
my @running = map {
    open my $out, '-|', 'python3', 't/linger/tls.py', $port, @$_[0, 1]
        or die "python3: $!\n";
    $out;
} @cases;

for my $case (@cases) {
    my($host, $does, $what, $bound) = @$case;
    my $name = "$host, $does";
    my $out = shift @running;
    my($status, $how, $seconds, $sent, $whole) = split ' ', <$out> // '';
    is $status, 413, "$name: the status is read" or next;
    is $whole, 'True', "$name: so is the page";
    is $how, 'reset', "$name: reset in the end";
    if ($what eq 'seconds') {
        cmp_ok $seconds, '>=', $bound, "$name: not before its time";
        cmp_ok $seconds, '<=', $bound + LATE, "$name: in time";
    }
    else {
        # what TLS adds counts for max
        cmp_ok $sent, '>=', 0.98 * $bound, "$name: not before max";
        cmp_ok $sent, '<=', $bound + BUFFERS, "$name: soon after max";
    }
}
is join('', $server->crashes), '', 'nothing crashed';

done_testing();
