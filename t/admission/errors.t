#!/usr/bin/perl
# What is wrong with in-flight, quota and ExpectLedger is said when httpd reads
# it, with what is accepted.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $FLIGHT = 'in-flight takes [uploads=N] [bytes=SIZE] [key=KEY], and at least '
    . 'one of uploads= and bytes=';
my $QUOTA = 'quota takes [uploads=N] [bytes=SIZE] per=PERIOD [key=KEY], and at '
    . 'least one of uploads= and bytes=';
my $KEY = 'a KEY is ip, user or directory, and outside of .htaccess '
    . 'also vhost, all or expr=STRING';
my $PERIOD = 'a PERIOD is minute, hour, day, week, or a number with s, m, h or '
    . 'd';
my $NUMBER = 'uploads=N is a whole number, like uploads=100';
my $SIZE = 'a SIZE is a number of bytes';

# the rule => the word, what is wrong, what is accepted
my @rules = (
    ['in-flight', 'in-flight', 'neither uploads= nor bytes= is given', $FLIGHT],
    ['in-flight key=ip', 'in-flight', 'neither uploads= nor bytes= is given',
        $FLIGHT],
    ['in-flight uploads=1 per=day', 'in-flight', 'in-flight has no period',
        $FLIGHT],
    ['in-flight uploads=1 uploads=2', 'in-flight uploads=2', 'given twice',
        $FLIGHT],
    ['in-flight uploads=', 'in-flight uploads=', 'the value is missing',
        $FLIGHT],
    ['in-flight upload=1', 'in-flight upload=1', 'unknown argument', $FLIGHT],
    (map { ["in-flight uploads=$_", "in-flight uploads=$_",
            'not a number of 1 or more', $NUMBER] }
        qw(0 -1 +1 1.5 x 1K 2147483648 99999999999999999999)),
    (map { ["in-flight bytes=$_", "in-flight bytes=$_",
            'not a SIZE of 1 or more, or too large', $SIZE] }
        qw(0 -1 0K 1X 9223372036854775808)),
    (map { ["in-flight uploads=1 key=$_", "in-flight key=$_", 'unknown KEY',
            $KEY] } qw(address expr expr= users)),
    ['in-flight uploads=1 key="expr=%{HTTP:X-A} b"',
        'in-flight key="expr=%{HTTP:X-A}', 'the closing quote is missing',
        'with blanks, the whole argument is quoted: "key=expr=STRING"'],
    ['quota uploads=1', 'quota', 'per= is missing', $QUOTA],
    ['quota per=day', 'quota', 'neither uploads= nor bytes= is given', $QUOTA],
    (map { ["quota uploads=1 per=$_", "quota per=$_",
            'not a PERIOD, or over 366 days', $PERIOD] }
        qw(year days 0 1 0s -1s 1w 367d 10x 1.5h 99999999999999999999s)),
    ['quota uploads=1 per=', 'quota per=', 'the value is missing', $QUOTA],
    ['quota bytes=1 per=day 5', 'quota 5', 'unknown argument', $QUOTA],
);

sub error_ok {
    my($name, $text, $line) = @_;
    my($exit, $message) = config_error($text);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    isnt $exit, 0, "$name: refused";
    ok index($message, $line) >= 0, "$name: says so" or diag $message;
}

for (@rules) {
    my($rule, $word, $wrong, $accepted) = @$_;
    error_ok($rule, "ExpectRequire $rule\n",
        "ExpectRequire: $word: $wrong; $accepted");
}

my $expr = 'ExpectRequire in-flight uploads=1 "key=expr=%{HTTP:X"' . "\n";
my($exit, $message) = config_error($expr);
isnt $exit, 0, 'an expression that does not parse';
like $message, qr/^ExpectRequire: in-flight %\{HTTP:X: .+; STRING is a string expression, like %\{HTTP:X-Tenant\}/m,
    'an expression that does not parse: says so' or diag $message;

for my $rule ('in-flight uploads=1', 'quota uploads=1 per=day') {
    my($name) = $rule =~ /^(\S+)/;
    error_ok("not $rule", "ExpectRequire not $rule\n",
        "ExpectRequire: $name: cannot be negated, by `not` or "
        . '<ExpectRequireNone>');
    error_ok("None: $rule", "<ExpectRequireNone>\nExpectRequire $rule\n"
        . "</ExpectRequireNone>\n",
        "ExpectRequire: $name: cannot be negated, by `not` or "
        . '<ExpectRequireNone>');
    error_ok("Any in None: $rule", "<ExpectRequireNone>\n<ExpectRequireAny>\n"
        . "ExpectRequire $rule\n</ExpectRequireAny>\n</ExpectRequireNone>\n",
        "ExpectRequire: $name: cannot be negated, by `not` or "
        . '<ExpectRequireNone>');
    error_ok("Require $rule", "<Location />\nRequire $rule\n</Location>\n",
        "Unknown Authz provider: $name");
}

for (['keys=0', 'keys=0'], ['keys=-1', 'keys=-1'], ['keys=', 'keys='],
     ['keys=1K', 'keys=1K'], ['size=1', 'size=1'],
     ['keys=99999999999', 'keys=99999999999']) {
    my($arguments, $word) = @$_;
    my($status, $said) = config_error("ExpectLedger $arguments\n");
    isnt $status, 0, "ExpectLedger $arguments: refused";
    like $said, qr/^ExpectLedger: \Q$word\E: .+; /m,
        "ExpectLedger $arguments: says so" or diag $said;
}
($exit, $message) = config_error("<Location />\nExpectLedger keys=5\n"
    . "</Location>\n");
isnt $exit, 0, 'ExpectLedger in a section';

# what is right
for my $rule ('in-flight uploads=1', 'in-flight bytes=1K KEY=IP',
    'IN-FLIGHT uploads=2147483647 bytes=1T key=vhost',
    'quota uploads=1 per=1s', 'quota bytes=1 per=366d key=directory',
    'quota bytes=1G per=DAY "key=expr=%{HTTP:X-A}%{HTTP:X-B}"',
    'quota bytes=1G per=day key="expr=%{HTTP:X-A}"') {
    ($exit, $message) = config_error("ExpectRequire $rule\n");
    is $exit, 0, "$rule: accepted" or diag $message;
}
is +(config_error("ExpectLedger keys=64\n"))[0], 0, 'ExpectLedger keys=64';

done_testing();
