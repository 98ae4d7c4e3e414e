#!/usr/bin/perl
# ExpectEngine, ExpectStatus and ExpectScope: the nearest value counts. With
# DetectionOnly, decisions are noted and logged, and every upload is admitted.

use strict;
use warnings;

use Test::More;
use ExpectTest;

write_htaccess("merge/$_", '') for qw(engine engine/off engine/off/on
    engine/detect engine/detect/on engine/detect/url status status/417
    scope scope/content);

# --- ExpectEngine ----------------------------------------------------------

refused_ok('On is the default', { path => '/merge/engine/x', content => 11 },
    status => 413, asked_status => 417);
admitted_ok('Off: not judged', { path => '/merge/engine/off/x',
        content => 11 }, status => 200, verdict => '-', rule => '-');
refused_ok('On below Off', { path => '/merge/engine/off/on/x',
        content => 11 }, status => 413, asked_status => 417);
refused_ok('On below DetectionOnly', { path => '/merge/engine/detect/on/x',
        content => 11 }, status => 413, asked_status => 417);
refused_ok('On by <Location> over DetectionOnly', {
        path => '/merge/engine/detect/url/x', content => 11 },
    status => 413, asked_status => 417);
admitted_ok('DetectionOnly: within the limit', {
        path => '/merge/engine/detect/x', content => 10 }, status => 200);

# What would have been refused goes on as if nothing had been said.
my $WOULD = qr/expect: would refuse (\d+): content-length 11 is over max=10 /;
for my $asks (1, 0) {
    for my $h2 (0, has_h2() ? 1 : ()) {
        my $mark = log_mark();
        my($r) = admitted_ok("DetectionOnly, asks $asks, h2 $h2", {
                path => '/merge/engine/detect/x', content => 11,
                asks => $asks, h2 => $h2 }, status => 200,
            verdict => 'detect', rule => 'content-length', log => $WOULD);
        my $status = $asks ? 417 : 413;
        my @lines = grep { /expect: / } error_log_since($mark);
        my($logged) = "@lines" =~ $WOULD;
        is scalar @lines, 1, "DetectionOnly, asks $asks, h2 $h2: one line";
        is $logged, $status, "DetectionOnly, asks $asks, h2 $h2: its status";
        my $w = $r->{witness};
        is $w->{nstatus}, $status, "asks $asks, h2 $h2: status noted";
        is $w->{env}, 'detect', "asks $asks, h2 $h2: EXPECT_VERDICT";
        like $w->{reason}, qr/^content-length 11 is over max=10/,
            "asks $asks, h2 $h2: reason";
        ok !$r->{closed}, "asks $asks, h2 $h2: the connection goes on";
    }
}

# Whatever stage the rule is decided at.
for (['ip 192.0.2.1', 'ip', 403, 'the rule ip is not met'],
     ['env nothing', 'env', 403, 'the rule env is not met'],
     ['user alice', 'user', 403,
         'user cannot be checked: the request has no user'],
     ['auth', 'auth', 401, 'auth: access control answers 401'],
     ['content-type image/*', 'content-type', 415, 'content-type '
         . 'application/octet-stream (none was sent) is not one of: image/*']) {
    my($rule, $name, $status, $reason) = @$_;
    my $dir = "merge/engine/detect/" . $name;
    write_htaccess($dir, "ExpectRequire $rule\n" . ($rule eq 'auth'
        ? "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n"
            . "Require valid-user\n" : ''));
    for my $asks (1, 0) {
        my $mark = log_mark();
        my $r = upload(path => "/$dir/x", content => 5, asks => $asks,
            eager => !$asks);
        my @lines = grep { /expect: / } error_log_since($mark);
        is scalar @lines, 1, "DetectionOnly, $rule, asks $asks: one line";
        like $lines[0], qr/expect: would refuse \d+: \Q$reason\E \(/,
            "DetectionOnly, $rule, asks $asks: would refuse";
        is $r->{witness}{verdict}, 'detect',
            "DetectionOnly, $rule, asks $asks: verdict";
        is $r->{witness}{rule}, $name,
            "DetectionOnly, $rule, asks $asks: rule";
        is $r->{witness}{nstatus}, $asks ? 417 : $status,
            "DetectionOnly, $rule, asks $asks: status noted";
        # httpd's own access control is not the module's to lift
        is $r->{status}, $rule eq 'auth' ? 401 : 200,
            "DetectionOnly, $rule, asks $asks: httpd's answer";
    }
}

# --- ExpectStatus ----------------------------------------------------------

refused_ok('specific', { path => '/merge/status/x', content => 11 },
    status => 413, asked_status => 413);
refused_ok('417 below specific', { path => '/merge/status/417/x',
        content => 11 }, status => 413, asked_status => 417);
write_htaccess('merge/status/417/specific', "ExpectStatus specific\n");
refused_ok('specific by .htaccess below 417', {
        path => '/merge/status/417/specific/x', content => 11 },
    status => 413, asked_status => 413);

# HTTP/1.0 has no expectation that could fail.
refused_ok('417 does not answer HTTP/1.0', { path => '/merge/status/417/x',
        content => 11, http => '1.0', asks => 1 }, status => 413);

# --- ExpectScope -----------------------------------------------------------

for my $h2 (0, has_h2() ? 1 : ()) {
    refused_ok("expectation: asked, h2 $h2", { path => '/merge/scope/x',
            content => 11, asks => 1, h2 => $h2 }, status => 417);
    admitted_ok("expectation: not asked, h2 $h2", { path => '/merge/scope/x',
            content => 11, asks => 0, h2 => $h2 }, status => 200,
        verdict => '-');
}
admitted_ok('expectation: HTTP/1.0 asks for nothing', {
        path => '/merge/scope/x', content => 11, http => '1.0', asks => 1 },
    status => 200, verdict => '-');
admitted_ok('expectation: within the limit', { path => '/merge/scope/x',
        content => 10, asks => 1 }, status => 200);
refused_ok('content below expectation', { path => '/merge/scope/content/x',
        content => 11 }, status => 413, asked_status => 417);
refused_ok('content is the default', { path => '/merge/engine/x',
        content => 11, asks => 0 }, status => 413);

done_testing();
