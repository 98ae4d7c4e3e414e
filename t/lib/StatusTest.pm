package StatusTest;

=head1 NAME

StatusTest - reads expect-status, and changes in it

=head1 SYNOPSIS

    use ExpectTest;
    use StatusTest;

    my $before = status();
    upload(path => '/status/x', content => 2000, asks => 1);
    is_deeply changed($before), { refuse => 1, bytes_spared => 2000,
        bytes_refused => 2000 };

=head1 FUNCTIONS

=over

=item page($query, %upload)

The response to GET /expect-status?$query, as upload() returns it.

=item COUNTED

For the conf of own_httpd(): the page, and content to /witness of 10 bytes at
the most.

=item status($where), changed($before, $where)

The JSON form, parsed; the totals that differ from $before, by how much.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();

use ExpectTest;

our @EXPORT = qw(page status changed COUNTED);

use constant COUNTED => <<'CONF';
<Location /expect-status>
    SetHandler expect-status
</Location>
<Location /witness>
    ExpectRequire content-length max=10
</Location>
CONF

sub page {
    my($query, %o) = @_;
    return upload(method => 'GET', path => "/expect-status?$query", %o);
}

sub status {
    my($where) = @_;
    return JSON::PP->new->utf8->decode(page('format=json',
            vhost => $where)->{body});
}

sub changed {
    my($before, $where) = @_;
    my($old, $new) = ($before->{totals}, status($where)->{totals});
    return { map { $new->{$_} == $old->{$_} ? ()
                       : ($_ => $new->{$_} - $old->{$_}) } keys %$new };
}

1;
