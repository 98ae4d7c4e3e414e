#!/usr/bin/perl
# Answers over TLS that are sent before the content was read: bytes that httpd
# has read from the network wait in mod_ssl then.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use OtherModules;
use Responder;

my $root = conf_var('documentroot');
my $responder = Responder->start('fastcgi');
my $url = 'fcgi://127.0.0.1:' . $responder->port;
my $server = early_httpd(one_process() . <<"CONF", tls => 1);
ProxyPassMatch "^/\\w+/raw/(\\w+)\$" "$url/\$1"
AliasMatch "^/\\w+/static/(.*)\$" "$root/static/\$1"
<LocationMatch "^/\\w+/lazy/">
    SetHandler witness-lazy
</LocationMatch>
CONF

early_ok("FastCGI, $_", $server, "raw/$_", breaks => 1,
    framings => [qw(length chunk)], hold => sub { $responder->hold })
    for qw(breaks leaves);
early_ok('a file', $server, 'static/file.txt', framings => ['chunks']);
early_ok('a handler that reads nothing', $server, 'lazy/x',
    framings => ['chunks']);
early_log_ok($server);

done_testing();
