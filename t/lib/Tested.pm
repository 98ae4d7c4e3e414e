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

# Of the tree at this folder.
sub tested {
    my($top) = @_;
    my @git = ('git', '-C', $top);
    # no history, no git, or a tree of another user: git is not quoted
    my $says = sub {
        open my $fh, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', @git, @_
            or return '';
        local $/;
        return <$fh> // '';
    };
    my $is = $says->('rev-parse', '--short', 'HEAD');
    return 'a tree without its history' unless $is =~ /^(\w+)$/m;
    my $commit = $1;
    my $changes = $says->('status', '--porcelain', '--', '.',
        map { ":!$_" } @REPORTS);
    return "commit $commit" . (length $changes ? ' with changes' : '');
}

1;
