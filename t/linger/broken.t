#!/usr/bin/perl
# A refusal that no rule makes lingers as well: a module reads content before
# httpd knows the section, and an .htaccess that cannot be read hides the rules.

use strict;
use warnings;

use lib 't/other-modules', 't/linger';
use Test::More;
use ExpectTest;
use OtherModules qw(load);
use Lingering;

my $server = linger_httpd(conf => load('lua') . <<'CONF');
LuaQuickHandler "${OWN_DIR}/early.lua" early
ExpectLinger time=600 idle=600
CONF
open my $lua, '>', $server->dir . '/early.lua' or die "early.lua: $!\n";
print $lua <<'LUA' or die "early.lua: $!\n";
require 'apache2'
function early(r)
    if r.uri:match('/linger%-broken/') then
        r:parsebody(8000)
    end
    return apache2.DECLINED
end
LUA
close $lua or die "early.lua: $!\n";
write_htaccess('tenant/linger-broken', "NoSuchDirective\n");

for my $asks (0, 1) {
    my $drained = drained($server);
    my $c = refused($server, path => '/tenant/linger-broken/x', asks => $asks);
    is $c->{status}, 500, "asks $asks: status";
    send_all($c, 25_000);
    ok $server->wait_for(sub { lingering($server) == 1
        && drained($server) == $drained + 25_000 }),
        "asks $asks: what it sends is thrown away by the thread";
    close $c->{socket} or die "close: $!\n";
    ok $server->wait_for(sub { lingering($server) == 0 }), "asks $asks: it ends";
}
is_deeply [$server->crashes], [], 'no crash';

done_testing();
