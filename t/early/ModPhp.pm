package ModPhp;

=head1 NAME

ModPhp - configuration that loads mod_php

=head1 FUNCTIONS

=over

=item mod_php_fits()

Whether this MPM can have it: PHP of most distributions is not made for threads.

=item load_php()

Its LoadModule line.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;

our @EXPORT = qw(mod_php_fits load_php);

sub mod_php_fits { return ($ENV{TEST_MPM} // '') eq 'prefork' }

sub load_php {
    # No opcache: PHP opens it in a way that the sanitizers cannot bear.
    $ENV{PHP_INI_SCAN_DIR} = '';
    my($php) = glob module_dir() . '/libphp*.so'
        or die "mod_php is not installed: t/setup\n";
    return qq(LoadModule php_module "$php"\n);
}

1;
