#!/usr/bin/perl
# mod_fcgid reads all content before it calls the responder. mod_fcgid 2.3.9
# takes no content without a length over HTTP/2, so HTTP/1.1 alone is tried.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $MAX  = 100_000;
my $root = conf_var('documentroot');
my $modules = module_dir();
my $state = conf_var('t_logs') . '/own-fcgid';
mkdir $state or die "$state: $!\n";
my $server = own_httpd(conf => <<"CONF");
LoadModule fcgid_module "$modules/mod_fcgid.so"
FcgidIPCDir "$state"
FcgidProcessTableFile "$state/table"
FcgidMaxRequestLen 10000000
<Directory "$root/fcgid">
    Options ExecCGI
    AddHandler fcgid-script .fcgi
    AllowOverride AuthConfig
</Directory>
CONF

write_htaccess('fcgid', "ExpectRequire content-length max=$MAX\n");
my @post = (where => $server, h2 => 0, upload => { method => 'POST' });

within_ok('mod_fcgid', '/fcgid/record.fcgi?' . token(), $MAX, status => 200,
    @post, body => sub { qr/^read=$_[0]\n/ });

my $token = token();
cut_off_ok('mod_fcgid', "/fcgid/record.fcgi?$token", $MAX, @post);
is handed($token), '', 'the responder was handed nothing';
is handed($token, '.end'), '', 'and saw no end of content';

$token = token();
admitted_ok('announced, at max', { method => 'POST', vhost => $server,
    path => "/fcgid/record.fcgi?$token", content => $MAX }, status => 200,
    body => qr/^read=$MAX\n/);
is handed($token), 'x' x $MAX x 2, 'the responder writes down what it has';
refused_ok('announced, over max', { method => 'POST', vhost => $server,
    path => "/fcgid/record.fcgi?$token", content => $MAX + 1 },
    status => 413, asked_status => 417, rule => 'content-length');

done_testing();
