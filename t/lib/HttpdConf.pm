package HttpdConf;

=head1 NAME

HttpdConf - the httpd of the bench and the soak, and what both configure

=head1 FUNCTIONS

=over

=item find_httpd()

C<(program, folder of its modules, output of httpd -l)>. HTTPD and APXS in the
environment name it, or apxs in PATH does.

=item load_module($dir, $builtin, $name)

The LoadModule line, or nothing if the module is built in or not there.

=item documents($folder)

DocumentRoot; access to it, and to nothing else.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(find_httpd load_module documents);

sub find_httpd {
    my($apxs) = $ENV{APXS} // grep { -x } map { ("$_/apxs", "$_/apxs2") }
        split /:/, $ENV{PATH};
    die "there is no apxs\n" unless $apxs;
    my($modules, $bin, $name) = map { qx($apxs -q $_) =~ s/\s+$//r }
        qw(LIBEXECDIR SBINDIR TARGET);
    my $httpd = $ENV{HTTPD} // "$bin/$name";
    return ($httpd, $modules, scalar qx($httpd -l));
}

sub load_module {
    my($dir, $builtin, $name) = @_;
    my $core = $name =~ s/^mpm_//r;
    return '' if $builtin =~ /^\s*(?:mod_\Q$name\E|\Q$core\E)\.c/m
        || !-f "$dir/mod_$name.so";
    # Debian 12 links mod_qos with PCRE 1, but does not say so in the file.
    my @more = $name ne 'qos' ? () : map { qq(LoadFile "$_"\n) }
        (glob '/{usr/,}lib/*/libpcre.so.3')[0] // ();
    return join '', @more, qq(LoadModule ${name}_module "$dir/mod_$name.so"\n);
}

sub documents {
    my($folder) = @_;
    return <<"CONF";
DocumentRoot "$folder"
<Directory "/">
    AllowOverride None
    Require all denied
</Directory>
<Directory "$folder">
    Require all granted
</Directory>
CONF
}

1;
