#!/usr/bin/perl
# mod_wsgi, within httpd and in a daemon, and applications that answer before
# they have read all content.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use OtherModules;

my $root = conf_var('documentroot');
my $logs = conf_var('t_logs');
my $server = early_httpd(one_process() . load('wsgi') . <<"CONF");
WSGISocketPrefix "$logs/early-wsgi"
WSGIDaemonProcess early processes=1 threads=4 home="$root"
WSGIApplicationGroup %{GLOBAL}
WSGIScriptAliasMatch "^/\\w+/embedded(?=/)" "$root/early/app.wsgi"
WSGIScriptAliasMatch "^/\\w+/daemon(?=/)" "$root/early/app.wsgi" process-group=early
WSGIChunkedRequest On
CONF

for my $how (qw(embedded daemon)) {
    early_ok("mod_wsgi, $how, reads", $server, "$how/reads",
        breaks => $how eq 'daemon');
    # A client that asks waits in vain here, with httpd alone, too: httpd sends
    # no 100 Continue once the application has begun to answer, and holds the
    # answer back while it throws away the content.
    early_ok("mod_wsgi, $how, $_", $server, "$how/$_", asks => [0],
        breaks => 1, rules => [qw(cap detect)]) for qw(now some begins);
}
early_log_ok($server);

done_testing();
