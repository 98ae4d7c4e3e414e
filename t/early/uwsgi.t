#!/usr/bin/perl
# A real uWSGI behind mod_proxy_uwsgi, and applications that answer before they
# have read all content.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use IO::Socket::UNIX ();
use POSIX ();
use Test::More;
use Early;
use ExpectTest;
use OtherModules;

my $root = conf_var('documentroot');
# t/run ends what a test that died has left, by this file's name.
my $dir = conf_var('t_logs') . '/own-uwsgi';
mkdir $dir or die "$dir: $!\n";

defined(my $pid = fork) or die "fork: $!\n";
if (!$pid) {
    POSIX::setpgid(0, 0);
    open STDOUT, '>', "$dir/start_log";
    open STDERR, '>&', \*STDOUT;
    exec qw(uwsgi --master --die-on-term --plugin python3 --processes 2),
        '--socket', "$dir/uwsgi.sock", '--wsgi-file', "$root/early/app.wsgi",
        '--pidfile', "$dir/httpd.pid" or POSIX::_exit(127);
}
END {
    if ($pid) {
        local $?;
        kill TERM => $pid;
        waitpid $pid, 0;
    }
}
my $until = time + 10;
until (IO::Socket::UNIX->new(Peer => "$dir/uwsgi.sock")) {
    die "uwsgi did not start, see $dir\n" if time > $until;
    select undef, undef, undef, 0.02;
}

my $server = early_httpd(load('proxy_uwsgi') . <<"CONF");
ProxyPassMatch "^/\\w+/uwsgi/(\\w+)\$" "unix:$dir/uwsgi.sock|uwsgi://localhost/\$1"
CONF
early_ok("uWSGI, $_", $server, "uwsgi/$_", breaks => 1)
    for qw(now some begins reads);
early_log_ok($server);

done_testing();
