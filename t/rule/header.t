#!/usr/bin/perl
# The rule header refuses with 400 unless the field is sent and matches; for
# the fields that make a request conditional, with 428.

use strict;
use warnings;

use Test::More;
use ExpectTest;

# the rule, the fields sent; the status if refused
my @cases = (
    ['header X-A', ['X-A: 1'], 'admitted'],
    ['header x-a', ['X-A: 1'], 'admitted'],
    ['header X-A', ['x-A: 1'], 'admitted'],
    ['header X-A', ['X-A: '], 'admitted'],
    ['header X-A', [], 400],
    ['header X-A', ['X-AB: 1', 'X: X-A'], 400],

    ['header X-A ^ok$', ['X-A: ok'], 'admitted'],
    ['header X-A ^ok$', ['X-A:    ok   '], 'admitted'],
    ['header X-A ^ok$', ['X-A: OK'], 400],
    ['header X-A (?i)^ok$', ['X-A: OK'], 'admitted'],
    ['header X-A ^ok$', ['X-A: okay'], 400],
    ['header X-A ^ok$', [], 400],
    ['header X-A ok', ['X-A: not okay'], 'admitted'],
    ['header X-A "^a b$"', ['X-A: a b'], 'admitted'],
    ['header X-A "^a b$"', ['X-A: ab'], 400],
    # A pattern that the empty value matches still wants the field.
    ['header X-A ^.*$', ['X-A: '], 'admitted'],
    ['header X-A ^.*$', [], 400],
    # Two fields are one, with a comma (RFC 9110, 5.3).
    ['header X-A "^1, 2$"', ['X-A: 1', 'X-A: 2'], 'admitted'],
    ['header X-A ^2$', ['X-A: 1', 'X-A: 2'], 400],

    # Also what describes the content.
    ['header Content-Length ^5$', [], 'admitted'],
    ['header Content-Length ^6$', [], 400],
    ['header Content-Type ^image/', ['Content-Type: image/png'], 'admitted'],
    ['header Content-Type ^image/', ['Content-Type: text/png'], 400],
    ['header Content-Encoding', ['Content-Encoding: gzip'], 'admitted'],
    ['header Host ^localhost$', [], 'admitted'],

    # 428 where the client is to make its request conditional (RFC 6585, 3).
    ['header If-Match', [], 428],
    ['header if-match', [], 428],
    ['header If-Unmodified-Since', [], 428],
    ['header If-Match ^"', ['If-Match: *'], 428],
    ['header If-Match', ['If-Match: *'], 'admitted'],
    ['header If-Unmodified-Since',
        ['If-Unmodified-Since: Thu, 01 Jan 2099 00:00:00 GMT'], 'admitted'],
    ['header If-None-Match', [], 400],
    ['header If-Modified-Since', [], 400],
    ['header If-Match-X', [], 400],

    ['not header X-A', [], 'admitted'],
    ['not header X-A', ['X-A: 1'], 400],
    ['not header X-A', ['X-A: '], 400],
    ['not header X-A ^no$', [], 'admitted'],
    ['not header X-A ^no$', ['X-A: yes'], 'admitted'],
    ['not header X-A ^no$', ['X-A: no'], 400],
    # To leave it out would be no condition.
    ['not header If-Match', ['If-Match: *'], 400],
);

for (@cases) {
    my($rule, $headers, $status) = @$_;
    my $sent = join ' | ', @$headers;
    # Over HTTP/2 no value has spaces around it (RFC 9113, 8.2.1): nghttp2 says
    # so since 1.50, and mod_http2 lets it pass since httpd 2.4.55.
    my %upload = (content => 5, path => section("ExpectRequire $rule"),
        headers => $headers, "@$headers" !~ /: {2,}|\S +$/
            || httpd_at_least('2.4.55') ? () : (h2 => 0));
    my $name = "$rule: " . ($sent || 'none sent');
    if ($status ne 'admitted') {
        refused_ok($name, \%upload, status => $status, asked_status => 417,
            rule => 'header', like => qr/^header /);
    }
    else {
        admitted_ok($name, \%upload, status => 200);
    }
}

# A pattern that gives up has not matched, and has not failed to match either.
for my $rule ('header X-A ^(a+)+$', 'not header X-A ^(a+)+$',
              'header If-Match ^(a+)+$') {
    my($field) = $rule =~ /header (\S+)/;
    refused_ok("a pattern that gives up: $rule", { content => 5,
        path => section("ExpectRequire $rule"),
        headers => ["$field: " . 'a' x 60 . '!'] }, status => 400,
        asked_status => 417, rule => 'header', like => qr/^header $field /);
}

# The rule's own status, for clients that asked as well.
for ([400, 'header X-A'], [400, 'header X-A x', 'X-A: y'],
     [428, 'header If-Match'], [428, 'header If-Unmodified-Since'],
     [400, 'not header X-A', 'X-A: 1'],
     [400, 'not header If-Match', 'If-Match: "x"']) {
    my($status, $rule, @headers) = @$_;
    refused_ok("specific: $rule", { content => 9, headers => \@headers,
        path => section('ExpectStatus specific', "ExpectRequire $rule") },
        status => $status, rule => 'header');
}

# The pattern is the administrator's, and so is what the client sent in vain:
# the reason has neither.
for my $r (refused_ok('the reason has neither pattern nor value',
    { content => 9,
        path => section('ExpectRequire header X-Key ^geheim[0-9]$'),
        headers => ['X-Key: versuch'] }, status => 400,
        asked_status => 417, like => qr/\bX-Key\b/)) {
    unlike $r->{witness}{reason}, qr/geheim|versuch/, 'not in the reason';
    unlike $r->{body}, qr/geheim|versuch/, 'not in the body';
}

done_testing();
