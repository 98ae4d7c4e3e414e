#!/usr/bin/perl
# The rule auth with AuthType Digest: a client that computes its response as
# RFC 7616 demands is admitted, whether it asks first or not. All others are
# refused before the content, with a challenge that can be answered.

use strict;
use warnings;

use lib 't/auth';
use Test::More;
use ExpectTest;
use Login;

my $DIGEST = "AuthType Digest\nAuthName realm\nAuthDigestProvider witness\n"
    . "Require valid-user\n";
my $RULE = if_expect("ExpectRequire auth\n");

# A first request without credentials, whose challenge the upload answers.
sub challenge {
    my($path, $where) = @_;
    my $r = upload(path => $path, method => 'GET', vhost => $where);
    return $r->{headers}{'www-authenticate'} // '';
}

my $stock = stock_httpd();

# what it shows => the user's login; httpd's status, calls of the backend:
# undef, as stock httpd makes: 2.4.71 looks at the nonce first, 2.4.63 last
my @cases = (
    ['alice',              { user => 'alice', password => 'secret' }, 200, 1],
    ['a wrong password',   { user => 'alice', password => 'guess' },  401, 1],
    ['an unknown user',    { user => 'ghost', password => 'secret' }, 401, 1],
    ['an answer for GET',  { user => 'alice', password => 'secret',
                             method => 'GET' },                       401, 1],
    ['an invented nonce',  { user => 'alice', password => 'secret',
                             nonce => 'x' x 52 },                     401,
                             undef],
    ['another uri',        { user => 'alice', password => 'secret',
                             uri => '/elsewhere' },                   400, 0],
    ['no login',           undef,                                     401, 0],
);

for my $as (417, 'specific') {
    my $path = "/tenant/digest/$as/x";
    write_htaccess("tenant/digest/$as", $DIGEST . $RULE
        . if_expect("ExpectStatus $as\n"));

    for my $case (@cases) {
        my($name, $who, $status, $calls) = @$case;
        my $o = sub {
            my $c = challenge($path, @_);
            return { path => $path, content => 3000, headers => [$who
                ? digest($c, method => 'PUT', uri => $path, %$who) : ()] };
        };
        my $plain = upload(%{ $o->($stock) }, vhost => $stock, eager => 1);
        is_deeply [$plain->{status}, $plain->{witness}{authn}],
            [$status, $calls // $plain->{witness}{authn}],
            "$name: stock httpd says $status";
        $calls //= $plain->{witness}{authn};

        my @got = $status == 200
            ? admitted_ok("$name, $as: admitted", $o->(), status => 200)
            : refused_ok("$name, $as: refused", $o->(), status => $status,
                asked_status => $as eq 417 ? 417 : undef, rule => 'auth');
        is_deeply [map { $_->{witness}{authn} } @got], [($calls) x @got],
            "$name, $as: the backend is asked $calls times";
        like $_->{headers}{'www-authenticate'} // '',
            qr/^Digest realm="realm", nonce="/, "$name, $as: challenge"
            for grep { $_->{status} == 401 } @got;
    }
}

# The handshake of a client that is not asked to guess: the refusal's own
# challenge is answered in a second upload.
{
    my $path = '/tenant/digest/specific/y';
    my($asked) = refused_ok('handshake: refused', { path => $path,
            content => 50, asks => 1 }, status => 401, rule => 'auth',
        h2 => 0);
    my $login = digest($asked->{headers}{'www-authenticate'}, user => 'bob',
        password => 'secret', method => 'PUT', uri => $path);
    admitted_ok('handshake: answered, admitted', { path => $path,
            content => 50, asks => 1, headers => [$login] }, status => 200,
        h2 => 0);
}

# A target with a query, as the digest covers it.
{
    my $path = '/tenant/digest/417/x?a=%20b&c';
    admitted_ok('a query', { path => $path, content => 5, headers => [
            digest(challenge($path), user => 'alice', password => 'secret',
                method => 'PUT', uri => $path)] }, status => 200);
}

done_testing();
