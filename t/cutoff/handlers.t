#!/usr/bin/perl
# Content of unknown length and its max=, where the witness's handlers read
# it: blocking, without blocking, not at all. The second part looks at the
# bytes on the wire.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $MAX = 100;
my $root = conf_var('documentroot');

my $limit = "ExpectRequire content-length max=$MAX";

for my $handler (qw(witness witness-nonblock)) {
    my $path = section($limit, "SetHandler $handler");
    within_ok($handler, $path, $MAX, status => 200,
        body => sub { qr/^read=$_[0]\n/ });
    cut_off_ok($handler, $path, $MAX);
}

# More than one read, and more than the client can send ahead.
{
    my $max = 300_000;
    my $path = section("ExpectRequire content-length max=$max");
    within_ok('large', $path, $max, status => 200, sizes => [$max]);
    cut_off_ok('large', $path, $max, sizes => [$max + 1, 3_000_000]);
}

# Nothing, and one byte.
{
    my $path = section('ExpectRequire content-length max=0');
    within_ok('max=0', $path, 0, status => 200, sizes => [0], h2 => 0);
    cut_off_ok('max=0', $path, 0, sizes => [1, 1000]);
    $path = section('ExpectRequire content-length max=1');
    within_ok('max=1', $path, 1, status => 200, sizes => [1]);
    cut_off_ok('max=1', $path, 1, sizes => [2]);
}

# The status is 413 whatever is asked for: the expectation was answered by 100.
for my $status ('417', 'specific') {
    cut_off_ok("ExpectStatus $status",
        section("ExpectStatus $status", $limit), $MAX,
        sizes => [$MAX + 1]);
}

# A handler that answers without reading: the answer stands, nothing comes
# after it, and what httpd reads to get to the next request is bounded.
for my $h2 (0, has_h2() ? 1 : ()) {
    my $path = section($limit, 'SetHandler witness-lazy');
    for my $asks (1, 0) {
        my $label = 'lazy, ' . ($h2 ? 'HTTP/2' : 'HTTP/1.1')
            . ($asks ? ', asked' : ', not asked');
        my $r = upload(path => $path, chunked => 1, content => 1_000_000,
            asks => $asks, eager => !$asks, h2 => $h2);
        is_deeply [@$r{qw(status interim)}], [200, []], "$label: 200";
        is $r->{body}, "read=0\n", "$label: the whole answer";
        ok $r->{closed} || $r->{ended}, "$label: closed" if $h2;
        cmp_ok $r->{witness}{read}, '<=', $MAX + 1, "$label: bounded";
        is $r->{witness}{eos}, 0, "$label: no end seen";
    }
}
{
    my $path = section($limit, 'SetHandler witness-lazy');
    my $t = talk('main', "PUT $path HTTP/1.1\r\nHost: x\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n" . chunk('x' x 101)
        . "0\r\n\r\nGET /witness/ HTTP/1.1\r\nHost: x\r\n\r\n", 'eof');
    ok !$t->{missed}, 'lazy: closed';
    is(() = $t->{bytes} =~ m{^HTTP/1\.1 }mg, 1, 'lazy: one answer')
        or diag $t->{bytes};
}

# --- on the wire -----------------------------------------------------------

my $put = sub {
    my($path, @headers) = @_;
    return join "\r\n", "PUT $path HTTP/1.1", 'Host: localhost',
        'Transfer-Encoding: chunked', @headers, '', '';
};
my $path = section($limit);
my $N = 'x' x $MAX;
my $get = "GET /static/file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";

# what it shows, the content as sent; the patterns that must come, the number of
# answers, and whether the connection ends by itself
my @wire = (
    ['the first byte over is enough, without an end',
        chunk($N) . "1\r\nx", [qr/ 413 /], 1],
    ['the byte over in the same chunk', "65\r\n${N}x", [qr/ 413 /], 1],
    ['nothing but an end', "0\r\n\r\n", [qr/ 200 .*read=0\n/s], 1, 'open'],
    ['byte by byte', chunk('x') x 101, [qr/ 413 /], 1],
    ['byte by byte, at max', chunk('x') x 100 . "0\r\n\r\n",
        [qr/ 200 .*read=100\n/s], 1, 'open'],
    ['framing does not count: chunk extensions',
        "64;a=" . 'y' x 200 . "\r\n$N\r\n0;b=c\r\n\r\n",
        [qr/ 200 .*read=100\n/s], 1, 'open'],
    ['framing does not count: trailers',
        chunk($N) . "0\r\nX-Trailer: " . 'y' x 200 . "\r\n\r\n",
        [qr/ 200 .*read=100\n/s], 1, 'open'],
    ['content within max leaves the connection open',
        chunk($N) . "0\r\n\r\n$get", [qr/ 200 .*read=100\n/s, qr/ 200 /],
        2, 'open'],
    ['what follows a cut-off is no request',
        chunk("${N}x") . "0\r\n\r\n$get", [qr/ 413 /], 1],
    ['content that looks like a request, over',
        chunk($N . "\r\n$get"), [qr/ 413 /], 1],
);

for (@wire) {
    my($name, $bytes, $wanted, $answers, $open) = @$_;
    my $t = talk('main', $put->($path) . $bytes, @$wanted,
        $open ? () : 'eof');
    ok !exists $t->{missed}, $name or diag explain $t;
    is(() = $t->{bytes} =~ m{^HTTP/1\.1 }mg, $answers, "$name: answers")
        or diag $t->{bytes};
}

{
    my $t = talk('main', $put->($path, 'Expect: 100-continue'),
        qr{^HTTP/1\.1 100 Continue\r\n\r\n}, chunk($N), chunk('x'),
        qr{\AHTTP/1\.1 413 }, 'eof');
    ok !exists $t->{missed}, 'step by step: 100, 413, the end'
        or diag explain $t;
}

# Two requests on one connection have each the whole of the max.
{
    my $within = $put->($path) . chunk($N) . "0\r\n\r\n";
    my $t = talk('main', $within, qr/read=100\n/, $within, qr/read=100\n/,
        $put->($path) . chunk("${N}x"), qr/ 413 /, 'eof');
    ok !exists $t->{missed}, 'each request has its own count'
        or diag explain $t;
}

# --- the answer ------------------------------------------------------------

{
    my $r = upload(path => $path, chunked => 1, content => 101, eager => 1);
    is $r->{headers}{'upload-limit'}, "max-size=$MAX",
        'the answer has the limit';
    my $custom = section($limit, 'ErrorDocument 413 "too much"');
    $r = upload(path => $custom, chunked => 1, content => 101, eager => 1);
    is_deeply [@$r{qw(status body)}], [413, 'too much'],
        "the directory's own ErrorDocument";
    my $handled = section($limit, 'ErrorDocument 413 /cgi/read.cgi');
    $r = upload(path => $handled, chunked => 1, content => 1000, eager => 1);
    is $r->{status}, 413, 'an ErrorDocument that is a script: 413';
    like $r->{body}, qr/content of unknown length exceeded max=100/,
        "an ErrorDocument that is a script: the module's own page";
    is_deeply [@{ $r->{witness} }{qw(verdict rule nstatus)}],
        ['refuse', 'content-length', 413], 'an ErrorDocument: the notes';
    my $file = section($limit, 'ErrorDocument 413 /static/file.txt',
        'SetHandler witness-again');
    $r = upload(path => $file, chunked => 1, content => 101, eager => 1);
    is $r->{status}, 413, 'an ErrorDocument that is a file: 413';
    unlike $r->{body}, qr/not announced/, 'an ErrorDocument that is a file';
    is $r->{witness}{eos}, 0,
        'an ErrorDocument that is a file: no end for a handler that reads on';
}

done_testing();
