#!/usr/bin/perl
# The rule content-length refuses with 413 over max, with 400 under min, and
# with 411 if a length is required and none is announced.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $UNKNOWN = qr/^content of unknown length is not accepted here$/;

# what it shows, the rule, the upload; if refused: the status, the reason
my @cases = (
    ['at max', 'content-length max=10', { content => 10 }],
    ['one over max', 'content-length max=10', { content => 11 }, 413,
        qr/content-length 11 is over max=10/],
    ['one byte, max=1', 'content-length max=1', { content => 1 }],
    ['one byte, max=0', 'content-length max=0', { content => 1 }, 413,
        qr/content-length 1 is over max=0/],
    ['at max=1K', 'content-length max=1K', { content => 1024 }],
    ['one over max=1k', 'content-length max=1k', { content => 1025 }, 413,
        qr/content-length 1025 is over max=/],
    ['over 32 bits', 'content-length max=4G', { length => 4294967297 }, 413,
        qr/content-length 4294967297 is over max=/],
    ['near the top', 'content-length max=8388607T',
        { length => '9223372036854775806' }, 413,
        qr/content-length 9223372036854775806 is over max=/],
    ['leading zeros', 'content-length max=10',
        { content => 'x' x 11, length => '0000000000000011' }, 413,
        qr/content-length 11 is over max=10/],

    ['at min', 'content-length min=10', { content => 10 }],
    ['one under min', 'content-length min=10', { content => 9 }, 400,
        qr/content-length 9 is under min=10/],
    ['over min', 'content-length min=10', { content => 1000 }],

    ['within', 'content-length min=5 max=7', { content => 6 }],
    ['at the lower end', 'content-length min=5 max=7', { content => 5 }],
    ['at the upper end', 'content-length max=7 min=5', { content => 7 }],
    ['under both', 'content-length min=5 max=7', { content => 4 }, 400,
        qr/4 is under min=5/],
    ['over both', 'content-length min=5 max=7', { content => 8 }, 413,
        qr/8 is over max=7/],
    ['exactly one length', 'content-length min=7 max=7', { content => 7 }],

    ['known, and it is', 'content-length known', { content => 1 }],
    ['known, and it is not', 'content-length known',
        { content => 9, chunked => 1 }, 411, qr/^content-length is required$/],
    ['known and max, chunked', 'content-length max=100 known',
        { content => 9, chunked => 1 }, 411, qr/^content-length is required$/],
    ['known and max, over', 'content-length known max=8', { content => 9 },
        413, qr/9 is over max=8/],
    ['min, chunked', 'content-length min=1', { content => 9, chunked => 1 },
        411, qr/^content-length is required$/],
    ['min and max, chunked', 'content-length min=1 max=100',
        { content => 9, chunked => 1 }, 411, qr/^content-length is required$/],
    ['max, chunked, within', 'content-length max=9',
        { content => 9, chunked => 1 }],
    ['the largest max, chunked', 'content-length max=9223372036854775807',
        { content => 9, chunked => 1 }],

    ['not max, over', 'not content-length max=10', { content => 11 }],
    ['not max, at it', 'not content-length max=10', { content => 10 }, 400,
        qr/content-length/],
    ['not min, under', 'not content-length min=10', { content => 9 }],
    ['not min, at it', 'not content-length min=10', { content => 10 }, 400,
        qr/content-length/],
    ['not known, chunked', 'not content-length known',
        { content => 9, chunked => 1 }],
    ['not known, with a length', 'not content-length known',
        { content => 9 }, 400, qr/content-length/],
    # Chunked content cannot be known to be more than max,
    ['not max, chunked', 'not content-length max=10',
        { content => 11, chunked => 1 }, 400, $UNKNOWN],
    # nor to be less than min.
    ['not min, chunked', 'not content-length min=10',
        { content => 9, chunked => 1 }, 411, $UNKNOWN],
    ['not min and max, chunked', 'not content-length min=10 max=20',
        { content => 9, chunked => 1 }, 411, $UNKNOWN],
    ['not min and known, chunked', 'not content-length min=10 known',
        { content => 9, chunked => 1 }],
);

for (@cases) {
    my($name, $rule, $upload, $status, $like) = @$_;
    my %upload = (path => section("ExpectRequire $rule"), %$upload);
    if ($status) {
        refused_ok($name, \%upload, status => $status, asked_status => 417,
            rule => 'content-length', like => $like);
    }
    else {
        admitted_ok($name, \%upload, status => 200);
    }
}

# The rule's own status, for clients that asked as well.
for ([413, 'content-length max=8'], [400, 'content-length min=10'],
     [411, 'content-length known', chunked => 1],
     [411, 'content-length min=1', chunked => 1],
     [400, 'not content-length min=1']) {
    my($status, $rule, @upload) = @$_;
    refused_ok("specific: $status", { content => 9, @upload,
        path => section('ExpectStatus specific', "ExpectRequire $rule") },
        status => $status, rule => 'content-length');
}

# Without an expectation on HTTP/1.0, asked for or not.
refused_ok('HTTP/1.0 cannot ask', { http => '1.0', content => 9,
    path => section('ExpectRequire content-length max=8') },
    status => 413, asked_status => 413, rule => 'content-length');

# No content, nothing to judge: not even what would be refused in any case.
{
    my $path = section('ExpectRequire content-length min=10',
        'ExpectRequire all denied');
    my @none = (
        ['GET', { method => 'GET' }],
        ['PUT of nothing', { length => 0 }],
        ['POST of 000', { method => 'POST', length => '000' }],
        ['PUT of nothing, asked', { length => 0, asks => 1 }],
        ['DELETE', { method => 'DELETE' }],
        ['GET, asked', { method => 'GET', asks => 1 }],
    );
    for my $case (@none) {
        for my $h2 (0, has_h2() ? 1 : ()) {
            my($name, $upload) = @$case;
            my $r = upload(path => $path, h2 => $h2, %$upload);
            is_deeply [@$r{qw(status interim)}, $r->{witness}{verdict}],
                [200, [], '-'], "$name is not judged"
                    . ($h2 ? ', HTTP/2' : '')
                or diag explain $r;
        }
    }
    # Chunked says that there is content, if only its end.
    refused_ok('an empty chunked content is judged',
        { path => $path, content => '', chunked => 1 }, status => 411,
        asked_status => 417, rule => 'content-length');
}

done_testing();
