#!/usr/bin/perl
# The rule precondition refuses with 412 unless If-Match, If-None-Match and
# If-Unmodified-Since hold for the target's present state.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;

use constant AGE => 3600;   # a file younger than a second has a weak etag

my $root = conf_var('documentroot');
my $when = time - AGE;

# Writes a file that was last changed an hour ago.
sub old_file {
    my($name) = @_;
    spew("$root/$name", "old\n");
    utime $when, $when, "$root/$name" or die "$root/$name: $!\n";
}

# The date of RFC 9110, 5.6.7.
sub http_date {
    my($sec, $min, $hour, $day, $month, $year, $weekday) = gmtime $_[0];
    return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT',
        (qw(Sun Mon Tue Wed Thu Fri Sat))[$weekday], $day,
        (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$month],
        $year + 1900, $hour, $min, $sec;
}

# The same file where the witness takes uploads, where it can be read, and
# where an upload replaces it.
for my $dir (qw(tenant static dav)) {
    mkpath("$root/$dir/precondition");
    old_file("$dir/precondition/old.txt");
}
my $rule = "ExpectRequire precondition\n";
write_htaccess('tenant/precondition', $rule);
write_htaccess('dav/precondition', $rule);

my $read = upload(method => 'GET', path => '/static/precondition/old.txt');
my $etag = $read->{headers}{etag} // '';
like $etag, qr/^"[^"]+"$/, 'the file has a strong etag';
is $read->{headers}{'last-modified'}, http_date($when), 'and a date';

my($OK, $old, $new) = (0, 'old.txt', 'new.txt');
my $other = '"other"';

# the target, the fields; refused with 412 or not, the field that the reason
# names
my @cases = (
    [$old, [], $OK],
    [$new, [], $OK],

    [$old, ['If-Match: *'], $OK],
    [$new, ['If-Match: *'], 412, 'If-Match'],
    [$old, ["If-Match: $etag"], $OK],
    [$new, ["If-Match: $etag"], 412, 'If-Match'],
    [$old, ["If-Match: $other"], 412, 'If-Match'],
    [$old, ["If-Match: $other, $etag"], $OK],
    [$old, ["If-Match: $other", "If-Match: $etag"], $OK],
    [$old, ["If-Match: $other, \"another\""], 412, 'If-Match'],
    # A strong comparison (RFC 9110, 13.1.1).
    [$old, ["If-Match: W/$etag"], 412, 'If-Match'],

    [$old, ['If-None-Match: *'], 412, 'If-None-Match'],
    [$new, ['If-None-Match: *'], $OK],
    [$old, ["If-None-Match: $etag"], 412, 'If-None-Match'],
    [$new, ["If-None-Match: $etag"], $OK],
    [$old, ["If-None-Match: $other"], $OK],
    [$old, ["If-None-Match: $other, $etag"], 412, 'If-None-Match'],
    # A weak comparison (RFC 9110, 13.1.2).
    [$old, ["If-None-Match: W/$etag"], 412, 'If-None-Match'],

    [$old, ['If-Unmodified-Since: ' . http_date($when)], $OK],
    [$old, ['If-Unmodified-Since: ' . http_date($when + 1)], $OK],
    [$old, ['If-Unmodified-Since: ' . http_date($when - 1)], 412,
        'If-Unmodified-Since'],
    # What is no date is ignored (RFC 9110, 13.1.4), and so is any date where
    # there is none to compare it with.
    [$old, ['If-Unmodified-Since: yesterday'], $OK],
    [$new, ['If-Unmodified-Since: ' . http_date($when - 1)], $OK],

    # All of them must hold.
    [$old, ["If-Match: $etag", "If-None-Match: $other"], $OK],
    [$old, ["If-Match: $etag", "If-None-Match: $etag"], 412, 'If-None-Match'],
    [$old, ["If-Match: $other", "If-None-Match: $other"], 412, 'If-Match'],

    # If-Match is the better of the two (RFC 9110, 13.1.4).
    [$old, ["If-Match: $etag",
        'If-Unmodified-Since: ' . http_date($when - 1)], $OK],

    # Only a reader is served by this one.
    [$old, ['If-Modified-Since: ' . http_date($when)], $OK],
);

for (@cases) {
    my($file, $headers, $status, $field) = @$_;
    my %upload = (path => "/tenant/precondition/$file", content => 5,
        headers => $headers);
    my $name = "$file, " . (join(' | ', @$headers) || 'no condition');
    if ($status) {
        refused_ok($name, \%upload, status => $status, asked_status => 417,
            rule => 'precondition', like => qr/\b\Q$field\E\b/);
    }
    else {
        admitted_ok($name, \%upload, status => 200);
    }
}

# The rule's own status, for clients that asked as well; and negated.
write_htaccess('tenant/precondition/specific', "ExpectStatus specific\n");
write_htaccess('tenant/not-precondition', "ExpectRequire not precondition\n");
refused_ok('specific', { path => '/tenant/precondition/specific/x',
    content => 5, headers => ['If-Match: *'] }, status => 412,
    rule => 'precondition');
refused_ok('not: it holds', { path => '/tenant/not-precondition/x',
    content => 5, headers => ['If-None-Match: *'] }, status => 412,
    asked_status => 417, rule => 'precondition');
admitted_ok('not: it does not hold', { path => '/tenant/not-precondition/x',
    content => 5, headers => ['If-Match: *'] }, status => 200);

# What it is for: the write that would have been lost.
refused_ok('DAV: the file is there already', { content => 5,
    path => '/dav/precondition/old.txt', headers => ['If-None-Match: *'] },
    status => 412, asked_status => 417, rule => 'precondition');
refused_ok('DAV: the file has changed', { content => 5,
    path => '/dav/precondition/old.txt', headers => ["If-Match: $other"] },
    status => 412, asked_status => 417, rule => 'precondition');
for my $asks (0, 1) {
    old_file('dav/precondition/old.txt');
    admitted_ok('DAV: the file has not changed', { content => 5,
        path => '/dav/precondition/old.txt', headers => ["If-Match: $etag"],
        asks => $asks }, status => 204, h2 => 0);
    # Now it has, and the same request is refused.
    refused_ok('DAV: and now it has', { content => 5,
        path => '/dav/precondition/old.txt', headers => ["If-Match: $etag"],
        asks => $asks }, status => 412, asked_status => 417,
        rule => 'precondition');
    admitted_ok('DAV: a new file', { content => 5, asks => $asks,
        path => "/dav/precondition/new-$asks.txt",
        headers => ['If-None-Match: *'] }, status => 201, h2 => 0);
    refused_ok('DAV: which is not new any more', { content => 5,
        asks => $asks, path => "/dav/precondition/new-$asks.txt",
        headers => ['If-None-Match: *'] }, status => 412,
        asked_status => 417, rule => 'precondition');
}

done_testing();
