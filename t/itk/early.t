#!/usr/bin/perl
# needs: several users
# A folder that the server can enter and the tenant cannot, as for a site of
# scripts or proxies: httpd determines the section before mpm_itk changes the
# user, and serves it. The same holds where a quick handler reads content and
# the section was looked up for that: a lookup does not change the process's
# user.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;
use lib 't/itk', 't/other-modules';
use OtherModules;
use Itk;

my($tenant) = tenants(1);
my $shut = "$tenant->{dir}/shut";

# root's
for ($shut, "$shut/site") {
    mkdir $_, 0700 or die "$_: $!\n";
}
my $lua = conf_var('t_logs') . "/early-$$.lua";
spew($lua, "require 'apache2'\nfunction quick(r) r:requestbody() "
    . "return apache2.DECLINED end\n");
chmod 0644, $lua;

sub conf {
    return $_[0] . plain_vhost($tenant, '${ORIGIN_PORT}', $shut, "$shut/site");
}

for (['as is', ''], ['a quick handler reads',
        load('lua') . qq(LuaQuickHandler "$lua" quick\n)]) {
    my($how, $conf) = @$_;
    my @to = (host => $tenant->{host}, path => '/a/b', content => 10);
    my $stock = stock_httpd(conf => conf($conf));
    is upload(@to, vhost => $stock)->{status}, 200, "$how: stock httpd";

    my $server = own_httpd(conf => conf("$conf<Location />\n"
        . "ExpectRequire content-length max=10\n</Location>\n"));
    for my $asks (1, 0) {
        my %how = (asks => $asks, eager => !$asks);
        is upload(@to, %how, vhost => $server)->{status}, 200,
            "$how: within the limit, asks $asks";
        my $r = upload(@to, %how, vhost => $server, content => 11);
        is $r->{status}, $asks ? 417 : 413, "$how: over it, asks $asks";
        is_deeply $r->{interim}, [], "$how: over it, asks $asks: no 100";
    }
}

done_testing();
