package Util;

# What all of the bench uses: options, files, other programs, and the numbers
# that a list of measurements comes down to.

use strict;
use warnings;

use Cwd ();
use Exporter qw(import);
use File::Basename qw(dirname);
use POSIX ();

our @EXPORT = qw(%opt $top say_line output_of output run_or_die
    median interval span);

our %opt = (seconds => 0.06, clients => 8, callgrind => 1);
our $top = Cwd::abs_path(dirname(__FILE__) . '/../..');

sub say_line { syswrite STDOUT, "@_\n" }

# A pipe from which its output is read.
sub output_of {
    my @command = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        exec @command or POSIX::_exit(127);
    }
    return $out;
}

sub output {
    my $out = output_of(@_);
    my @lines = <$out>;
    close $out;
    return wantarray ? @lines : join '', @lines;
}

sub run_or_die {
    system(@_) == 0 or die "t/bench/run: failed: @_\n";
}

# --- numbers ---------------------------------------------------------

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted % 2 ? $sorted[@sorted / 2]
        : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

# The interval of the median: the order statistics a bit around the middle.
sub interval {
    my @sorted = sort { $a <=> $b } @_;
    my $away = 0.98 * sqrt @sorted;
    my $low = POSIX::floor(@sorted / 2 - $away);
    my $high = POSIX::ceil(@sorted / 2 + $away);
    return ($sorted[$low < 0 ? 0 : $low],
            $sorted[$high > $#sorted ? $#sorted : $high]);
}

# Three digits are enough, whatever the size.
sub short {
    my($value) = @_;
    return sprintf $value < 10 ? '%.3f' : $value < 100 ? '%.2f' : '%.0f',
        $value;
}

sub span {
    my @sorted = sort { $a <=> $b } @_;
    return '-' unless @sorted;
    my($low, $high) = interval(@sorted);
    my $around = short(($high - $low) / 2);
    return sprintf '%s +-%s (%s-%s)', short(median(@sorted)),
        $around =~ s/^0//r, map { sprintf $_ < 10 ? '%.2f' : '%.0f', $_ }
        @sorted[0, -1];
}

1;
