#!/usr/bin/perl
# A DAV PUT of unknown length that exceeds max leaves nothing behind: no new
# file, the old file unchanged, the lock still held.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $MAX = 1000;
my $root = conf_var('documentroot');

write_htaccess('dav/cutoff', "ExpectRequire content-length max=$MAX\n");

# The files in the folder, but for mod_dav's own and .htaccess.
sub files {
    opendir my $dh, "$root/dav/cutoff" or die "dav/cutoff: $!\n";
    return join ' ', sort grep { !/^(?:\.{1,2}|\.htaccess|\.DAV)$/ }
        readdir $dh;
}

sub content_of {
    my($name) = @_;
    open my $fh, '<', "$root/dav/cutoff/$name" or return;
    local $/;
    return scalar <$fh>;
}

is files(), '', 'an empty folder';
cut_off_ok('a new file', '/dav/cutoff/new.txt', $MAX,
    sizes => [$MAX + 1, 500_000],
    after => sub { is files(), '', "$_[0]: no file" });

within_ok('a file', '/dav/cutoff/file.txt', $MAX, status => [201, 204],
    after => sub { ok defined content_of('file.txt'), "$_[0]: there" });
upload(path => '/dav/cutoff/file.txt', content => 'the old content',
    chunked => 1);
is content_of('file.txt'), 'the old content', 'a file is there';
cut_off_ok('over a file', '/dav/cutoff/file.txt', $MAX,
    sizes => [$MAX + 1, 500_000],
    after => sub {
        is content_of('file.txt'), 'the old content', "$_[0]: untouched";
        is files(), 'file.txt', "$_[0]: nothing beside it";
    });

# mod_dav refuses it without reading. httpd throws the content away before it
# answers; that goes over, and is what is answered.
{
    my $r = upload(path => '/dav/cutoff/none/file.txt', content => 500_000,
        chunked => 1, eager => 1);
    is $r->{status}, 413, 'a folder that is not there: cut off';
    is $r->{headers}{'upload-limit'}, "max-size=$MAX", 'with its field';
    like $r->{body}, qr/content of unknown length exceeded max=$MAX\./,
        'and its sentence';
    is $r->{closed}, 1, 'closed';
}

# With a lock, and its token in If:.
{
    my $lock = upload(method => 'LOCK', path => '/dav/cutoff/locked.txt',
        headers => ['Content-Type: text/xml', 'Timeout: Second-600'],
        chunked => 1, content => '<?xml version="1.0"?>'
        . '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/>'
        . '</D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>');
    my($token) = ($lock->{headers}{'lock-token'} // '') =~ /<(\S+)>/;
    ok defined $token, 'locked' or diag explain $lock;
    my @with = (upload => { headers => ["If: (<$token>)"] });

    within_ok('with a lock', '/dav/cutoff/locked.txt', $MAX,
        status => [201, 204], sizes => [$MAX], @with);
    upload(path => '/dav/cutoff/locked.txt', content => 'locked content',
        chunked => 1, headers => ["If: (<$token>)"]);
    cut_off_ok('with a lock', '/dav/cutoff/locked.txt', $MAX, @with,
        after => sub {
            is content_of('locked.txt'), 'locked content',
                "$_[0]: untouched";
        });
    is upload(path => '/dav/cutoff/locked.txt', content => 'y')->{status},
        423, 'the lock is still held';
    is upload(method => 'UNLOCK', path => '/dav/cutoff/locked.txt',
        headers => ["Lock-Token: <$token>"])->{status}, 204,
        'and can be given back';
}

# The content of LOCK and PROPFIND counts as well: mod_dav's XML parser reads
# it.
for my $method (qw(PROPFIND LOCK)) {
    cut_off_ok($method, '/dav/cutoff/file.txt', $MAX, sizes => [50_000],
        upload => { method => $method, headers => ['Content-Type: text/xml'],
            content => '<?xml version="1.0"?><D:propfind xmlns:D="DAV:">'
            . '<D:allprop/>' . ' ' x 50_000 . '</D:propfind>' });
}

done_testing();
