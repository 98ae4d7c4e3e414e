#!/usr/bin/perl
# The recipe of docs/COOKBOOK for Subversion, with a real client and repository.

use strict;
use warnings;

use lib 't/config', 't/other-modules';
use File::Path qw(mkpath);
use Test::More;
use Cookbook;
use ExpectTest;
use File;
use OtherModules;

my @svn = ('svn', '--non-interactive', '--no-auth-cache', '--config-dir',
    files() . '/.subversion', '--username', 'alice', '--password', 'secret');
my $DELTA = 'application/vnd.svn-svndiff';

sub output {
    my $command = join ' ', map { "'$_'" } @_;
    my $out = qx($command 2>&1);
    return ($?, $out);
}

sub commit {
    my($server, $file) = @_;
    return output(@svn, qw(import -q -m upload), files() . "/$file",
        'http://127.0.0.1:' . $server->port . "/svn/project/$file");
}

sub random_file {
    my($file, $size) = @_;
    open my $in, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
    read $in, my($bytes), $size;
    spew(files() . "/$file", $bytes);
}

cook('Subversion', sub {
    my($server) = @_;
    my $alice = basic_auth('alice');
    my @put = (vhost => $server, path => '/svn/project/!svn/txr/0-0/x');
    my @delta = (headers => ["Content-Type: $DELTA", $alice]);

    my($exit, $out) = commit($server, 'small.bin');
    is $exit, 0, 'a small file is committed' or diag $out;
    my $got = upload(vhost => $server, method => 'GET', headers => [$alice],
        path => '/svn/project/small.bin');
    is length $got->{body}, 200_000, 'and is there';

    my $mark = log_mark($server);
    ($exit, $out) = commit($server, 'large.bin');
    isnt $exit, 0, 'a large one is not';
    like $out, qr/^svn: E175002: Unexpected HTTP status 413 /m,
        'svn says why';
    like join('', error_log_since($mark)),
        qr/expect: refused 413: content of unknown length exceeded max=/,
        'the log says it';

    refused_ok('too large', { @put, length => 2 << 20, @delta },
        status => 413, rule => 'content-length');
    refused_ok('wrong type', { @put, content => 9,
        headers => ['Content-Type: a/b', $alice] }, status => 415,
        rule => 'content-type');
    refused_ok('no login', { @put, content => 9,
        headers => ["Content-Type: $DELTA"] }, status => 401, rule => 'auth');
    refused_ok('much XML', { @put, method => 'REPORT', length => 5 << 20,
        @delta }, status => 413, rule => 'content-length');
}, prepare => sub {
    my $repository = place('/srv/svn/project');
    mkpath(place('/srv/svn'));
    is((output('svnadmin', 'create', $repository))[0], 0, 'a repository');
    # "secret"
    spew(place('/etc/apache2/svn.users'),
        "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    random_file('small.bin', 200_000);
    random_file('large.bin', 2_000_000);
}, load => load('dav_svn'), replace => { 'max=50M' => 'max=1M' });

done_testing();
