#!/usr/bin/perl
# mod_remoteip: behind a proxy the rules see the client's address, not the
# proxy's, from the early lookup on.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

write_htaccess('tenant/remoteip', "ExpectRequire ip 192.0.2.0/24\n");
write_htaccess('tenant/remoteip-not', "ExpectRequire not ip 192.0.2.0/24\n");
write_htaccess('tenant/remoteip-expr', "ExpectRequire expr "
    . "\"%{REMOTE_ADDR} == '192.0.2.7'\"\n");
write_htaccess('tenant/remoteip-proxy', "ExpectRequire expr "
    . "\"%{CONN_REMOTE_ADDR} == '127.0.0.1'\"\n");

my $server = h2_httpd(<<'CONF');
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
CONF
my $distrusts = h2_httpd(<<'CONF');
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 198.51.100.1
CONF

my @inside  = ('X-Forwarded-For: 192.0.2.7');
my @outside = ('X-Forwarded-For: 203.0.113.9');

sub to {
    my($place, @headers) = @_;
    return { path => "/tenant/$place/x", content => 5, headers => \@headers };
}

admitted_on("$_: the client's address", $server, to($_, @inside),
    status => 200) for qw(remoteip remoteip-expr remoteip-proxy);
refused_on("$_: another client's", $server, to($_, @outside),
    status => 403, asked_status => 417,
    log => qr/\[(?:client|remote) 203\.0\.113\.9:\d+\] expect: refused \d+: /)
    for qw(remoteip remoteip-expr);
refused_on('not ip: the client\'s address', $server,
    to('remoteip-not', @inside), status => 403, asked_status => 417);
admitted_on('not ip: another client\'s', $server,
    to('remoteip-not', @outside), status => 200);

# Nobody sent one, or it is not from a proxy that is trusted.
refused_on('no field: the proxy itself', $server, to('remoteip'),
    status => 403, asked_status => 417);
refused_on('a field from anybody', $distrusts, to('remoteip', @inside),
    status => 403, asked_status => 417,
    log => qr/\[(?:client|remote) 127\.0\.0\.1:\d+\] expect: refused \d+: /);

# On one connection each request has its own client.
{
    my $head = sub { "PUT /tenant/remoteip/x HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: 5\r\nExpect: 100-continue\r\n$_[0]\r\n\r\n" };
    my $t = talk($server, $head->(@inside), qr/ 100 .*?\r\n\r\n/, 'hello',
        qr/ 200 .*read=5\n/s, $head->(@outside), qr/ 417 /, 'eof');
    is $t->{missed}, undef, 'two clients behind one connection'
        or diag $t->{bytes};
}

done_testing();
