package Itk;

=head1 NAME

Itk - tenants of a server with mpm_itk

=head1 SYNOPSIS

    use lib 't/itk';
    use Itk;

    my($a, $b) = tenants(2);
    give_file($a, '.htaccess', "ExpectRequire content-length max=10\n");
    my $server = itk_httpd([$a, $b]);
    refused_ok('over', { vhost => $server, host => $a->{host},
        path => '/x', content => 11 }, status => 413, asked_status => 417);

=head1 FUNCTIONS

=over

=item tenants($n)

So many, each C<{user, group, uid, gid, host, dir}>: dir is its own folder,
which nobody else may enter. When root runs the tests they are different users.
Else all are the same one, and tests for which that will not do have the line
C<# needs: several users>, which t/run looks for.

=item give_file($tenant, $name, $text, $mode)

Writes a file of the tenant's, readable for its owner only (or with that mode);
returns its path. undef removes it.

=item itk_httpd(\@tenants, $conf, $of_each)

own_httpd() with a virtual host for each tenant: a DAV store, with .htaccess
files. $of_each->($tenant) is put into its virtual host. The main server, host
localhost, belongs to none of them.

=item plain_vhost($tenant, $port, $top, $site)

The text of a tenant's virtual host, for a configuration without DAV.

=item quick()

Configuration that makes mod_expect look targets up early: an idle quick
handler.

=item log_pids(), pids()

Configuration to log the process of each request, and those logged since.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(mkpath);

use ExpectTest;
use File;

our @EXPORT = qw(tenants give_file plain_vhost itk_httpd quick log_pids pids);

my $count = 0;

# Accounts that every system has, and no server of the tests runs as.
sub accounts {
    return map { [getpwuid $>] } 1 .. $_[0] if $> != 0;
    my @there = grep { @$_ && $_->[2] > 0 }
        map { [getpwnam $_] } qw(games mail news daemon bin lp);
    die "there are not enough users\n" if @there < $_[0];
    return @there[0 .. $_[0] - 1];
}

sub tenants {
    my($n) = @_;
    my $base = conf_var('documentroot') . '/itk-' . join '-', $$, ++$count;
    my @tenants;
    mkpath($base);
    for (accounts($n)) {
        my($user, $uid, $gid) = @$_[0, 2, 3];
        my $nth = @tenants + 1;
        push @tenants, { user => $user, group => scalar getgrgid $gid,
            uid => $uid, gid => $gid, host => "tenant$nth.test",
            dir => "$base/tenant$nth" };
        mkdir $tenants[-1]{dir}, 0700 or die "$tenants[-1]{dir}: $!\n";
        own($tenants[-1], $tenants[-1]{dir});
    }
    return @tenants;
}

sub own {
    my($tenant, @files) = @_;
    chown($tenant->{uid}, $tenant->{gid}, @files) == @files
        or die "chown: @files: $!\n";
}

sub give_file {
    my($tenant, $name, $text, $mode) = @_;
    my $file = "$tenant->{dir}/$name";
    my $dir  = dirname($file);
    if (!defined $text) {
        unlink $file;
        return $file;
    }
    if (!-d $dir) {
        mkdir $dir, 0700 or die "$dir: $!\n";
        own($tenant, $dir);
    }
    spew($file, $text);
    chmod $mode // 0600, $file;
    own($tenant, $file);
    return $file;
}

sub vhost {
    my($tenant, $port, $of_each) = @_;
    my $more = $of_each ? $of_each->($tenant) : '';
    return <<"CONF";
<VirtualHost 127.0.0.1:$port>
    ServerName $tenant->{host}
    DocumentRoot "$tenant->{dir}"
    AssignUserID $tenant->{user} $tenant->{group}
    DavLockDB "$tenant->{dir}/lock.db"
    <Directory "$tenant->{dir}">
        Require all granted
        AllowOverride AuthConfig FileInfo Limit Indexes Options
        Dav On
    </Directory>
    $more
</VirtualHost>
CONF
}

# A tenant's virtual host without DAV. $site is the folder that it serves, below
# $top, or else the tenant's.
sub plain_vhost {
    my($tenant, $port, $top, $site) = @_;
    $top //= $tenant->{dir};
    $site //= $top;
    return <<"CONF";
<VirtualHost 127.0.0.1:$port>
    ServerName $tenant->{host}
    DocumentRoot "$site"
    AssignUserID $tenant->{user} $tenant->{group}
    <Directory "$top">
        Require all granted
        AllowOverride AuthConfig
        SetHandler witness
    </Directory>
</VirtualHost>
CONF
}

# ORIGIN_PORT is the server's own port: see ExpectTest.
sub itk_httpd {
    my($tenants, $conf, $of_each) = @_;
    my $hosts = join '', map { vhost($_, '${ORIGIN_PORT}', $of_each) }
        @$tenants;
    return own_httpd(conf => ($conf // '') . <<"CONF");
<VirtualHost 127.0.0.1:\${ORIGIN_PORT}>
    ServerName localhost
</VirtualHost>
$hosts
CONF
}

# mod_cache without a cache: see t/TEST.PL.
sub quick {
    return 'LoadModule cache_module "' . module_dir() . qq(/mod_cache.so"\n);
}

my $pids;

sub log_pids {
    $pids = conf_var('t_logs') . '/pids-' . join '-', $$, ++$count;
    return qq(CustomLog "$pids" "%P"\n);
}

sub pids {
    open my $fh, '<', $pids or return;
    chomp(my @pids = <$fh>);
    return @pids;
}

1;
