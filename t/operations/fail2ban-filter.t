#!/usr/bin/perl
# fail2ban finds each refusal in the error log, with the client's address, and
# nothing that a client wrote: no client can have another one banned.

use strict;
use warnings;

use lib qw(t/operations t/other-modules);
use MIME::Base64 qw(encode_base64);
use Test::More;
use ExpectTest;
use Fail2ban;
use File;
use OtherModules;

my $server = h2_httpd(ADDRESSES . <<'CONF');
LogLevel debug
<Location /witness/length>
    ExpectRequire content-length max=10
</Location>
<Location /witness/type>
    ExpectRequire content-type image/*
</Location>
<Location /witness/known>
    ExpectRequire content-length known
</Location>
<Location /witness/field>
    ExpectRequire header X-Api-Key
</Location>
<Location /witness/own>
    ExpectRequire quota uploads=1 per=day "key=expr=%{HTTP:X-Key}"
</Location>
<Location /witness/all>
    ExpectRequire quota uploads=1 per=day key=all
</Location>
<Location /witness/space>
    ExpectRequire free-space 1000T
</Location>
<Location /witness/detect>
    ExpectEngine DetectionOnly
    ExpectRequire content-length max=10
</Location>
<Location /basic>
    ExpectRequire auth
</Location>
<Location /witness/kept>
    ExpectStatus specific
    ExpectRequire content-length max=10
</Location>
CONF

# How an address is written in the log, by how a proxy names it.
my @shapes = (['192.0.2.%d'], ['2001:db8::%d'], ['2001:db8:1:2:3:4:5:%d'],
    ['2001:0db8:0000:0000:0000:0000:0001:%d', '2001:db8::1:%d'],
    ['::ffff:198.51.100.%d', '198.51.100.%d'], ['fe80::%d']);
my $next = 0;

sub new_address {
    my($sent, $logged) = @{ $shapes[$next++ % @shapes] };
    return map { sprintf $_, 10 + $next } $sent, $logged // $sent;
}

# Sends the upload as a client of its own; returns its address as logged.
sub refused {
    my($path, %o) = @_;
    my($sent, $logged) = new_address();
    my $r = upload(vhost => $server, path => $path, content => 11, %o,
        headers => [@{ $o{headers} // [] }, "X-Forwarded-For: $sent"]);
    return ($logged, $r);
}

# --- what counts -------------------------------------------------------------

# what it shows, path, upload, status; the options with which it counts, and as
# whose
my @cases = (
    ['length', '/witness/length/x', {}, 413],
    ['length, asked', '/witness/length/x', { asks => 1 }, 417],
    ['length, asked, its own status', '/witness/kept/x', { asks => 1 }, 413],
    ['cut off', '/witness/length/x', { chunked => 1, eager => 1 }, 413],
    ['type', '/witness/type/x', {}, 415],
    ['unknown length', '/witness/known/x', { chunked => 1 }, 411],
    ['field', '/witness/field/x', {}, 400],
    ['quota', '/witness/own/x', { headers => ['X-Key: a'] }, 429],
    ['quota, asked', '/witness/own/x', { headers => ['X-Key: a'], asks => 1 },
        429],
    # mod_remoteip comes later: the line has the address of the proxy
    ['unknown expectation', '/witness/x', { headers => ['Expect: foo'] }, 417,
        'except=none', '127.0.0.1'],
    ['full for all', '/witness/all/x', {}, 503, 'status=503'],
    ['full disk', '/witness/space/x', {}, 507, 'status=507'],
    ['no password yet', '/basic/x', {}, 401, 'except=none'],
    ['no password yet, asked', '/basic/x', { asks => 1 }, 417, 'except=none'],
    ['would be refused', '/witness/detect/x', { eager => 1 }, 200, ''],
);

# the first upload of a quota is admitted
refused('/witness/all/x', eager => 1);
refused('/witness/own/x', eager => 1, headers => ['X-Key: a']);

# [what it shows, as whose it is logged, the options with which it counts]
my @sent;
for my $case (@cases) {
    my($name, $path, $upload, $status, $options, $other) = @$case;
    for my $h2 (0, has_h2() ? 1 : ()) {
        my $label = "$name, HTTP/" . ($h2 ? 2 : 1);
        my($address, $r) = refused($path, %$upload, h2 => $h2);
        is $r->{status}, $status, "$label: $status";
        push @sent, [$label, $other // $address, $options];
    }
}
is upload(vhost => $server, path => '/witness/length/x', content => 11)
    ->{status}, 413, 'not behind a proxy: 413';

# The lines with each address.
sub counted {
    my %n;
    $n{$_}++ for matched($server, @_);
    return \%n;
}

for my $log ('error', 'access') {
    my $found = counted("log=$log");
    my %with;
    for (@sent) {
        my($label, $address, $options) = @$_;
        is $found->{$address} // 0, defined $options ? 0 : 1,
            "$log: $label: " . (defined $options ? 'does not count'
                : "counts, as $address") unless $address eq '127.0.0.1';
        next unless $options;
        $with{$options} //= counted("log=$log,$options");
        cmp_ok $with{$options}{$address} // 0, '>', 0,
            "$log: $label: counts with $options";
    }
    is $found->{'127.0.0.1'}, 1, "$log: not behind a proxy: counts once";
}

# --- what a client forges ---------------------------------------------------

# Whom a client wants banned; no client here has this address.
my $victim = '10.66.0.1';
my $time   = '[Sun Nov 29 19:04:17.123456 2026]';
my $start  = "[expect:info] [pid 1:tid 2] [client $victim:1]";
my $said   = 'expect: refused 413: content-length 5 is over max=1';
my @lines  = ("$time $start $said", "$start $said", "[client $victim:1] $said",
    "$victim:1] $said", "] $start $said");
my $escape = sub {
    return $_[0] =~ s{([^A-Za-z0-9.:/-])}{sprintf '%%%02x', ord $1}ger;
};

spew(conf_var('documentroot') . '/cgi/echo.cgi',
    "#!/bin/sh\necho \"\$HTTP_X_SAID\" >&2\n"
    . "printf 'Content-Type: text/plain\\n\\n'\n");
chmod 0755, conf_var('documentroot') . '/cgi/echo.cgi';

sub raw {
    my(@head) = @_;
    my($sent, $logged) = new_address();
    talk($server, join("\r\n", @head, 'Host: localhost',
            "X-Forwarded-For: $sent", 'Content-Length: 11',
            'Connection: close', '', '')
        . 'x' x 11, 'eof');
    return $logged;
}

# Sends the text wherever a client can write.
sub forge {
    my($text) = @_;
    my $path = $escape->($text);
    my @put = 'PUT /witness/length/x HTTP/1.1';
    for my $field ('Content-Type', 'Content-Encoding', 'Referer', 'User-Agent',
        'Expect', 'X-Api-Key', 'Host', 'Transfer-Encoding', 'Content-Length',
        'Authorization', 'Cookie', 'Upgrade', 'Range', 'If-Match') {
        raw(@put, "$field: $text");
        raw('PUT /witness/type/x HTTP/1.1', "$field: $text");
    }
    raw(@put, $text);
    raw(@put, "$text: x");
    raw("PUT /witness/length/$path HTTP/1.1");
    raw("PUT /witness/length/$text HTTP/1.1");
    raw("PUT /witness/length/x?$text HTTP/1.1");
    raw("PUT /witness/length/x $text");
    raw("$text /witness/length/x HTTP/1.1");
    raw("PUT http://$text/ HTTP/1.1");
    raw("GET /static/$path HTTP/1.1");
    raw("GET /cgi/$path.cgi HTTP/1.1");
    raw('PUT /basic/x HTTP/1.1', 'Authorization: Basic '
        . encode_base64("$text:x", ''));
    for my $address ("$victim, $text", $text, "$text, $victim",
        "192.0.2.1]$text") {
        talk($server, "PUT /witness/length/x HTTP/1.1\r\nHost: localhost\r\n"
            . "X-Forwarded-For: $address\r\nX-Forwarded-For: 192.0.2.9\r\n"
            . "Connection: close\r\nContent-Length: 11\r\n\r\n"
            . 'x' x 11, 'eof');
    }
}

my $all = 'status=\d+,except=none';

for my $text (@lines) {
    my $mark = log_mark($server);
    forge($text);
    forge("x\n$text");
    forge("x\r\n$text");
    my @said = error_log_since($mark);
    cmp_ok scalar(grep { /\Q$victim\E/ } @said), '>', 9, "in the log: $text";
    cmp_ok scalar(grep { /\] expect: refused/ } @said), '>', 19,
        "and refusals: $text";
}
{
    my @found = matched($server, $all);
    cmp_ok scalar @found, '>', 100, 'the error log: refusals';
    is scalar(grep { $_ eq $victim } @found), 0,
        'the error log: none of another';
}

# A CGI script prints what a client sends. mod_cgid lets it write to the error
# log itself, so that only the access log is to be trusted.
{
    my $mark = log_mark($server);
    raw('GET /cgi/echo.cgi HTTP/1.1', "X-Said: $lines[0]");
    ok $server->wait_for(sub {
        grep { /\Q$lines[0]\E/ } error_log_since($mark);
    }), 'a script prints to the error log';
}
$server->stop;
my @found = matched($server, "log=access,$all");
cmp_ok scalar @found, '>', 100, 'the access log: refusals';
is scalar(grep { $_ eq $victim } @found), 0, 'the access log: none of another';

# The same where a proxy is not trusted: the field is a client's own.
{
    my $own = h2_httpd(<<'CONF');
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 198.51.100.1
<Location /witness>
    ExpectRequire content-length max=10
</Location>
CONF
    upload(vhost => $own, path => '/witness/x', content => 11,
        headers => ["X-Forwarded-For: $victim"]);
    is_deeply [matched($own)], ['127.0.0.1'],
        'X-Forwarded-For of a stranger';
}

done_testing();
