#!/usr/bin/perl
# The sample of an access log: one line for each upload that is judged, which
# parses, and says what the client has sent, whatever that is.

use strict;
use warnings;

use lib 't/operations';
use MIME::Base64 qw(encode_base64);
use Test::More;
use ExpectTest;
use File;
use Logfmt;

my $server = own_httpd(conf => EXPECT_LOG . <<'CONF');
<Location /witness/length>
    ExpectRequire content-length max=10
    ErrorDocument 413 /cgi/read.cgi
</Location>
<Location /witness/type>
    ExpectRequire content-type image/*
</Location>
<Location /witness/detect>
    ExpectEngine DetectionOnly
    ExpectRequire content-length max=10
</Location>
<Location /basic>
    ExpectRequire auth
</Location>
<VirtualHost *>
    ServerName plain
</VirtualHost>
<VirtualHost *>
    ServerName logs
    CustomLog ${OWN_DIR}/its_log combined
</VirtualHost>
CONF
my $log = $server->dir . '/expect_log';
my $at  = 0;

# The next line, or nothing if there is none.
sub next_line {
    $server->wait_for(sub { substr(slurp($log), $at) =~ /\n/ });
    my $new = substr slurp($log), $at;
    $at += length $new;
    return $new;
}

# --- what it says ------------------------------------------------------------

# path, upload; what the line says
for my $case (
    ['/witness/length/a', { content => 11 }, verdict => 'refuse',
        refused => 413, status => 413, rule => 'content-length',
        reason => 'content-length 11 is over max=10', announced => 11],
    ['/witness/length/b', { content => 11, asks => 1 }, verdict => 'refuse',
        refused => 417, status => 417, announced => 11],
    ['/witness/length/c', { content => 9 }, verdict => 'continue',
        refused => '-', status => 200, rule => '-', reason => '-',
        announced => 9],
    ['/witness/length/d', { content => 11, chunked => 1 }, refused => 413,
        verdict => 'refuse', announced => '-'],
    ['/witness/detect/e', { content => 11 }, verdict => 'detect',
        refused => 413, status => 200],
    ['/basic/f', { content => 1 }, verdict => 'refuse', refused => 401,
        rule => 'auth'],
) {
    my($path, $upload, %want) = @$case;
    upload(vhost => $server, path => $path, eager => !$upload->{asks},
        %$upload);
    my $line = next_line();
    my $field = parsed($line);
    ok $field, "$path: one line, which parses" or diag $line;
    %want = (%want, path => $path, method => 'PUT', client => '127.0.0.1');
    is $field->{$_}, $want{$_}, "$path: $_" for sort keys %want;
    like $field->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}\z/,
        "$path: its time";
}

# --- what a client sends ---------------------------------------------------

# A text to break a line, its fields or a parser.
my @hostile = ('"', '\\', '\\"', '" verdict="continue', 'x" refused=200 y="',
    "\\x22", "\\\\\\", "a\tb", "\xff\xfe\x9b31m", "\xe2\x80\xa8", "%{x}n%s%n",
    "\e[31mred", "\x7f", "'`\$(id)", '<b>', 'xxxx/' x 700, '"' x 3000,
    "\xff" x 3000, '{"a":1}', 'a=b c=d', "x\nverdict=continue\n", "\r\n");

for my $text (@hostile) {
    my $label = $text =~ s/([^\x20-\x7e])/sprintf '<%02x>', ord $1/ger;
    $label = substr($label, 0, 30) . ' ' . length $text;
    my $path = $text =~ s{([^A-Za-z0-9/])}{sprintf '%%%02x', ord $1}ger;
    if (length $path < 8000) {
        upload(vhost => $server, path => "/witness/type/$path",
            content => 'x', headers => ['Content-Type: a/b']);
        my $line = next_line();
        my $field = parsed($line);
        ok $field, "path, $label: one line, which parses" or diag $line;
        is $field->{path}, "/witness/type/$text", "path, $label: as sent";
        is $field->{verdict}, 'refuse', "path, $label: refused";
    }
    next if $text =~ /[\r\n]/;
    my $r = upload(vhost => $server, path => '/witness/type/x',
        content => 'x', headers => ["Content-Type: a/$text"]);
    next if $r->{status} == 400;
    my $line = next_line();
    my $field = parsed($line);
    ok $field, "type, $label: one line, which parses" or diag $line;
    is $field->{verdict}, 'refuse', "type, $label: refused";
    like $field->{reason}, qr/^content-type /, "type, $label: the reason";
}

# An empty user, and one with quotes; the log does without.
for my $user ('', '"', '" verdict="x') {
    upload(vhost => $server, path => '/basic/x', content => 'x',
        headers => ['Authorization: Basic ' . encode_base64("$user:x", '')]);
    my $line = next_line();
    ok parsed($line), "user '$user': it parses" or diag $line;
}

# A method and a host of the client's own.
{
    upload(vhost => $server, path => '/witness/type/x', content => 'x',
        method => q(P'`^|~x), host => 'x" verdict="continue');
    upload(vhost => $server, path => '/witness/type/x', content => 'x',
        method => q(P'`^|~x));
    my @lines = split /^/, next_line();
    is scalar(grep { !parsed($_) } @lines), 0, 'a method: it parses';
    is parsed($lines[-1])->{method}, q(P'`^|~x), 'a method: as sent';
}

# Debian's virtual hosts have a log each.
upload(vhost => $server, path => '/witness/length/logs', content => 1,
    host => 'logs');
is parsed(next_line())->{host}, 'logs', 'a virtual host with its own log';

# Who is not judged is not in the log.
upload(vhost => $server, path => '/witness/x', content => 11, eager => 1);
upload(vhost => $server, path => '/witness/length/x', method => 'GET');
upload(vhost => $server, path => '/witness/length/last', content => 1);
is parsed(next_line())->{path}, '/witness/length/last', 'not judged: no line';

done_testing();
