#!/usr/bin/perl
# The sample of alert rules, by promtool: they are valid, and t/operations/
# alerts.yml shows each alert both firing and silent.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;

my $rules = conf_var('top_dir') . '/conf-sample/alerts.yml';
my $tests = 't/operations/alerts.yml';

sub promtool {
    my @arguments = @_;
    my $said = qx(promtool @arguments 2>&1);
    is $?, 0, "promtool @arguments[0, 1]" or diag $said;
    return $said;
}

like promtool('check', 'rules', $rules), qr/SUCCESS: \d\d rules found/,
    'promtool check: rules';
like promtool('test', 'rules', $tests), qr/SUCCESS/, 'promtool test: passed';

my $asked = slurp($tests);
my @alerts = slurp($rules) =~ /^ *- alert: (\w+)$/mg;
cmp_ok scalar @alerts, '>', 5, 'alerts';
for my $alert (@alerts) {
    my $case = qr/^ *alertname: \Q$alert\E\n *exp_alerts:/m;
    like $asked, qr/$case\n/, "$alert: seen to fire";
    like $asked, qr/$case \[\]\n/, "$alert: seen to be silent";
}

done_testing();
