#!/usr/bin/perl
# Which requests are judged: main requests that announce content, and no
# others. A request of HTTP/1.0 cannot ask; 100-continue asks in upper and
# lower case.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;

my $NEVER = "ExpectRequire header X-Never\n";
my $docroot = conf_var('documentroot');
my $stock = stock_httpd();

write_htaccess('tenant/judged', $NEVER);
write_htaccess('tenant/judged/open', '');
my $path = '/tenant/judged/x';

sub write_page {
    my($name, $text) = @_;
    spew("$docroot/$name", $text);
}

# --- judged: whatever the method -------------------------------------------

refused_ok("$_ with content", { path => $path, content => 5, method => $_ },
    status => 400, asked_status => 417, rule => 'header')
    for qw(PUT POST PATCH GET HEAD DELETE PROPFIND OPTIONS UNKNOWN);
refused_ok('chunked', { path => $path, content => 5, chunked => 1 },
    status => 400, asked_status => 417, rule => 'header');
refused_ok('a single byte', { path => $path, content => 'x' },
    status => 400, asked_status => 417, rule => 'header');
refused_ok('more than fits into 32 bits', { path => $path, content => 'x',
        length => 1 << 33 }, status => 400, asked_status => 417, h2 => 0,
    rule => 'header');

# TRACE leads to no section: the server's rules hold, as for OPTIONS *.
{
    my $server = own_httpd(conf => "TraceEnable extended\n"
        . "ExpectRequire content-length max=10\n");
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, method => 'TRACE', content => 11,
            path => '/witness/x', asks => $asks, silence => 5);
        is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
            [$asks ? 417 : 413, [], 0, 0], "TRACE, refused, asks $asks"
            or diag explain $r;
        $r = upload(vhost => $server, method => 'TRACE', content => 10,
            path => '/witness/x', asks => $asks, eager => !$asks);
        is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
            [200, $asks ? [100] : [], 10], "TRACE, admitted, asks $asks"
            or diag explain $r;
        is scalar(() = $r->{body} =~ /^TRACE /mg), 1, 'answered once';
    }
}

# Chunked content may be empty, which is unknown before it is read.
for my $expect ('', "Expect: 100-continue\r\n") {
    my $t = talk('main', "PUT $path HTTP/1.1\r\nHost: localhost\r\n${expect}"
        . "Transfer-Encoding: chunked\r\n\r\n",
        $expect ? qr/^HTTP\/1.1 417 / : qr/^HTTP\/1.1 400 /, 'eof');
    is $t->{missed}, undef, 'chunked, empty' . ($expect ? ', asked' : '')
        or diag $t->{bytes};
}

# --- not judged: no content ------------------------------------------------

for my $h2 (0, has_h2() ? 1 : ()) {
    for my $case (['GET', {}], ['PUT', {}], ['PUT', { asks => 1 }],
                  ['PUT', { length => 0 }], ['POST', { length => 0 }],
                  ['PUT', { length => 0, asks => 1 }],
                  ['DELETE', {}], ['OPTIONS', {}]) {
        my($method, $how) = @$case;
        my $o = { path => $path, method => $method, h2 => $h2, %$how };
        my $name = "$method, no content, h2 $h2" . join '', map { ", $_" }
            sort keys %$how;
        my $r = upload(%$o);
        is $r->{witness}{verdict}, '-', "$name: not judged";
        is $r->{status}, 200, "$name: 200" or diag explain $r;
        next if $h2;
        my $plain = upload(%$o, vhost => $stock, path => '/witness/');
        # stock httpd 2.5-dev sends 100 for content that is none
        is_deeply [@$r{qw(interim closed)}],
            $o->{asks} && httpd_at_least('2.5') ? [[], 1]
            : [@$plain{qw(interim closed)}], "$name: as stock httpd";
    }
}

# --- not judged: subrequests and internal redirects ------------------------

write_htaccess('tenant/judged-ssi', "SetHandler none\nOptions +Includes\n"
    . "AddType text/html .shtml\nAddOutputFilter INCLUDES .shtml\n");
write_page('tenant/judged-ssi/page.shtml',
    'a <!--#include virtual="/tenant/judged/inner.txt" --> b');
write_htaccess('tenant/judged', "$NEVER<Files inner.txt>\nSetHandler none\n"
    . "</Files>\n");
write_page('tenant/judged/inner.txt', 'the inner text');
for my $h2 (0, has_h2() ? 1 : ()) {
    my $mark = log_mark();
    my $r = upload(path => '/tenant/judged-ssi/page.shtml', method => 'GET',
        content => 5, eager => 1, h2 => $h2);
    like $r->{body}, qr/a the inner text b/, "subrequest: not judged, h2 $h2";
    is scalar(grep { /expect: / } error_log_since($mark)), 0,
        "subrequest: nothing logged, h2 $h2";
}

# The place that a client addressed has spoken; where httpd goes on to has not.
for (['front controller', "RewriteEngine On\nRewriteRule .* $path [END]\n"],
     ['Action', "Action witness $path virtual\n"],
     ['ErrorDocument', "Require all denied\nErrorDocument 403 $path\n"],
     ['no such file', "SetHandler none\nErrorDocument 404 $path\n"
         . "ErrorDocument 405 $path\n"]) {
    my($name, $text) = @$_;
    write_htaccess('tenant/judged-redirect', $text);
    for my $asks (0, 1) {
        my $mark = log_mark();
        my $r = upload(path => '/tenant/judged-redirect/x', content => 5,
            asks => $asks, eager => !$asks);
        isnt $r->{witness}{verdict}, 'refuse', "$name, asks $asks: not judged";
        is scalar(grep { /expect: / } error_log_since($mark)), 0,
            "$name, asks $asks: nothing logged";
        like $r->{body}, qr/read=/, "$name, asks $asks: answered from there";
    }
}

# ... but its own rules count, even if it only redirects.
write_htaccess('tenant/judged-from', "RewriteEngine On\n"
    . "RewriteRule .* /witness/ [END]\n$NEVER");
refused_ok('a front controller in a place with rules', {
        path => '/tenant/judged-from/x', content => 5 }, status => 400,
    asked_status => 417, rule => 'header');

# --- the server's own rules: CONNECT, OPTIONS * ----------------------------

{
    my $server = own_httpd(conf => $NEVER);
    for my $asks (0, 1) {
        my $head = "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Length: 3\r\n"
            . ($asks ? "Expect: 100-continue\r\n" : '');
        my @status = map {
            my $t = talk($_, "${head}X-Witness: connect-$asks\r\n\r\n"
                . 'abc', qr/^HTTP\/1.1 [2-5]\d\d /m);
            $t->{bytes} =~ /^HTTP\/1.1 ([2-5]\d\d)/m;
        } $server, $stock;
        is $status[0], $status[1], "CONNECT, asks $asks: as stock httpd";
        is witness_of("connect-$asks", $server)->{verdict}, '-',
            "CONNECT, asks $asks: not judged";
        is witness_of("connect-$asks", $server)->{read}, 0,
            "CONNECT, asks $asks: unread";

        my $t = talk($server, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Length: 3\r\nX-Witness: options-$asks\r\n"
            . ($asks ? "Expect: 100-continue\r\n" : '') . "\r\n",
            $asks ? qr/^HTTP\/1.1 417 / : qr/^HTTP\/1.1 400 /, 'eof');
        is $t->{missed}, undef, "OPTIONS *, asks $asks: judged"
            or diag $t->{bytes};
        is witness_of("options-$asks", $server)->{read}, 0,
            "OPTIONS *, asks $asks: unread";
    }
    is upload(vhost => $server, path => '*', method => 'OPTIONS')->{status},
        200, 'OPTIONS * without content';

    # There is no access control that could say yes.
    my $guarded = own_httpd(conf => "ExpectRequire auth\n");
    for my $asks (0, 1) {
        my $r = upload(vhost => $guarded, path => '*', method => 'OPTIONS',
            content => 3, asks => $asks);
        is $r->{status}, $asks ? 417 : 403, "OPTIONS *, auth, asks $asks";
        is $r->{witness}{rule}, 'auth', "OPTIONS *, auth, asks $asks: rule";
    }
}

# --- which clients ask -----------------------------------------------------

for my $value ('100-continue', '100-Continue', '100-CONTINUE') {
    my @lines = ("Host: localhost", 'Content-Length: 3', "Expect: $value");
    my $t = talk('main', join("\r\n", "PUT $path HTTP/1.1", @lines, '', ''),
        qr/^HTTP\/1.1 417 /, 'eof');
    is $t->{missed}, undef, "$value: refused as one that asked"
        or diag $t->{bytes};
    $t = talk('main', join("\r\n", "PUT $path HTTP/1.1", @lines,
            'X-Never: now', '', ''), qr/^HTTP\/1.1 100 .*?\r\n\r\n/s,
        'abc', qr/^HTTP\/1.1 200 .*read=3/ms);
    is $t->{missed}, undef, "$value: admitted" or diag $t->{bytes};
}

# HTTP/1.0 cannot mean to wait, even if it says so.
refused_ok('HTTP/1.0, asked', { path => $path, content => 5, http => '1.0',
        asks => 1 }, status => 400, rule => 'header');
refused_ok('HTTP/1.0, not asked', { path => $path, content => 5,
        http => '1.0', asks => 0 }, status => 400, rule => 'header');
admitted_ok('HTTP/1.0, asked, admitted: no 100', { path => $path,
        content => 5, http => '1.0', asks => 1, headers => ['X-Never: 1'] },
    status => 200);

done_testing();
