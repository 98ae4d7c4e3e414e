#!/usr/bin/perl
# LogLevel expect:debug in a section logs for each upload every rule that was
# evaluated, in order, with what it saw, its result and its place. trace1 adds
# what the rules look at. Less verbose levels log none of it.

use strict;
use warnings;

use lib 't/response';
use Test::More;
use ExpectTest;
use Response;

my @BASIC = ('AuthType Basic', 'AuthName realm', 'AuthBasicProvider witness',
    'Require valid-user');
my $ALICE = basic_auth('alice');

# The module's lines of a log, without what httpd puts before them.
sub lines_since {
    my($mark) = @_;
    return map { chomp; /\[expect:(\w+)\].*?(expect: .*)/
        ? { level => $1, text => $2, whole => $_ } : () }
        error_log_since($mark);
}

# The lines of one upload, by level.
sub logged {
    my %o = @_;
    my $mark = log_mark();
    my $r = upload(silence => 0.05, %o);
    my %by;
    push @{ $by{ $_->{level} } }, $_->{text} for lines_since($mark);
    return ($r, \%by);
}

# How a rule's line must look; file and line number are caught.
sub rule_line {
    my($rule, $saw, $said) = @_;
    return qr/^expect:\ at\ (\w+):\ \Q$rule\E
        (?:\ saw\ (.*))?:\ (\w[\w\ ]*)\ \(ExpectRequire\ at\ (\S+):(\d+)\)$/x;
}

my $n = 0;

# what it shows, lines, upload, status; [rule, what it saw, what it said, line]
for (
    ['admitted', ['ExpectRequire content-length max=10',
            'ExpectRequire content-type image/* text/plain',
            'ExpectRequire content-encoding identity'],
        { content => 9, headers => ['Content-Type: Text/Plain'] }, 200,
        ['content-length max=10', '9', 'granted', 1],
        ['content-type image/* text/plain', qr{^text/plain}i, 'granted', 2],
        ['content-encoding identity', undef, 'granted', 3]],
    ['refused by the first', ['ExpectRequire content-length max=10',
            'ExpectRequire content-type text/plain'],
        { content => 11 }, 413,
        ['content-length max=10', '11', 'denied', 1]],
    ['refused by the last', ['', '# a comment', 'ExpectRequire header X-A',
            'ExpectRequire content-type text/plain'],
        { content => 11, headers => ['X-A: b', 'Content-Type: a/b'] }, 415,
        ['header X-A', undef, 'granted', 3],
        ['content-type text/plain', 'a/b', 'denied', 4]],
    ['coding', ['ExpectRequire content-encoding gzip br'],
        { content => 3, headers => ['Content-Encoding: zstd'] }, 415,
        ['content-encoding gzip br', 'zstd', 'denied', 1]],
    ['an alternative', ['<ExpectRequireAny>', 'ExpectRequire ip 192.0.2.1',
            'ExpectRequire content-length max=10', '</ExpectRequireAny>'],
        { content => 9 }, 200,
        ['ip 192.0.2.1', undef, 'denied', 2],
        ['content-length max=10', '9', 'granted', 3]],
    ['no alternative', ['<ExpectRequireAny>', 'ExpectRequire ip 192.0.2.1',
            'ExpectRequire header X-A', '</ExpectRequireAny>'],
        { content => 9 }, 403,
        ['ip 192.0.2.1', undef, 'denied', 2],
        ['header X-A', undef, 'denied', 3]],
    ['not', ['ExpectRequire not content-length max=10'],
        { content => 11 }, 200,
        ['not content-length max=10', '11', 'granted', 1]],
    ['not, refused', ['ExpectRequire not content-length max=10'],
        { content => 9 }, 400,
        ['not content-length max=10', '9', 'denied', 1]],
    ['late', [@BASIC, 'ExpectRequire content-length max=10',
            'ExpectRequire user alice', 'ExpectRequire auth',
            'ExpectRequire handler'],
        { content => 9, headers => [$ALICE] }, 200,
        ['content-length max=10', '9', 'granted', 5],
        ['user alice', undef, 'not known yet', 6],
        ['user alice', undef, 'granted', 6],
        ['auth', undef, 'granted', 7],
        ['handler', undef, 'granted', 8]],
) {
    my($name, $lines, $o, $own, @rules) = @$_;
    my $dir  = 'debug/' . ++$n;
    my $path = place($dir, @$lines);
    my $file = conf_var('documentroot') . "/response/$dir/.htaccess";
    for my $asks (0, 1) {
        my $status = $asks && $own != 200 ? 417 : $own;
        my $label = "$name, asks $asks";
        my($r, $by) = logged(%$o, path => $path, asks => $asks);
        my @debug = @{ $by->{debug} // [] };
        is $r->{status}, $status, "$label: status";
        is scalar @debug, @rules, "$label: each rule"
            or diag explain \@debug;
        for my $i (0 .. $#rules) {
            my($rule, $saw, $said, $line) = @{ $rules[$i] };
            my $rule_label = "$label: $rule";
            my @got = ($debug[$i] // '') =~ rule_line($rule);
            is scalar @got, 5, "$rule_label: in its place" or next;
            like $got[0], qr/^(?:head|directory|env|auth|user|handler)$/,
                "$rule_label: the stage";
            if (ref $saw) { like $got[1], $saw, "$rule_label: what it saw" }
            else          { is $got[1], $saw, "$rule_label: what it saw" }
            is $got[2], $said, "$rule_label: what it said";
            is $got[3], $file, "$rule_label: the file";
            is $got[4], $line, "$rule_label: the line";
        }
        is scalar @{ $by->{info} // [] }, $own == 200 ? 0 : 1,
            "$label: the refusal's line stays as it is";
        is $by->{trace1}, undef, "$label: no trace1";
    }

    # At info the same says nothing of it.
    my $quiet = place("debug-quiet-$n", @$lines);
    my($r, $by) = logged(%$o, path => $quiet, asks => 0);
    is $r->{status}, $own, "$name, info: status";
    is_deeply [grep { $_ ne 'info' } keys %$by], [], "$name, info: nothing";
    is scalar @{ $by->{info} // [] }, $own == 200 ? 0 : 1,
        "$name, info: the refusal only";
}

# The stages are logged in their order: auth and user after the head.
{
    my($r, $by) = logged(path => "/response/debug/$n/x", content => 9,
        asks => 1,
        headers => [$ALICE]);
    my @stages = map { /^expect: at (\w+):/ } @{ $by->{debug} };
    is $r->{status}, 200, 'stages: status';
    my %place;
    @place{qw(head directory env auth user handler)} = 0 .. 5;
    my @order = map { $place{$_} // -1 } @stages;
    is "@order", join(' ', sort { $a <=> $b } @order), 'stages: in order';
    cmp_ok $order[0], '<=', 1, 'stages: the length, early';
    cmp_ok $order[2], '>=', 3, 'stages: the user, after the login';
    is $stages[-1], 'handler', 'stages: the handler, last';
}

# Over HTTP/2 the same.
if (has_h2()) {
    my($r, $by) = logged(path => '/response/debug/2/x', content => 11,
        asks => 1,
        h2 => 1);
    is $r->{status}, 417, 'HTTP/2: status';
    is scalar @{ $by->{debug} // [] }, 1, 'HTTP/2: one line';
    like $by->{debug}[0], rule_line('content-length max=10'), 'HTTP/2: it';
}

# An outer section's rules come first; both files are named.
{
    place('debug/outer', 'ExpectRequire content-length max=99');
    my $path = place('debug/outer/inner', 'ExpectRequire content-length max=9');
    my($r, $by) = logged(path => $path, content => 10, asks => 1);
    my @got = map {
        [/: (content-length \S+) .*: (\w+) \(.*response(\S+):\d+\)$/]
    } @{ $by->{debug} // [] };
    is_deeply \@got, [
        ['content-length max=99', 'granted', '/debug/outer/.htaccess'],
        ['content-length max=9', 'denied', '/debug/outer/inner/.htaccess']],
        'an inner section';
}

# Nothing to say: no content, no rules.
for (['no content', '/response/debug/1/x', ''],
     ['no rules', place('debug/none', ''), 5])
{
    my($name, $path, $content) = @$_;
    my($r, $by) = logged(path => $path, content => $content);
    is $r->{status}, 200, "$name: status";
    is_deeply $by, {}, "$name: no line";
}

# --- trace1 ----------------------------------------------------------------

{
    my $path = place('trace/a', 'ExpectRequire content-length max=10',
        'ExpectRequire content-type text/plain');
    my @type = (headers => ['Content-Type: text/plain']);
    for (
        ['asks', { content => 9, asks => 1, @type }, qr/\bPUT\b/, qr/\b9\b/,
            qr/\b9 bytes of content, Expect: 100-continue;/],
        ['does not ask', { content => 9, method => 'POST', @type },
            qr/\bPOST\b/, qr/\b9\b/, qr/, no Expect;/],
        ['chunked', { content => 9, asks => 1, chunked => 1, @type },
            qr/\bPUT, content of unknown length, Expect: 100-continue;/],
    ) {
        my($name, $o, @has) = @$_;
        my($r, $by) = logged(%$o, path => $path);
        my @trace = @{ $by->{trace1} // [] };
        is $r->{status}, 200, "trace1, $name: status";
        cmp_ok scalar @trace, '>=', 1, "trace1, $name: there are facts";
        like $trace[0] // '', qr/^expect: /, "trace1, $name: greppable";
        like "@trace", $_, "trace1, $name: $_" for @has;
        is scalar @{ $by->{debug} // [] }, 2, "trace1, $name: and the rules";
    }
    my($r, $by) = logged(path => '/response/debug/1/x', content => 9,
        asks => 1);
    is $by->{trace1}, undef, 'debug has no facts';
    ($r, $by) = logged(path => place('trace/none', ''), content => 9);
    is $by->{debug}, undef, 'trace1 without rules: no rule';
}

# --- what the client sent --------------------------------------------------

my @hostile = ('ExpectRequire content-length max=10',
    '<ExpectRequireAny>', 'ExpectRequire content-type a/b',
    'ExpectRequire content-encoding gzip', 'ExpectRequire header X-Key "^k$"',
    'ExpectRequire method PATCH', '</ExpectRequireAny>');
place('trace/hostile', @hostile);
for my $bytes ("te\tx/y", "text/\xc3\xa4", "text/\xff\xfe", "text/x\x9b31m",
    'text/' . 'a' x 4000, '"' x 3000, 'text/x\\n', '%s%s%n', "a/\x01b",
    "text/x\e[31m", 'x/y: granted (ExpectRequire at /etc/passwd:1)')
{
    for my $line ("Content-Type: $bytes", "Content-Encoding: $bytes",
        "X-Key: $bytes", "If-Match: $bytes", "X-Witness: $bytes")
    {
        my $label = unpack 'H*', substr $line, 0, 24;
        my $mark = log_mark();
        my $r = raw('/response/trace/hostile/x', $line, 'Content-Length: 5',
            'Expect: 100-continue');
        my @lines = lines_since($mark);
        ok $r->{status} == 417 || $r->{status} == 400, "$label: refused";
        is scalar(grep { length $_->{text} > 800 } @lines), 0,
            "$label: bounded";
        is scalar(grep { $_->{text} =~ /[^\x20-\x7e]/ } @lines), 0,
            "$label: clean";
        next if $r->{status} == 400;
        is scalar(grep { $_->{level} eq 'debug' } @lines), 5,
            "$label: each rule";
        is scalar(grep { $_->{text} =~ m{\(ExpectRequire at /etc} } @lines), 0,
            "$label: no forged place at the end"
            if $line !~ /^X-Witness/;
    }
}

# A long target is cut, a hostile one escaped; a password is nowhere.
for my $target ('/response/trace/hostile/' . 'a' x 200,
    '/response/trace/hostile/%1b%0a',
    '/response/trace/hostile/%C3%A4%22',
    '/response/trace/hostile/x?' . 'q' x 4000)
{
    my $mark = log_mark();
    my $r = raw($target, 'Content-Length: 5', 'Expect: 100-continue', $ALICE,
        'Cookie: session=s3cret', 'X-Key: s3cret');
    my @lines = lines_since($mark);
    my $label = substr $target, 0, 40;
    is $r->{status}, 417, "$label: refused";
    ok +(grep { $_->{level} eq 'trace1' } @lines), "$label: traced";
    is scalar(grep { $_->{text} =~ /[^\x20-\x7e]/ } @lines), 0,
        "$label: clean";
    is scalar(grep { length $_->{text} > 800 } @lines), 0, "$label: bounded";
    is scalar(grep { $_->{whole} =~ /YWxpY2U|s3cret/ } @lines), 0,
        "$label: no secret";
}

done_testing();
