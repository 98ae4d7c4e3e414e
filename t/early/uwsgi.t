#!/usr/bin/perl
# A real uWSGI behind mod_proxy_uwsgi, and applications that answer before they
# have read all content.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Child ();
use Early;
use ExpectTest;
use OtherModules;

my $root = conf_var('documentroot');
my $uwsgi = Child->program('uwsgi', sub {
    my($dir) = @_;
    return (qw(uwsgi --master --die-on-term --plugin python3 --processes 2),
        '--socket', "$dir/socket", '--wsgi-file', "$root/early/app.wsgi",
        '--pidfile', "$dir/httpd.pid");
});
my $dir = $uwsgi->dir;

my $server = early_httpd(load('proxy_uwsgi') . <<"CONF");
ProxyPassMatch "^/\\w+/uwsgi/(\\w+)\$" "unix:$dir/socket|uwsgi://localhost/\$1"
CONF
early_ok("uWSGI, $_", $server, "uwsgi/$_", breaks => 1)
    for qw(now some begins reads);
early_log_ok($server);

done_testing();
