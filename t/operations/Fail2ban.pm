package Fail2ban;

=head1 NAME

Fail2ban - the samples for fail2ban, with fail2ban's own programs

=head1 FUNCTIONS

=over

=item matched($server, $options)

The addresses that the filter finds in the server's error log, one for each line
that matches, in their order. The options are those of a jail, such as
C<status=503>; with C<log=access> it is the log of access-log.conf.

=item fail2ban($logpath, %jail), $server->status, $server->bans

A private fail2ban-server with the filter and the jail as their comments say, a
copy of the machine's /etc/fail2ban around them, and these settings of the jail
changed. In place of a firewall it has a file: bans() are its lines so far, such
as "ban 192.0.2.1". status() is what fail2ban-client says of the jail. It ends
with the object.

=item ADDRESSES

Configuration: each request has the address that X-Forwarded-For names, as if
behind a proxy; and both logs are written.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use File::Copy qw(copy);
use parent 'Child';

use ExpectTest;
use File;

our @EXPORT = qw(matched samples fail2ban ADDRESSES);

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

# An action that touches no firewall.
sub action {
    my($dir) = @_;
    return "[Definition]\n" . join '', map { "action$_ = "
            . ($_ eq 'start' ? "touch $dir/bans" : "echo '$_ <ip>' >>$dir/bans")
            . "\n" } qw(start ban unban);
}

sub configure {
    my($dir, $logpath, %jail) = @_;
    my $etc = "$dir/etc";
    system('cp', '-RL', '/etc/fail2ban', $etc) == 0
        or die "there is no /etc/fail2ban: t/setup\n";
    # the jails of the machine
    unlink glob "$etc/jail.d/* $etc/*.local $etc/fail2ban.d/*";
    copy(samples() . '/fail2ban.filter', "$etc/filter.d/mod_expect.conf")
        or die "fail2ban.filter: $!\n";
    copy(samples() . '/fail2ban.jail', "$etc/jail.d/mod_expect.conf")
        or die "fail2ban.jail: $!\n";
    spew("$etc/action.d/file.conf", action($dir));
    spew("$etc/fail2ban.local", "[DEFAULT]\nlogtarget = $dir/fail2ban.log\n"
        . "dbfile = $dir/fail2ban.sqlite3\n");
    my %set = (logpath => $logpath, action => 'file', ignoreself => 'false',
        backend => 'polling', %jail);
    spew("$etc/jail.local", "[mod_expect]\n",
        map { "$_ = $set{$_}\n" } sort keys %set);
}

my $servers = 0;

sub fail2ban {
    my @settings = @_;
    return __PACKAGE__->program("fail2ban-$$-" . ++$servers, sub {
        my($dir) = @_;
        configure($dir, @settings);
        return ('fail2ban-server', '-f', '-c', "$dir/etc", '-s', "$dir/socket",
            '-p', "$dir/httpd.pid", 'start');
    });
}

sub status {
    my($self) = @_;
    my $client = "fail2ban-client -s '$self->{dir}/socket'";
    return scalar qx($client status mod_expect 2>&1);
}

sub bans { return split /\n/, slurp("$_[0]{dir}/bans") }

1;
