#!/usr/bin/perl
# What a soak takes for a leak: growth of all children with their requests, not
# that of some children at some time.

use strict;
use warnings;

use lib 't/soak';
use Test::More;
use Verdict;

use constant { CHILDREN => 22, LOOKS => 300, REQUESTS => 4000 };

package Soak::Of::Nothing;
sub wrong { my($self, @text) = @_; push @{ $self->{wrong} }, "@text" }

package main;

# What is wrong if each child has 1 MB, and what $more returns for it on top.
sub wrong {
    my($more) = @_;
    my @seen = map {
        my $nth = $_;
        +{ requests => $nth * REQUESTS, children => { map {
            $_ => { own => int(1000 + $more->($_, $nth)) } } 1 .. CHILDREN } };
    } 1 .. LOOKS;
    my $soak = bless { idle => $seen[-1] }, 'Soak::Of::Nothing';
    Verdict::memory($soak, Verdict::CALM, @seen);
    return scalar @{ $soak->{wrong} // [] };
}

# of each child, between two looks
my $thousands = REQUESTS / CHILDREN / 1000;

is wrong(sub { 0 }), 0, 'nothing grows';
is wrong(sub { rand 50 }), 0, 'noise';
is wrong(sub { $_[0] % 3 == 0 && $_[1] > 10 * $_[0] ? 350 : 0 }), 0,
    'a third of the children grow once, one after the other';
is wrong(sub { $_[0] == 1 ? 5 * $_[1] : 0 }), 1, 'one child grows on and on';
is wrong(sub { $_[1] * $thousands * 30 }), 1, 'a leak of 30 bytes a request';
is wrong(sub { $_[1] * $thousands * 30 + ($_[0] % 3 ? 0 : 350) }), 1,
    'a leak, and some children grow once';

done_testing();
