#!/usr/bin/perl
# A client that does not ask is refused at once, with the rule's own status,
# before any of its content is read, and none of that content is taken for a
# request. Stock httpd reads all the content first.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $root = conf_var('documentroot');
my @basic = ('AuthType Basic', 'AuthName early', 'AuthBasicProvider witness');
my $n = 0;

# status; where; what is in .htaccess there; the upload; what must come with it
my @cases = (
    [401, 'tenant', [@basic, 'Require valid-user', 'ExpectRequire auth'], {},
        rule => 'auth',
        headers => { 'www-authenticate' => 'Basic realm="early"' }],
    [401, 'dav', [@basic, 'Require valid-user', 'ExpectRequire auth'],
        { headers => [basic_auth('alice', 'wrong')] },
        rule => 'auth', headers => { 'www-authenticate' => qr/^Basic / }],
    [403, 'tenant', ['Require all denied', 'ExpectRequire auth'], {},
        rule => 'auth'],
    [403, 'cgi', ['ExpectRequire ip 192.0.2.0/24'], {}],
    [405, 'static', ['ExpectRequire handler'], {}, rule => 'handler',
        headers => { allow => qr/\bGET\b/ }],
    [411, 'tenant', ['ExpectRequire content-length known'],
        { chunked => 1 }, rule => 'content-length'],
    [412, 'dav', ['ExpectRequire precondition'],
        { headers => ['If-Match: "none"'] }, rule => 'precondition'],
    [413, 'tenant', ['ExpectRequire content-length max=10'], {},
        rule => 'content-length'],
    [413, 'dav', ['ExpectRequire content-length max=10'], {},
        rule => 'content-length'],
    [413, 'cgi', ['ExpectRequire content-length max=10'], {},
        rule => 'content-length'],
    [415, 'tenant', ['ExpectRequire content-type image/*'],
        { headers => ['Content-Type: text/plain'] },
        rule => 'content-type'],
    [415, 'tenant', ['ExpectRequire content-encoding identity'],
        { headers => ['Content-Encoding: gzip'] },
        rule => 'content-encoding'],
    [428, 'dav', ['ExpectRequire header If-Match'], {}, rule => 'header'],
    [507, 'tenant', ['ExpectRequire free-space 8388607T'], {},
        rule => 'free-space'],
);

for (@cases) {
    my($status, $where, $lines, $upload, %want) = @$_;
    my $dir = "$where/early-" . ++$n;
    write_htaccess($dir, join "\n", @$lines, '');
    my %o = (path => "/$dir/x", asks => 0, %$upload);
    my $name = "$status at /$where: $lines->[-1]";

    refused_ok($name, { %o, content => 1000 }, status => $status, %want);
    # Over HTTP/2 a stream whose content has ended needs no reset.
    refused_ok("$name, sent with the head", { %o, content => 2000,
        eager => 1 }, status => $status, h2 => 0, %want);
    refused_ok("$name, HTTP/1.0", { %o, content => 1000, http => '1.0' },
        status => $status, %want) unless $upload->{chunked};
    ok !-e "$root/$dir/x", "$name: no file";

    # The content is a request for another place.
    my $inner = "GET /witness/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    my $framing = $upload->{chunked}
        ? "Transfer-Encoding: chunked\r\n\r\n"
          . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $inner, $inner)
        : 'Content-Length: ' . length($inner) . "\r\n\r\n$inner";
    my $t = talk('main', join("\r\n", "PUT $o{path} HTTP/1.1",
            'Host: localhost', @{ $upload->{headers} || [] }, '')
        . $framing . $inner, qr{^HTTP/1\.1 $status }, 'eof');
    ok !exists $t->{missed}, "$name: no request within"
        or diag explain $t;
    is scalar(() = $t->{bytes} =~ m{^HTTP/1\.1 }mg), 1, "$name: one answer";
}

# More than fits into the buffers on the way: the status comes all the same.
{
    write_htaccess('tenant/early-large', "ExpectRequire content-type a/b\n");
    refused_ok('2 MB, sent with the head', { path => '/tenant/early-large/x',
        content => 2_000_000, asks => 0, eager => 1 }, status => 415);
}

# The first request of a connection is admitted, the second is not.
{
    my $path = '/tenant/early-' . ++$n . '/x';
    write_htaccess("tenant/early-$n", "ExpectRequire content-length max=10\n");
    my $t = talk('main', "PUT $path HTTP/1.1\r\nHost: x\r\n"
        . "Content-Length: 10\r\n\r\n0123456789", qr/ 200 .*read=10\n/s,
        "PUT $path HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n",
        qr/ 413 /, 'eof');
    ok !exists $t->{missed}, 'the second request of a connection'
        or diag explain $t;
}

# What stock httpd does.
{
    my $stock = stock_httpd(conf => <<'CONF');
<Location /type>
    SetHandler witness
    <If "%{HTTP:Content-Type} != 'image/png'">
        RewriteEngine On
        RewriteRule ^ - [R=415]
    </If>
</Location>
CONF
    for ([401, '/basic/x'], [415, '/type/x']) {
        my($status, $path) = @$_;
        my $r = upload(vhost => $stock, path => $path, content => 100_000,
            headers => ['Content-Type: text/plain']);
        is_deeply [@$r{qw(status early sent)}, $r->{witness}{read}],
            [$status, 0, 100_000, 100_000],
            "stock httpd, $status: after all the content"
            or diag explain $r;
    }
}

done_testing();
