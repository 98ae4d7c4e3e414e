#!/usr/bin/perl
# mod_rewrite, in the server's configuration and in .htaccess: front
# controllers, redirects, [F], [G], [P] and [E]. In all cases the client of a
# refused upload gets no 100 Continue, and an admitted upload reaches the same
# target as without mod_expect.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $MAX = if_expect("ExpectRequire content-length max=10\n");

my $conf = <<'CONF';
RewriteEngine On
RewriteRule ^/rw-server/(.*)$     /cgi/read.cgi [PT]
RewriteRule ^/rw-last/(.*)$       /tenant/rw-plain/$1 [L,PT]
RewriteRule ^/rw-moved(-no)?/     /elsewhere [R=307,L]
RewriteRule ^/rw-forbidden(-no)?/ - [F]
RewriteRule ^/rw-gone/            - [G]
RewriteRule ^/rw-proxy/(.*)$      http://127.0.0.1:${ORIGIN_PORT}/witness/$1 [P]
RewriteCond %{HTTP:Content-Length} >10
RewriteRule ^/rw-cond/            - [F]
RewriteRule ^/rw-cond/            /witness/ [PT]
RewriteRule ^/rw-env/             /tenant/rw-env/x [E=welcome:yes,PT]
RewriteRule ^/rw-unwelcome/       /tenant/rw-env/x [PT]
<LocationMatch "^/rw-(?:moved|forbidden)-no/">
    ExpectRequire content-length max=10
</LocationMatch>
<Location /rw-proxy/>
    ExpectRequire content-length max=10
    RequestHeader edit X-Witness ^ origin-
</Location>
# Where a server rule leads, and where a redirect inside httpd only passes by.
<Location /cgi/read.cgi>
    ExpectRequire content-length max=10
</Location>
CONF
my $server = h2_httpd($conf);
my $stock  = h2_stock($conf =~ s/^ +ExpectRequire.*\n//gmr);

write_htaccess('tenant/rw-plain', $MAX);
write_htaccess('tenant/rw-env', if_expect("ExpectRequire env welcome\n"));
write_htaccess('tenant/rw-front', "RewriteEngine On\n"
    . "RewriteRule ^ /cgi/read.cgi [END]\n$MAX");
write_htaccess('tenant/rw-open', "RewriteEngine On\n"
    . "RewriteRule ^ /cgi/read.cgi [END]\n");
write_htaccess('tenant/rw-index', "RewriteEngine On\n"
    . "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . index.x [L]\n$MAX");
write_htaccess('tenant/rw-moved', "RewriteEngine On\n"
    . "RewriteRule ^ /elsewhere [R=307,L]\n");
write_htaccess('tenant/rw-moved-no', "RewriteEngine On\n"
    . "RewriteRule ^ /elsewhere [R=307,L]\n$MAX");
write_htaccess('tenant/rw-forbidden',
    "RewriteEngine On\nRewriteRule ^ - [F]\n");
write_htaccess('tenant/rw-forbidden-no', "RewriteEngine On\n"
    . "RewriteRule ^ - [F]\n$MAX");
write_htaccess('tenant/rw-handler', "RewriteEngine On\n"
    . "RewriteRule ^ - [H=witness]\n"
    . if_expect("ExpectRequire handler witness\nExpectRequire content-length "
        . "max=10\n"));

# Refused where the client's URL leads, and admitted to where it goes on to.
for (['a server rule, [PT]', '/rw-server/x'], ['a server rule, [L]',
     '/rw-last/x'], ['a front controller', '/tenant/rw-front/a/b'],
     ['an index', '/tenant/rw-index/a'], ['[H]', '/tenant/rw-handler/x'],
     ['[P]', '/rw-proxy/x']) {
    my($name, $path) = @$_;
    refused_on($name, $server, { path => $path, content => 11 },
        status => 413, asked_status => 417, rule => 'content-length');
    admitted_on($name, $server, { path => $path, content => 10 },
        status => 200, body => qr/^read=10$/);
}
# The handler is known when httpd has gone on to the target.
write_htaccess("tenant/rw-front-$_", "RewriteEngine On\n"
    . "RewriteRule ^ /cgi/read.cgi [END]\n"
    . if_expect("ExpectRequire handler $_\n")) for 'cgi-script', 'witness';
admitted_on('a front controller, the handler', $server, {
        path => '/tenant/rw-front-cgi-script/x', content => 5 },
    status => 200, body => qr/^read=5$/);
refused_on('a front controller, not the handler', $server, {
        path => '/tenant/rw-front-witness/x', content => 5 },
    status => 405, asked_status => 417, rule => 'handler');
admitted_on('a front controller without rules', $server, {
        path => '/tenant/rw-open/a/b', content => 11 },
    status => 200, body => qr/^read=11$/, verdict => '-');
admitted_on('[E] set where the rule looks', $server, { path => '/rw-env/x',
        content => 5 }, status => 200);
refused_on('[E] not set', $server, { path => '/rw-unwelcome/x',
        content => 5 }, status => 403, asked_status => 417, rule => 'env');

# Statuses of mod_rewrite's own. They stand for what no rule refuses, and for
# what one does it is one refusal, whosever: content stays unasked for.
for (['[R]', '/rw-moved/x', 307], ['[R], .htaccess', '/tenant/rw-moved/x', 307],
     ['[F]', '/rw-forbidden/x', 403], ['[F], .htaccess',
     '/tenant/rw-forbidden/x', 403], ['[G]', '/rw-gone/x', 410],
     ['a condition on the length', '/rw-cond/x', 403]) {
    my($name, $path, $status) = @$_;
    for my $h2 (0, has_h2() ? 1 : ()) {
        my @got = map {
            my $r = upload(vhost => $_, path => $path, asks => 1, h2 => $h2,
                content => 11);
            is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
                [$status, [], 0, 0], "$name, h2 $h2: $status, nothing read";
            $r->{headers}{location};
        } $server, $stock;
        is_deeply [map { (defined) && s/:\d+/:port/r } $got[0]],
            [map { (defined) && s/:\d+/:port/r } $got[1]],
            "$name, h2 $h2: leads where it led";
    }
}
# In the server's configuration it answers before the section is known: then
# httpd reads what comes unasked, as usual.
for (['/rw-moved-no/x', 307, 307], ['/rw-forbidden-no/x', 403, 403],
     ['/tenant/rw-moved-no/x', 413, 417],
     ['/tenant/rw-forbidden-no/x', 413, 417]) {
    my($path, @status) = @$_;
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => $path, asks => $asks,
            content => 11);
        is $r->{status}, $status[$asks], "$path, asks $asks: refused";
        is_deeply $r->{interim}, [], "$path, asks $asks: no 100";
        next if !$asks && $path !~ /tenant/;
        is $r->{witness}{read}, 0, "$path, asks $asks: nothing read";
        ok $r->{closed}, "$path, asks $asks: closed";
    }
}
admitted_on('a condition that does not hold', $server, {
        path => '/rw-cond/x', content => 10 }, status => 200, verdict => '-');

done_testing();
