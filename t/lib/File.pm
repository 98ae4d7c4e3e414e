package File;

# Files as a whole. slurp: the bytes of a file, or nothing if it cannot be read;
# spew: writes a file, or dies.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(slurp spew);

sub slurp {
    my($file) = @_;
    open my $fh, '<', $file or return '';
    local $/;
    return scalar(<$fh>) // '';
}

sub spew {
    my($file, @text) = @_;
    open my $fh, '>', $file or die "$file: $!\n";
    print $fh @text;
    close $fh or die "$file: $!\n";
}

1;
