#!/usr/bin/perl
# needs: several users
# ExpectExplain, called by root, with mpm_itk loaded: each query is answered
# as the user of its virtual host, in a process of its own, so that the next
# one is answered as well. No user's file is read as another user.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/itk';
use Itk;

my @tenants = tenants(2);
my $conf = join '', map { plain_vhost($_, 1024) } @tenants;

for (0 .. $#tenants) {
    give_file($tenants[$_], 'up/.htaccess',
        'ExpectRequire content-length max=' . 10 * ($_ + 1) . "\n");
}

my @urls = map { "http://$_->{host}:1024/up/x" } @tenants;
for my $conf ($conf, quick() . $conf) {
    my @answers = explained($conf, map { ("$_ PUT length=10",
        "$_ PUT length=11") } @urls, @urls);
    is scalar(@answers), 8, 'all questions are answered'
        or diag explain \@answers;
    for ([0, 'admitted'], [1, 'refused 417'], [2, 'admitted'],
         [3, 'admitted'], [5, 'refused 417'], [7, 'admitted']) {
        my($nth, $verdict) = @$_;
        like $answers[$nth] // '', qr/^  asks: \Q$verdict\E/m,
            "question $nth: $verdict";
    }
}

done_testing();
