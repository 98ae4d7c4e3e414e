package OtherModules;

=head1 NAME

OtherModules - a private httpd with modules that the other tests do not load

=head1 SYNOPSIS

    use lib 't/other-modules';
    use OtherModules;

    my $server = h2_httpd(load('unique_id', 'security2') . "...");
    refused_on('a rule', $server, { path => '/x', content => 9 },
        status => 413, asked_status => 417);

=head1 FUNCTIONS

=over

=item load(@names)

LoadModule lines for those that no test server has yet. A name is that of the
file; C<name=file> where they differ.

=item h2_httpd($conf), h2_stock($conf)

own_httpd() and stock_httpd() that speak HTTP/2 as well. Rules stand in
C<< <IfModule expect_module> >> where both read them.

=item one_process()

Configuration for a single process (with threads, where the MPM has them), so
that what a module counts per process is counted.

=item refused_on($name, $server, \%upload, %want), admitted_on(...)

refused_ok() and admitted_ok() for such a server, over HTTP/1.1 and HTTP/2.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;
use File;

our @EXPORT = qw(load h2_httpd h2_stock refused_on admitted_on);

sub load {
    my @names = @_;
    my $loaded = slurp(conf_var('serverroot') . '/conf/modules.load');
    my $dir = module_dir();
    my $text = '';
    for (@names) {
        my($name, $file) = /^(.*)=(.*)$/ ? ($1, $2) : ($_, $_);
        next if $loaded =~ /^LoadModule ${name}_module /m;
        -e "$dir/mod_$file.so" or die "mod_$file is not installed: t/setup\n";
        # Debian 12 links mod_qos with PCRE 1, but does not say so in the file.
        $text .= join '', map { qq(LoadFile "$_"\n) }
            (glob '/{usr/,}lib/*/libpcre.so.3')[0] // () if $name eq 'qos';
        $text .= qq(LoadModule ${name}_module "$dir/mod_$file.so"\n);
    }
    return $text;
}

sub h2_conf {
    return $_[0] . (has_h2() ? "Protocols h2c http/1.1\nH2Direct on\n" : '');
}

sub h2_httpd { return own_httpd(conf => h2_conf(@_)) }
sub h2_stock { return stock_httpd(conf => h2_conf(@_)) }

sub each_protocol {
    my($assert, $name, $server, $upload, %want) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my @h2 = exists $want{h2} && !$want{h2} ? 0 : (0, has_h2() ? 1 : ());
    return map { $assert->($name . ($_ ? ', HTTP/2' : ''),
        { %$upload, vhost => $server, h2 => $_ }, %want) } @h2;
}

sub refused_on  { return each_protocol(\&refused_ok, @_) }
sub admitted_on { return each_protocol(\&admitted_ok, @_) }

1;
