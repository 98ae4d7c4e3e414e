package Alone;

=head1 NAME

Alone - whether a configuration loads with the modules that it names

=head1 FUNCTIONS

=over

=item load_error(\@modules, $conf, $load)

What C<httpd -t> says of the configuration, with mod_unixd, mod_expect and these
modules (C<dav>, C<dav_fs>, ...) and no others; '' if it loads. Optional: $load,
LoadModule lines of modules that the tests' servers do not have.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;
use File;

our @EXPORT = qw(load_error);

sub load_error {
    my($modules, $conf, $load) = @_;
    my $dir = ExpectTest::private_dir();
    my $only = ExpectTest::load_only($dir, 'unixd', @$modules);
    my $file = "$dir/httpd.conf";
    spew($file, qq(ServerRoot "$dir"\n)
        . qq(ServerName localhost\nInclude "$only"\n) . ($load // '')
        . qq(Listen 127.0.0.1:1024\nErrorLog "$dir/error_log"\n)
        . qq(DefaultRuntimeDir "$dir"\n) . $conf);
    my $command = join ' ', map { "'$_'" }
        ExpectTest::httpd_command('-t', '-f', $file);
    my $text = qx($command 2>&1);
    return $? ? "exit $?: $text" : '';
}

1;
