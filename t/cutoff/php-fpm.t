#!/usr/bin/perl
# A real PHP-FPM behind mod_proxy_fcgi: httpd 2.4 does not apply
# LimitRequestBody to it; mod_expect holds content of announced and of unknown
# length to max=.
#
# PHP reads no content unless its length is announced. With proxy-sendcl,
# httpd reads all of it before it calls PHP, and announces the length;
# without, PHP answers as if there were no content. httpd before 2.4.47 has no
# proxy-sendcl for FastCGI, and its ProxyPassMatch loses the socket if it has
# a $1.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $MAX  = 100_000;
my $root = conf_var('documentroot');
my $fpm  = php_fpm();
my $spools = httpd_at_least('2.4.47');

sub tenant {
    my($name, @lines) = @_;
    write_htaccess("php/$name", join "\n", @lines, '<Files *.php>',
        'SetHandler "proxy:' . $fpm->url . '"', '</Files>', '');
    link "$root/php/record.php", "$root/php/$name/record.php"
        or die "php/$name: $!\n";
    return "/php/$name/record.php";
}

my $limit  = "ExpectRequire content-length max=$MAX";
my $tenant = tenant('spooled', $limit, 'SetEnv proxy-sendcl 1');

for (['SetHandler in .htaccess', $tenant],
     $spools ? ['ProxyPassMatch', '/fpm-match/record.php'] : ()) {
    my($name, $path) = @$_;
    my $token;

    if ($spools) {
        within_ok($name, "$path?" . token(), $MAX, status => 200,
            upload => { method => 'POST' },
            body => sub { qr/^read=$_[0]\n/ });
        $token = token();
        cut_off_ok($name, "$path?$token", $MAX,
            upload => { method => 'POST' });
        is handed($token, '.pid'), '', "$name: PHP was not asked";
    }

    $token = token();
    admitted_ok("$name, announced, at max", { method => 'POST',
        path => "$path?$token", content => $MAX }, status => 200,
        body => qr/^read=$MAX\n/);
    like handed($token, '.env'), qr/^CONTENT_LENGTH=$MAX$/m,
        "$name: PHP gets the length";
    refused_ok("$name, announced, over max", { method => 'POST',
        path => "$path?$token", content => $MAX + 1 },
        status => 413, asked_status => 417, rule => 'content-length',
        like => qr/100001 is over max=100000/);
}

# Without proxy-sendcl. PHP has answered before the end of the content, or it
# has not; its answer says what it got.
{
    my $path = tenant('streamed', $limit);
    for my $h2 (0, has_h2() ? 1 : ()) {
        for my $asks (1, 0) {
            my $label = join ', ', 'streamed', $h2 ? 'HTTP/2' : 'HTTP/1.1',
                $asks ? 'asked' : 'not asked';
            my $token = token();
            my $r = upload(path => "$path?$token", method => 'POST',
                content => 1_000_000, chunked => 1, h2 => $h2, asks => $asks,
                eager => !$asks);
            if ($r->{status} == 200) {
                is $r->{body}, "read=0\n", "$label: 200, PHP has read nothing";
            }
            else {
                is $r->{status}, 413, "$label: 413";
            }
            ok $r->{witness}{read} <= $MAX + 1 && !$r->{witness}{eos},
                "$label: bounded" or diag explain $r;
            is handed($token), '', "$label: PHP has nothing";
        }
    }
}

# Why that is needed. (In httpd 2.5 LimitRequestBody holds.)
{
    my $stock = stock_httpd(conf => "<Directory \"$root/php\">\n"
        . "AllowOverride All\n</Directory>\n");
    my $path = tenant('stock', 'LimitRequestBody 1000',
        'SetEnv proxy-sendcl 1');
    for my $chunked (0, 1) {
        my $r = upload(vhost => $stock, path => "$path?" . token(),
            method => 'POST', content => 1001, chunked => $chunked,
            eager => 1);
        my $how = 'stock httpd, ' . ($chunked ? 'chunked' : 'announced');
        if (httpd_at_least('2.5')) {
            is $r->{status}, 413, "$how: LimitRequestBody holds";
            next;
        }
        is_deeply [@$r{qw(status body)}],
            [200, $chunked && !$spools ? "read=0\n" : "read=1001\n"],
            "$how: LimitRequestBody does not hold";
    }
}

done_testing();
