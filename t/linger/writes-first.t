#!/usr/bin/perl
# A client that writes 50 MB before it reads gets the status and the page,
# with the default ExpectLinger: over plain sockets, with Python's
# http.client, over TLS. No handler reads those bytes.

use strict;
use warnings;

use IO::Socket::INET ();
use Test::More;
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant MEGABYTES => 50;
use constant SIZE => MEGABYTES * 1024 * 1024;

my $port = ExpectTest::Server::free_port();
my $t_conf = conf_var('t_conf');
my $server = linger_httpd(conf => <<"CONF");
Listen 127.0.0.1:$port
<VirtualHost *:$port>
    SSLEngine on
    SSLCertificateFile "$t_conf/tls.crt"
    SSLCertificateKeyFile "$t_conf/tls.key"
</VirtualHost>
CONF

for my $framing ('Content-Length: ' . SIZE, 'Transfer-Encoding: chunked') {
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { die "it takes too long\n" };
    alarm 60;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
        . $server->port) or die "connect: $!\n";
    my $piece = 'x' x 65_536;
    $piece = sprintf "%x\r\n%s\r\n", length $piece, $piece
        if $framing =~ /chunked/;
    print {$socket} "PUT /witness/x HTTP/1.1\r\nHost: plain\r\n$framing\r\n"
        . "X-Witness-Id: raw\r\n\r\n";
    my $sent = 0;
    while ($sent < SIZE) {
        my $n = syswrite $socket, $piece or last;
        $sent += $n;
    }
    cmp_ok $sent, '>=', SIZE, "$framing: all is written";
    my $got = '';
    1 while sysread $socket, $got, 65_536, length $got;
    alarm 0;
    like $got, qr{\AHTTP/1\.1 413 .*</html>}s, "$framing: the answer is read";
}

for my $tls ([$server->port], [$port, 'tls']) {
    my($where, @tls) = @$tls;
    open my $out, '-|', 'python3', 't/linger/writes-first.py', $where,
        MEGABYTES, @tls or die "python3: $!\n";
    is <$out>, "413 True\n", "http.client @tls";
}

# the last of them are still under way when the client has its answer
ok $server->wait_for(sub { drained($server) >= 4 * SIZE - 1024 * 1024 }),
    'that many bytes were thrown away' or diag drained($server);

done_testing();
