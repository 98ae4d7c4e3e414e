#!/usr/bin/perl
# <Limit> and <LimitExcept> around rules: the rules hold for those methods
# only, as with Require. For other methods it is as if there were no rule.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $RULE = "ExpectRequire content-length max=10\n";

# Uploads of eleven bytes: which methods are refused, and by what.
my @cases = (
    ['Limit PUT', "<Limit PUT>\n$RULE</Limit>\n",
        { PUT => 413, POST => 0, PATCH => 0 }],
    ['Limit PUT POST', "<Limit PUT POST>\n$RULE</Limit>\n",
        { PUT => 413, POST => 413, PATCH => 0 }],
    ['LimitExcept PUT', "<LimitExcept PUT>\n$RULE</LimitExcept>\n",
        { PUT => 0, POST => 413, PATCH => 413 }],
    ['two limits', "<Limit PUT>\n$RULE</Limit>\n<Limit POST>\n"
        . "ExpectRequire header X-Never\n</Limit>\n",
        { PUT => 413, POST => 400, PATCH => 0 }],
    ['a limit beside a rule', "<Limit PUT>\n$RULE</Limit>\n"
        . "ExpectRequire header X-Never\n",
        { PUT => 413, POST => 400, PATCH => 400 }],
    ['a container in a limit', "<Limit PUT>\n<ExpectRequireAny>\n$RULE"
        . "ExpectRequire header X-Never\n</ExpectRequireAny>\n</Limit>\n",
        { PUT => 413, POST => 0, PATCH => 0 }],
    ['None in a limit', "<Limit PUT>\n<ExpectRequireNone>\n"
        . "ExpectRequire ip 127.0.0.1\n</ExpectRequireNone>\n"
        . "</Limit>\n", { PUT => 403, POST => 0, PATCH => 0 }],
    ['`not` in a limit', "<Limit PUT>\nExpectRequire not ip 127.0.0.1\n"
        . "</Limit>\n", { PUT => 403, POST => 0, PATCH => 0 }],
    ['a limit that nothing meets', "<Limit GET>\n$RULE</Limit>\n",
        { PUT => 0, POST => 0, PATCH => 0, GET => 413 }],
    ['DAV methods', "<Limit PROPFIND LOCK>\n$RULE</Limit>\n",
        { PROPFIND => 413, LOCK => 413, PUT => 0 }],
);
for (@cases) {
    my($name, $text, $methods) = @$_;
    write_htaccess('tenant/limit', $text);
    for my $method (sort keys %$methods) {
        my $status = $methods->{$method};
        my $o = { path => '/tenant/limit/x', content => 11,
            method => $method };
        if ($status) {
            refused_ok("$name: $method refused", $o, status => $status,
                asked_status => 417);
        }
        else {
            for my $asks (0, 1) {
                my $r = upload(%$o, asks => $asks, eager => !$asks);
                is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
                    [200, $asks ? [100] : [], 11],
                    "$name: $method let through, asks $asks"
                    or diag explain $r;
                isnt $r->{witness}{verdict}, 'refuse',
                    "$name: $method not refused, asks $asks";
            }
        }
    }
}

done_testing();
