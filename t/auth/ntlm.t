#!/usr/bin/perl
# NTLM, by itself and in Negotiate: a login that belongs to its connection and
# takes several requests. A client that sends the content with each of them is
# admitted, whether it asks or not: the 401 in between is a step and no
# denial, and the content of a step is thrown away. A login that fails is
# refused like any other.

use strict;
use warnings;

use lib 't/auth', 't/other-modules';
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use Ntlm;

my $users = conf_var('t_logs') . "/ntlm-users-$$";
for ([$users, "HOUSE:alice:secret\nHOUSE:bob:secret\n"],
     ["$users.groups", "writers: HOUSE\\alice\n"]) {
    my($file, $text) = @$_;
    spew($file, $text);
}
$ENV{NTLM_USER_FILE} = $users;

my $login = "AuthType GSSAPI\nAuthName house\nGssapiConnectionBound On\n";
my $valid = "${login}Require valid-user\n";

# place => its access control and rules; alice is let in, bob not everywhere
my %places = (
    auth     => "${valid}ExpectRequire auth\n",
    user     => qq(${valid}ExpectRequire user "HOUSE\\\\alice"\n),
    not      => qq(${valid}ExpectRequire not user "HOUSE\\\\bob"\n),
    valid    => "${valid}ExpectRequire valid-user\n",
    specific => "${valid}ExpectRequire auth\nExpectStatus specific\n",
    alice    => qq(${login}Require user "HOUSE\\\\alice"\n)
        . "ExpectRequire auth\n",
    length   => "${valid}ExpectRequire content-length max=1000\n"
        . "ExpectRequire auth\n",
    any      => "${valid}<ExpectRequireAny>\nExpectRequire auth\n"
        . "ExpectRequire content-length max=10\n</ExpectRequireAny>\n",
    detect   => "${valid}ExpectRequire auth\nExpectEngine DetectionOnly\n",
    group    => "${valid}AuthGroupFile $users.groups\n"
        . "ExpectRequire group writers\n",
    expr     => $valid
        . q(ExpectRequire expr "%{REMOTE_USER} =~ /alice$/") . "\n",
    bare     => $valid,
);
my $server = h2_httpd(load('auth_gssapi')
    . join '', map { "<Location /witness/$_>\n$places{$_}</Location>\n" }
        sort keys %places);

# A challenge that continues a login: that of NTLM, bare or in SPNEGO's answer.
my $step = qr/^(?:NTLM TlRM|Negotiate oY)/;

# The first request of a login on a connection, and the last one: the latter
# answers the former's challenge. Returns both responses.
sub log_in {
    my($on, $client, %o) = @_;
    my %both = (on => $on, vhost => $server, eager => !$o{asks}, %o);
    my $first = upload(%both, headers => [$client->first]);
    my $challenge = $first->{headers}{'www-authenticate'} // '';
    return $first unless $challenge =~ $step;
    return ($first, upload(%both, silence => 5, eager => 0,
            headers => [$client->last($challenge)], %{ $o{last} || {} }));
}

# A step: httpd's own 401 and challenge, on a connection that stays; its
# content was taken, clients that asked got 100, and no request was refused.
sub is_step {
    my($name, $r, $content, %o) = @_;
    subtest $name => sub {
        is $r->{status}, 401, 'status';
        like $r->{headers}{'www-authenticate'}, $step, 'a challenge';
        is_deeply $r->{interim}, $o{asks} ? [100] : [],
            $o{asks} ? 'one 100' : 'no interim response';
        is $r->{sent}, length $content, 'all sent';
        ok !$r->{closed}, 'the connection stays';
        unlike $r->{headers}{connection} // '', qr/close/i, 'and it says so';
        is $r->{witness}{verdict}, '-', 'no verdict';
    } or diag explain $r;
}

# --- admitted --------------------------------------------------------------

# Content that would be a request if it were taken for one.
my $smuggled = 0;
sub evil {
    my $id = join '-', 'smuggled', $$, ++$smuggled;
    return ("GET /witness/bare/ HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Witness: $id\r\n\r\n", $id);
}

for my $scheme ('NTLM', 'Negotiate') {
    for my $place (qw(auth user not valid specific alice length any
        group expr detect)) {
        for my $asks (1, 0) {
            for my $chunked ($place eq 'auth' ? (0, 1) : 0) {
                my $name = join ', ', $scheme, $place, $asks ? 'asked'
                    : 'not asked', $chunked ? 'chunked' : ();
                my $on = connection($server);
                my($content, $id) = evil();
                my $mark = log_mark($server);
                my($first, $last) = log_in($on,
                    Ntlm->new(user => 'alice', scheme => $scheme),
                    path => "/witness/$place/x", content => $content,
                    asks => $asks, chunked => $chunked,
                    last => { eager => !$asks });
                is_step("$name: a step", $first, $content, asks => $asks);
                is $last->{status}, 200, "$name: the login";
                is $last->{body}, 'read=' . length($content) . "\n",
                    "$name: the content of the login is handled";
                is $last->{witness}{verdict}, 'continue',
                    "$name: and admitted";
                is_deeply $last->{interim}, $asks ? [100] : [],
                    "$name: interim responses of the login";

                # the connection is logged in
                my $next = upload(on => $on, vhost => $server, eager => 1,
                    path => "/witness/$place/x", content => 7);
                is_deeply [@$next{qw(status body)}, $next->{witness}{verdict}],
                    [200, "read=7\n", 'continue'],
                    "$name: the next request on the connection"
                    or diag explain $next;
                is_deeply witness_of($id, $server, 0), {},
                    "$name: content is no request";
                is join('', grep { /expect: (?:would )?refuse/ }
                    error_log_since($mark)), '', "$name: no refusal is logged";
            }
        }
    }
}

# Where no rule is in force httpd answers as usual.
{
    my $on = connection($server);
    my($first, $last) = log_in($on, Ntlm->new(user => 'alice'),
        path => '/witness/bare/x', content => 9, last => { eager => 1 });
    is_step('no rule: a step', $first, 'x' x 9);
    is $last->{status}, 200, 'no rule: the login';
}

# A client that keeps its content until it is known, as curl does.
for my $asks (1, 0) {
    my $on = connection($server);
    my $client = Ntlm->new(user => 'alice');
    my $first = upload(on => $on, vhost => $server, content => '',
        path => '/witness/auth/x', headers => [$client->first]);
    is_step('an empty first request', $first, '');
    my $last = upload(on => $on, vhost => $server, asks => $asks,
        eager => !$asks, path => '/witness/auth/x', content => 2000,
        headers => [$client->last($first->{headers}{'www-authenticate'})]);
    is_deeply [@$last{qw(status interim)}, $last->{witness}{read}],
        [200, $asks ? [100] : [], 2000],
        "an empty first request, then content, asks $asks";
}

# --- refused ---------------------------------------------------------------

# As refused_ok(), for the last request of a login.
sub is_refused {
    my($name, $r, $mark, $status, $rule) = @_;
    my @lines = grep { /expect: refused/ } error_log_since($mark);
    subtest $name => sub {
        is $r->{status}, $status, 'status';
        is_deeply $r->{interim}, [], 'no interim response';
        is $r->{sent}, 0, 'nothing sent';
        ok $r->{closed}, 'closed';
        like $r->{headers}{connection}, qr/^close$/i, 'Connection: close';
        is_deeply [@{ $r->{witness} }{qw(read verdict rule nstatus)}],
            [0, 'refuse', $rule, $status], 'unread; the notes';
        is scalar @lines, 1, 'one log line';
        like $lines[0], qr/expect: refused $status: /, 'its status';
    } or diag explain $r, \@lines;
}

# what it shows => place, user, password; the rule, its status
for (['a wrong password',         'auth',     'alice', 'guess',  'auth', 401],
     ['a wrong password, alone',  'alice',    'alice', 'guess',  'auth', 401],
     ['specific',                 'specific', 'alice', 'guess',  'auth', 401],
     ['an unknown name',          'auth',     'carol', 'secret', 'auth', 401],
     ['not in Require',           'alice',    'bob',   'secret', 'auth', 401],
     ['not in the rule',          'user',     'bob',   'secret', 'user', 403],
     ['in a rule with not',       'not',      'bob',   'secret', 'user', 403]) {
    my($what, $place, $user, $password, $rule, $status) = @$_;
    for my $scheme ('NTLM', 'Negotiate') {
        for my $asks (1, 0) {
            my $name = "$what, $scheme, asks $asks";
            my $mark = log_mark($server);
            my($first, $last) = log_in(connection($server),
                Ntlm->new(user => $user, password => $password,
                    scheme => $scheme), path => "/witness/$place/x",
                content => 500, asks => $asks);
            is_step("$name: a step", $first, 'x' x 500, asks => $asks);
            is_refused("$name: refused", $last, $mark,
                $asks && $place ne 'specific' ? 417 : $status, $rule);
        }
    }
}

# A failed login gets the same answer for every name. (The first request is
# empty.)
for my $place (qw(user not valid group expr)) {
    for my $asks (1, 0) {
        my @got;
        for my $user ('alice', 'bob', 'carol') {
            my $on = connection($server);
            my $client = Ntlm->new(user => $user, password => 'guess');
            my $first = upload(on => $on, vhost => $server, content => '',
                path => "/witness/$place/x", headers => [$client->first]);
            my $r = upload(on => $on, vhost => $server, content => 500,
                path => "/witness/$place/x", asks => $asks, eager => !$asks,
                headers => [$client->last(
                    $first->{headers}{'www-authenticate'})]);
            delete $r->{headers}{date};
            delete $r->{witness}{id};
            push @got, { %$r, id => 0 };
        }
        is_deeply $got[$_], $got[0], "$place, asks $asks: alike" for 1, 2;
        is $got[0]{status}, 401, "$place, asks $asks: httpd's own 401";
        is $got[0]{witness}{verdict}, '-', "$place, asks $asks: no refusal";
    }
}

# Before it begins: no credentials, or some that are none. Only what continues a
# login is a step.
refused_on('no credentials', $server, { path => '/witness/auth/x',
        content => 500 }, status => 401, asked_status => 417, rule => 'auth',
    h2 => 0);
refused_on("no login: $_", $server, { path => '/witness/specific/x',
        content => 500, headers => ["Authorization: $_"] }, status => 401,
    rule => 'auth', h2 => 0,
    headers => { 'WWW-Authenticate' => qr/^(?:Negotiate|NTLM)/ })
    for 'NTLM TlRMTVNTUAA=', 'Negotiate oQcwBaADCgEB', 'NTLM', 'Negotiate AAAA';

# What needs no login is decided before its first step.
for my $asks (1, 0) {
    my $mark = log_mark($server);
    my $r = upload(vhost => $server, path => '/witness/length/x',
        content => 1001, asks => $asks, silence => 5,
        headers => [Ntlm->new(user => 'alice')->first]);
    is_refused("too long in the first request, asks $asks", $r, $mark,
        $asks ? 417 : 413, 'content-length');
}

# --- the bounds ------------------------------------------------------------

# Content of a step that is more than 3 MB, or does not come within two
# seconds, is not waited for: the connection ends, nothing of it is parsed.
my $MB = 1024 * 1024;
for my $scheme ('NTLM', 'Negotiate') {
    for (['just within', content => 3 * $MB - 1000, 1],
         ['within, chunked', content => 2 * $MB, chunked => 1, 1],
         ['too much', content => 4 * $MB, 0],
         ['too much, chunked', content => 4 * $MB, chunked => 1, 0],
         ['too much, announced and not sent', content => 'x' x 10,
             length => 4 * $MB, 0],
         ['too slow', content => 'x' x 10, length => 20, 0]) {
        my($what, @o) = @$_;
        my $stays = pop @o;
        my $name = "bounds, $scheme: $what";
        my $on = connection($server);
        my $client = Ntlm->new(user => 'alice', scheme => $scheme);
        my $r = upload(on => $on, vhost => $server, eager => 1, @o,
            path => '/witness/auth/x', headers => [$client->first]);
        if ($stays) {
            is $r->{status}, 401, "$name: a step";
            my $last = upload(on => $on, vhost => $server, eager => 1,
                path => '/witness/auth/x', content => 9, headers => [
                    $client->last($r->{headers}{'www-authenticate'})]);
            is $last->{status}, 200, "$name: the login" or diag explain $last;
            next;
        }
        # a client that sends all may see the connection broken before the
        # answer
        like $r->{status} // 401, qr/^401$/, "$name: no other answer";
        ExpectTest::read_until($on, 5, sub { 0 });
        ok $on->{eof}, "$name: the connection ends";
        is $on->{bytes}, '', "$name: no second answer";
        cmp_ok $r->{witness}{read} // 0, '<=', 3 * $MB + 65_536,
            "$name: no more than the bound is read";
    }
}

# Asked: what is announced as too much is not fetched.
{
    my $r = upload(vhost => $server, asks => 1, content => 4 * $MB,
        path => '/witness/auth/x', headers => [Ntlm->new(
                user => 'alice')->first]);
    is $r->{status}, 401, 'bounds, asked: too much: 401';
    ok $r->{closed}, 'bounds, asked: too much: closed';
    cmp_ok $r->{witness}{read}, '<=', 3 * $MB + 65_536,
        'bounds, asked: no more than the bound is read';
}

# DetectionOnly ends no connection: httpd takes all of it, and keeps that.
{
    my $on = connection($server);
    my $client = Ntlm->new(user => 'alice');
    my $r = upload(on => $on, vhost => $server, eager => 1,
        content => 4 * $MB, path => '/witness/detect/x',
        headers => [$client->first]);
    is $r->{status}, 401, 'bounds, DetectionOnly: a step';
    my $last = upload(on => $on, vhost => $server, eager => 1,
        path => '/witness/detect/x', content => 9, headers => [
            $client->last($r->{headers}{'www-authenticate'})]);
    is_deeply [@$last{qw(status body)}], [200, "read=9\n"],
        'bounds, DetectionOnly: the login' or diag explain $last;
}

# Trickling does not prolong the time.
{
    my $on = connection($server);
    ExpectTest::send_bytes($on, join "\r\n", 'PUT /witness/auth/x HTTP/1.1',
        'Host: localhost', 'Content-Length: 1000',
        Ntlm->new(user => 'alice')->first, '', '');
    my $pieces = 0;
    until ($on->{eof} || $pieces == 100) {
        ExpectTest::send_bytes($on, 'x');
        ExpectTest::read_until($on, 0.1, sub { 0 });
        $pieces++;
    }
    cmp_ok $pieces, '<', 60, 'bounds: trickling ends the connection'
        or diag $on->{bytes};
}

# --- real clients ----------------------------------------------------------

# curl sends its content with each request of a login, and asks before that.
# (Its --ntlm begins with a message that gss-ntlmssp takes for too short. With
# --anyauth it is refused first; where it does not ask, 7.88 then goes on in the
# file where it was, and so sends less than it announces.)
my $file = conf_var('t_logs') . "/ntlm-upload-$$";
{
    spew($file, 'x' x (2 * $MB));
}
for (['--negotiate', 'auth'], ['--negotiate', 'user'],
     ['--negotiate', 'specific'], ['--anyauth', 'specific']) {
    my($how, $place) = @$_;
    for my $asks (1, $how eq '--negotiate' ? 0 : ()) {
        my $mark = log_mark($server);
        open my $curl, '-|', 'curl', '-sS', '--max-time', 20, $how, '-u', ':',
            '-T', $file, $asks ? () : ('-H', 'Expect:'), '-w', '%{http_code}',
            sprintf('http://127.0.0.1:%d/witness/%s/x', $server->port, $place)
            or die "curl: $!\n";
        is join('', <$curl>), 'read=' . 2 * $MB . "\n200",
            "curl $how, $place, asks $asks";
        close $curl;
        is scalar(grep { /expect: refused 401: / } error_log_since($mark)),
            $how eq '--anyauth' ? 1 : 0,
            "curl $how, $place, asks $asks: refusals";
    }
}

is join('', $server->crashes), '', 'no child has crashed';

done_testing();
