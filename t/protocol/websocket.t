#!/usr/bin/perl
# A WebSocket is a tunnel and no upload: no rule minds it, over HTTP/1.1
# (Upgrade) and over HTTP/2 (RFC 8441, an extended CONNECT), and what goes
# through it arrives.

use strict;
use warnings;

use lib 't/house';
use Digest::SHA qw(sha1_base64);
use IO::Socket::INET ();
use POSIX ();
use Test::More;
use ExpectTest;
use H2Client;
use House;

# --- an origin that agrees to a WebSocket, answers once, and closes -------

my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5)
    or die "no port: $!\n";

sub serve {
    my($c) = @_;
    my $text = '';
    while ($text !~ /\r\n\r\n/) {
        sysread $c, $text, 4096, length $text or return;
    }
    my($key) = $text =~ /^Sec-WebSocket-Key: *(\S+)/mi;
    my $accept = sha1_base64(($key // '')
        . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
    syswrite $c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSec-WebSocket-Accept: $accept\r\n\r\n";
    my $got = '';
    while (length $got < 5) {
        sysread $c, $got, 4096, length $got or return;
    }
    syswrite $c, "heard $got";
}

my $test = $$;
my $origin = fork // die "fork: $!\n";
if (!$origin) {
    local $SIG{ALRM} = 'DEFAULT';
    alarm 120;
    while (my $c = $listen->accept) {
        serve($c);
        close $c;
    }
    POSIX::_exit(0);
}
END {
    if ($origin && $$ == $test) {
        my $status = $?;
        kill KILL => $origin;
        waitpid $origin, 0;
        $? = $status;
    }
}

# --- servers ---------------------------------------------------------------

my %rules = (
    none     => '',
    type     => 'ExpectRequire content-type image/*',
    known    => 'ExpectRequire content-length known',
    max      => 'ExpectRequire content-length max=1',
    denied   => 'ExpectRequire all denied',
    handler  => 'ExpectRequire handler cgi-script',
);
my $target = 'http://127.0.0.1:' . $listen->sockport . '/';
my $conf = "<IfDirective H2WebSockets>\nH2WebSockets On\n</IfDirective>\n"
    . join '', map { "<Location /ws/$_>\nProxyPass $target upgrade=websocket\n"
        . "<IfModule expect_module>\n$rules{$_}\n</IfModule>\n</Location>\n" }
        sort keys %rules;
my %servers = (ours => house_httpd($conf), stock => house_stock($conf));

sub over_http1 {
    my($port, $path) = @_;
    my $t = talk($port, "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        . "Sec-WebSocket-Version: 13\r\n"
        . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        qr/\r\n\r\n/, 'hello', 'eof');
    return join ' ', $t->{bytes} =~ m{^HTTP/1\.1 (\d+)},
        $t->{bytes} =~ /(heard .*)\z/;
}

sub over_http2 {
    my($port, $path) = @_;
    my $socket = IO::Socket::INET->new("127.0.0.1:$port")
        or die "cannot connect: $!\n";
    $socket->blocking(0);
    my $r = H2Client->new($socket)->request(content => 'hello', eager => 1,
        wait => 5, head => [[':method', 'CONNECT'],
            [':protocol', 'websocket'], [':scheme', 'http'],
            [':path', $path], [':authority', 'localhost'],
            ['sec-websocket-version', '13']]);
    return join ' ', $r->{status} // 'none', $r->{body} // '';
}

for my $name (sort keys %servers) {
    for my $rule (sort keys %rules) {
        my $port = $servers{$name}->port;
        is over_http1($port, "/ws/$rule"), '101 heard hello',
            "$name, HTTP/1.1, rule $rule";
        # mod_http2 knows of it since 2.4.58
        next unless has_h2() && httpd_at_least('2.4.58');
        is over_http2($port, "/ws/$rule"), '200 heard hello',
            "$name, HTTP/2, rule $rule";
    }
}

done_testing();
