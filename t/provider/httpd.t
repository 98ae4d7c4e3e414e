#!/usr/bin/perl
# Every authz provider that `Require` knows is a rule: it holds if the
# provider grants, its own status is 403, and no provider is called twice.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $BASIC = "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n"
    . "Require valid-user\n";
my($alice, $bob) = (basic_auth('alice'), basic_auth('bob'));

my $place = 'tenant/provider';
my $path  = "/$place/x";

sub holds {
    my($name, %o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return admitted_ok("$name: holds", { path => $path, content => 5, %o },
        status => 200);
}

sub fails {
    my($rule, $name, %o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my($word) = $rule =~ /^(?:not )?(\S+)/;
    return refused_ok("$name: does not hold",
        { path => $path, content => 5, %o }, status => 403,
        asked_status => 417, rule => $word);
}

# --- one rule each ---------------------------------------------------------

# rule, more of .htaccess => headers with which it holds, and does not; undef:
# there are none such
my @KEY = ('X-Key: right');
for my $case (
    ['all granted', '', [], undef],
    ['all denied', '', undef, []],
    ['ip 127.0.0.1', '', [], undef],
    ['ip 127.0.0.0/8 192.0.2.1', '', [], undef],
    ['ip 192.0.2.0/24', '', undef, []],
    ['ip ::1', '', undef, []],
    ['host localhost', '', [], undef],
    ['host example.org', '', undef, []],
    ['forward-dns localhost', '', [], undef],
    ['local', '', [], undef],
    ['method PUT', '', [], undef],
    ['method POST PATCH', '', undef, []],
    ['env server_key', '', ['X-Server-Key: right'], ['X-Server-Key: no']],
    ['env key', "SetEnvIf X-Key ^right\$ key\n", [@KEY], []],
    ['env key', "<Files x>\nSetEnvIf X-Key ^right\$ key\n</Files>\n",
        [@KEY], []],
    ['env key', "SetEnvIfExpr \"%{HTTP:Content-Length} -lt 6\" key\n", [],
        undef],
    ['env a b', "SetEnvIf X-Key ^right\$ b\n", [@KEY], ['X-Key: wrong']],
    ['expr "%{HTTP:X-Key} == \'right\'"', '', [@KEY], ['X-Key: wrong']],
    ['expr "%{HTTP:Content-Length} -lt 6"', '', [], undef],
    ['expr "%{HTTP:Content-Length} -gt 6"', '', undef, []],
    ['expr "%{HTTP:Content-Type} =~ m#^image/#"', '',
        ['Content-Type: image/png'], ['Content-Type: text/plain']],
    ['expr "%{REQUEST_METHOD} == \'PUT\' && -n %{HTTP:Content-Length}"', '',
        [], undef],
    ['expr "%{REQUEST_URI} =~ m#^/tenant/#"', '', [], undef],
    ['expr "%{REMOTE_ADDR} == \'127.0.0.1\'"', '', [], undef],
    ['expr "%{SERVER_PROTOCOL} == \'INCLUDED\'"', '', undef, []],
    ['expr "%{IS_SUBREQ} == \'true\'"', '', undef, []],
    ['expr "reqenv(\'key\') == \'1\'"', "SetEnvIf X-Key ^right\$ key\n",
        [@KEY], []],
    ['alias-here', '', [], undef],
    ['alias-away', '', undef, []],
    ['alias-key', '', [@KEY], ['X-Key: wrong']],
    ['alias-witness', '', ['X-Grant: yes'], []],
    ['witness', '', ['X-Grant: yes'], ['X-Grant: no']],
    ['user alice', $BASIC, [$alice], [$bob]],
    ['valid-user', $BASIC, [$bob], undef],
    ['witness-user alice', $BASIC, [$alice], [$bob]],
    ['alias-alice', $BASIC, [$alice], [$bob]],
    ['expr "%{REMOTE_USER} == \'alice\'"', $BASIC, [$alice], [$bob]],
) {
    my($rule, $more, $good, $bad) = @$case;
    write_htaccess($place, "${more}ExpectRequire $rule\n");
    holds("$rule, [@$good]", headers => $good) if $good;
    fails($rule, "$rule, [@$bad]", headers => $bad) if $bad;

    # `not` turns it round, whenever the rule is known.
    write_htaccess($place, "${more}ExpectRequire not $rule\n");
    fails($rule, "not $rule, [@$good]", headers => $good, asks => 1, h2 => 0)
        if $good;
    holds("not $rule, [@$bad]", headers => $bad, asks => 1, h2 => 0)
        if $bad;
}

# An alias of one of mod_expect's own rules.
write_htaccess($place, "ExpectRequire alias-small\n");
holds('alias of content-length, ten bytes', content => 10);
for my $asks (0, 1) {
    my $r = upload(path => $path, content => 11, asks => $asks);
    like $r->{status}, $asks ? qr/^417$/ : qr/^4\d\d$/,
        "alias of content-length, eleven bytes, asks $asks";
    is $r->{witness}{read}, 0,
        "alias of content-length, eleven bytes, asks $asks: unread";
}

# A provider's arguments are its own to check.
for (['ip no.such.address', qr/ip/i], ['expr "%{"', qr/expr/i],
     ['valid-user', undef], ['no-such-provider x', qr/no-such-provider/]) {
    my($rule, $message) = @$_;
    my($exit, $got) = config_error("ExpectRequire $rule\n");
    if ($message) {
        isnt $exit, 0, "$rule: a configuration error";
        like $got, $message, "$rule: said so";
    }
    else {
        is $exit, 0, "$rule: is accepted" or diag $got;
    }
}

# --- how often -------------------------------------------------------------

# What lets through before there is a user is asked once more, as by Require.
# rules, more, headers; calls of authz providers, of the backend
for (['witness, granting', 'ExpectRequire witness', '', ['X-Grant: yes'], 2, 0],
     ['witness, denying', 'ExpectRequire witness', '', [], 1, 0],
     ['not witness', 'ExpectRequire not witness', '', [], 2, 0],
     ['witness twice', "ExpectRequire witness\nExpectRequire witness", '',
        ['X-Grant: yes'], 4, 0],
     ['witness, then a handler',
        "ExpectRequire witness\nExpectRequire handler", '',
        ['X-Grant: yes'], 2, 0],
     ['witness, then auth', "ExpectRequire witness\nExpectRequire auth",
        $BASIC, ['X-Grant: yes', $alice], 2, 1],
     ['witness, then a user', "ExpectRequire witness\nExpectRequire user alice",
        $BASIC, ['X-Grant: yes', $alice], 2, 1],
     ['behind a denial', "ExpectRequire ip 192.0.2.1\nExpectRequire witness",
        '', ['X-Grant: yes'], 0, 0],
     ['before a denial', "ExpectRequire witness\nExpectRequire ip 192.0.2.1",
        '', ['X-Grant: yes'], 0, 0],
     ['Any, the first grants', "<ExpectRequireAny>\nExpectRequire ip 127.0.0.1"
        . "\nExpectRequire witness\n</ExpectRequireAny>", '', [], 0, 0],
     ['Any, the second', "<ExpectRequireAny>\nExpectRequire ip 192.0.2.1"
        . "\nExpectRequire witness\n</ExpectRequireAny>", '',
        ['X-Grant: yes'], 2, 0]) {
    my($name, $rules, $more, $headers, $authz, $authn) = @$_;
    write_htaccess($place, "$more$rules\n");
    for my $h2 (0, has_h2() ? 1 : ()) {
        for my $asks (0, 1) {
            my $r = upload(path => $path, content => 5, asks => $asks,
                eager => !$asks, headers => $headers, h2 => $h2);
            is_deeply [@{ $r->{witness} }{qw(authz authn)}],
                [$authz, $authn], "$name, asks $asks, h2 $h2: $authz calls"
                or diag explain $r;
        }
    }
}

# One that needs a user is asked without and with one at most, as by Require.
write_htaccess($place, "${BASIC}ExpectRequire witness-user alice\n");
for my $who ($alice, $bob) {
    for my $asks (0, 1) {
        my $r = upload(path => $path, content => 5, asks => $asks,
            eager => !$asks, headers => [$who]);
        cmp_ok $r->{witness}{authz}, '<=', 2,
            "witness-user, asks $asks: no more than Require asks";
        is $r->{witness}{authn}, 1, "witness-user, asks $asks: one login";
    }
}

# --- neutral, and in error -------------------------------------------------

# A provider that says nothing does not let through.
for my $rules ('ExpectRequire witness-neutral',
               "<ExpectRequireAll>\nExpectRequire witness-neutral\n"
                   . '</ExpectRequireAll>',
               "<ExpectRequireAny>\nExpectRequire witness-neutral\n"
                   . "ExpectRequire all denied\n</ExpectRequireAny>",
               "ExpectRequire all granted\nExpectRequire witness-neutral",
               'ExpectRequire not witness-neutral',
               "<ExpectRequireNone>\nExpectRequire witness-neutral\n"
                   . '</ExpectRequireNone>') {
    my($name) = $rules =~ s/\n/ | /gr;
    write_htaccess($place, "$rules\n");
    for my $asks (0, 1) {
        my $r = upload(path => $path, content => 5, asks => $asks);
        is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
            [$asks ? 417 : 403, [], 0],
            "neutral: $name, asks $asks: refused" or diag explain $r;
    }
}
write_htaccess($place, "<ExpectRequireAny>\nExpectRequire witness-neutral\n"
    . "ExpectRequire ip 127.0.0.1\n</ExpectRequireAny>\n");
holds('neutral beside one that grants');

# A provider that fails is the server's fault: 500, and an error in the log.
for my $rules ('ExpectRequire witness-error', 'ExpectRequire not witness-error',
               "ExpectRequire all granted\nExpectRequire witness-error",
               "<ExpectRequireAny>\nExpectRequire witness-error\n"
                   . "ExpectRequire all denied\n</ExpectRequireAny>",
               "<ExpectRequireNone>\nExpectRequire witness-error\n"
                   . '</ExpectRequireNone>',
               "ExpectStatus specific\nExpectRequire witness-error") {
    my($name) = $rules =~ s/\n/ | /gr;
    write_htaccess($place, "$rules\n");
    for my $h2 (0, has_h2() ? 1 : ()) {
        for my $asks (0, 1) {
            my $mark = log_mark();
            my $r = upload(path => $path, content => 5, asks => $asks,
                h2 => $h2);
            my $label = "error: $name, asks $asks, h2 $h2";
            is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
                [500, [], 0], "$label: 500, unread" or diag explain $r;
            ok $r->{closed}, "$label: closed";
            is scalar(grep { /\[expect:error\].*expect: / }
                error_log_since($mark)), 1, "$label: one line, as an error";
        }
    }
}

# --- behind a proxy --------------------------------------------------------

# mod_remoteip sets the client's address, for the early lookup as well.
{
    my $server = own_httpd(conf => "RemoteIPHeader X-Client\n"
        . "RemoteIPInternalProxy 127.0.0.1\n"
        . "<Location /witness>\nExpectRequire ip 192.0.2.1\n</Location>\n");
    for my $asks (0, 1) {
        my $o = { vhost => $server, content => 5, asks => $asks };
        my @here = (headers => ['X-Client: 192.0.2.1']);
        my @away = (headers => ['X-Client: 192.0.2.2']);
        admitted_ok("mod_remoteip, asks $asks: admitted", { %$o, @here },
            status => 200);
        refused_ok("mod_remoteip, asks $asks: refused", { %$o, @away },
            status => $asks ? 417 : 403, rule => 'ip');
        refused_ok("mod_remoteip, asks $asks: the proxy itself", $o,
            status => $asks ? 417 : 403, rule => 'ip');
    }
}

done_testing();
