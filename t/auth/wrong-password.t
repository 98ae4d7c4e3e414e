#!/usr/bin/perl
# A client that fails to log in has no user. httpd's own 401 is sent, the same
# to the last byte whether the name is one that a rule admits, another one, or
# unknown, and no provider sees a name that was not authenticated. Requests
# with a user are judged.

use strict;
use warnings;

use lib 't/auth', 't/other-modules';
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha1_base64);
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use Login;

my $dir = conf_var('t_logs') . "/wrong-$$";
mkdir $dir or die "$dir: $!\n";

# alice is a writer, bob is not; both have the password "secret".
spew("$dir/groups", "writers: alice\nreaders: bob\n");
spew("$dir/users", join '', map { "$_:{SHA}" . sha1_base64('secret') . "=\n" }
    'alice', 'bob');
spew("$dir/digests", join '', map { "$_:realm:"
    . md5_hex("$_:realm:secret") . "\n" } 'alice', 'bob');

# A third party's provider: grants to alice, and writes down whom it is shown.
spew("$dir/spy.lua", <<"LUA");
require 'apache2'

function spy(r)
    local log = io.open('$dir/seen', 'a')
    log:write((r.user or '-') .. '\\n')
    log:close()
    if not r.user then
        return apache2.AUTHZ_DENIED_NO_USER
    end
    return r.user == 'alice' and apache2.AUTHZ_GRANTED
        or apache2.AUTHZ_DENIED
end
LUA

# --- how to log in ---------------------------------------------------------

my $form = "AuthType form\nAuthName realm\nAuthFormProvider file\n"
    . "AuthUserFile $dir/users\nSession On\nSessionCookieName session path=/\n"
    . "KeptBodySize 10000\nAuthFormSize 10000\n";

# name => configuration, what is sent: a list of fields, or the whole upload
my %types = (
    file    => ["AuthType Basic\nAuthName realm\nAuthBasicProvider file\n"
        . "AuthUserFile $dir/users\n", sub { basic_auth(@_[0, 1]) }],
    socache => ["AuthType Basic\nAuthName realm\n"
        . "AuthBasicProvider socache file\nAuthUserFile $dir/users\n"
        . "AuthnCacheProvideFor file\n", sub { basic_auth(@_[0, 1]) }],
    digest  => ["AuthType Digest\nAuthName realm\nAuthDigestProvider file\n"
        . "AuthUserFile $dir/digests\n", \&answer_challenge],
    form    => [$form, sub { session(@_[0, 1]) }],
    posted  => [$form, sub { +{ method => 'POST', content => sprintf(
            '%-100s', "httpd_username=$_[0]&httpd_password=$_[1]&x=")
            =~ tr/ /x/r,
        headers => ['Content-Type: application/x-www-form-urlencoded'] } }],
);

# --- what is asked of the user ---------------------------------------------

my $small = 'ExpectRequire content-length max=10';

# name => rules; what becomes of bob: status, rule. alice is always let in.
my %rules = (
    user        => ['ExpectRequire user alice', 403, 'user'],
    group       => ['ExpectRequire group writers', 403, 'group'],
    valid       => ['ExpectRequire valid-user', 200],
    expr        => [q(ExpectRequire expr "%{REMOTE_USER} == 'alice'"),
        403, 'expr'],
    unlike      => [q(ExpectRequire expr "%{REMOTE_USER} != 'bob'"),
        403, 'expr'],
    spy         => ['ExpectRequire spy', 403, 'spy'],
    'not-user'  => ['ExpectRequire not user bob', 403, 'user'],
    'not-group' => ['ExpectRequire not group readers', 403, 'group'],
    'not-expr'  => [q(ExpectRequire not expr "%{REMOTE_USER} == 'bob'"),
        403, 'expr'],
    'not-spy'   => ['ExpectRequire not not-alice', 403, 'not-alice'],
    none        => ["<ExpectRequireNone>\nExpectRequire user bob\n"
        . "ExpectRequire group readers\n</ExpectRequireNone>", 403, 'user'],
    any         => ["<ExpectRequireAny>\n$small\nExpectRequire group writers\n"
        . '</ExpectRequireAny>', 413, 'content-length'],
    'any-spy'   => ["<ExpectRequireAny>\nExpectRequire spy\n$small\n"
        . '</ExpectRequireAny>', 403, 'spy'],
    page        => ["ExpectRequire spy\nErrorDocument 401 /static/file.txt",
        403, 'spy'],
    specific    => ["ExpectRequire spy\nExpectStatus specific", 403, 'spy'],
    detect      => ["ExpectRequire spy\nExpectEngine DetectionOnly", 200],
    auth        => ["ExpectRequire auth\nExpectRequire spy", 403, 'spy'],
);

spew("$dir/not-alice.lua", slurp("$dir/spy.lua")
    =~ s/AUTHZ_GRANTED\n        or apache2.AUTHZ_DENIED\n/AUTHZ_DENIED
        or apache2.AUTHZ_GRANTED\n/r);

my $server = h2_httpd(load(qw(lua authn_socache)) . <<"CONF"
LuaAuthzProvider spy "$dir/spy.lua" spy
LuaAuthzProvider not-alice "$dir/not-alice.lua" spy
CONF
    . join '', map { my $type = $_; map { <<"CONF" } sort keys %rules }
<Location /witness/$type-$_/>
    $types{$type}[0]
    AuthGroupFile $dir/groups
    Require valid-user
    $rules{$_}[0]
</Location>
CONF
        sort keys %types);

my $stock = h2_stock(load('authn_socache') . join '', map {
        "<Location /witness/$_/>\n$types{$_}[0]Require valid-user\n"
            . "</Location>\n"
    } sort keys %types);

sub answer_challenge {
    my($user, $password, $path, $where) = @_;
    my $r = upload(vhost => $where, path => $path, method => 'GET');
    return digest($r->{headers}{'www-authenticate'}, user => $user,
        password => $password, method => 'PUT', uri => $path);
}

# An upload with this password, and the users that the providers have seen.
sub upload_of {
    my($type, $path, $user, $password, $asks, $where) = (@_, $server);
    my $sent = $types{$type}[1]->($user, $password, $path, $where);
    spew("$dir/seen", '');
    my $r = upload(vhost => $where, path => $path, asks => $asks,
        eager => !$asks, content => 100,
        ref $sent ? %$sent : (headers => [$sent]));
    return ($r, slurp("$dir/seen"));
}

# All of an answer but what is new each time. The witness counts what an
# authentication has read; a posted name is as long as it is. httpd before
# 2.4.41 sends back the session that the client sent, whether it is right or
# wrong.
sub essence {
    my($r, $type, @login) = @_;
    my %headers = %{ $r->{headers} };
    my $sent = @login ? session(@login) =~ s/^Cookie: //r : 'nothing';
    delete $headers{date};
    s/nonce="[^"]*"/nonce=/ for values %headers;
    s/\Q$sent\E/sent/g for grep { defined } $headers{'set-cookie'};
    my %witness = %{ $r->{witness} };
    delete $witness{id};
    delete $witness{read} if $type eq 'posted';
    return { (map { $_ => $r->{$_} } qw(status interim body closed),
            $type eq 'posted' ? () : 'sent'),
        headers => \%headers, witness => \%witness };
}

# What httpd says by itself.
sub own_words {
    my($r) = @_;
    my $e = essence($r, '');
    return [$r->{status}, $r->{body}, @{ $e->{headers} }{qw(content-type
        www-authenticate)}];
}

for my $type (sort keys %types) {
    my($plain) = upload_of($type, "/witness/$type/x", 'bob', 'guess', 0,
        $stock);
    is $plain->{status}, 401, "$type: stock httpd says 401";
    for my $rule (sort keys %rules) {
        my(undef, $status, $name) = @{ $rules{$rule} };
        my $path = "/witness/$type-$rule/x";
        for my $asks (1, 0) {
            my $case = "$type, $rule, " . ($asks ? 'asked' : 'not asked');

            # With a login, the request is judged by its user.
            my($r, $seen) = upload_of($type, $path, 'alice', 'secret', $asks);
            is_deeply [$r->{status}, $r->{witness}{verdict}],
                [200, 'continue'], "$case: alice" or diag explain $r;
            like $seen, qr/^alice$/m, "$case: alice is shown"
                if $rule =~ /spy|auth/;

            ($r, $seen) = upload_of($type, $path, 'bob', 'secret', $asks);
            is_deeply [$r->{status}, @{ $r->{witness} }{qw(verdict rule)}],
                [$asks && $rule ne 'specific' && $status != 200 ? 417
                    : $status, $rule eq 'detect' ? ('detect', 'spy')
                    : $status == 200 ? ('continue', '-') : ('refuse', $name)],
                "$case: bob" or diag explain $r;
            like $seen, qr/^bob$/m, "$case: bob is shown"
                if $rule =~ /spy|auth/;

            # Without a login there is no user, whatever name was sent.
            my(@failed, @essence);
            for (['alice', 'guess'], ['bob', 'guess'], ['ghost', 'secret']) {
                my($user, $password) = @$_;
                my $mark = log_mark($server);
                ($r, $seen) = upload_of($type, $path, $user, $password, $asks);
                unlike $seen, qr/[^-\n]/, "$case: $user, not proved, is shown "
                    . 'to no provider';
                is join('', grep { /expect: (?:would )?refuse/ }
                    error_log_since($mark)), '', "$case: $user, not proved: "
                    . 'no refusal' unless $rule eq 'auth';
                push @failed, $r;
                push @essence, essence($r, $type, $user, $password);
            }
            is_deeply $essence[0], $essence[1],
                "$case: a member and another who fail get the same";
            is_deeply $essence[2], $essence[1],
                "$case: and so does a name that is none";
            if ($rule eq 'auth') {
                is_deeply [$failed[1]{status}, $failed[1]{witness}{rule}],
                    [$asks ? 417 : 401, 'auth'], "$case: refused by auth";
                is own_words($failed[1])->[3], own_words($plain)->[3],
                    "$case: httpd's own challenge";
                like $failed[1]{body}, qr/auth: access control answers 401/,
                    "$case: the rule's sentence";
            }
            elsif ($rule eq 'page') {
                like $failed[1]{body}, qr/^A plain file/, "$case: the page";
            }
            else {
                is_deeply own_words($failed[1]), own_words($plain),
                    "$case: httpd's own 401";
            }
            next if $type eq 'posted';      # it is in the content
            is_deeply [$failed[1]{interim}, $failed[1]{witness}{read}],
                [[], $asks || $rule eq 'auth' ? 0 : $failed[1]{witness}{read}],
                "$case: no 100, content unread";
        }
    }
}

is join('', $server->crashes), '', 'no child has crashed';

done_testing();
