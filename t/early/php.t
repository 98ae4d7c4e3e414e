#!/usr/bin/perl
# mod_php, where the MPM has no threads, and scripts that answer before they
# have read all content. With other MPMs Debian's mod_php cannot be loaded:
# httpd has to report that, and not to crash.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use ModPhp;

my $root = conf_var('documentroot');

if (mod_php_fits()) {
    my $server = early_httpd(load_php() . <<"CONF");
AliasMatch "^/\\w+/php/(\\w+)\$" "$root/early/\$1.php"
<LocationMatch "^/\\w+/php/">
    SetHandler application/x-httpd-php
</LocationMatch>
CONF
    early_ok("mod_php, $_", $server, "php/$_") for qw(now read);

    # Cut off while it reads, whatever it makes of the part that it got.
    for my $asks (0, 1) {
        my $r = upload(vhost => $server, path => '/cap/php/read', asks => $asks,
            method => 'POST', chunked => 1, content => 1_000_000,
            eager => !$asks);
        is $r->{status}, 413, "mod_php, cut off, asks $asks: 413";
        like $r->{headers}{connection}, qr/^close$/i,
            "mod_php, cut off, asks $asks: close";
        ok $r->{closed}, "mod_php, cut off, asks $asks: closed";
    }
    early_log_ok($server);
}
else {
    my($exit, $message) = config_error(load_php());
    isnt $exit, 0, 'mod_php is not for this MPM';
    like $message, qr/thread-?safe/i, 'mod_php says why';
}

done_testing();
