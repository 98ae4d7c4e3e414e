#!/usr/bin/perl
# mod_headers: the rules see the fields that RequestHeader early has changed;
# a refusal has the fields that `Header always` adds, like any error.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use File;
use OtherModules;

write_htaccess('tenant/headers', "ExpectRequire header X-Let-In\n");
write_htaccess('tenant/headers-type', "ExpectRequire content-type image/png\n");
write_htaccess('tenant/headers-late', "RequestHeader set X-Let-In late\n"
    . "ExpectRequire header X-Let-In\n");
write_htaccess('tenant/headers-out', "Header always set X-Always here\n"
    . "Header set X-Success here\nHeader onsuccess unset Connection\n"
    . "ExpectRequire content-length max=10\n");

# Early directives hold for a virtual host as a whole.
my %early = (
    plain => '',
    set   => 'RequestHeader set X-Let-In yes early',
    unset => 'RequestHeader unset X-Let-In early',
    edit  => 'RequestHeader edit Content-Type ^image/x-png$ image/png early',
    mute  => 'RequestHeader unset Expect early',
);
my $server = h2_httpd(join '', map { "<VirtualHost *>\nServerName $_\n"
    . "$early{$_}\n</VirtualHost>\n" } sort keys %early);

sub to {
    my($host, $place, @headers) = @_;
    return { path => "/tenant/$place/x", content => 5, host => $host,
        headers => \@headers };
}

refused_on('nothing set', $server, to('plain', 'headers'), status => 400,
    asked_status => 417, rule => 'header');
admitted_on('set early', $server, to('set', 'headers'),
    status => 200);
refused_on('unset early', $server, to('unset', 'headers',
        'X-Let-In: 1'), status => 400, asked_status => 417);
admitted_on('edited early', $server, to('edit', 'headers-type',
        'Content-Type: image/x-png'), status => 200);
# Late ones come in fixups: the rule was known by the head.
refused_on('set late', $server, to('plain', 'headers-late'), status => 400,
    asked_status => 417, rule => 'header');

# Expect taken away early: whatever that makes of the request, the client that
# waits gets one answer, and it is a refusal without content.
for my $h2 (0, has_h2() ? 1 : ()) {
    my $r = upload(vhost => $server, path => '/tenant/headers/x', asks => 1,
        content => 5, host => 'mute', h2 => $h2);
    is $r->{status}, $h2 || httpd_at_least('2.4.49') ? 417 : 400,
        "Expect unset early, h2 $h2: refused";
    is_deeply [@$r{qw(interim sent closed)}, $r->{witness}{read}],
        [[], 0, 1, 0], "Expect unset early, h2 $h2: no content";
    # Core of httpd before 2.4.49 looks for the field behind early
    # RequestHeader: then httpd sends no 100, and the client waits in vain.
    $r = upload(vhost => $server, path => '/witness/x', asks => 1,
        content => 5, host => 'mute', h2 => $h2);
    is_deeply [@$r{qw(status interim sent)}],
        $h2 || httpd_at_least('2.4.49') ? [200, [100], 5] : [undef, [], 0],
        "Expect unset early, h2 $h2: admitted with a 100, where core knows";
}

# What goes out.
{
    my @got = refused_on('Header always', $server, {
            path => '/tenant/headers-out/x', content => 11 },
        status => 413, asked_status => 417, headers => {
            'X-Always' => 'here', 'Upload-Limit' => 'max-size=10' });
    is_deeply [grep { exists $_->{headers}{'x-success'} } @got], [],
        'Header onsuccess: not in a refusal';
    my $r = upload(vhost => $server, path => '/tenant/headers-out/x',
        content => 10, asks => 1);
    is $r->{headers}{'x-success'}, 'here', 'Header onsuccess: in a success';
}

# Notes are anybody's to write: half of what a refusal leaves there is none.
{
    write_htaccess('static/notes', "ErrorDocument 416 /static/notes/missing\n"
        . "Header set X-A a\nHeader always set X-A a\n"
        . "Header note X-A expect-reason\nHeader note X-A expect-rule\n");
    my $file = conf_var('documentroot') . '/static/notes/file.txt';
    spew($file, "1000\n");
    my $r = upload(method => 'GET', path => '/static/notes/file.txt',
        headers => ['Range: bytes=5000-6000']);
    is $r->{status}, 416, 'notes of others: answered';
}

done_testing();
