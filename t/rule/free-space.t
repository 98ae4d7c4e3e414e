#!/usr/bin/perl
# The rule free-space refuses with 507 unless that much stays free on the
# target's file system after the announced content is stored. The sizes are
# such that the result is the same on every disk that the tests could run on.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $HUGE = '4611686018427387904';       # announced, never sent
my $MAX  = '9223372036854775807';

# what it shows, the rule, the upload; the status if refused
my @cases = (
    ['a byte stays free', 'free-space 1', {}, 'admitted'],
    ['a kilobyte does', 'free-space 1k', {}, 'admitted'],
    ['more than any disk', 'free-space 8388607T', {}, 507],
    ['the largest SIZE', "free-space $MAX", {}, 507],
    ['content larger than any disk', 'free-space 1', { length => $HUGE }, 507],
    ['the largest content', 'free-space 1', { length => $MAX }, 507],
    ['both', "free-space $MAX", { length => $MAX }, 507],

    ['a percent stays free', 'free-space 1%', {}, 'admitted'],
    ['not after such content', 'free-space 1%', { length => $HUGE }, 507],
    ['nor 99 percent', 'free-space 99%', { length => $HUGE }, 507],
    ['nor after the largest', 'free-space 99%', { length => $MAX }, 507],

    # Content of unknown length counts nothing.
    ['chunked', 'free-space 1', { chunked => 1 }, 'admitted'],
    ['chunked, percent', 'free-space 1%', { chunked => 1 }, 'admitted'],
    ['chunked, more than any disk', 'free-space 8388607T', { chunked => 1 },
        507, qr/^less than 8388607T is free$/],

    ['not: too little is free', 'not free-space 8388607T', {}, 'admitted'],
    ['not: enough is free', 'not free-space 1', {}, 507],
    ['not: percent', 'not free-space 1%', {}, 507],
    ['not: percent, chunked', 'not free-space 1%',
        { chunked => 1 }, 507],
);

for (@cases) {
    my($name, $rule, $upload, $status, $like) = @$_;
    my %upload = (content => 5, path => section("ExpectRequire $rule"),
        %$upload);
    if ($status ne 'admitted') {
        refused_ok($name, \%upload, status => $status, asked_status => 417,
            rule => 'free-space', like => $like // qr/^free-space /);
    }
    else {
        admitted_ok($name, \%upload, status => 200);
    }
}

# The rule's own status, for clients that asked as well.
for ('free-space 8388607T', 'not free-space 1') {
    refused_ok("specific: $_", { content => 5,
        path => section('ExpectStatus specific', "ExpectRequire $_") },
        status => 507, rule => 'free-space');
}

# Where the target's directory is still to be made, the file system that it
# would be made on counts.
write_htaccess('tenant/free-space', "ExpectRequire free-space 1\n");
admitted_ok('in a directory that is not there',
    { content => 5, path => '/tenant/free-space/a/b/c' }, status => 200);
write_htaccess('tenant/free-space', "ExpectRequire free-space 8388607T\n");
refused_ok('in a directory that is not there, too little',
    { content => 5, path => '/tenant/free-space/a/b/c' }, status => 507,
    asked_status => 417, rule => 'free-space');

# The reason does not say how much is free on the server.
for my $r (refused_ok('the reason', { content => 5,
        path => section('ExpectRequire free-space 8388607T') }, status => 507,
        asked_status => 417, like => qr/8388607T/)) {
    unlike $r->{witness}{reason} =~ s/8388607T//r, qr/\d{3}/,
        'the reason has no figure';
}

done_testing();
