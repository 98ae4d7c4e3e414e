package Fail2ban;

=head1 NAME

Fail2ban - the samples for fail2ban, with fail2ban's own programs

=head1 FUNCTIONS

=over

=item matched($server, $options)

The addresses that the filter finds in the server's error log, one for each line
that matches, in their order. The options are those of a jail, such as
C<status=503>; with C<log=access> it is the log of access-log.conf.

=item ADDRESSES

Configuration: each request has the address that X-Forwarded-For names, as if
behind a proxy; and both logs are written.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;

our @EXPORT = qw(matched samples ADDRESSES);

sub samples { return conf_var('top_dir') . '/conf-sample' }

use constant ADDRESSES => sprintf <<'CONF', samples();
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
Define EXPECT_LOG ${OWN_DIR}/expect_log
Include "%s/access-log.conf"
CONF

sub matched {
    my($server, $options) = @_;
    my $log = $server->dir
        . (($options // '') =~ /log=access/ ? '/expect_log' : '/error_log');
    my $filter = samples() . '/fail2ban.filter';
    $filter .= "[$options]" if $options;
    open my $out, '-|', 'fail2ban-regex', '-o', 'ip', $log, $filter
        or die "fail2ban-regex: $!\n";
    chomp(my @addresses = <$out>);
    close $out or die "fail2ban-regex failed: @addresses\n";
    return @addresses;
}

1;
