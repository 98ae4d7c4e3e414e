#!/usr/bin/perl
# needs: several users
# Tenants with users of their own, whose files nobody else can read: rules
# from .htaccess hold, and rules about a file's state or its file system as
# well. Uploads become files of the tenant, and content that is cut off leaves
# no file. All is tried twice, the second time with a module that may answer
# before the section is known.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;
use lib 't/itk';
use Itk;

sub is_owners {
    my($tenant, $file, $name) = @_;
    my @stat = stat "$tenant->{dir}/$file";
    is_deeply [@stat[4, 5]], [@$tenant{qw(uid gid)}],
        "$name: $file is $tenant->{user}'s";
}

# Uploads to the .htaccess of each, one after the other.
sub limits {
    my($how, $server, @tenants) = @_;
    for (0 .. $#tenants) {
        my $tenant = $tenants[$_];
        my $max    = 10 * ($_ + 1);
        my $name   = "$how, $tenant->{user}";
        my %to     = (vhost => $server, host => $tenant->{host});

        give_file($tenant, 'up/.htaccess',
            "ExpectRequire content-length max=$max\n");
        refused_ok("$name: over the .htaccess", { %to, path => '/up/new',
            content => $max + 1 }, status => 413, asked_status => 417,
            rule => 'content-length', like => qr/is over max=$max$/,
            headers => { 'upload-limit' => "max-size=$max" });
        ok !-e "$tenant->{dir}/up/new", "$name: no file";

        admitted_ok("$name: within it", { %to, path => '/up/new',
            content => $max }, status => [201, 204]);
        is_owners($tenant, 'up/new', $name);

        my $r = upload(%to, path => '/up/cut', content => 100_000,
            chunked => 1, eager => 1);
        is $r->{status}, 413, "$name: cut off";
        is $r->{closed}, 1, "$name: and closed";
        cmp_ok $r->{witness}{read}, '<=', $max, "$name: at the limit";
        opendir my $dh, "$tenant->{dir}/up" or die "up: $!\n";
        is join(' ', sort grep { !/^\.+(?:DAV)?$/ } readdir $dh),
            '.htaccess new', "$name: no file of what was cut off";
    }
}

# What is known of a private file, and of the file system that it is on.
sub targets {
    my($how, $server, @tenants) = @_;
    for my $tenant (@tenants) {
        my $name = "$how, $tenant->{user}";
        my %to   = (vhost => $server, host => $tenant->{host});

        give_file($tenant, 'state/.htaccess', "ExpectRequire precondition\n");
        # httpd calls the tag of a file that is just being written weak
        my $file = give_file($tenant, 'state/file', 'old');
        utime time - 60, time - 60, $file;
        refused_ok("$name: If-Match", { %to, path => '/state/file',
            content => 3, headers => ['If-Match: "other"'] }, status => 412,
            asked_status => 417, rule => 'precondition');
        is slurp("$tenant->{dir}/state/file"), 'old', "$name: untouched";
        my $tag = upload(%to, method => 'HEAD', path => '/state/file')
            ->{headers}{etag};
        ok $tag, "$name: its tag";
        my $r = upload(%to, path => '/state/file', content => 'new', asks => 1,
            headers => ["If-Match: $tag"]);
        is_deeply [$r->{status}, $r->{interim}], [204, [100]],
            "$name: If-Match holds";
        is slurp("$tenant->{dir}/state/file"), 'new', "$name: it is replaced";

        give_file($tenant, 'space/.htaccess',
            "ExpectRequire free-space 1000000T\n");
        refused_ok("$name: free-space", { %to, path => '/space/x',
            content => 3 }, status => 507, asked_status => 417,
            rule => 'free-space');
        give_file($tenant, 'space/.htaccess', "ExpectRequire free-space 1\n");
        admitted_ok("$name: space enough", { %to, path => '/space/x',
            content => 3 }, status => [201, 204]);
        give_file($tenant, 'page/.htaccess', "ErrorDocument 413 /page/doc.txt\n"
            . "ExpectRequire content-length max=1\n");
        give_file($tenant, 'page/doc.txt', "for $tenant->{user} only");
        refused_ok("$name: its ErrorDocument", { %to, path => '/page/x',
            content => 2, asks => 0 }, status => 413,
            body => qr/^for $tenant->{user} only$/);
    }
}

# Broken, or nobody's to read but root's: a refusal, or an error, and no content
# is read.
sub unreadable {
    my($how, $server, $tenant) = @_;
    my %to = (vhost => $server, host => $tenant->{host});
    my $file = give_file($tenant, 'root/.htaccess',
        "ExpectRequire content-length max=10\n");

    chown 0, 0, $file;
    # it is read before the process becomes the tenant
    refused_ok("$how: an .htaccess of root's", { %to, path => '/root/x',
        content => 11 }, status => 413, asked_status => 417);
    give_file($tenant, 'root/.htaccess', "ExpectRequire nonsense\n");
    my $r = upload(%to, path => '/root/x', content => 11, asks => 1);
    is_deeply [@$r{qw(status interim sent)}], [500, [], 0],
        "$how: a broken one" or diag explain $r;
}

# AssignUserID by folder, in one virtual host, and by expression.
sub by_folder {
    my($how, $conf, @tenants) = @_;
    my $base = $tenants[0]{dir} =~ s{/[^/]+$}{}r;
    my $server = own_httpd(conf => $conf . join '', map { <<"CONF" } @tenants);
Alias "/~$_->{user}" "$_->{dir}"
<Directory "$_->{dir}">
    AllowOverride AuthConfig FileInfo
    SetHandler witness
    @{[ $_ == $tenants[0] ? "AssignUserID $_->{user} $_->{group}"
        : "AssignUserIDExpr $_->{user}\n    AssignGroupIDExpr $_->{group}" ]}
</Directory>
CONF
    for my $tenant (@tenants) {
        give_file($tenant, 'by/.htaccess',
            "ExpectRequire content-length max=10\n");
        refused_ok("$how: $tenant->{user}'s folder", { vhost => $server,
            path => "/~$tenant->{user}/by/x", content => 11 }, status => 413,
            asked_status => 417);
        admitted_ok("$how: $tenant->{user}'s folder", { vhost => $server,
            path => "/~$tenant->{user}/by/x", content => 10 }, status => 200);
    }
}

for (['as is', ''], ['looked up early', quick()]) {
    my($how, $conf) = @$_;
    my @tenants = tenants(2);
    my $server  = itk_httpd(\@tenants, $conf);
    limits($how, $server, @tenants);
    targets($how, $server, @tenants);
    unreadable($how, $server, $tenants[0]);
    by_folder($how, $conf, @tenants);
    is join('', $server->crashes), '', "$how: nothing crashed";
}

done_testing();
