#!/usr/bin/perl
# mod_cache's quick handler answers before httpd has mapped the request.
# Cached content is answered from the cache, as by stock httpd; content sent
# with such a request is refused without being read.

use strict;
use warnings;

use lib 't/other-modules';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use StatusTest;

my $root = conf_var('t_logs') . "/cache-$$";
mkpath($root);
my $docroot = conf_var('documentroot');

# Only the directory knows its rules.
write_htaccess('static/cache', if_expect("ExpectRequire header X-Never\n"));
write_htaccess('dav/cache', if_expect("ExpectRequire content-length max=10\n"));
for my $file ('static/cache/page.txt', 'dav/cache/page.txt') {
    spew("$docroot/$file", "a page\n");
    # Older is fresh for longer.
    utime 1e9, 1e9, "$docroot/$file";
}

my $server = h2_httpd(load('cache', 'cache_disk') . <<"CONF");
CacheRoot "$root"
CacheEnable disk /
CacheHeader On
CacheIgnoreCacheControl On
CacheDefaultExpire 600
CacheLock Off
CONF

sub get {
    my($path, %o) = @_;
    my $r = upload(vhost => $server, method => 'GET', path => $path, %o);
    return join ' ', $r->{status},
        ($r->{headers}{'x-cache'} // 'none') =~ /^(\w+)/;
}

for my $path ('/static/cache/page.txt', '/dav/cache/page.txt') {
    is get($path), '200 MISS', "$path: cached";
    is get($path), '200 HIT', "$path: from the cache";
}

refused_on('PUT on what is cached', $server, {
        path => '/static/cache/page.txt', content => 5 },
    status => 400, asked_status => 417);
refused_on('a DAV PUT on what is cached', $server, {
        path => '/dav/cache/page.txt', content => 11 },
    status => 413, asked_status => 417);
is get('/dav/cache/page.txt'), '200 HIT', 'a refusal leaves the cache alone';

# A GET with content is answered from the cache. Its content is refused: it is
# not read, and the connection is closed.
for my $asks (1, 0) {
    my $r = upload(vhost => $server, path => '/static/cache/page.txt',
        content => 5, method => 'GET', asks => $asks, eager => !$asks);
    is join(' ', $r->{status}, $r->{headers}{'x-cache'} =~ /^(\w+)/),
        '200 HIT', "GET with content, asks $asks: from the cache";
    is_deeply $r->{interim}, [], "GET with content, asks $asks: no 100";
    is $r->{witness}{read}, 0, "GET with content, asks $asks: unread";
}

for my $expect ('', "Expect: 100-continue\r\n") {
    my $wire = talk($server, "GET /static/cache/page.txt HTTP/1.1\r\n"
        . "Host: localhost\r\n${expect}Content-Length: 5\r\n\r\nhello"
        . "GET /static/file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n", 'eof');
    is join(' ', $wire->{bytes} =~ m{^HTTP/1\.1 (\d+)}mg), '200',
        'GET with content, and another request behind it: one answer';
    ok $wire->{eof}, 'GET with content: closed';
}

admitted_on('a DAV PUT', $server, { path => '/dav/cache/page.txt',
        content => 10 }, status => 204);
unlike get('/dav/cache/page.txt'), qr/ HIT$/, 'the file that was put is not from the cache';

# A request with content that is answered from the cache: a rule that waits for
# the directory's SetEnvIf was never asked, and is not asked afterwards either,
# when httpd takes in the rest.
{
    my $file = "$docroot/static/cache-env/page.txt";
    write_htaccess('static/cache-env', "SetEnvIf X-Witness . good\n"
        . if_expect("ExpectRequire env good\n"));
    spew($file, "a page\n");
    utime 1e9, 1e9, $file;
    for my $upload ({}, {}, { content => 5 }, { content => 5, asks => 1 },
                    { content => 5, chunked => 1 }) {
        my $mark = log_mark($server);
        my $r = upload(vhost => $server, method => 'GET', eager =>
            !$upload->{asks}, path => '/static/cache-env/page.txt', %$upload);
        my $name = join ' ', 'from the cache', %$upload;
        is $r->{status}, 200, $name;
        is join('', grep { /expect: / } error_log_since($mark)), '',
            "$name: no refusal";
    }
}

# What the quick handler answers is counted, once.
{
    my $counted = own_httpd(conf => StatusTest::COUNTED()
        . load('cache', 'cache_disk') . <<"CONF");
<Location /expect-status>
    CacheDisable on
</Location>
CacheRoot "$root/counted"
CacheEnable disk /static
CacheHeader On
CacheIgnoreCacheControl On
CacheDefaultExpire 600
CacheLock Off
<Location /static/cache-count>
    ExpectRequire content-length max=10
</Location>
<Location /static/cache-count/detect>
    ExpectEngine DetectionOnly
</Location>
CONF
    mkpath("$root/counted");
    for my $dir ('', '/detect') {
        my $path = "/static/cache-count$dir/page.txt";
        write_htaccess("static/cache-count$dir", '');
        spew("$docroot$path", "a page\n");
        utime 1e9, 1e9, "$docroot$path";
        upload(vhost => $counted, method => 'GET', path => $path) for 1, 2;
        my $before = status($counted);
        for (1 .. 3) {
            my $r = upload(vhost => $counted, method => 'GET', path => $path,
                eager => 1, content => $dir ? 11 : 10);
            is join(' ', $r->{status}, $r->{headers}{'x-cache'} =~ /^(\w+)/),
                '200 HIT', "$path: from the cache";
        }
        # the last request's memory may be held until the client has gone
        ok $counted->wait_for(sub { (changed($before, $counted)->{
                $dir ? 'detect' : 'continue'} // 0) == 3 }),
            "$path: each is counted"
            or diag explain changed($before, $counted);
        is_deeply changed($before, $counted),
            { ($dir ? 'detect' : 'continue') => 3 }, "$path: and nothing else";
    }
}

# Where httpd itself refuses before it knows the section, the connection stays.
{
    my $stays = own_httpd(conf => load('cache', 'cache_disk') . <<"CONF");
CacheRoot "$root"
CacheEnable disk /static
RewriteEngine On
RewriteRule ^/static/forbidden - [F]
CONF
    my $request = join "\r\n", 'POST /static/forbidden HTTP/1.1',
        'Host: localhost', 'Content-Length: 5', '', 'hello';
    my $after = join "\r\n", 'GET /static/file.txt HTTP/1.1',
        'Host: localhost', 'Connection: close', '', '';
    my $wire = talk($stays, $request . $after, 'eof');
    is join(' ', $wire->{bytes} =~ m{^HTTP/1\.1 (\d+)}mg), '403 200',
        'refused by httpd, and the next request is answered';
}

done_testing();
