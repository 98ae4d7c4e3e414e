#!/usr/bin/perl
# in-flight: so many uploads, or bytes, are under way under the same key, and
# the next is refused at its head. When one is over, there is room again.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;
use Admission;

use constant LIMIT => 3;

my @alice = ('Authorization: Basic YWxpY2U6c2VjcmV0');
my @bob = ('Authorization: Basic Ym9iOnNlY3JldA==');
# key => status; whether the key is known
my %status = (ip => 429, user => 429, expr => 429, vhost => 503,
    directory => 503, all => 503, none => 503);
my %key = (none => '', expr => 'key=expr=%{HTTP:X-Tenant}',
    map { $_ => "key=$_" } qw(ip user vhost directory all));

my $server = h2_httpd(join '', map({
        "<Location /witness/$_>\nExpectRequire in-flight uploads=" . LIMIT
        . " $key{$_}\n</Location>\n" } sort keys %key), <<'CONF');
<Location /basic/user>
    ExpectRequire in-flight uploads=3 key=user
</Location>
<Location /witness/bytes>
    ExpectRequire in-flight bytes=1000 key=ip
</Location>
<Location /witness/both>
    ExpectRequire in-flight uploads=2 bytes=1000
</Location>
<Location /witness/status>
    ExpectRequire in-flight uploads=1
    ExpectRequire content-length max=5000
</Location>
CONF

my @h2 = (0, has_h2() ? 1 : ());

# --- uploads ------------------------------------------------------------------

for my $key (sort keys %key) {
    my %to = (path => "/witness/$key", headers => ['X-Tenant: one']);
    my @held = map { hold($server, %to, h2 => $_ % @h2) } 1 .. LIMIT;
    is_deeply [map { @{ $_->{r}{interim} } } @held], [(100) x LIMIT],
        "$key: all are asked to go on";
    left_ok("$key: nothing is left", $server, $to{path}, uploads => 0,
        headers => $to{headers});
    for my $h2 (@h2) {
        my @got = refused_ok("$key, h2 $h2: one more", { %to, h2 => $h2,
                vhost => $server, content => 500 },
            status => $status{$key}, rule => 'in-flight',
            headers => { 'Retry-After' => qr/^1[01]$/,
                RateLimit => '"in-flight-uploads";r=0',
                'RateLimit-Policy' => '"in-flight-uploads";q=3;'
                    . 'qu="concurrent-requests"', 'Upload-Limit' => undef },
            like => qr/^in-flight uploads=3: 3 uploads are under way$/,
            log => qr/ expect: refused $status{$key}: in-flight (?x:uploads=3:
                \ 3\ uploads\ are\ under\ way\ \(ExpectRequire\ at)/);
    }
    is finish(shift @held)->{status}, 200, "$key: one ends";
    for my $h2 (@h2) {
        left_ok("$key, h2 $h2: its place is free", $server, $to{path},
            uploads => 1, headers => $to{headers});
        admitted_on("$key, h2 $h2: and is taken", $server,
            { %to, h2 => $h2, asks => 1, content => 500 }, status => 200);
    }
    is finish($_)->{status}, 200, "$key: the others end" for @held;
    left_ok("$key: all are free", $server, $to{path}, uploads => LIMIT,
        headers => $to{headers});
}

# --- keys that differ, and no key ---------------------------------------------

{
    my @to = (path => '/witness/expr');
    my @held = map { hold($server, @to, headers => ['X-Tenant: one']) }
        1 .. LIMIT;
    is upload(vhost => $server, @to, content => 1, eager => 1,
        headers => ["X-Tenant: $_->[0]"])->{status}, $_->[1], "tenant $_->[0]"
        for ['one', 429], ['two', 200], ['', 200];
    drop($_) for @held;
}
{
    my @to = (path => '/basic/user');
    my @held = map { hold($server, @to, headers => \@alice) } 1 .. LIMIT;
    left_ok('alice has nothing left', $server, '/basic/user', uploads => 0,
        headers => \@alice);
    my %to = (vhost => $server, @to, content => 1, eager => 1);
    is upload(%to, headers => \@alice)->{status}, 429, 'alice';
    is upload(%to, headers => \@bob)->{status}, 200, 'bob';
    is upload(%to, headers => [])->{status}, 401, 'nobody';
    drop($_) for @held;
    left_ok('alice has all again', $server, '/basic/user', uploads => LIMIT,
        headers => \@alice);
}

# --- bytes --------------------------------------------------------------------

{
    my %to = (path => '/witness/bytes', vhost => $server);
    my $held = hold($server, %to, content => 600);
    left_ok('bytes: 400 are left', $server, $to{path}, bytes => 400);
    refused_ok('bytes: 401 are too many', { %to, content => 401 },
        status => 429, rule => 'in-flight',
        like => qr/^in-flight bytes=1000: 401 announced, 400 left$/,
        headers => { 'RateLimit' => '"in-flight-bytes";r=400',
            'RateLimit-Policy' => '"in-flight-bytes";q=1000;'
                . 'qu="content-bytes"' });
    admitted_on('bytes: 400 are not', $server, { %to, content => 400 },
        status => 200);
    refused_ok('bytes: more than all', { %to, content => 1001 },
        status => 413, rule => 'in-flight', asked_status => 413,
        like => qr/^in-flight bytes=1000: 1001 announced, which is more/,
        headers => { 'Retry-After' => undef,
            'Upload-Limit' => 'max-size=1000' });
    is finish($held)->{status}, 200, 'bytes: it ends';
    left_ok('bytes: all are left', $server, $to{path}, bytes => 1000);
}
{
    my %to = (path => '/witness/both');
    my $held = hold($server, %to, content => 300);
    left_ok('both', $server, $to{path}, uploads => 1, bytes => 700);
    my $second = hold($server, %to, content => 700);
    left_ok('both: nothing', $server, $to{path}, uploads => 0, bytes => 0);
    finish($_) for $held, $second;
    left_ok('both: all', $server, $to{path}, uploads => 2, bytes => 1000);
}

# --- not asked: content unread, and the place is held by the first read ------

{
    my %to = (path => '/witness/status', vhost => $server);
    my $held = hold($server, %to);
    refused_ok('in-flight and another rule: that comes first',
        { %to, content => 6000 }, status => 413, asked_status => 417,
        rule => 'content-length');
    refused_ok('its own status, whatever ExpectStatus says',
        { %to, content => 600 }, status => 503, rule => 'in-flight');
    is finish($held)->{status}, 200, 'it ends';
}

done_testing();
