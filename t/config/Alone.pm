package Alone;

=head1 NAME

Alone - whether a configuration loads with the modules that it names

=head1 FUNCTIONS

=over

=item alone(\@modules, $conf, @arguments)

What C<httpd -t> prints of the configuration, with mod_unixd, mod_expect and
these modules (C<dav>, C<dav_fs>, ...) and no others: (exit status, text). The
arguments go to httpd.

=item load_error(\@modules, $conf, $load)

What is wrong with it; '' if it loads. Optional: $load, LoadModule lines of
modules that the tests' servers do not have.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;
use File;

our @EXPORT = qw(alone load_error);

sub alone {
    my($modules, $conf, @arguments) = @_;
    my $dir = ExpectTest::private_dir();
    my $only = ExpectTest::load_only($dir, 'unixd', @$modules);
    my $file = "$dir/httpd.conf";
    spew($file, qq(ServerRoot "$dir"\n)
        . qq(ServerName localhost\nInclude "$only"\n)
        . qq(Listen 127.0.0.1:1024\nErrorLog "$dir/error_log"\n)
        . qq(DefaultRuntimeDir "$dir"\n) . $conf);
    my $command = join ' ', map { "'$_'" }
        ExpectTest::httpd_command('-t', '-f', $file, @arguments);
    my $text = qx($command 2>&1);
    return ($?, $text);
}

sub load_error {
    my($modules, $conf, $load) = @_;
    my($exit, $text) = alone($modules, ($load // '') . $conf);
    return $exit ? "exit $exit: $text" : '';
}

1;
