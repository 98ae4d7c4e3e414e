#!/usr/bin/perl
# FallbackResource moves a request to a file in another section. What was
# decided where it came from stands: its max holds for content of unknown
# length, too, whatever the file's section says; a smaller one there holds as
# well.

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

sub max_rule { return "ExpectRequire content-length max=$_[0]" }

# what it shows; the section it comes from; the file's; the max that holds
# (undef: none), and the one that is only told of
my @cases = (
    ['nothing is written there', [max_rule(10)], [], 10],
    ['the engine is off there', [max_rule(10)], [$off, max_rule(5)], 10],
    ['those who did not ask are exempt there', [max_rule(10)],
        ['ExpectScope expectation', max_rule(20)], 10],
    ['a rule without a max there', [max_rule(10)],
        ['ExpectRequire header X-Witness'], 10],
    ['a wider max there', [max_rule(10)], [max_rule(20)], 10],
    ['a tighter max there', [max_rule(20)], [max_rule(10)], 10],
    ['a max there only', [], [max_rule(10)], 10],
    ['off where it comes from', [$off, max_rule(5)], [max_rule(10)], 10],
    ['a max that is not merged', [max_rule(10)], ['ExpectMerging Off', max_rule(20)],
        10],
    ['a handler is wanted where it comes from',
        [max_rule(10), 'ExpectRequire handler'], [], 10],
    ['told of there, tighter', [max_rule(20)], [$detect, max_rule(10)], 20],
    ['told of there, wider', [max_rule(10)], [$detect, max_rule(20)], 10],
    ['told of where it comes from, tighter', [$detect, max_rule(10)], [max_rule(20)],
        20],
    ['told of where it comes from, refused by another rule',
        [$detect, 'ExpectRequire header X-Never'], [max_rule(20)], 20, undef,
        'detect'],
    ['told of there, by another rule', [max_rule(20)],
        [$detect, 'ExpectRequire header X-Never'], 20, undef, 'detect'],
    ['told of where it comes from only', [$detect, max_rule(10)], [], undef, 10],
    ['told of in both', [$detect, max_rule(10)], [$detect, max_rule(20)], undef, 10],
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
    my($name, undef, undef, $max, $told, $verdict) = @{ $cases[$n] };
    my $path = "/moved/from-$n/new";
    my %o = (where => $server, h2 => 0, upload => { method => 'POST' });
    if (defined $max) {
        # what is told of is one line more than a cut-off has
        cut_off_ok("$name: cut off", $path, $max, %o) unless $verdict;
        within_ok("$name: within", $path, $max, status => 200, %o,
            $verdict ? (verdict => $verdict, log => qr/would refuse/) : ());
        next;
    }
    my %told = defined $told
        ? (verdict => 'detect', log => qr/would refuse 413: .*max=$told\b/)
        : ();
    within_ok("$name: no max holds", $path, 5000, status => 200,
        %told, %o, sizes => [5000]);
}

# after a refusal that is only told of, what holds does hold
for my $n (grep { $cases[$_][5] } 0 .. $#cases) {
    my $r = upload(vhost => $server, path => "/moved/from-$n/new",
        method => 'POST', chunked => 1, content => 5000, eager => 1);
    is $r->{status}, 413, "$cases[$n][0]: cut off all the same"
        or diag explain $r;
    cmp_ok $r->{witness}{read}, '<=', 20, "$cases[$n][0]: read";
    is $r->{witness}{verdict}, 'refuse', "$cases[$n][0]: verdict";
}

done_testing();
