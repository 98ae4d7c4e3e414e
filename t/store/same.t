#!/usr/bin/perl
# With a store, in-flight and quota behave to a client as without: the tests in
# t/admission pass with it as well. Left out are those about the ledger's own
# memory, and unknown.t: the store is asked for more bytes than have come, and a
# rule that finds content read already refuses in the place of a cut-off.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use TAP::Parser ();
use Test::More;
use ExpectTest;
use Store;

my @tests = qw(fields in-flight keys load once places quota rules);

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
