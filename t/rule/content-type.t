#!/usr/bin/perl
# The rule content-type refuses with 415 unless the media type is listed. Case
# and parameters do not matter.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/rule';
use Listed;

# the arguments, the Content-Type fields; refused with 415 or not
my @cases = (
    ['image/png', ['image/png'], 'admitted'],
    ['image/png', ['IMAGE/Png'], 'admitted'],
    ['IMAGE/Png', ['image/png'], 'admitted'],
    ['image/png', ['image/gif'], 415],
    ['image/png', ['image/pngx'], 415],
    ['image/png', ['ximage/png'], 415],
    ['image/png', ['image/png; q=1'], 'admitted'],
    ['image/png', ['image/png ;a=1;b="2;3, x/y" ; c='], 'admitted'],
    ['image/png', ['text/html; x=image/png'], 415],
    ['text/plain', ['text/plain;charset=UTF-8'], 'admitted'],
    ['image/png text/plain image/gif', ['text/plain'], 'admitted'],
    ['image/png text/plain image/gif', ['text/html'], 415],

    ['image/*', ['image/png'], 'admitted'],
    ['image/*', ['Image/SVG+XML; charset=utf-8'], 'admitted'],
    ['Image/* text/plain', ['image/png'], 'admitted'],
    ['image/*', ['imagex/png'], 415],
    ['image/*', ['text/image'], 415],
    ['application/*+json', ['application/ld+json'], 'admitted'],
    ['application/*+json', ['application/vnd.a.b-1+JSON; x=1'], 'admitted'],
    ['application/*+json', ['application/a+b+json'], 'admitted'],
    ['application/*+json', ['application/json'], 415],
    ['application/*+json', ['application/xml+jsonx'], 415],
    ['application/*+json', ['application/ld+xml'], 415],
    ['application/*+json', ['text/ld+json'], 415],
    ['application/json application/*+json', ['application/json'], 'admitted'],
    ['*/*', ['x-a/x-b'], 'admitted'],
    # Any token may stand before the slash.
    ['x+y/*', ['x+y/z'], 'admitted'],
    ['x+y/*+json', ['x+y/a+json'], 'admitted'],
    ['x+y/*', ['x/z'], 415],

    # None sent counts as application/octet-stream.
    ['image/*', [], 415],
    ['application/octet-stream', [], 'admitted'],
    ['application/*', [], 'admitted'],
    ['*/*', [], 'admitted'],

    # A field that is no media type matches none that is listed.
    ['image/*', ['image'], 415],
    ['image/*', ['image/'], 415],
    ['image/*', ['image/png/png'], 415],
    ['image/*', ['image /png'], 415],
    ['image/*', ['image/png, image/png'], 415],
    ['image/*', ['image/png', 'image/png'], 415],
    ['image/*', ['image/png; a=1, text/html'], 415],
    ['image/* application/octet-stream', [''], 415],
    ['*/*', ['image'], 415],
    ['*/*', ['*'], 415],
    ['*/*', ['image/png', 'text/html'], 415],
    ['*/*', ['"image/png"'], 415],

    ['not text/html', ['image/png'], 'admitted'],
    ['not text/html', [], 'admitted'],
    ['not text/html', ['text/html'], 415],
    ['not text/html', ['TEXT/HTML; charset=utf-8'], 415],
    ['not text/*', ['text/x'], 415],
    ['not application/octet-stream', [], 415],
    # Doubling the field is no way past the rule, nor is spoiling it.
    ['not text/html', ['text/html', 'text/html'], 415],
    ['not text/html', ['image/png', 'text/html'], 415],
    ['not text/html', ['text/html, image/png'], 415],
    ['not text/html', ['text'], 415],
);

listed_ok('content-type', 'Content-Type', @cases);

# In None it is no way past the rule either, whatever stands beside it.
for (['header X-A', 'content-type text/html'],
     ['content-type text/html', 'header X-A']) {
    my $path = section('<ExpectRequireNone>', (map { "ExpectRequire $_" } @$_),
        '</ExpectRequireNone>');
    refused_ok("None of @$_: malformed", { path => $path, content => 5,
        headers => ['Content-Type: text/html, text/html'] }, status => 415,
        asked_status => 417, rule => 'content-type');
    admitted_ok("None of @$_: another type", { path => $path, content => 5,
        headers => ['Content-Type: image/png'] }, status => 200);
}

# What the reason says.
refused_ok('the reason names both sides', { content => 1,
    path => section('ExpectRequire content-type image/* application/pdf'),
    headers => ['Content-Type: text/HTML; charset=x'] },
    status => 415, asked_status => 417,
    like => qr{text/html\b.*\bimage/\* application/pdf}i);

# The rule's own status, for clients that asked as well.
for ([['Content-Type: text/plain']], [[]], [['Content-Type: x']],
     [['Content-Type: image/png'], 'not ']) {
    my($headers, $not) = @$_;
    my $rule = ($not // '') . 'content-type image/*';
    refused_ok("specific: $rule, @$headers", { content => 9,
        headers => $headers,
        path => section('ExpectStatus specific', "ExpectRequire $rule") },
        status => 415, rule => 'content-type');
}

# The length does not matter, nor whether there is one.
refused_ok('chunked', { content => 9, chunked => 1,
    path => section('ExpectRequire content-type image/*') },
    status => 415, asked_status => 417, rule => 'content-type');
admitted_ok('chunked, a type that is listed', { content => 9, chunked => 1,
    headers => ['Content-Type: image/png'],
    path => section('ExpectRequire content-type image/*') }, status => 200);

done_testing();
