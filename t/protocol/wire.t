#!/usr/bin/perl
# The bytes on the wire: an admitted upload gets one 100, and its connection
# is kept as stock httpd keeps it. After a refusal nothing more is read or
# answered, neither a second request nor content that looks like one.

use strict;
use warnings;

use Test::More;
use ExpectTest;

write_htaccess('tenant/wire', if_expect(
    "ExpectRequire content-length max=100\n"));
my $path  = '/tenant/wire/x';
my $ASKS  = "Expect: 100-continue\r\n";
my $stock = stock_httpd();

# Statuses behind which httpd itself would keep the connection.
write_htaccess('tenant/wire-type', if_expect(
    "ExpectRequire content-type image/png\n"));
write_htaccess('tenant/wire-ip', if_expect(
    "ExpectRequire ip 192.0.2.1\nExpectStatus specific\n"));

sub head {
    my($length, $more, $target) = @_;
    $target //= $path;
    return "PUT $target HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: $length\r\n" . ($more // '') . "\r\n";
}

sub finals { return scalar(() = $_[0] =~ /^HTTP\/1\.1 [2-5]\d\d /mg) }

# --- refused: the end of the connection ------------------------------------

my $next = "GET /witness/next HTTP/1.1\r\nHost: localhost\r\n\r\n";
for my $case (
    ['asked',              head(101, $ASKS),                      417],
    ['not asked',          head(101),                             413],
    ['unsupported',        head(5, "Expect: foo\r\n"),            417],
    ['not asked, 415',     head(101, '', '/tenant/wire-type/x'),  415],
    ['not asked, 403',     head(101, '', '/tenant/wire-ip/x'),    403],
    ['asked, 403',         head(101, $ASKS, '/tenant/wire-ip/x'), 403],
    ['asked, keep-alive',  head(101, "${ASKS}Connection: keep-alive\r\n"), 417],
) {
    my($name, $head, $status) = @$case;
    my $mark = log_mark();

    # The content as announced and a second request right behind it; then a
    # client whose content is a request.
    for (['pipelined', 'x' x 101 . $next], ['content like a request', $next]) {
        my($how, $bytes) = @$_;
        my $t = talk('main', $head . $bytes,
            qr/^HTTP\/1.1 $status .*?\r\n\r\n/s,
            'eof');
        is $t->{missed}, undef, "$name, $how: $status and the end"
            or diag $t->{bytes};
        is finals($t->{bytes}), 1, "$name, $how: one answer"
            or diag $t->{bytes};
        like $t->{bytes}, qr/^Connection: close\r$/m, "$name, $how: announced";
        unlike $t->{bytes}, qr/^HTTP\/1.1 100/m, "$name, $how: no 100";
    }
    is scalar(grep { /expect: refused/ } error_log_since($mark)), 2,
        "$name: one line each";
}

# Requests that were pipelined before an upload are answered as usual.
{
    my $t = talk('main', $next . head(101, $ASKS), qr/^HTTP\/1.1 200 /,
        qr/^HTTP\/1.1 417 /m, 'eof');
    is $t->{missed}, undef, 'a request before the upload is answered'
        or diag $t->{bytes};
}

# A Content-Length that is none: nothing is taken for content, least of all what
# the rules have not looked at. (httpd before 2.4.46 takes "+5" for 5.)
for my $length ('+101', '-1', '0x5', '5 5', '5, 5', '5,6', 'x', '5x', '',
                '99999999999999999999') {
    for my $more ('', $ASKS) {
        my $name = "Content-Length: $length" . ($more ? ', asked' : '');
        my $t = talk('main', head($length, $more) . 'x' x 101 . $next,
            qr/^HTTP\/1.1 \d+ .*?\r\n\r\n/s, 'eof');
        is $t->{missed}, undef, "$name: answered, and the end"
            or diag $t->{bytes};
        is_deeply [$t->{bytes} =~ /^HTTP\/1.1 (\d+) /mg], [400], "$name: 400"
            or diag $t->{bytes};
    }
}

# A megabyte sent without asking: the answer still reaches the client.
for my $chunked (0, 1) {
    my $size = 1 << 20;
    write_htaccess('tenant/wire/known', "ExpectRequire content-length known "
        . "max=100\n");
    refused_ok("a megabyte at once, chunked $chunked", {
            path => '/tenant/wire/known/x', content => $size, asks => 0,
            eager => 1, chunked => $chunked },
        status => $chunked ? 411 : 413, h2 => 0);
}

# A refusal while other connections go on: only its own ends.
{
    my $t = talk('main', head(3, $ASKS), qr/^HTTP\/1.1 100 .*?\r\n\r\n/s,
        'abc', qr/^HTTP\/1.1 200 .*read=3\n/ms, head(3),
        'abc', qr/^HTTP\/1.1 200 .*read=3\n/ms, head(101, $ASKS),
        qr/^HTTP\/1.1 417 /m, 'eof');
    is $t->{missed}, undef, 'two uploads, then a refusal, on one connection'
        or diag $t->{bytes};
}

# --- admitted: as stock httpd ----------------------------------------------

for my $case (
    ['asked, a whole upload', [head(3, $ASKS), qr/^HTTP\/1.1 100 .*?\r\n\r\n/s,
        'abc', qr/read=3\n/]],
    ['asked, not waited', [head(3, $ASKS) . 'abc', qr/read=3\n/]],
    ['not asked', [head(3) . 'abc', qr/read=3\n/]],
    ['chunked', ["PUT $path HTTP/1.1\r\nHost: x\r\n$ASKS"
        . "Transfer-Encoding: chunked\r\n\r\n",
        qr/^HTTP\/1.1 100 .*?\r\n\r\n/s, "3\r\nabc\r\n0\r\n\r\n",
        qr/read=3\n/]],
) {
    my($name, $steps) = @$case;
    my @shape = map {
        # A GET behind it shows whether the connection was kept.
        my $t = talk($_, @$steps, "GET /witness/ HTTP/1.1\r\nHost: x\r\n"
            . "Connection: close\r\n\r\n", 'eof');
        is $t->{missed}, undef, "$name: as far as the end"
            or diag $t->{bytes};
        join ' ', $t->{bytes} =~ /^HTTP\/1.1 (\d+)/mg,
            $t->{bytes} =~ /^Connection: (\S+)/mg;
    } 'main', $stock;
    is $shape[0], $shape[1], "$name: $shape[1], as stock httpd";
    like $shape[0], qr/^(?:100 )?200 200 close$/, "$name: kept alive";
}

# A handler that never reads sends no 100, with mod_expect as without.
write_htaccess('tenant/wire/lazy', "SetHandler witness-lazy\n");
for my $where (undef, $stock) {
    my $r = upload(path => '/tenant/wire/lazy/x', content => 3, asks => 1,
        vhost => $where);
    is_deeply [@$r{qw(status interim sent closed)}], [200, [], 0, 1],
        'never read, no 100, ' . ($where ? 'stock' : 'admitted');
}

done_testing();
