#!/usr/bin/perl
# Content is cut off when its handler has begun to answer: what the client got
# of the answer is not the whole, and does not look like it. There is no last
# chunk, and a stream is reset without END_STREAM. A response that is whole has
# one end, and no second response comes after it.

use strict;
use warnings;

use lib 't/other-modules';
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use ExpectTest;
use H2Client;
use OtherModules;

# within HTTP/2's first window
use constant MAX => 20_000;

# mod_reflector answers with the content, while it reads it
my $server = h2_httpd(load('reflector', 'deflate') . <<"CONF");
<Location /witness>
    SetHandler witness-begins
    ExpectRequire content-length max=${\MAX}
</Location>
<Location /witness/reflector>
    SetHandler reflector
</Location>
<Location /witness/tail>
    SetHandler witness-tail
</Location>
<Location /witness/tail/deflate>
    SetOutputFilter DEFLATE
</Location>
<Location /witness/ends>
    SetHandler witness-ends
    SetOutputFilter WITNESS_OUT
</Location>
<Location /witness/no-content>
    SetHandler witness-no-content
</Location>
CONF

# (Where httpd answers a client that still waits for 100 Continue, the answer
# ends with the connection: it has no last chunk in any case.)
for my $path ('/witness/x', '/witness/reflector') {
    for my $asks ($path =~ /reflector/ ? (1, 0) : 0) {
        my $label = $path . ($asks ? ', asked' : ', not asked');
        my $wire = connection($server);
        my $r = { interim => [] };
        ExpectTest::send_bytes($wire, "POST $path HTTP/1.1\r\n"
            . "Host: localhost\r\nTransfer-Encoding: chunked\r\n"
            . ($asks ? "Expect: 100-continue\r\n\r\n" : "\r\n"));
        my $piece = 'x' x 8000;
        local $SIG{PIPE} = 'IGNORE';
        for (1 .. 80) {
            ExpectTest::send_bytes($wire, "1f40\r\n$piece\r\n");
        }
        ExpectTest::read_until($wire, ExpectTest::WAIT, sub { 0 });
        ExpectTest::parse_heads($wire, $r);
        is $r->{status}, 200, "$label: the status stands";
        is $r->{headers}{'transfer-encoding'}, 'chunked', "$label: in chunks";
        like $wire->{bytes}, qr/^\w+\r\n(?:begun|xxx)/, "$label: it has begun";
        ok $wire->{eof}, "$label: the connection ends";
        unlike $wire->{bytes}, qr/\r\n0\r\n/, "$label: no last chunk";
    }
}

# A handler that answers without reading is whole, to the last byte that filters
# have kept: httpd reads afterwards.
for my $filter ('', 'deflate') {
    my $r = upload(vhost => $server, path => "/witness/tail/$filter",
        method => 'POST', chunked => 1, content => 3 * MAX, eager => 1,
        headers => [$filter ? 'Accept-Encoding: gzip' : ()]);
    my $label = "a tail $filter";
    is $r->{status}, 200, $label;
    is $r->{witness}{verdict}, 'refuse', "$label: more is not read";
    my $body = $r->{body};
    gunzip(\$r->{body} => \$body) if $filter;
    is $body, "begun\ntail\n", "$label: all of it";
}

# A handler that ends its response itself: filters see one end.
my $ended = upload(vhost => $server, path => '/witness/ends', chunked => 1,
    method => 'POST', content => 3 * MAX, eager => 1);
is $ended->{status}, 200, 'ended by its handler';
is $ended->{body}, "begun\n", 'ended by its handler: all of it';
is $ended->{witness}{verdict}, 'refuse', 'ended by its handler: cut off';
is $ended->{witness}{ends}, 1, 'ended by its handler: once';

# The head of a response without content is the whole response: nothing comes
# after it, neither while its handler reads nor afterwards.
for my $request (['POST', 'no-content', 204], ['HEAD', 'x', 200],
    ['HEAD', 'ends', 200]) {
    my($method, $path, $status) = @$request;
    my $label = "$method, $path";
    my $wire = connection($server);
    my $r = { interim => [] };
    ExpectTest::send_bytes($wire, "$method /witness/$path HTTP/1.1\r\n"
        . "Host: localhost\r\nX-Witness: $method-$path\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n");
    local $SIG{PIPE} = 'IGNORE';
    ExpectTest::send_bytes($wire, "1f40\r\n" . 'x' x 8000 . "\r\n") for 1 .. 9;
    ExpectTest::read_until($wire, ExpectTest::WAIT, sub { 0 });
    ExpectTest::parse_heads($wire, $r);
    is $r->{status}, $status, $label;
    is $wire->{bytes}, '', "$label: nothing comes after the head";
    my $witness = ExpectTest::witness_of("$method-$path", $server);
    is $witness->{verdict}, 'refuse', "$label: cut off";
    is $witness->{status}, $status, "$label: the status that was sent";
}

sub h2_post {
    my($asks, $content) = @_;
    my $wire = connection($server);
    $wire->{socket}->blocking(1);
    my %o = (method => 'POST', host => 'localhost', path => '/witness/x',
        id => 1, headers => [], chunked => 1, content => $content,
        asks => $asks);
    my $h2 = H2Client->new($wire->{socket});
    $h2->begin(head => ExpectTest::h2_head(%o), asks => $asks, eager => 1,
        wait => ExpectTest::WAIT);
    $h2->part($content);
    return $h2->complete(wait => ExpectTest::WAIT);
}

for my $asks (has_h2() ? (1, 0) : ()) {
    my $label = 'HTTP/2, ' . ($asks ? 'asked' : 'not asked');
    my $r = h2_post($asks, 'x' x (3 * MAX));
    # the reset may overtake an answer that begins at the same time
    if ($asks) {
        is $r->{status}, 200, "$label: the status stands";
        is $r->{body}, "begun\n", "$label: it has begun";
    }
    # before 2.4.55, mod_http2 ends a broken response like a whole one, also that
    # of a proxy's origin
    if (!httpd_at_least('2.4.55')) {
        unlike $r->{body}, qr/read=/, "$label: nothing more";
        next;
    }
    ok !$r->{ended}, "$label: no END_STREAM";
    ok $r->{reset}, "$label: the stream is reset, and not by NO_ERROR"
        or diag explain $r;
}

# what is within is whole
if (has_h2()) {
    my $r = h2_post(0, 'x' x MAX);
    is $r->{status}, 200, 'HTTP/2, within';
    is $r->{body}, "begun\nread=${\MAX}\n", 'HTTP/2, within: all of it';
    ok $r->{ended}, 'HTTP/2, within: its end';
}
my $r = upload(vhost => $server, path => '/witness/x', chunked => 1,
    content => MAX, eager => 1);
is $r->{status}, 200, 'within';
is $r->{body}, "begun\nread=${\MAX}\n", 'within: all of it';

done_testing();
