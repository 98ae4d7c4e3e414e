#!/usr/bin/perl
# t/matrix/third-party has a row for each test and each third party's module
# that it loads, and no other row: t/matrix/run leaves nothing out without need,
# and runs nothing that cannot pass.

use strict;
use warnings;

use File::Find ();
use Test::More;
use ExpectTest;
use File;

# What a file says without comments and documentation.
sub code {
    my($file) = @_;
    return slurp($file) =~ s/^=\w.*?(?:^=cut$|\z)//gmsr =~ s/^\s*#.*$//gmr;
}

my(%test, %helper);
File::Find::find({ no_chdir => 1, wanted => sub {
    $File::Find::prune = $_ eq 't/logs';
    $test{$_} = code($_) if /\.t$/;
    $helper{$1} = code($_) if m{([^/]+)\.pm$};
} }, 't');

# With that of the helpers that it uses, and those that these use.
sub all_code {
    my($text, $seen) = @_;
    my @more = grep { $helper{$_} && !$seen->{$_}++ }
        $text =~ /^use (\w+)\b/gm;
    return join "\n", $text, map { all_code($helper{$_}, $seen) } @more;
}

# Each of Debian's packages of them is in t/setup.
my %third = map { $_ => 1 } qw(perl php), slurp('t/setup')
    =~ /^\s*need libapache2-mod-\S+\s+module (\w+)$/mg;
cmp_ok scalar keys %third, '>', 10, 't/setup knows the modules'
    or diag explain \%third;

# load('perl'), load(qw(perl lua)), load => ['perl'], LoadModule perl_module
sub loaded {
    my($text) = @_;
    my @lists = $text =~ /\bload(?:\(| => \[)((?:qw\([^()]*\)|[^()\[\]])*)/g;
    return grep { $third{$_} } (map { /\w+/g } @lists),
        $text =~ /LoadModule (\w+)_module/g;
}

# t/matrix/run has removed here what it leaves out; it refuses a row without a
# test.
my %row = map { $_ => 1 } map { s/\s+/ /r } grep { /^(t\/\S+)/ && -e $1 }
    split /\n/, slurp('t/matrix/third-party');

for my $file (sort keys %test) {
    my %needs = map { $_ => 1 } loaded(all_code($test{$file}, {}));
    for my $module (sort keys %needs) {
        ok delete $row{"$file $module"},
            "t/matrix/third-party: $file needs mod_$module";
    }
}
is_deeply [sort keys %row], [], 't/matrix/third-party has no other row';

done_testing();
