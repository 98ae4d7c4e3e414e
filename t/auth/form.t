#!/usr/bin/perl
# The rule auth with AuthType form, which takes the credentials from a
# session. An upload with the session's cookie is admitted; one without it is
# refused before the content, by 401, by a login page or by a redirect to it.
# A login form that is posted to the protected place itself still works:
# access control reads it.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $FORM = <<'CONF';
AuthType form
AuthName realm
AuthFormProvider witness
Session On
SessionCookieName session path=/
CONF
my $RULE = if_expect("ExpectRequire auth\n");

my @AS = ([417 => ''], [specific => if_expect(
    "ExpectStatus specific\n")]);
my $stock = stock_httpd();

# httpd keeps the login in the cookie, in clear text.
sub session { "Cookie: session=realm-user=$_[0]&realm-pw=$_[1]" }

# A login form, posted to the place itself.
sub form {
    my($path, $password, %more) = @_;
    return { path => $path, method => 'POST', content => 'httpd_username=alice'
        . "&httpd_password=$password", headers => [
        'Content-Type: application/x-www-form-urlencoded'], %more };
}

# A form is counted as any content is.
for my $more ('', "ExpectRequire auth\n", "ExpectRequire user alice\n") {
    my $server = own_httpd(conf => "<Location /witness/form>\n${FORM}"
        . "KeptBodySize 100000\nAuthFormSize 100000\nRequire valid-user\n"
        . "ExpectRequire content-length max=100\n$more</Location>\n");
    for my $size (10, 5000) {
        my $r = upload(%{ form('/witness/form/x', 'secret&x=' . 'y' x $size,
            chunked => 1, eager => 1, vhost => $server) });
        my $name = "a form of $size bytes, $more";
        is $r->{status}, $size > 100 ? 413 : 200, $name or diag explain $r;
        is $r->{witness}{verdict}, $size > 100 ? 'refuse' : 'continue',
            "$name: verdict";
    }
}

for (@AS) {
    my($as, $status) = @$_;
    my $asked = $as eq 417 ? 417 : undef;

    write_htaccess("tenant/form/$as/plain", "$FORM$RULE$status"
        . "Require valid-user\n");
    write_htaccess("tenant/form/$as/moved", "$FORM$RULE$status"
        . "Require valid-user\n"
        . "AuthFormLoginRequiredLocation /static/file.txt\n");
    write_htaccess("tenant/form/$as/page", "$FORM$RULE$status"
        . "Require valid-user\nErrorDocument 401 /static/file.txt\n"
        . "ErrorDocument 417 /static/file.txt\n");

    # what it shows => place, headers; httpd's status, calls
    for my $case (
        ['no session',     'plain', [],                           401, 0],
        ['wrong password', 'plain', [session('alice', 'guess')],  401, 1],
        ['alice',          'plain', [session('alice', 'secret')], 200, 1],
        ['no session, moved',  'moved', [],                           302, 0],
        ['alice, moved',   'moved', [session('alice', 'secret')], 200, 1],
        ['no session, page',   'page',  [],                           401, 0],
        ['alice, page',    'page',  [session('alice', 'secret')], 200, 1],
    ) {
        my($name, $place, $headers, $code, $calls) = @$case;
        my $o = { path => "/tenant/form/$as/$place/x", content => 700,
            headers => $headers };
        my $plain = upload(%$o, vhost => $stock, eager => 1);
        is_deeply [$plain->{status}, $plain->{witness}{authn}],
            [$code, $calls], "$name: stock httpd says $code";

        my @got = $code == 200
            ? admitted_ok("$name, $as: admitted", $o, status => 200)
            : refused_ok("$name, $as: refused", $o, status => $code,
                asked_status => $asked, rule => 'auth',
                $place eq 'page' ? (body => qr/plain file/) : ());
        is_deeply [map { $_->{witness}{authn} } @got], [($calls) x @got],
            "$name, $as: the backend is asked $calls times";
        like $_->{headers}{location} // '', qr{/static/file\.txt$},
            "$name, $as: where to log in"
            for grep { $_->{status} == 302 } @got;
    }

    # The credentials are the content: read once, and judged as stock does.
    my $path = "/tenant/form/$as/plain/x";
    for my $asks (0, 1) {
        my $label = "login by POST, $as, " . ($asks ? 'asked' : 'not asked');
        my @both = map { upload(%{ form($path, 'secret') }, asks => $asks,
            eager => !$asks, vhost => $_) } $stock, undef;
        is $both[1]{$_}, $both[0]{$_}, "$label: $_ as stock"
            for qw(status body);
        is_deeply $both[1]{interim}, $both[0]{interim},
            "$label: 100 as stock";
        is $both[1]{witness}{$_}, $both[0]{witness}{$_}, "$label: $_ as stock"
            for qw(read authn);
        is $both[1]{headers}{'set-cookie'}, $both[0]{headers}{'set-cookie'},
            "$label: session as stock";

        @both = map { upload(%{ form($path, 'guess') }, asks => $asks,
            eager => !$asks, vhost => $_) } $stock, undef;
        is $both[0]{status}, 401, "$label, wrong password: stock says 401";
        is $both[1]{status}, $asks && $asked ? 417 : 401,
            "$label, wrong password: refused";
        is $both[1]{witness}{authn}, 1, "$label, wrong password: asked once";
    }

    # Without a form in it nothing of a PUT is read to find one.
    my($r) = refused_ok("PUT of a form, $as: refused", form($path, 'secret',
            method => 'PUT'), status => 401, asked_status => $asked,
        rule => 'auth');
    is $r->{witness}{authn}, 0, "PUT of a form, $as: no question";
}

# Content that is no form is not read to find one, whatever the method.
for my $type ([], ['Content-Type: image/png']) {
    my $label = 'POST of ' . ($type->[0] // 'no type');
    my @got = refused_ok("$label: refused", {
            path => '/tenant/form/417/plain/x', method => 'POST',
            content => 20_000, headers => $type }, status => 401,
        asked_status => 417, rule => 'auth');
    is_deeply [map { $_->{witness}{authn} } @got], [(0) x @got],
        "$label: no question";
}

# A size rule is asked before the form is read.
write_htaccess('tenant/form/small', $FORM . "Require valid-user\n"
    . "ExpectRequire auth\nExpectRequire content-length max=10\n");
my @got = refused_ok('a login form over the limit',
    form('/tenant/form/small/x', 'secret'), status => 413,
    asked_status => 417, rule => 'content-length');
is $_->{witness}{authn}, 0, 'a login form over the limit: no question'
    for @got;

done_testing();
