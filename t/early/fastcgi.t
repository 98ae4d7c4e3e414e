#!/usr/bin/perl
# FastCGI responders that answer before they have read all content. If a
# responder then closes its connection, mod_proxy_fcgi cannot forward the rest
# and fails with AP_FILTER_ERROR. httpd alone neither throws the rest of the
# content away nor closes the connection, as an answer has been sent already.

use strict;
use warnings;

use lib 't/cutoff', 't/early', 't/other-modules', 't/protocol';
use Test::More;
use CutOff;
use Early;
use ExpectTest;
use OtherModules;
use Responder;

my $root = conf_var('documentroot');
my $responder = Responder->start('fastcgi');
my $fpm = php_fpm();
# Each process of httpd keeps connections to itself, until PHP has none left.
my $conf = one_process();

# --- a responder that obeys its URL ----------------------------------------

for my $reuse (qw(on off)) {
    # A worker is known by its URL.
    my $url = "fcgi://" . ($reuse eq 'on' ? '127.0.0.1' : 'localhost') . ':'
        . $responder->port;
    $conf .= "<Proxy \"$url/\">\nProxySet enablereuse=$reuse max=3\n</Proxy>\n"
        . "ProxyPassMatch \"^/\\w+/raw-$reuse/(\\w+)\$\" \"$url/\$1\"\n";
}

# --- PHP-FPM ---------------------------------------------------------------

my %fpm = (on => $fpm->url . '/', off => $fpm->url =~ s/localhost$/apart\//r);
for my $reuse (qw(on off)) {
    $conf .= <<"CONF";
AliasMatch "^/\\w+/fpm-$reuse/(now|read)\$" "$root/early/\$1.php"
<Proxy "$fpm{$reuse}">
    ProxySet enablereuse=$reuse max=3
</Proxy>
<LocationMatch "^/\\w+/fpm-$reuse/">
    SetHandler "proxy:$fpm{$reuse}"
</LocationMatch>
CONF
}

my @pads = (pads => 4);
my $server = early_httpd($conf);
for my $reuse (qw(on off)) {
    # Under a cap, an answer is broken off while mod_proxy_fcgi does not know its
    # end.
    for (qw(stays closes begins reads)) {
        my @to = ("raw, reuse $reuse, $_", $server, "raw-$reuse/$_");
        early_ok(@to, rules => ['cap'], breaks => 1);
        early_ok(@to, rules => [qw(big type no detect)],
            breaks => $_ eq 'closes');
    }
    early_ok("raw, reuse $reuse, $_", $server, "raw-$reuse/$_", breaks => 1,
        pads => 2, hold => sub { $responder->hold }) for qw(breaks leaves);
    early_ok("PHP-FPM, reuse $reuse, $_", $server, "fpm-$reuse/$_",
        breaks => 1, @pads) for qw(now read);
}
early_log_ok($server);

# --- what httpd does -------------------------------------------------------

my $stock = early_stock($conf);
my @wrong = map { early_faults($stock, '/free/raw-on/breaks', breaks => 1,
    hold => sub { $responder->hold }) } 1 .. 64;
cmp_ok scalar @wrong, '>', 0, 'stock httpd: content is parsed';
cmp_ok scalar(grep { m{/smuggled/} } early_log($stock)), '>', 0,
    'stock httpd: content is answered';

done_testing();
