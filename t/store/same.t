#!/usr/bin/perl
# With a store, in-flight and quota behave to a client as without: the tests in
# t/admission pass with it as well. Left out are errors.t (no server), those
# about the ledger's own memory and clock, and unknown.t: the store is asked for
# more bytes than have come, and a rule that finds content read already refuses
# in the place of a cut-off.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use TAP::Parser ();
use Test::More;
use ExpectTest;
use Store;

my %left_out = map { $_ => 1 }
    qw(clock crash errors flood no-memory unknown);
my @tests = grep { !$left_out{$_} }
    map { m{([^/]+)\.t$} } sort glob 't/admission/*.t';
cmp_ok scalar(@tests), '>=', 7, "with a store: @tests";

my $redis = redis();
$ENV{STORE_CONF} = store_conf($redis->url, 'timeout=5000') =~ s/\n\z//r;

for my $name (@tests) {
    my $parser = TAP::Parser->new({ exec =>
        [$^X, (map { "-I$_" } @INC), "t/admission/$name.t"], merge => 1 });
    my $passed = 0;
    while (my $line = $parser->next) {
        if (!$line->is_test) { diag $line->as_string if !$line->is_plan }
        elsif ($line->is_ok) { ++$passed }
        else { fail "$name.t: " . $line->description }
    }
    ok $passed && !$parser->exit && !$parser->parse_errors,
        "$name.t with a store: $passed passed";
}
is_deeply [$redis->places], [], 'nothing is in flight in the store';

done_testing();
