#!/usr/bin/perl
# httpd's own handlers that answer before they have read all content: files,
# generated pages, DAV, scripts.

use strict;
use warnings;

use lib 't/early', 't/protocol';
use Test::More;
use Early;
use ExpectTest;

my $root = conf_var('documentroot');
my $conf = <<"CONF";
AliasMatch "^/\\w+/(static|dav|early)/(.*)\$" "$root/\$1/\$2"
<Directory "$root/early">
    Options ExecCGI
    AddHandler cgi-script .cgi
</Directory>
CONF
$conf .= "<LocationMatch \"^/\\w+/$_/\">\nSetHandler $_\n</LocationMatch>\n"
    for qw(witness witness-lazy witness-nonblock server-status);
my $server = early_httpd($conf . <<'CONF');
<LocationMatch "^/\w+/expect-status/">
    SetHandler expect-status
</LocationMatch>
CONF

early_ok("a file, $_", $server, 'static/file.txt', method => $_)
    for qw(GET POST PUT);
early_ok("a file that is not there, $_", $server, 'static/none', method => $_)
    for qw(GET POST);
early_ok($_, $server, "$_/x")
    for qw(witness witness-lazy witness-nonblock server-status expect-status);
early_ok("DAV, $_", $server, 'dav/early-file', method => $_)
    for qw(PUT GET PROPFIND LOCK DELETE MKCOL);
# Where a script has not taken all its content, httpd may lose its answer.
early_ok("CGI, $_", $server, "early/$_.cgi", breaks => 1)
    for qw(now away closes);
early_log_ok($server);

done_testing();
