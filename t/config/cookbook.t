#!/usr/bin/perl
# Each recipe of docs/COOKBOOK: its configuration loads with the modules that
# it names, its commands print what the recipe shows, and the uploads that it
# is for are admitted or refused, for clients that ask and clients that do
# not. Not a byte of a refused upload is read. The recipes for mod_php and
# Subversion have files of their own, for an httpd without these modules.

use strict;
use warnings;

use lib 't/config', 't/cutoff', 't/store', 't/admission', 't/other-modules';
use File::Copy qw(copy);
use File::Path qw(mkpath);
use Test::More;
use Cookbook;
use CutOff;
use ExpectTest;
use File;
use Store;

use constant MB => 1 << 20;

my $root  = conf_var('documentroot');
my $top   = conf_var('top_dir');
my $alice = basic_auth('alice');
my @USERS = qw(alice bob);
my %tried = map { $_ => 1 } 'mod_php', 'Subversion';

sub recipe {
    my($name, $code, %o) = @_;
    $tried{$name} = 1;
    cook($name, $code, %o);
}

sub type { return headers => ["Content-Type: $_[0]", @_[1 .. $#_]] }

sub users {
    my($file) = @_;
    # "secret"
    spew(place("/etc/apache2/$file"),
        join '', map { "$_:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n" } @USERS);
}

sub script {
    my($from, $to) = @_;
    $to = place($to);
    mkpath($to =~ s{/[^/]*$}{}r);
    copy("$root/$from", $to) or die "$to: $!\n";
    chmod 0755, $to;
}

# Content of unknown length that goes over max=: it is cut off.
sub cut_off {
    my($server, $name, %upload) = @_;
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, chunked => 1, asks => $asks,
            eager => !$asks, %upload);
        is $r->{status}, 413, "$name, asked $asks: cut off";
        ok $r->{closed}, "$name, asked $asks: closed";
        is $r->{witness}{eos}, 0, "$name, asked $asks: no handler saw an end";
    }
}

# --- several servers ----------------------------------------------------------

my $redis = redis();
recipe 'Several servers behind a balancer', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/shared/x');
    admitted_ok 'what is left', { %to, content => MB }, status => [201, 204];
    refused_ok 'more than is left', { %to, length => 30 * MB }, status => 503,
        rule => 'quota', headers => { 'retry-after' => qr/^\d+$/ };
    like join(' ', @{ $redis->call('KEYS', '*') }), qr/\{expect\}:\S+:q\b/,
        'it is in the store';
}, prepare => sub { mkpath(place('/srv/shared')) }, load => load_store(),
    # a busy machine must not make the server decide by itself
    replace => { 'redis://127.0.0.1:6379/0' => $redis->url,
        'timeout=50 ' => 'timeout=5000 ' };

# --- log only --------------------------------------------------------------

recipe 'Log only, first', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/uploads/x');
    admitted_ok 'a film', { %to, content => 21 * MB, type('image/png') },
        status => [201, 204], verdict => 'detect', rule => 'content-length',
        log => qr/expect: would refuse 41[37]: content-length 22020096 is over/;
    admitted_ok 'a picture', { %to, content => 9, type('image/png') },
        status => 204;
    my $log = place('/var/log/apache2/expect.log');
    ok $server->wait_for(sub { slurp($log) =~ / 204 continue - - "-"$/m }),
        'expect.log: an upload that is welcome';
    like slurp($log), qr{^\[[^]]+\]\ 127\.0\.0\.1\ PUT\ "/uploads/film\.mp4"
        \ 201\ detect\ content-length\ 417\ "content-length\ 52428800\ is\ over
        \ max=20971520"$}mx, 'expect.log: one that is not';
}, prepare => sub { mkpath(place('/srv/uploads')) };

# --- files -----------------------------------------------------------------

recipe 'WebDAV', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/uploads/x');
    admitted_ok 'a picture', { %to, content => 2 * MB,
        type('image/png', $alice) }, status => [201, 204];
    admitted_ok 'XML', { %to, method => 'PROPFIND', content =>
        '<propfind xmlns="DAV:"><allprop/></propfind>',
        type('text/xml', $alice, 'Depth: 0') }, status => 207;
    refused_ok 'no login', { %to, content => 9, type('image/png') },
        status => 401, rule => 'auth';
    refused_ok 'too large', { %to, length => 21 * MB,
        type('image/png', $alice) }, status => 413, rule => 'content-length';
    refused_ok 'no length', { %to, content => 9, chunked => 1,
        type('image/png', $alice) }, status => 411, rule => 'content-length';
    refused_ok 'wrong type', { %to, content => 9, type('text/html', $alice) },
        status => 415, rule => 'content-type';
    refused_ok 'a part', { %to, content => 9,
        type('image/png', $alice, 'Content-Range: bytes 0-8/9') },
        status => 400, rule => 'header';
    refused_ok 'much XML', { %to, method => 'PROPFIND', length => 65_537,
        type('text/xml', $alice) }, status => 413, rule => 'content-length';
}, prepare => sub { mkpath(place('/srv/uploads')); users('uploads.users') };

recipe 'A reverse proxy in front of httpd', sub {
    my($server) = @_;
    my @by = (vhost => $server, path => '/uploads/x');
    my @from = (headers => ['X-Forwarded-For: 198.51.100.7']);
    admitted_ok 'a picture', { @by, @from, content => 2 * MB },
        status => [201, 204];
    refused_ok 'too large', { @by, @from, length => 21 * MB },
        status => 413, rule => 'content-length';
    refused_ok 'another address', { @by, content => 9,
        headers => ['X-Forwarded-For: 203.0.113.9'] }, status => 403,
        rule => 'ip';
    cut_off $server, 'no length', @from, path => '/uploads/x',
        content => 21 * MB;
}, prepare => sub { mkpath(place('/srv/uploads')) },
    replace => { '192.0.2.10' => '127.0.0.1' };

recipe 'A refusal page of your own', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/uploads/x');
    admitted_ok 'a picture', { %to, content => 2 * MB, type('image/png') },
        status => [201, 204];
    refused_ok 'too large', { %to, length => 21 * MB, type('image/png') },
        status => 413, asked_status => 417, rule => 'content-length',
        body => qr/20 MB are welcome/;
    refused_ok 'wrong type', { %to, content => 9, asks => 0,
        type('text/html') }, status => 415, rule => 'content-type',
        body => qr/^Not accepted: content-type\. Pictures and PDF/;
    refused_ok 'a program', { %to, length => 21 * MB,
        type('image/png', 'Accept: application/json') }, status => 413,
        asked_status => 417, body => qr/"limit": 20971520/;
}, prepare => sub {
    mkpath([place('/srv/uploads'), place('/srv/pages')]);
    spew(place('/srv/pages/refused.html'),
        "<p>Files of up to 20 MB are welcome.</p>\n");
};

recipe 'Browsers', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/uploads/web/x');
    admitted_ok 'a picture', { %to, content => 2 * MB, type('image/png') },
        status => [201, 204];
    refused_ok 'too large', { %to, length => 21 * MB, type('image/png') },
        status => 413, asked_status => 417, rule => 'content-length';
    refused_ok 'wrong type', { %to, content => 9, type('text/html') },
        status => 415, asked_status => 417, rule => 'content-type';
    my $page = upload(vhost => $server, path => '/upload', method => 'GET');
    is $page->{status}, 200, 'the page is there';
    like $page->{body}, qr{<form action="/uploads/web/"}, 'and uploads there';
}, prepare => sub { mkpath(place('/srv/uploads/web')) },
    replace => { '/usr/share/doc/mod_expect' => "$top/conf-sample" };

# --- PHP -------------------------------------------------------------------

my $fpm = php_fpm();
my $php = '<?php $n = strlen(file_get_contents("php://input"));'
    . 'http_response_code($_SERVER["REQUEST_METHOD"] == "PUT" ? 201 : 200);'
    . 'echo "read=$n length=$_SERVER[CONTENT_LENGTH]\n";';

recipe 'Nextcloud and ownCloud', sub {
    my($server) = @_;
    my @whole = ([413, '/remote.php/dav/files/alice/x', 513],
        [413, '/remote.php/webdav/x', 513],
        [413, '/remote.php/dav/uploads/alice/id/00001', 101],
        [413, '/public.php/dav/files/token/x', 51],
        [413, '/public.php/webdav/x', 51],
        [413, '/remote.php/dav/public-files/token/x', 51],
        [413, '/remote.php/dav/calendars/alice/c/x', 9],
        [413, '/index.php/x', 513]);
    for (@whole) {
        my($status, $path, $size) = @$_;
        my %to = (vhost => $server, path => $path);
        admitted_ok $path, { %to, content => MB }, status => 201;
        refused_ok "$path, $size MB", { %to, length => $size * MB },
            status => $status, asked_status => 417, rule => 'content-length';
        next if $path =~ m{/calendars/|/index};
        refused_ok "$path, no length", { %to, content => 9, chunked => 1 },
            status => 411, asked_status => 417, rule => 'content-length';
    }
    my %chunk = (vhost => $server, content => MB,
        path => '/remote.php/dav/uploads/alice/id/00001');
    admitted_ok 'a chunk of 10 GB', { %chunk,
        headers => ['OC-Total-Length: 10737418240'] }, status => 201;
    refused_ok 'a chunk of more', { %chunk,
        headers => ['OC-Total-Length: 10737418241'] }, status => 403,
        asked_status => 417, rule => 'expr';
}, prepare => sub {
    mkpath(place('/srv/cloud'));
    spew(place("/srv/cloud/$_.php"), $php)
        for qw(remote public index);
}, after => 'AliasMatch "^/(remote|public|index)\.php(.*)" "'
    . place('/srv/cloud') . "/\$1.php\$2\"\n<Directory \"" . place('/srv/cloud')
    . "\">\nRequire all granted\nSetHandler \"proxy:" . $fpm->url
    . "\"\n</Directory>\n";

recipe 'PHP-FPM', sub {
    my($server) = @_;
    my %to = (vhost => $server, method => 'POST');
    for my $path ('/app/photos', '/app/index.php') {
        admitted_ok "$path, JSON", { %to, path => $path, content => MB,
            type('application/json') }, status => 200,
            body => qr/^read=1048576 length=1048576$/;
        refused_ok "$path, too large", { %to, path => $path, length => 9 * MB,
            type('application/json') }, status => 413, asked_status => 417,
            rule => 'content-length';
        refused_ok "$path, wrong type", { %to, path => $path, content => 9,
            type('text/html') }, status => 415, asked_status => 417,
            rule => 'content-type';
        cut_off $server, "$path, no length", method => 'POST', path => $path,
            content => 9 * MB, type('application/json')
            if httpd_at_least('2.4.47');
    }
    admitted_ok 'no length', { %to, path => '/app/photos', content => MB,
        chunked => 1, type('application/json') }, status => 200,
        body => qr/^read=1048576 length=1048576$/ if httpd_at_least('2.4.47');
}, prepare => sub {
    mkpath(place('/srv/app'));
    spew(place('/srv/app/index.php'), $php);
}, replace => { 'unix:/run/php/php-fpm.sock|fcgi://localhost' => $fpm->url };

# --- origins ---------------------------------------------------------------

# What stands for an application, MinIO or a registry: it reads all content.
my $origin = stock_httpd(
    conf => "<Location />\nSetHandler witness\n</Location>\n");

# What the front's witness calls by one name is another one's at the origin.
my $renamed = "<Location />\nRequestHeader edit X-Witness ^ origin-\n"
    . "</Location>\n";

# Refused there, and nothing of it came to the origin.
sub kept_away {
    my($name, @more) = @_;
    my @got = refused_ok($name, @more);
    is_deeply witness_of("origin-$_->{id}", $origin, 0), {},
        "$name: the origin has seen nothing" for @got;
}

sub goes_through {
    my($name, @more) = @_;
    my @got = admitted_ok($name, @more);
    is witness_of("origin-$_->{id}", $origin)->{continued}, 0,
        "$name: the origin was not asked" for @got;
}

sub origin_at { return ("http://$_[0]" => 'http://127.0.0.1:' . $origin->port) }

recipe 'httpd as a reverse proxy', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/app/x');
    goes_through 'a picture', { %to, content => MB, type('image/png') },
        status => 200;
    kept_away 'too large', { %to, length => 21 * MB, type('image/png') },
        status => 413, asked_status => 417, rule => 'content-length';
    kept_away 'wrong type', { %to, content => 9, type('text/html') },
        status => 415, asked_status => 417, rule => 'content-type';
}, after => $renamed, replace => { origin_at('127.0.0.1:8080') };

recipe 'Object storage with the S3 protocol', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/bucket/x');
    my %part = (%to, path => '/bucket/x?partNumber=3&uploadId=y');
    goes_through 'an object', { %to, content => MB }, status => 200;
    goes_through 'a part', { %part, content => 17 * MB }, status => 200;
    kept_away 'too large', { %to, length => 17 * MB }, status => 413,
        asked_status => 417, rule => 'content-length';
    kept_away 'another query', { %to, path => '/bucket/x?y=partNumber=3',
        length => 17 * MB }, status => 413, asked_status => 417;
    kept_away 'a part that is too large', { %part, length => 101 * MB },
        status => 413, asked_status => 417, rule => 'content-length';
    goes_through 'a part without a length', { %part, content => 17 * MB,
        chunked => 1 }, status => 200;
    cut_off $server, 'an object without a length', path => '/bucket/x',
        content => 17 * MB;
    kept_away 'another length', { %to, content => MB, chunked => 1,
        headers => ['X-Amz-Decoded-Content-Length: 16777217'] },
        status => 403, asked_status => 417, rule => 'expr';
    kept_away 'a list that is too long', { %to, method => 'POST',
        length => 17 * MB }, status => 413, asked_status => 417;
}, after => $renamed, replace => { origin_at('127.0.0.1:9000') };

recipe 'A Docker registry', sub {
    my($server) = @_;
    my %layer = (vhost => $server, method => 'PATCH',
        path => '/v2/team/app/blobs/uploads/4711');
    my %manifest = (vhost => $server, path => '/v2/team/app/manifests/latest');
    goes_through 'a layer', { %layer, content => MB, chunked => 1 },
        status => 200;
    goes_through 'the last PUT', { %layer, method => 'PUT', content => MB,
        path => "$layer{path}?digest=sha256:0" }, status => 200;
    kept_away 'a layer that is too large', { %layer, length => 65 * MB },
        status => 413, asked_status => 417, rule => 'content-length';
    cut_off $server, 'a layer', %layer, content => 65 * MB;
    goes_through 'a manifest', { %manifest, content => 999, type($_) },
        status => 200 for 'application/vnd.oci.image.index.v1+json',
            'application/vnd.docker.distribution.manifest.v2+json';
    kept_away 'no manifest', { %manifest, content => 999, type('text/x') },
        status => 415, asked_status => 417, rule => 'content-type';
    kept_away 'a long manifest', { %manifest, length => 5 * MB,
        type('application/vnd.oci.image.index.v1+json') },
        status => 413, asked_status => 417, rule => 'content-length';
}, after => $renamed,
    # so that content over it can be sent
    replace => { origin_at('127.0.0.1:5000'), 'max=2G' => 'max=64M' };

# --- git -------------------------------------------------------------------

my $TYPE = 'application/x-git-receive-pack-request';
chomp(my $git_path = qx(git --exec-path));

sub git {
    local $ENV{HOME} = files();
    local $ENV{GIT_CONFIG_NOSYSTEM} = 1;
    my $out = qx(cd '@{[files()]}' && @_ 2>&1);
    return $? ? "exit $?: $out" : '';
}

# Git does not sleep on it: a repository of this test's user, for httpd's user
# and for clients.
sub make_repository {
    my $bare = place('/srv/git/project.git');
    mkpath(place('/srv/git'));
    users('git.users');
    is git("git init -q --bare -b main '$bare'",
        "&& git -C '$bare' config http.receivepack true",
        '&& git init -q -b main .',
        '&& git config user.name Alice',
        '&& git config user.email alice@example.org',
        '&& head -c 100000 /dev/urandom >small && git add small',
        '&& git commit -q -m small && git branch small',
        '&& head -c 3000000 /dev/urandom >large && git add large',
        '&& git commit -q -m large'), '', 'a repository';
}

recipe 'Git', sub {
    my($server) = @_;
    my $url = 'localhost:' . $server->port . '/git/project.git';
    my @push = (vhost => $server, method => 'POST',
        path => '/git/project.git/git-receive-pack');
    my @type = type($TYPE, $alice);
    is git("git push -q http://alice:secret\@$url small"), '',
        'a small push';
    is git("git clone -q -b small http://$url copy"), '',
        'a clone without a login';
    ok -s files() . '/copy/small', 'it has what was pushed';
    refused_ok 'too large', { @push, length => 2 * MB, @type }, status => 413,
        rule => 'content-length';
    refused_ok 'wrong type', { @push, content => 9, type('a/b', $alice) },
        status => 415, rule => 'content-type';
    refused_ok 'no login', { @push, content => 9, type($TYPE) }, status => 401,
        rule => 'auth';
    refused_ok 'a long fetch', { @push, length => 5 * MB,
        path => '/git/project.git/git-upload-pack' }, status => 413,
        asked_status => 417, rule => 'content-length';
}, prepare => \&make_repository,
    after => join('', map { "SetEnv $_\n" } 'GIT_CONFIG_COUNT 1',
        'GIT_CONFIG_KEY_0 safe.directory', 'GIT_CONFIG_VALUE_0 *'),
    replace => { '/usr/lib/git-core' => $git_path, 'max=100M' => 'max=1M' };

# --- tenants ---------------------------------------------------------------

recipe 'Shared hosting', sub {
    my($server) = @_;
    my $to = sub { return (vhost => $server, method => 'POST',
        path => "/tenants/$_[0]/form.cgi", type('image/png')) };
    admitted_ok 'anna', { $to->('anna'), content => 2 * MB }, status => 200;
    refused_ok 'anna, too large', { $to->('anna'), length => 3 * MB },
        status => 413, rule => 'content-length';
    refused_ok 'anna, wrong type', { $to->('anna'), content => 9,
        type('text/html') }, status => 415, rule => 'content-type';
    admitted_ok 'bob', { $to->('bob'), content => 3 * MB }, status => 200;
    refused_ok 'bob, over the ceiling', { $to->('bob'), length => 21 * MB },
        status => 413, asked_status => 417, rule => 'content-length';
    refused_ok 'bob, a program', { $to->('bob'), content => 9,
        type('application/x-msdownload') }, status => 415,
        asked_status => 417, rule => 'content-type';
    admitted_ok 'trusted', { $to->('trusted'), content => 21 * MB },
        status => 200;
    my $htaccess = place('/srv/tenants/bob/.htaccess');
    spew($htaccess, "ExpectRequire all granted\n"
        . "SetEnvIf Host . x\n");
    is upload(vhost => $server, path => '/tenants/bob/form.cgi',
        method => 'GET')->{status}, 500, 'bob may not write SetEnvIf';
}, prepare => sub {
    script('cgi/read.cgi', "/srv/tenants/$_/form.cgi")
        for qw(anna bob trusted);
};

# --- admission that remembers -------------------------------------------------

# What is left for a client, by the answer to OPTIONS: name => r.
sub left {
    my($server, $path, @headers) = @_;
    my $r = upload(vhost => $server, path => $path, method => 'OPTIONS',
        headers => \@headers);
    return { ($r->{headers}{ratelimit} // '') =~ /"([^"]+)";r=(\d+)/g };
}

# An upload that was admitted, and whose content does not come.
sub hold {
    my($server, $path, $length, @headers) = @_;
    my $wire = connection($server);
    ExpectTest::send_bytes($wire, join "\r\n", "PUT $path HTTP/1.1",
        'Host: localhost', "Content-Length: $length", 'Expect: 100-continue',
        @headers, '', '');
    my $continued = sub { $wire->{bytes} =~ m{^HTTP/1\.1 100 } };
    ok ExpectTest::read_until($wire, ExpectTest::WAIT, $continued),
        "$path: it is under way" or diag $wire->{bytes};
    return $wire;
}

recipe 'Fair use for each address', sub {
    my($server) = @_;
    my $from = sub {
        my($client, @more) = @_;
        return { vhost => $server, path => '/uploads/x', @more,
            headers => ["X-Forwarded-For: $client"] };
    };
    # (More than comes back while these tests run.)
    refused_ok 'the same address', $from->('198.51.100.7', length => 59 * MB),
        status => 429, rule => 'quota',
        like => qr/^quota bytes=100M per=hour: 59M announced, /,
        headers => { 'retry-after' => qr/^\d+$/ };
    admitted_ok 'another one', $from->('198.51.100.8', content => MB),
        status => [201, 204];
    my @client = ('X-Forwarded-For: 198.51.100.9');
    my @held = map { hold($server, "/uploads/held-$_", 9, @client) } 1 .. 4;
    refused_ok 'a fifth at a time', $from->('198.51.100.9', content => 9),
        status => 429, rule => 'in-flight',
        like => qr/^in-flight uploads=4: 4 uploads are under way$/,
        headers => { 'retry-after' => qr/^1[01]$/ };
    @held = ();
    ok $server->wait_for(sub {
            left($server, '/uploads/', @client)->{'in-flight-uploads'} == 4 }),
        'they have broken off, and hold nothing';
    admitted_ok 'the next one', $from->('198.51.100.9', content => 9),
        status => [201, 204];
}, prepare => sub { mkpath(place('/srv/uploads')) },
    replace => { '192.0.2.10' => '127.0.0.1' };

recipe 'Fair use for each user', sub {
    my($server) = @_;
    my $by = sub {
        my($user, @more) = @_;
        return { vhost => $server, path => '/uploads/x', @more,
            headers => [basic_auth($user)] };
    };
    refused_ok 'alice', $by->('alice', length => 99 * MB), status => 429,
        rule => 'quota';
    admitted_ok 'bob', $by->('bob', content => MB), status => [201, 204];
    refused_ok 'nobody', { vhost => $server, path => '/uploads/x',
        content => 9 }, status => 401, rule => 'auth';
    my @held = map { hold($server, "/uploads/held-$_", 9,
        @{ $by->('bob')->{headers} }) } 1, 2;
    refused_ok 'a third at a time', $by->('bob', content => 9), status => 429,
        rule => 'in-flight';
}, prepare => sub { mkpath(place('/srv/uploads')); users('uploads.users') };

recipe 'Fair use for each tenant', sub {
    my($server) = @_;
    my $to = sub {
        my($tenant, @more) = @_;
        return { vhost => $server, method => 'POST', @more,
            path => "/tenants/$tenant/form.cgi" };
    };
    refused_ok 'anna, by her own rule', $to->('anna', content => 9),
        status => 503, rule => 'quota', log => qr{/anna/\.htaccess:1\)};
    refused_ok 'bob, by the ceiling', $to->('bob', length => 60 * MB),
        status => 429, rule => 'quota', like => qr/^quota bytes=80M per=day: /;
    my $htaccess = place('/srv/tenants/bob/.htaccess');
    spew($htaccess, "\n");
    refused_ok 'bob, without rules', $to->('bob', length => 60 * MB),
        status => 429, rule => 'quota';
    admitted_ok 'carla, without .htaccess', $to->('carla', content => 9),
        status => 200;
    my @held = map { hold($server, "/tenants/$_/form.cgi", 9) }
        qw(bob carla carla);
    refused_ok 'a fourth at a time, of all tenants', $to->('carla',
        content => 9), status => 503, rule => 'in-flight';
    spew($htaccess, "ExpectRequire in-flight uploads=1\n");
    is upload(vhost => $server, path => '/tenants/bob/form.cgi',
        method => 'GET')->{status}, 500, 'bob may not use key=all';
}, prepare => sub {
    script('cgi/read.cgi', "/srv/tenants/$_/form.cgi") for qw(anna bob carla);
}, replace => { 'in-flight uploads=100' => 'in-flight uploads=3' };

recipe 'Fair use for each customer', sub {
    my($server) = @_;
    my $by = sub {
        my($key, @more) = @_;
        return { vhost => $server, path => '/api/x', @more,
            headers => ["X-Api-Key: $key"] };
    };
    my $bob = sub {
        left($server, '/api/', 'X-Api-Key: bob-91c0')->{'quota-bytes-hour'} };
    kept_away 'anna', $by->('anna-7f3a', length => 99 * MB), status => 429,
        rule => 'quota';
    my $before = $bob->();
    kept_away 'no key', { vhost => $server, path => '/api/x', content => 9 },
        status => 403, rule => 'expr';
    kept_away 'an unknown key', $by->('x', content => 9), status => 403,
        rule => 'expr';
    cmp_ok $bob->(), '>=', $before, 'a refused upload takes nothing';
    goes_through 'bob', $by->('bob-91c0', content => 9 * MB), status => 200;
    cmp_ok $bob->(), '<', $before, 'an admitted one does';
}, after => $renamed, replace => { origin_at('127.0.0.1:8080') };

recipe 'A slow disk', sub {
    my($server) = @_;
    my %to = (vhost => $server, path => '/archive/x');
    my $held = hold($server, '/archive/held', 600 * MB);
    refused_ok 'a second large one', { %to, length => 600 * MB },
        status => 503, rule => 'in-flight',
        headers => { 'retry-after' => qr/^1[01]$/ },
        like => qr/^in-flight bytes=1G uploads=20: 600M announced, 424M left$/;
    admitted_ok 'a small one', { %to, content => MB }, status => [201, 204];
}, prepare => sub { mkpath(place('/srv/archive')) };

is_deeply [grep { !$tried{$_} } recipes()], [], 'every recipe was tried';
is_deeply [listed()], [chapters()], 'the list of contents has every chapter';

done_testing();
