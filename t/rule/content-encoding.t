#!/usr/bin/perl
# The rule content-encoding refuses with 415 unless every coding that was sent
# is listed. If none was sent, the coding is identity.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/rule';
use Listed;

# the arguments, the Content-Encoding fields; refused with 415 or not
my @cases = (
    ['gzip', ['gzip'], 'admitted'],
    ['gzip', ['GZip'], 'admitted'],
    ['GZIP', ['gzip'], 'admitted'],
    ['gzip', ['x-gzip'], 'admitted'],
    ['gzip', ['X-GZIP'], 'admitted'],
    ['x-gzip', ['gzip'], 'admitted'],
    ['compress', ['x-compress'], 'admitted'],
    ['gzip', ['br'], 415],
    ['gzip', ['gzi'], 415],
    ['gzip', ['gzipx'], 415],
    ['gzip', ['x-br'], 415],
    ['br gzip zstd', ['zstd'], 'admitted'],
    ['br gzip zstd', ['deflate'], 415],

    # Lists, in one field or several.
    ['gzip', ['gzip, gzip'], 'admitted'],
    ['gzip', ['gzip,x-gzip'], 'admitted'],
    ['br gzip', ['gzip, br'], 'admitted'],
    ['br gzip', ['gzip', 'br'], 'admitted'],
    ['br gzip', ['gzip,, br,'], 'admitted'],
    ['gzip', ['gzip, br'], 415],
    ['gzip', ['br, gzip'], 415],
    ['gzip', ['gzip', 'br'], 415],
    ['br gzip', ['gzip, deflate, br'], 415],

    # None is identity.
    ['gzip', [], 415],
    ['identity', [], 'admitted'],
    ['Identity', [], 'admitted'],
    ['identity', ['identity'], 'admitted'],
    ['identity', ['gzip'], 415],
    ['identity gzip', [], 'admitted'],
    ['identity gzip', ['gzip'], 'admitted'],
    ['identity gzip', ['br'], 415],

    # What is no coding cannot be listed.
    ['gzip', ['gz ip'], 415],
    ['gzip', ['"gzip"'], 415],
    ['gzip', ['gzip;q=1'], 415],
    ['gzip identity', ['gzip, b/r'], 415],

    ['not gzip', ['br'], 'admitted'],
    ['not gzip', [], 'admitted'],
    ['not gzip', ['gzip'], 415],
    ['not gzip', ['x-gzip'], 415],
    ['not gzip', ['gzip, gzip'], 415],
    ['not identity', ['gzip'], 'admitted'],
    ['not identity', [], 415],
    # Spoiling the field is no way past the rule.
    ['not gzip', ['gz ip'], 415],
    ['not gzip', ['gzip;q=1'], 415],
    # Nor is another coding beside it.
    ['not gzip', ['gzip, br'], 415],
    ['not gzip', ['br, gzip'], 415],
    ['not gzip', ['gzip', 'identity'], 415],
    ['not gzip br', ['zstd, br'], 415],
    ['not gzip br', ['zstd, deflate'], 'admitted'],
);

listed_ok('content-encoding', 'Content-Encoding', @cases);

# Many codings: the reason lists them up to a thousand bytes.
{
    my $many = join ' ', map { "coding-$_" } 1 .. 200;
    for my $last ('coding-1', 'CODING-150', 'coding-200') {
        admitted_ok("of 200 codings, $last", { content => 1,
                path => section("ExpectRequire content-encoding $many"),
                headers => ["Content-Encoding: $last"] }, status => 200);
    }
    for my $r (refused_ok('none of 200 codings', { content => 1,
                path => section("ExpectRequire content-encoding $many"),
                headers => ['Content-Encoding: coding-201'] }, status => 415,
            asked_status => 417,
            like => qr/ is not one of: coding-1 .* and \d+ more$/)) {
        cmp_ok length $r->{witness}{reason}, '<', 1200, 'the reason is short';
    }
}

# What the reason says.
refused_ok('the reason names both sides', { content => 1,
    path => section('ExpectRequire content-encoding gzip zstd'),
    headers => ['Content-Encoding: gzip, br'] },
    status => 415, asked_status => 417, like => qr/\bbr\b.*\bgzip zstd/);

# The rule's own status, for clients that asked as well.
for ([['Content-Encoding: br']], [[]], [['Content-Encoding: b/r']],
     [['Content-Encoding: gzip'], 'not ']) {
    my($headers, $not) = @$_;
    my $rule = ($not // '') . 'content-encoding gzip';
    refused_ok("specific: $rule, @$headers", { content => 9,
        headers => $headers,
        path => section('ExpectStatus specific', "ExpectRequire $rule") },
        status => 415, rule => 'content-encoding');
}

done_testing();
