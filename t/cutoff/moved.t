#!/usr/bin/perl
# FallbackResource moves a request to a file in another section. The decision
# made before stands: its max= holds for content of unknown length whatever
# the file's section says; a smaller max= of that section holds in addition.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $root = conf_var('documentroot');
my $off = 'ExpectEngine Off';
my $detect = 'ExpectEngine DetectionOnly';

sub limit { return "ExpectRequire content-length max=$_[0]" }

# what it shows; the section it comes from; the file's; the max that holds
# (undef: none), and the one that is only logged
my @cases = (
    ['nothing is written there', [limit(10)], [], 10],
    ['the engine is off there', [limit(10)], [$off, limit(5)], 10],
    ['clients that did not ask are exempt there', [limit(10)],
        ['ExpectScope expectation', limit(20)], 10],
    ['a rule without a max there', [limit(10)],
        ['ExpectRequire header X-Witness'], 10],
    ['a wider max there', [limit(10)], [limit(20)], 10],
    ['a tighter max there', [limit(20)], [limit(10)], 10],
    ['a max there only', [], [limit(10)], 10],
    ['off where it comes from', [$off, limit(5)], [limit(10)], 10],
    ['a max that is not merged', [limit(10)], ['ExpectMerging Off', limit(20)],
        10],
    ['a handler is wanted where it comes from',
        [limit(10), 'ExpectRequire handler'], [], 10],
    ['only logged there, tighter', [limit(20)], [$detect, limit(10)], 20],
    ['only logged there, wider', [limit(10)], [$detect, limit(20)], 10],
    ['only logged where it comes from, tighter',
        [$detect, limit(10)], [limit(20)],
        20],
    ['only logged where it comes from, refused by another rule',
        [$detect, 'ExpectRequire header X-Never'], [limit(20)], 20, undef,
        'detect'],
    ['only logged there, by another rule', [limit(20)],
        [$detect, 'ExpectRequire header X-Never'], 20, undef, 'detect'],
    ['only logged where it comes from',
        [$detect, limit(10)], [], undef, 10],
    ['only logged in both',
        [$detect, limit(10)], [$detect, limit(20)], undef, 10],
);

my $conf = '';
for my $n (0 .. $#cases) {
    my(undef, $from, $to) = @{ $cases[$n] };
    mkpath(["$root/moved/from-$n", "$root/moved/to-$n"]);
    open my $fh, '>', "$root/moved/to-$n/x.txt" or die "to-$n: $!\n";
    $conf .= join "\n", "<Directory \"$root/moved/from-$n\">",
        "FallbackResource /moved/to-$n/x.txt", @$from, '</Directory>',
        "<Directory \"$root/moved/to-$n\">", 'SetHandler witness', @$to,
        '</Directory>', '';
}
my $server = own_httpd(conf => $conf);

for my $n (0 .. $#cases) {
    my($name, undef, undef, $max, $logged, $verdict) = @{ $cases[$n] };
    my $path = "/moved/from-$n/new";
    my %o = (where => $server, h2 => 0, upload => { method => 'POST' });
    if (defined $max) {
        # the would-be refusal is one line more than a cut-off has
        cut_off_ok("$name: cut off", $path, $max, %o) unless $verdict;
        within_ok("$name: within", $path, $max, status => 200, %o,
            $verdict ? (verdict => $verdict, log => qr/would refuse/) : ());
        next;
    }
    my %logged = defined $logged
        ? (verdict => 'detect', log => qr/would refuse 413: .*max=$logged\b/)
        : ();
    within_ok("$name: no max holds", $path, 5000, status => 200,
        %logged, %o, sizes => [5000]);
}

# after a refusal that is only logged, the other rules still hold
for my $n (grep { $cases[$_][5] } 0 .. $#cases) {
    my $r = upload(vhost => $server, path => "/moved/from-$n/new",
        method => 'POST', chunked => 1, content => 5000, eager => 1);
    is $r->{status}, 413, "$cases[$n][0]: cut off all the same"
        or diag explain $r;
    cmp_ok $r->{witness}{read}, '<=', 20, "$cases[$n][0]: read";
    is $r->{witness}{verdict}, 'refuse', "$cases[$n][0]: verdict";
}

done_testing();
