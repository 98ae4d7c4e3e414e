#!/usr/bin/perl
# A forward proxy: the target is not on this server, and the rules are those
# of <Proxy>. A refused request never reaches the origin.

use strict;
use warnings;

use lib 't/other-modules';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;
use OtherModules;

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

# CONNECT has no content (RFC 9110, 9.3.6). If it comes with some all the same
# and is refused, that does not become a request. Here httpd is a proxy for one
# port only.
{
    my $document = conf_var('documentroot') . '/tenant/connect';
    mkpath($document);
    spew("$document/page.html", "no tunnel\n");
    my $conf = load('proxy_connect')
        . "ProxyRequests On\nAllowCONNECT 443\n";
    my $page = "ErrorDocument 403 /tenant/connect/page.html\n"
        . "<Directory \"$document\">\nSetHandler default-handler\n"
        . if_expect("ExpectRequire content-length max=10\n")
        . "</Directory>\n";
    my $rule = if_expect(
        "<Proxy \"*\">\nExpectRequire content-length max=10\n</Proxy>\n");
    my $smuggled = "GET /witness/smuggled HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Witness: smuggled\r\n\r\n";
    my $next = "GET /witness/next HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n";
    my $rewrite = load('rewrite') . "RewriteEngine On\n"
        . "RewriteOptions AllowAnyURI\nRewriteCond %{REQUEST_METHOD} CONNECT\n";
    my %conf = ('no rules' => '',
        'a rewrite in <Proxy>' => "<Proxy \"*\">\nRewriteEngine On\n"
            . "RewriteRule ^ /tenant/connect/page.html [L]\n</Proxy>\n$page",
        'a redirect with a page' =>
            "${rewrite}RewriteRule ^ http://x/ [R=302]\n"
            . "ErrorDocument 302 /tenant/connect/page.html\n$page",
        'a rewrite to a handler' =>
            "${rewrite}RewriteRule ^ $document/page.html [H=witness]\n$page",
        'a rule for the proxy' => $rule,
        'a rule for the page' => $page, 'both rules' => $rule . $page);
    for my $name (sort keys %conf) {
        for (['stock', stock_httpd(conf => "$conf$conf{$name}")],
             ['mod_expect', own_httpd(conf => "$conf$conf{$name}")]) {
            my($which, $proxy) = @$_;
            for my $framing ('Content-Length: ' . length $smuggled,
                'Transfer-Encoding: chunked') {
                my $content = $framing =~ /chunked/
                    ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $smuggled,
                        $smuggled)
                    : $smuggled;
                my $t = talk($proxy, "CONNECT localhost:81 HTTP/1.1\r\n"
                    . "Host: localhost:81\r\n$framing\r\n\r\n$content$next",
                    qr/^HTTP\/1\.1 \d/, 'eof');
                my @answers = $t->{bytes} =~ /^HTTP\/1\.1 (\d+) /mg;
                like "@answers", qr/^(?:403|405|302|200)(?: 200)?$/,
                    "CONNECT, $which, $name: the content is no request";
                if ($which eq 'stock' || $name =~ /^(?:no rules|.* proxy)$/) {
                    is $answers[1], 200, '... and the next one is served';
                }
                unlike $t->{bytes}, qr/read=[1-9]/,
                    "CONNECT, $which, $name: no content for a handler"
                    if $which ne 'stock';
            }
            my $log = slurp($proxy->dir . '/witness_log');
            unlike $log, qr/smuggled/, "CONNECT, $which, $name: the log";
        }
    }
}

# The origin has seen what was admitted and no more.
open my $fh, '<', $origin->dir . '/witness_log' or die "witness_log: $!\n";
is scalar(my @lines = <$fh>), 2, 'the origin saw two requests';

done_testing();
