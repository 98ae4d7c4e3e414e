# Which state of the tree a saved report is of.

package Tested;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(tested);

# They are written by runs, and change nothing that is tested.
my @REPORTS = qw(t/bench/results.txt t/bench/*.svg t/clients/results.txt
    t/front/results.txt t/fuzz/results.txt t/matrix/results.txt
    t/soak/report.txt);

# Of the tree at this folder, whose history git may not have, or not show.
sub tested {
    my($top) = @_;
    my $git = "git -C '$top'";
    my $reports = join ' ', map { "':!$_'" } @REPORTS;
    chomp(my $is = qx($git rev-parse --short HEAD 2>/dev/null));
    return 'a tree without its history' unless length $is;
    my $changes = qx($git status --porcelain -- . $reports);
    return "commit $is" . (length $changes ? ' with changes' : '');
}

1;
