#!/usr/bin/perl
# mod_fcgid, and a responder that answers before it has read all content.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use OtherModules;

my $root = conf_var('documentroot');
my $state = conf_var('t_logs') . '/early-fcgid';
mkdir $state or die "$state: $!\n";
my $server = early_httpd(load('fcgid') . <<"CONF");
FcgidIPCDir "$state"
FcgidProcessTableFile "$state/table"
FcgidMaxRequestLen 10000000
# It ends a responder that closes, and is slow to begin a new one if there are
# many.
FcgidSpawnScoreUpLimit 10000
AliasMatch "^/\\w+/(fcgid|early)/(.*)\$" "$root/\$1/\$2"
<DirectoryMatch "^$root/(?:fcgid|early)">
    Options ExecCGI
    AddHandler fcgid-script .fcgi
</DirectoryMatch>
CONF

early_ok('mod_fcgid, reads', $server, 'fcgid/record.fcgi');
early_ok('mod_fcgid, now', $server, 'early/now.fcgi', breaks => 1);
early_log_ok($server);

done_testing();
