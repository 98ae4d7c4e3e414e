package Listed;

=head1 NAME

Listed - the tables of rules that list what a field may contain

=head1 SYNOPSIS

    use lib 't/rule';
    use Listed;

    listed_ok('content-type', 'Content-Type',
        ['image/*', ['image/png'], 'admitted'],
        ['not text/html', ['text/html'], 415]);

=head1 FUNCTIONS

=over

=item listed_ok($rule, $field, @cases)

For each case, an upload to a section with the rule. A case is C<[arguments,
values of the fields that are sent, 'admitted' or the status]>; C<not> before
the arguments negates the rule.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;

our @EXPORT = qw(listed_ok);

sub listed_ok {
    my($type, $field, @cases) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for (@cases) {
        my($arguments, $sent, $status) = @$_;
        my $rule = "$type $arguments" =~ s/^(\S+) not /not $1 /r;
        my %upload = (content => 5, path => section("ExpectRequire $rule"),
            headers => [map { "$field: $_" } @$sent]);
        my $name = "$rule: " . (@$sent ? join ' | ', @$sent : 'none sent');
        if ($status ne 'admitted') {
            refused_ok($name, \%upload, status => $status,
                asked_status => 417, rule => $type, like => qr/^$type /);
        }
        else {
            admitted_ok($name, \%upload, status => 200);
        }
    }
}

1;
