#!/usr/bin/perl
# The rule auth gives the result of httpd's access control as a whole:
# Satisfy, Order and Deny, RequireAny of address and user. Each case is
# compared with an httpd without mod_expect: the verdict is the same, and the
# password is checked as often.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $BASIC = "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n";
my $RULE  = if_expect("ExpectRequire auth\n");
my $USER  = $BASIC . "Require valid-user\n";
my $DENY  = "Order allow,deny\nDeny from all\n";
my $ALLOW = "Order deny,allow\nDeny from all\nAllow from 127.0.0.1\n";
my $ENV   = "SetEnvIf X-Key ^right\$ key\nOrder deny,allow\nDeny from all\n"
    . "Allow from env=key\n";

sub any { "<RequireAny>\n" . join('', map { "Require $_\n" } @_)
    . "</RequireAny>\n" }
sub all { "<RequireAll>\n" . join('', map { "Require $_\n" } @_)
    . "</RequireAll>\n" }

my $alice = basic_auth('alice', 'secret');
my $bob   = basic_auth('bob', 'secret');
my $wrong = basic_auth('alice', 'guess');

my %places = (
    'deny'     => $DENY . $USER,
    'allow'    => $ALLOW . $USER,
    'deny-any' => $DENY . $USER . "Satisfy Any\n",
    'allow-any' => $ALLOW . $USER . "Satisfy Any\n",
    'env'      => $ENV,
    'env-any'  => $ENV . $USER . "Satisfy Any\n",
    'here'     => $BASIC . any('ip 127.0.0.1', 'valid-user'),
    'away'     => $BASIC . any('ip 192.0.2.1', 'user alice'),
    'here-and' => $BASIC . all('ip 127.0.0.1', 'user alice'),
    'away-and' => $BASIC . all('ip 192.0.2.1', 'user alice'),
    'not-bob'  => $BASIC . all('valid-user', 'not user bob'),
    'header'   => $BASIC . any('witness', 'witness-user alice'),
);

# where, headers; httpd's status, calls of the authn and authz providers
my @cases = (
    ['deny',      [],       403, 0, 0],
    ['deny',      [$alice], 403, 0, 0],
    ['allow',     [],       401, 0, 0],
    ['allow',     [$wrong], 401, 1, 0],
    ['allow',     [$alice], 200, 1, 0],
    ['deny-any',  [],       401, 0, 0],
    ['deny-any',  [$wrong], 401, 1, 0],
    ['deny-any',  [$alice], 200, 1, 0],
    ['allow-any', [],       200, 0, 0],
    ['allow-any', [$wrong], 200, 0, 0],
    ['env',       [],       403, 0, 0],
    ['env',       ['X-Key: wrong'], 403, 0, 0],
    ['env',       ['X-Key: right'], 200, 0, 0],
    ['env-any',   [],       401, 0, 0],
    ['env-any',   [$alice], 200, 1, 0],
    ['env-any',   ['X-Key: right'], 200, 0, 0],
    ['here',      [],       200, 0, 0],
    ['here',      [$wrong], 200, 0, 0],
    ['away',      [],       401, 0, 0],
    ['away',      [$alice], 200, 1, 0],
    ['away',      [$bob],   401, 1, 0],
    ['here-and',  [],       401, 0, 0],
    ['here-and',  [$alice], 200, 1, 0],
    ['away-and',  [$alice], 403, 0, 0],
    ['not-bob',   [$alice], 200, 1, 0],
    ['not-bob',   [$bob],   401, 1, 0],
    ['header',    ['X-Grant: yes'],   200, 0, 1],
    # httpd itself asks without a user, then again with one.
    ['header',    [],       401, 0, 2],
    ['header',    [$alice], 200, 1, undef],
    ['header',    [$bob],   401, 1, undef],
);

my $stock = stock_httpd();

write_htaccess("tenant/satisfy/$_", $places{$_} . $RULE) for keys %places;
for my $case (@cases) {
    my($place, $headers, $status, $authn, $authz) = @$case;
    my $name = join ' ', $place, map { /(\S+)$/ } @$headers;
    my $o = { path => "/tenant/satisfy/$place/x", content => 1000,
        headers => $headers };

    my $plain = upload(%$o, vhost => $stock, eager => 1);
    $authz //= $plain->{witness}{authz};
    is_deeply [$plain->{status}, @{ $plain->{witness} }{qw(authn authz)}],
        [$status, $authn, $authz], "$name: stock httpd says $status";

    my @got = $status == 200
        ? admitted_ok("$name: admitted", $o, status => 200)
        : refused_ok("$name: refused", $o, status => $status,
            asked_status => 417, rule => 'auth');
    is_deeply [map { [@{ $_->{witness} }{qw(authn authz)}] } @got],
        [([$authn, $authz]) x @got], "$name: asked as often as by stock httpd";
}

done_testing();
