#!/usr/bin/perl
# The rule auth with AuthType Basic: uploads that httpd's access control
# denies are refused before the content, with the challenge; uploads that it
# admits go on. The password is checked exactly as often as without
# mod_expect.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $BASIC = "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n";
my $RULE  = if_expect("ExpectRequire auth\n");

my $alice = basic_auth('alice', 'secret');
my $wrong = basic_auth('alice', 'guess');
my $ghost = basic_auth('nobody', 'secret');
my $bob   = basic_auth('bob', 'secret');

# directory => its access control
my %places = (
    valid  => $BASIC . "Require valid-user\n",
    alice  => $BASIC . "Require user alice\n",
    hidden => $BASIC . "Require user alice\nAuthzSendForbiddenOnFailure On\n",
    closed => "Require all denied\n",
    open   => "Require all granted\n",
    both   => $BASIC . "Require all granted\n",
    odd    => $BASIC . "AuthBasicAuthoritative Off\nRequire valid-user\n",
);

# what it shows => directory, headers; httpd's status, calls of the backend
my @cases = (
    ['no login',                    'valid',  [],       401, 0],
    ['wrong password',              'valid',  [$wrong], 401, 1],
    ['unknown user',                'valid',  [$ghost], 401, 1],
    ['another scheme',              'valid',
        ['Authorization: Bearer x'],                    401, 0],
    ['credentials that are none',   'valid',
        ['Authorization: Basic ????'],                  401, undef],
    ['no login, not authoritative',  'odd',    [],       401, 0],
    ['another user',                'alice',  [$bob],   401, 1],
    ['another user, 403',      'hidden', [$bob],   403, 1],
    ['closed',                      'closed', [],       403, 0],
    ['closed, with credentials',    'closed', [$alice], 403, 0],
    ['a user',                      'valid',  [$alice], 200, 1],
    ['the user',                    'alice',  [$alice], 200, 1],
    ['the user, where others get 403', 'hidden', [$alice], 200, 1],
    ['open',                        'open',   [],       200, 0],
    ['open, credentials not asked', 'open',   [$alice], 200, 0],
    ['open, with AuthType',         'both',   [],       200, 0],
);

my $stock = stock_httpd();

for my $as (417, 'specific') {
    write_htaccess("tenant/basic/$as/$_",
        $places{$_} . $RULE . if_expect("ExpectStatus $as\n")) for keys %places;

    for my $case (@cases) {
        my($name, $place, $headers, $status, $calls) = @$case;
        my $o = { path => "/tenant/basic/$as/$place/x", content => 2000,
            headers => $headers };

        # What httpd does without mod_expect.
        my $plain = upload(%$o, vhost => $stock, eager => 1);
        is $plain->{status}, $status, "$name: stock httpd says $status";
        $calls //= $plain->{witness}{authn};
        is $plain->{witness}{authn}, $calls, "$name: and asks $calls times";

        my @got = $status == 200
            ? admitted_ok("$name, $as: admitted", $o, status => 200)
            : refused_ok("$name, $as: refused", $o, status => $status,
                asked_status => $as eq 417 ? 417 : undef, rule => 'auth');
        is_deeply [map { $_->{witness}{authn} } @got], [($calls) x @got],
            "$name, $as: the backend is asked $calls times";

        # The challenge goes with every 401.
        like $_->{headers}{'www-authenticate'} // '', qr/^Basic realm="realm"/,
            "$name, $as: challenge" for grep { $_->{status} == 401 } @got;
    }
}

# Content of unknown length is no way around.
refused_ok('no login, chunked', { path => '/tenant/basic/417/valid/x',
        content => 9000, chunked => 1 }, status => 401, asked_status => 417,
    rule => 'auth');
admitted_ok('alice, chunked', { path => '/tenant/basic/417/valid/x',
        content => 9000, chunked => 1, headers => [$alice] }, status => 200);

# Nor is a method that Require does not speak of, or <Limit>.
write_htaccess('tenant/basic/limit', $BASIC
    . "<Limit PUT>\nRequire valid-user\n</Limit>\nExpectRequire auth\n");
refused_ok('<Limit PUT>: PUT', { path => '/tenant/basic/limit/x',
        content => 9 }, status => 401, asked_status => 417, rule => 'auth');
admitted_ok('<Limit PUT>: POST', { path => '/tenant/basic/limit/x',
        content => 9, method => 'POST' }, status => 200);

# The directory's own ErrorDocument answers, with the challenge, and reads
# nothing: neither a file nor a script.
for (['/static/file.txt', qr/^A plain file/], ['/cgi/read.cgi', qr/^read=0$/],
     ['/witness/', qr/^read=0$/]) {
    my($page, $body) = @$_;
    for my $as (417, 'specific') {
        write_htaccess("tenant/basic/page-$as", $places{valid} . $RULE
            . "ErrorDocument 401 $page\nErrorDocument 417 $page\n"
            . "ExpectStatus $as\n");
        my @got = refused_ok("ErrorDocument $page, $as", {
                path => "/tenant/basic/page-$as/x", content => 2000 },
            status => 401, asked_status => $as eq 417 ? 417 : undef,
            rule => 'auth', body => $body);
        like $_->{headers}{'www-authenticate'} // '', qr/^Basic /,
            "ErrorDocument $page, $as: challenge"
            for grep { $_->{status} == 401 } @got;
        is $_->{witness}{authn}, 0, "ErrorDocument $page, $as: no question"
            for @got;
    }
}

# Two uploads on one connection: the first one's user is not the second's.
{
    my $head = "PUT /tenant/basic/417/valid/x HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: 4\r\nExpect: 100-continue\r\n";
    my $t = talk('main', "$head$alice\r\n\r\n", qr/^HTTP\/1.1 100 .*?\r\n\r\n/s,
        'abcd', qr/HTTP\/1.1 200 .*?read=4\n/s,
        "$head\r\n", qr/HTTP\/1.1 417 /, 'eof');
    is $t->{missed}, undef, 'kept alive: the second upload has no user'
        or diag $t->{bytes};
}

# A backend that fails is no verdict: httpd's own 500, and no 100.
write_htaccess('tenant/basic/broken', "AuthType Basic\nAuthName realm\n"
    . "AuthBasicProvider file\nAuthUserFile /nonexistent/users\n"
    . "Require valid-user\nExpectRequire auth\n");
{
    my $o = { path => '/tenant/basic/broken/x', content => 9, asks => 1,
        headers => [$alice] };
    my $r = upload(%$o);
    is_deeply [@$r{qw(status interim sent)}], [500, [], 0],
        'a broken backend: 500, no 100' or diag explain $r;
    is $r->{witness}{read}, 0, 'a broken backend: content unread';
}

# Unauthenticated requests without content are answered as usual.
is upload(path => '/tenant/basic/417/valid/x', method => 'GET')->{status}, 401,
    'GET gets the challenge';
is upload(path => '/tenant/basic/417/valid/x', method => 'GET',
    headers => [$alice])->{status}, 200, 'GET with credentials';

done_testing();
