#!/usr/bin/perl
# Rules that need a user wait for httpd's own authentication and never cause a
# second one. Rules that need no user refuse before the password is checked.
# Without a user, a rule that needs one denies.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;

my $BASIC = "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n"
    . "Require valid-user\n";

my $alice = basic_auth('alice', 'secret');
my $bob   = basic_auth('bob', 'secret');
my $wrong = basic_auth('alice', 'guess');

my $groups = write_htaccess('tenant/user/groups', '');
{
    spew($groups, "writers: alice carol\nreaders: bob\n");
}

# A place with these rules, open to all users.
my $serial = 0;
sub user_section {
    my($rules, $access) = @_;
    return section(split(/\n/, $access // $BASIC), @$rules);
}

# The uploads of a case, and how often each asked the backend.
sub refused {
    my($name, $o, $status, $rule, $calls, %more) = @_;
    my @got = refused_ok("$name: refused", { content => 2000, %$o },
        status => $status, asked_status => 417, rule => $rule, %more);
    is_deeply [map { $_->{witness}{authn} } @got], [($calls) x @got],
        "$name: the backend is asked $calls times";
    return @got;
}

sub admitted {
    my($name, $o, $calls) = @_;
    my @got = admitted_ok("$name: admitted", { content => 2000, %$o },
        status => 200);
    is_deeply [map { $_->{witness}{authn} } @got], [($calls) x @got],
        "$name: the backend is asked $calls times";
}

# An expression that holds as long as there is no user is asked again.
{
    my $path = user_section(['ExpectRequire expr "%{REMOTE_USER} != \'bob\'"']);
    admitted('not bob: alice', { path => $path, headers => [$alice] }, 1);
    refused('not bob: bob', { path => $path, headers => [$bob] }, 403, 'expr',
        1);
    $path = user_section(
        [q(ExpectRequire not expr "%{REMOTE_USER} == 'bob'")]);
    admitted('bob not: alice', { path => $path, headers => [$alice] }, 1);
    refused('bob not: bob', { path => $path, headers => [$bob] }, 403, 'expr',
        1);
    for my $rules (['ExpectRequire not expr "%{REMOTE_USER} != \'bob\'"'],
                   ['<ExpectRequireNone>',
                       'ExpectRequire expr "%{REMOTE_USER} != \'bob\'"',
                       '</ExpectRequireNone>']) {
        $path = user_section($rules);
        refused("@$rules: alice", { path => $path, headers => [$alice] }, 403,
            'expr', 1);
        admitted("@$rules: bob", { path => $path, headers => [$bob] }, 1);
    }
    $path = user_section(['<ExpectRequireNone>',
        'ExpectRequire expr "%{REMOTE_USER} == \'bob\'"',
        'ExpectRequire expr "reqenv(\'AUTHENTICATE_X\') == \'no\'"',
        '</ExpectRequireNone>']);
    admitted('none bob: alice', { path => $path, headers => [$alice] }, 1);
    refused('none bob: bob', { path => $path, headers => [$bob] }, 403, 'expr',
        1);
}

# The rules, each alone: alice may, bob may not.
for (['user alice', 'user'], ['user carol alice', 'user'],
     ['group writers', 'group', "AuthGroupFile $groups\n"],
     ['witness-user alice', 'witness-user'],
     ['expr "%{REMOTE_USER} == \'alice\'"', 'expr']) {
    my($rule, $name, $more) = @$_;
    my $path = user_section(["ExpectRequire $rule"], $BASIC . ($more // ''));
    admitted("$rule, alice", { path => $path, headers => [$alice] }, 1);
    refused("$rule, bob", { path => $path, headers => [$bob] }, 403, $name, 1);
}

{
    my $path = user_section(['ExpectRequire valid-user']);
    admitted('valid-user, bob', { path => $path, headers => [$bob] }, 1);

    $path = user_section(['ExpectRequire not user bob']);
    admitted('not user bob, alice', { path => $path, headers => [$alice] }, 1);
    refused('not user bob, bob', { path => $path, headers => [$bob] },
        403, 'user', 1);

    $path = user_section(['ExpectRequire not group readers'],
        $BASIC . "AuthGroupFile $groups\n");
    admitted('not group readers, alice',
        { path => $path, headers => [$alice] }, 1);
    refused('not group readers, bob', { path => $path, headers => [$bob] },
        403, 'group', 1);
}

# What does not need a user is decided first, in whatever order it stands.
for my $first (0, 1) {
    my @rules = ('ExpectRequire content-length max=10',
        'ExpectRequire user alice');
    @rules = reverse @rules if $first;
    my $path = user_section(\@rules);
    refused("@rules, too long", { path => $path, headers => [$alice] },
        413, 'content-length', 0);
    refused("@rules, too long, no user", { path => $path },
        413, 'content-length', 0);
    refused("@rules, another user", { path => $path, headers => [$bob],
            content => 10 }, 403, 'user', 1);
    admitted("@rules, alice", { path => $path, headers => [$alice],
            content => 10 }, 1);
}
for my $rule ('content-type image/*', 'ip 192.0.2.1', 'header X-Needed',
              'env no-such', 'witness', 'method POST',
              'free-space 99%', 'content-encoding gzip') {
    my($name) = $rule =~ /(\S+)/;
    my($got) = refused("auth and $rule", {
        path => user_section(['ExpectRequire auth',
                    'ExpectRequire valid-user', "ExpectRequire $rule"]),
            headers => [$alice] },
        { 'content-type' => 415, 'content-encoding' => 415, header => 400,
            'free-space' => 507 }->{$name} // 403,
        $name, 0);
}

# Whom access control keeps out learns nothing of what is stored (RFC 9110,
# 13.2.1); an admitted client learns it.
for my $rules (['ExpectRequire auth', 'ExpectRequire precondition'],
               ['ExpectRequire precondition', 'ExpectRequire auth'],
               ['ExpectRequire precondition']) {
    my $path = user_section($rules);
    write_htaccess($path =~ s{/x$}{/deep}r, '');    # a folder that is there
    for (["$path-none", 'If-Match: *'], [$path =~ s/x$/deep/r,
            'If-None-Match: *']) {
        my($where, $field) = @$_;
        if (@$rules > 1) {
            refused("@$rules, $field, no user", { path => $where,
                    headers => [$field] }, 401, 'auth', 0);
        }
        else {
            my $r = upload(path => $where, asks => 1, content => 9,
                headers => [$field]);
            is_deeply [@$r{qw(status interim sent)}], [401, [], 0],
                "@$rules, $field, no user: httpd's own 401";
        }
        refused("@$rules, $field, alice", { path => $where,
                headers => [$alice, $field] }, 412, 'precondition', 1);
    }
}

# A module may want the user even where no login is needed (force_authn).
{
    my $path = user_section(['ExpectRequire user bob'], "AuthType Basic\n"
        . "AuthName witness\nAuthBasicProvider witness\n"
        . "Require all granted\n");
    my @force = 'X-Witness-Force: 1';
    refused('forced, alice', { path => $path, headers => [@force, $alice] },
        403, 'user', 1);
    admitted('forced, bob', { path => $path, headers => [@force, $bob] }, 1);
    $path = user_section(['ExpectRequire auth'],
        "AuthType Basic\nAuthName witness\n"
        . "AuthBasicProvider witness\nRequire all granted\n");
    refused('forced, no login', { path => $path, headers => [@force] }, 401,
        'auth', 0);
    admitted('not forced, no login', { path => $path }, 0);
}

# Small, or with a login: other clients learn the size.
{
    my $open = "AuthType Basic\nAuthName witness\n"
        . "AuthBasicProvider witness\nRequire all granted\n";
    for my $rules (['content-length max=100', 'valid-user'],
                   ['valid-user', 'content-length max=100']) {
        my $path = user_section(['<ExpectRequireAny>',
            map({ "ExpectRequire $_" }
                @$rules), '</ExpectRequireAny>'], $open);
        refused("@$rules: no login, too long",
            { path => $path, content => 150 },
            413, 'content-length', 0,
            body => qr/content-length 150 is over max=100/);
        admitted_ok("@$rules: no login, small",
            { path => $path, content => 99 },
            status => 200);
    }
}

# Users as alternatives and exceptions.
for (['ExpectRequireAny', 'content-length max=10', 'user alice'],
     ['ExpectRequireAny', 'user alice', 'content-length max=10']) {
    my($kind, @rules) = @$_;
    my $path = user_section(["<$kind>", (map { "ExpectRequire $_" } @rules),
            "</$kind>"]);
    admitted("@rules: small", { path => $path, headers => [$bob],
            content => 10 }, 1);
    admitted("@rules: alice", { path => $path, headers => [$alice] }, 1);
    refused("@rules: neither", { path => $path, headers => [$bob] },
        $rules[0] =~ /user/ ? 403 : 413, $rules[0] =~ /^(\S+)/, 1);
}
{
    my $path = user_section(['<ExpectRequireNone>', 'ExpectRequire user bob',
            'ExpectRequire content-length min=5000', '</ExpectRequireNone>']);
    admitted('None, alice', { path => $path, headers => [$alice] }, 1);
    refused('None, bob', { path => $path, headers => [$bob] }, 403, 'user', 1);
}

# Nobody, where httpd itself demands a user: its own 401, no 100, nothing read.
for my $rules (['ExpectRequire user alice'], ['ExpectRequire valid-user'],
               ['ExpectRequire not user bob']) {
    my $path = user_section($rules);
    for ([[], 0], [[$wrong], 1]) {
        my($headers, $calls) = @$_;
        my $r = upload(path => $path, asks => 1, content => 900,
            headers => $headers);
        is $r->{status}, 401, "@$rules: $calls wrong: refused";
        is_deeply [$r->{interim}, $r->{sent},
            @{ $r->{witness} }{qw(read authn)}],
            [[], 0, 0, $calls], "@$rules: $calls wrong: before the content"
            or diag explain $r;
    }
}

# Nobody, where httpd lets everybody in: such a rule denies, not or not.
for my $access ('', "Require all granted\n",
                "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n",
                "AuthType None\nRequire all granted\n") {
    my($label) = $access =~ /(.*)/;
    for my $rule ('user alice', 'valid-user', 'group writers', 'not user bob',
                  'not group readers', 'not valid-user',
                  'witness-user alice', 'not witness-user bob') {
        my($name) = $rule =~ /(?:not )?(\S+)/;
        my $path = user_section(["ExpectRequire $rule"],
            $access . "AuthGroupFile $groups\n");
        refused("$label, $rule, " . (@$_ ? 'alice' : 'nobody'),
            { path => $path, headers => $_, content => 5 }, 403, $name, 0,
            h2 => 0) for [], [$alice];
    }
}

# A user rule beside auth: the challenge comes first, then the user.
{
    my $path = user_section(['ExpectRequire auth', 'ExpectRequire user alice',
            'ExpectStatus specific']);
    for ([nobody => [], 401, 'auth', 0], [bob => [$bob], 403, 'user', 1]) {
        my($who, $headers, $status, $rule, $calls) = @$_;
        refused("auth and user, $who", { path => $path, headers => $headers },
            $status, $rule, $calls, asked_status => $status);
    }
    admitted('auth and user, alice', { path => $path, headers => [$alice] }, 1);
}

done_testing();
