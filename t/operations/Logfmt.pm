package Logfmt;

=head1 NAME

Logfmt - reads the log of conf-sample/access-log.conf, strictly

=head1 FUNCTIONS

=over

=item EXPECT_LOG

Configuration: the sample, for a log in the folder of a private server.

=item parsed($line)

The fields of a line, unescaped, as C<{name => value}>; nothing if the line is
not exactly the fields that LogFormat has, in their order, each written as the
sample's comment says.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;
use File;

our @EXPORT = qw(parsed EXPECT_LOG);

use constant EXPECT_LOG => sprintf <<'CONF', conf_var('top_dir');
Define EXPECT_LOG ${OWN_DIR}/expect_log
Include "%s/conf-sample/access-log.conf"
CONF

my %CHARACTER = (b => "\b", n => "\n", r => "\r", t => "\t", v => "\x0b");
my $escape = qr/\\(?:(["\\])|([bnrtv])|x([0-9a-f]{2}))/;

# The fields' names as the sample has them.
my @names = do {
    my $file = conf_var('top_dir') . '/conf-sample/access-log.conf';
    my($format) = slurp($file) =~ /^LogFormat "(.*?[^\\])"/ms;
    $format =~ /(?:^|\s)(\w+)=/g;
};

sub parsed {
    my($line) = @_;
    my(%field, @order);
    $line =~ s/\n\z// or return;
    while ($line =~ /\G(?:^|(?!^)[ ])(\w+)=
            (?:"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|$escape)*)"
              |([\x21\x23-\x5b\x5d-\x7e]+))(?=[ ]|\z)/gcx) {
        my($name, $quoted, $bare) = ($1, $2, $6);
        $quoted =~ s/$escape/$1 \/\/ ($2 ? $CHARACTER{$2} : chr hex $3)/ge
            if defined $quoted;
        $field{$name} = $quoted // $bare;
        push @order, $name;
    }
    return if (pos $line // 0) != length $line || "@order" ne "@names";
    return \%field;
}

1;
