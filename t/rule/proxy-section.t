#!/usr/bin/perl
# Rules in <Proxy> hold where httpd applies such a section, and do not where
# httpd ignores its own Require there as well.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;

my $root = conf_var('documentroot');
mkpath "$root/in-directory";
my $port   = conf_var('port');
my $origin = "http://127.0.0.1:$port/witness/";
my $server = own_httpd(conf => <<"CONF");
<Proxy "http://127.0.0.1:$port/*">
    ExpectRequire content-length max=10
    <Limit DELETE>
        Require all denied
    </Limit>
</Proxy>
<Location /pass/>
    ProxyPass $origin
</Location>
<Location /handler/>
    SetHandler "proxy:$origin"
</Location>
RewriteEngine On
RewriteRule ^/rewritten/(.*) $origin\$1 [P]
<Directory "$root/in-directory">
    RewriteEngine On
    RewriteRule (.*) $origin\$1 [P]
</Directory>
<Directory "$root/tenant/proxy-section">
    AllowOverride All
</Directory>
CONF
write_htaccess('tenant/proxy-section',
    "SetHandler None\nRewriteEngine On\nRewriteRule (.*) $origin\$1 [P]\n");

for (['pass', 1], ['rewritten', 1], ['handler', 0], ['in-directory', 0],
     ['tenant/proxy-section', 0]) {
    my($path, $asked) = @$_;
    my $r = upload(vhost => $server, path => "/$path/x", content => 11,
        eager => 1);
    is $r->{status}, $asked ? 413 : 200, "$path: a rule";
    $r = upload(vhost => $server, path => "/$path/x", method => 'DELETE');
    is $r->{status}, $asked ? 403 : 200, "$path: Require";
}
write_htaccess('tenant/proxy-section', undef);

done_testing();
