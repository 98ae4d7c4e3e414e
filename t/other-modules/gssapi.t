#!/usr/bin/perl
# mod_auth_gssapi, as far as it works without Kerberos: an upload without a
# ticket, or with an unreadable one, is refused before its content.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $login = "AuthType GSSAPI\nAuthName gss\nRequire valid-user\n";
my $server = h2_httpd(load('auth_gssapi') . <<"CONF");
<Location /tenant/gss/>
    $login
    ExpectRequire auth
</Location>
<Location /tenant/gss-specific/>
    $login
    ExpectRequire auth
    ExpectStatus specific
</Location>
<Location /tenant/gss-bare/>
    $login
</Location>
<Location /tenant/gss-length/>
    $login
    ExpectRequire content-length max=1
</Location>
<Location /tenant/gss-any/>
    AuthType GSSAPI
    AuthName gss
    Require method GET PUT
    ExpectRequire auth
</Location>
CONF
my $stock = h2_stock(load('auth_gssapi') . <<"CONF");
<Location /tenant/gss-bare/>
    $login
</Location>
CONF

refused_on('no ticket', $server, { path => '/tenant/gss/x', content => 5 },
    status => 401, asked_status => 417, rule => 'auth');
refused_on('no ticket, specific: the challenge', $server, {
        path => '/tenant/gss-specific/x', content => 5 }, status => 401,
    rule => 'auth', headers => { 'WWW-Authenticate' => qr/^Negotiate/ });
refused_on('an unreadable ticket', $server, {
        path => '/tenant/gss-specific/x', content => 5,
        headers => ['Authorization: Negotiate AAAA'] }, status => 401,
    rule => 'auth');
refused_on('another rule goes first', $server, {
        path => '/tenant/gss-length/x', content => 5 }, status => 413,
    asked_status => 417, rule => 'content-length');
admitted_on('no login is needed', $server, { path => '/tenant/gss-any/x',
        content => 5 }, status => 200);

for ([$server, 'here'], [$stock, 'stock']) {
    my($where, $name) = @$_;
    my $r = upload(vhost => $where, path => '/tenant/gss-bare/x', asks => 1,
        content => 5);
    is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
        [401, [], 0, 0], "no rule: 401, $name";
    like $r->{headers}{'www-authenticate'}, qr/^Negotiate/,
        "no rule: the challenge, $name";
}

done_testing();
