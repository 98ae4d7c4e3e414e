#!/usr/bin/perl
# mod_auth_openidc, as far as it works without a provider: an upload without a
# session is refused before its content, with the module's own status, and
# mod_expect's early lookup of the target does not disturb it.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $rules = if_expect("ExpectRequire auth\n");
my $login = "AuthType openid-connect\nRequire valid-user\n";

write_htaccess('tenant/oidc-401', "${login}OIDCUnAuthAction 401\n$rules");
write_htaccess('tenant/oidc-specific', "${login}OIDCUnAuthAction 401\n"
    . "${rules}<IfModule expect_module>\nExpectStatus specific\n</IfModule>\n");
write_htaccess('tenant/oidc-login', "${login}OIDCUnAuthAction auth\n$rules");
write_htaccess('tenant/oidc-pass', "${login}OIDCUnAuthAction pass\n$rules");
write_htaccess('tenant/oidc-bare', "${login}OIDCUnAuthAction 401\n");
write_htaccess('tenant/oidc-length', "${login}OIDCUnAuthAction 401\n"
    . if_expect("ExpectRequire content-length max=1\n"));

my $conf = load('auth_openidc') . <<'CONF';
OIDCProviderIssuer https://provider.invalid/
OIDCProviderAuthorizationEndpoint https://provider.invalid/authorize
OIDCProviderTokenEndpoint https://provider.invalid/token
OIDCProviderJwksUri https://provider.invalid/jwks
OIDCClientID client
OIDCClientSecret secret
OIDCRedirectURI /oidc-redirect
OIDCCryptoPassphrase passphrase
CONF
my $server = h2_httpd($conf);
my $stock  = h2_stock($conf);

refused_on('no session', $server, { path => '/tenant/oidc-401/x',
        content => 5 }, status => 401, asked_status => 417, rule => 'auth');
refused_on('no session, specific', $server, {
        path => '/tenant/oidc-specific/x', content => 5 }, status => 401,
    rule => 'auth');
refused_on('a bad session', $server, { path => '/tenant/oidc-401/x',
        content => 5, headers => ['Cookie: mod_auth_openidc_session=bad'] },
    status => 401, asked_status => 417, rule => 'auth');
refused_on('another rule goes first', $server, {
        path => '/tenant/oidc-length/x', content => 5 }, status => 413,
    asked_status => 417, rule => 'content-length');

# What it answers by itself stays, and nothing is read for it.
for ([$server, 'here'], [$stock, 'stock']) {
    my($where, $name) = @$_;
    my $r = upload(vhost => $where, path => '/tenant/oidc-bare/x', asks => 1,
        content => 5);
    is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
        [401, [], 0, 0], "no rule: 401, $name";
    $r = upload(vhost => $where, path => '/tenant/oidc-login/x',
        method => 'GET', headers => ['Accept: text/html']);
    is $r->{status}, 302, "a browser is sent to the provider, $name";
    like $r->{headers}{location}, qr{^https://provider\.invalid/authorize\?},
        "... there, $name";
}
# A client without a session is sent to log in: no 100 either way.
for my $asks (1, 0) {
    my $r = upload(vhost => $server, path => '/tenant/oidc-login/x',
        asks => $asks, content => 5, headers => ['Accept: text/html']);
    is $r->{status}, $asks ? 417 : 302, "sent to log in, asks $asks";
    is_deeply $r->{interim}, [], "sent to log in, asks $asks: no 100";
    is $r->{witness}{read}, 0, "sent to log in, asks $asks: unread";
    ok $r->{closed}, "sent to log in, asks $asks: closed";
}
admitted_on('AuthType openid-connect, unauthenticated access passes', $server, {
        path => '/tenant/oidc-pass/x', content => 5 }, status => 200);

done_testing();
