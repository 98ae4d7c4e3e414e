#!/usr/bin/perl
# Which section's rules hold for an upload: those of every kind of section,
# and of .htaccess at any depth, whether the target exists or not, and by
# whatever name the client calls it. Each place admits ten bytes and refuses
# eleven.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;

my $docroot = conf_var('documentroot');
my $RULE = "ExpectRequire content-length max=10\n";

sub touch {
    my($name) = @_;
    spew("$docroot/$name", "content\n");
}

sub small_ok {
    my($name, $path, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused_ok("$name: eleven bytes", { path => $path, content => 11, %more },
        status => 413, asked_status => 417, rule => 'content-length');
    admitted_ok("$name: ten bytes", { path => $path, content => 10, %more },
        status => 200);
}

mkpath([map { "$docroot/sections/$_" } qw(dir/sub match-1/a match-x both url one
    three if if-not main sub open)]);
mkpath("$docroot/sections-main");
touch('sections/dir/old.bin');

# --- sections --------------------------------------------------------------

small_ok('<Directory>',             '/sections/dir/x');
small_ok('below <Directory>',       '/sections/dir/sub/x');
small_ok('a file that is there',    '/sections/dir/old.bin');
small_ok('path info',               '/sections/dir/old.bin/more/x');
small_ok('folders to come',         '/sections/dir/new/newer/x');
small_ok('<DirectoryMatch>',        '/sections/match-1/a/x');
small_ok('<Files>',                 '/sections/open/sections-1.bin');
small_ok('<FilesMatch>',            '/sections/open/sections-12.dat');
small_ok('<Files> in <Directory>',  '/sections/both/only.bin');
small_ok('<Location>',              '/sections/url/x');
small_ok('<Location>, to come',     '/sections/url/new/x');
small_ok('<LocationMatch>',         '/sections/one/x');
small_ok('<Location> without file', '/virtual/x');
# An upload is no subrequest, whatever looks it up early.
small_ok('<If> for others than subrequests', '/sections/main/x');
small_ok('<If> for subrequests',    '/sections/sub/x');

for (['/sections/match-x/x', '<DirectoryMatch>'],
    ['/sections/open/other.bin', '<Files>'],
     ['/sections/both/other.bin', '<Files> in <Directory>'],
     ['/sections/urls/x', '<Location>'], ['/sections/three/x',
         '<LocationMatch>']) {
    my($path, $name) = @$_;
    admitted_ok("beside $name", { path => $path, content => 11 },
        status => 200, verdict => '-', h2 => 0);
}

# --- <If> ------------------------------------------------------------------

my $never = 0;
for (['Content-Length',    { content => 11 }],
     ['Content-Type',      { headers => ['Content-Type: text/evil'] }],
     ['<ElseIf>',          { headers => ['Content-Type: text/worse'] }, 2],
     ['Transfer-Encoding', { chunked => 1, h2 => 0 }, 3],
     ['Content-Encoding',  { headers => ['Content-Encoding: gzip'] }],
     ['Content-Range',     { headers => ['Content-Range: bytes 0-4/9'] }],
     ['method',            { method => 'PATCH' }],
     ['query',             { path => '/sections/if/x?bad' }],
     ['file name',         { path => '/sections/if/name' }, 9]) {
    my($name, $o, $n) = @$_;
    $never = $n // $never + 1;
    refused_ok("<If> on $name", { path => '/sections/if/x', content => 5, %$o },
        status => 400, asked_status => 417, rule => 'header',
        like => qr/X-Never-$never\b/);
}
admitted_ok('no <If>', { path => '/sections/if/x', content => 10 },
    status => 200,
    verdict => '-');
small_ok('<If> does not apply', '/sections/if-not/x%20y?a=b%20c',
    headers => ['Content-Type: text/plain', 'Content-Encoding: identity',
        'Content-Language: en', 'Content-Location: /here']);
{
    # Early or late, the asking client is refused before the backend is asked.
    write_htaccess('sections/if/auth', "AuthType Basic\nAuthName realm\n"
        . "AuthBasicProvider witness\nRequire valid-user\n");
    my($r) = refused_ok('<If>, early', { path => '/sections/if/auth/x',
            content => 11, headers => [basic_auth('alice')]
        }, status => 400, asked_status => 417);
    is $r->{witness}{authn}, 0, '<If>, early: the backend is not asked';
}

# --- .htaccess -------------------------------------------------------------

my @depth = ('sections/h');
push @depth, "$depth[-1]/$_" for qw(a b c);
for my $n (0 .. $#depth) {
    write_htaccess($_, undef) for @depth;
    write_htaccess($depth[$n], $RULE);
    small_ok('.htaccess at depth ' . ($n + 1), "/$depth[-1]/x");
    admitted_ok('above .htaccess at depth ' . ($n + 1), {
            path => "/$depth[$n - 1]/x", content => 11, h2 => 0 },
        status => 200, verdict => '-') if $n;
}
write_htaccess($_, undef) for @depth;
write_htaccess('sections/h/a', $RULE);
small_ok('.htaccess above folders to come', '/sections/h/a/none/none/x');
write_htaccess('sections/files', "<Files \"*.php\">\n$RULE</Files>\n");
small_ok('<Files> in .htaccess', '/sections/files/a.php');
admitted_ok('beside <Files> in .htaccess', { path => '/sections/files/a.txt',
        content => 11 }, status => 200, verdict => '-');
write_htaccess('sections/ht-if', "<If \"%{HTTP:Content-Length} -gt 10\">\n"
    . "ExpectRequire content-length max=10\n</If>\n");
refused_ok('<If> in .htaccess', { path => '/sections/ht-if/x', content => 11 },
    status => 413, asked_status => 417);
admitted_ok('no <If> in .htaccess', { path => '/sections/ht-if/x',
    content => 10 },
    status => 200, verdict => '-');

# A change counts from the next upload on.
for my $max (5, 7, 6) {
    write_htaccess('sections/change',
        "ExpectRequire content-length max=$max\n");
    refused_ok("changed to $max: refused", { path => '/sections/change/x',
            content => $max + 1, asks => 1 }, status => 417, h2 => 0);
    admitted_ok("changed to $max: admitted", { path => '/sections/change/x',
            content => $max, asks => 1 }, status => 200, h2 => 0);
}

# --- other names -----------------------------------------------------------

small_ok('Alias',             '/sections-alias/x');
small_ok('AliasMatch',        '/sections-alias-dir/x');
small_ok('RewriteRule',       '/sections-rewrite/x', h2 => 0);
small_ok('RewriteRule [NS]',  '/sections-main/x', h2 => 0);
small_ok('RewriteRule [PT]',  '/sections-pass/x', h2 => 0);
small_ok('a query',           '/sections/dir/x?y=z&a=%2F');
small_ok('encoded letters',   '/sections/d%69r/x');
small_ok('doubled slashes',   '//sections//dir///x');
small_ok('dots',              '/sections/./dir/./x');
small_ok('up and down',       '/sections/open/../dir/x');
small_ok('encoded dots',      '/sections/open/%2e%2e/dir/x');
small_ok('<Location>, encoded', '/sections/u%72l/x');
small_ok('<Location>, slashes', '/sections//url/x');

for my $target ('http://localhost/sections/dir/x',
    'http://localhost:80/sections/dir/x',
                'HTTP://LOCALHOST/sections/dir/x?q=http://x/',
                'https://localhost/sections/url/x',
                'http://localhost//sections//dir/x') {
    for my $asks (0, 1) {
        my $r = upload(path => $target, content => 11, asks => $asks);
        my $plain = upload(path => $target, content => 10, asks => $asks,
            eager => 1);
        is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
            [$asks ? 417 : 413, [], 0],
            "absolute form $target, asks $asks: refused"
            or diag explain $r;
        is $plain->{status}, 200,
            "absolute form $target, asks $asks: admitted";
    }
}

# What httpd does not serve is not served either.
for my $path ('/sections/dir%2fx', '/sections/../../etc/x',
    '/sections/dir/x%00') {
    my $r = upload(path => $path, content => 11, asks => 1);
    like $r->{status}, qr/^40[034]$/, "$path: not served";
    is_deeply [@$r{qw(interim sent)}], [[], 0], "$path: no content";
}

# --- what stands behind the name -------------------------------------------

small_ok('<Location> of a proxy', '/proxy/limited/x');
small_ok('<Proxy>',               '/proxy/section/x');

# A front controller by .htaccess: the place's own rules.
write_htaccess('sections/front', "RewriteEngine On\nRewriteCond "
    . "%{REQUEST_FILENAME} !-f\nRewriteRule ^ index.php [L]\n$RULE");
touch('sections/front/index.php');
small_ok('front controller',            '/sections/front/some/thing?x=1');
small_ok('front controller, by name',   '/sections/front/index.php');
write_htaccess('sections/fallback',
    "FallbackResource /sections/fallback/index.php\n"
    . $RULE);
touch('sections/fallback/index.php');
small_ok('FallbackResource',            '/sections/fallback/some/thing');
write_htaccess('sections/index', "DirectoryIndex upload.php\n$RULE");
touch('sections/index/upload.php');
small_ok('DirectoryIndex',              '/sections/index/');

# httpd goes on to a file without another request: that file's rules count.
# (POST: httpd 2.5 asks DirectoryIndex for no other method.)
for (['DirectoryIndex', "DirectoryIndex upload.php\n", ''],
     ['FallbackResource', "SetHandler none\n"
         . "FallbackResource /sections/file/upload.php\n", 'other'],
     ['MultiViews', "Options +MultiViews\nAddType text/x .php\n"
         . "MultiviewsMatch Any\n", 'upload']) {
    my($name, $text, $path) = @$_;
    write_htaccess('sections/file', "$text<Files upload.php>\n"
        . "SetHandler witness\n$RULE</Files>\n");
    touch('sections/file/upload.php');
    small_ok("$name and <Files>", "/sections/file/$path", method => 'POST');

    # <If> sees the upload there, too, and no GET without content fields.
    write_htaccess('sections/file',
        "$text<Files upload.php>\nSetHandler witness\n"
        . "<If \"%{REQUEST_METHOD} == 'POST' && %{HTTP:Content-Type} == 'a/b'"
        . " && %{HTTP:Content-Length} -gt 9\">\n$RULE</If>\n"
        . "<If \"%{REQUEST_METHOD} != 'POST' || %{HTTP:Content-Type} != 'a/b'"
        . "\">\nExpectRequire all denied\n</If>\n</Files>\n");
    small_ok("$name and <If>", "/sections/file/$path", method => 'POST',
        headers => ['Content-Type: a/b']);
}

# A folder without its slash: its rules, before any redirect.
refused_ok('a folder without its slash', { path => '/sections/dir',
        content => 11 }, status => 413, asked_status => 417,
    rule => 'content-length');

# --- vhosts and the server -------------------------------------------------

{
    my $server = own_httpd(conf => "SetHandler witness\n$RULE"
        . "<VirtualHost *>\nServerName one\n"
        . "ExpectRequire content-type text/plain\n</VirtualHost>\n"
        . "<VirtualHost *>\nServerName two\nExpectMerging Off\n"
        . "ExpectRequire content-length max=20\n</VirtualHost>\n");
    my @plain = (headers => ['Content-Type: text/plain']);
    for (['one', 11, 413, @plain], ['one', 10, 415], ['one', 10, 200, @plain],
         ['two', 21, 413], ['two', 20, 200]) {
        my($host, $content, $status, @more) = @$_;
        for my $form ('/x', "http://$host/x") {
            my $o = { path => $form, host => $host, content => $content,
                vhost => $server, @more };
            $status == 200
                ? admitted_ok("vhost $host, $form, $content", $o,
                    status => 200)
                : refused_ok("vhost $host, $form, $content: $status", $o,
                    status => $status, asked_status => 417);
        }
    }
    # The name in an absolute target goes before Host.
    refused_ok('absolute form names the vhost', { path => 'http://two/x',
            host => 'one', content => 21, vhost => $server }, status => 413,
        asked_status => 417, like => qr/max=20/);
}

done_testing();
