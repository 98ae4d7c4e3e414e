#!/usr/bin/perl
# HTTP/1.1 and HTTP/2 over TLS: a refused upload is refused before its
# content. The client is openssl s_client behind a socket.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use H2Client ();
use Tls;

write_htaccess('tenant/tls', "ExpectRequire content-length max=100\n"
    . "ExpectStatus specific\n");
my $port = conf_var('tls_port');
my($id, $count);

# Sends text, waits for patterns behind each other; returns all that came
# until the server ended the connection.
sub talk_tls {
    my @steps = @_;
    my @options = ref $steps[0] eq 'ARRAY' ? @{ shift @steps } : ();
    return over_tls($port, 'http/1.1', sub {
        my($socket) = @_;
        my($bytes, $from) = ('', 0);
        for my $step (@steps, qr/never that/) {
            syswrite($socket, $step), next unless ref $step;
            until (substr($bytes, $from) =~ $step) {
                sysread $socket, $bytes, 4096, length $bytes or return $bytes;
            }
            $from += $+[0];
        }
    }, @options);
}

sub head {
    my($length, @more) = @_;
    $id = join '-', 'tls', $$, ++$count;
    return join "\r\n", 'PUT /tenant/tls/x HTTP/1.1', 'Host: localhost',
        "X-Witness: $id", "Content-Length: $length", @more, '', '';
}

# --- HTTP/1.1 --------------------------------------------------------------

for (['asked', 'Expect: 100-continue'], ['not asked', 'X-Asks: no']) {
    my($name, $field) = @$_;
    my $mark = log_mark();
    # The content is held back: the answer and the end come without it.
    my $bytes = talk_tls(head(101, $field));
    is join(' ', $bytes =~ /^HTTP\/1\.1 (\d+)/mg), '413',
        "HTTP/1.1, $name: refused, no 100";
    like $bytes, qr/^Connection: close\r$/m, "HTTP/1.1, $name: closed";
    my $w = witness_of($id);
    is_deeply [@$w{qw(status read verdict rule)}],
        [413, 0, 'refuse', 'content-length'], "HTTP/1.1, $name: unread";
    is scalar(grep { /expect: refused 413: / } error_log_since($mark)), 1,
        "HTTP/1.1, $name: one line";
}
{
    my $bytes = talk_tls(head(3, 'Expect: 100-continue', 'Connection: close'),
        qr/^HTTP\/1\.1 100 .*?\r\n\r\n/ms, 'abc', qr/read=3\n/);
    is join(' ', $bytes =~ /^HTTP\/1\.1 (\d+)/mg), '100 200',
        'HTTP/1.1: admitted with one 100';
    is witness_of($id)->{verdict}, 'continue', 'HTTP/1.1: continue';

    $bytes = talk_tls(head(3, 'Expect: foo'));
    is join(' ', $bytes =~ /^HTTP\/1\.1 (\d+)/mg), '417',
        'HTTP/1.1: an unsupported expectation is refused at once';
    is witness_of($id)->{read}, 0, 'HTTP/1.1: its content unread';
}

# --- SSLVerifyClient in a directory ----------------------------------------

# To ask for a certificate there, mod_ssl of TLS 1.2 first reads all content,
# before access control, and removes the filters of its level.
my @basic = ('AuthType Basic', 'AuthName tls', 'AuthBasicProvider witness',
    'Require valid-user');

# what it shows; the rules; header fields; status, verdict, rule
my @verified = (
    ['the handler is still evaluated', ['ExpectRequire handler dav-handler'],
        [],
        405, 'refuse', 'handler'],
    ['the handler is evaluated, and accepted',
        ['ExpectRequire handler witness'], [],
        200, 'continue', '-'],
    ['the user is waited for', [@basic, 'ExpectRequire user alice'],
        [basic_auth('alice')], 200, 'continue', '-'],
    ['another user', [@basic, 'ExpectRequire user alice'],
        [basic_auth('bob')], 403, 'refuse', 'user'],
    ['access control is waited for', [@basic, 'ExpectRequire auth'],
        [basic_auth('alice', 'wrong')], 401, 'refuse', 'auth'],
    ['a max holds while it is read', ['ExpectRequire content-length max=10'],
        [], 413, 'refuse', 'content-length'],
    ['a max that waits holds when the handler reads',
        ['ExpectRequire content-length max=10',
            'ExpectRequire handler witness'], [], 413, 'refuse',
        'content-length'],
    ['content within max is counted once',
        ['ExpectRequire content-length max=300'], [], 200, 'continue', '-'],
    ['Satisfy Any: the handler is still evaluated', ['Satisfy Any',
        'Require all granted', 'ExpectRequire handler dav-handler'], [],
        405, 'refuse', 'handler'],
    ['Satisfy Any: access control is waited for', ['Satisfy Any',
        'SSLRequire false', @basic, 'ExpectRequire auth'], [],
        401, 'refuse', 'auth'],
    ['Satisfy Any: the user is waited for', ['Satisfy Any',
        'SSLRequire false', @basic, 'ExpectRequire user alice'],
        [basic_auth('alice')], 200, 'continue', '-'],
    ['Satisfy Any: what is refused stays refused', ['Satisfy Any',
        'SSLRequire false', @basic, 'ExpectRequire env NEVER'],
        [basic_auth('alice')], 403, 'refuse', 'env'],
    ['an ErrorDocument does not read it', ['SSLRequire false',
        'ErrorDocument 403 /witness/', 'ExpectRequire handler dav-handler'],
        [], 403, '-', '-', qr/read=0\n/],
    ['a variable is looked at before', ['SetEnvIf Host . refused',
        'ExpectRequire not env refused', 'ExpectRequire handler'], [],
        403, 'refuse', 'env'],
);

for (@verified) {
    my($name, $rules, $fields, $status, $verdict, $rule, $body) = @$_;
    write_htaccess('tenant/verify', join "\n", @$rules, '');
    $id = join '-', 'tls', $$, ++$count;
    my $bytes = talk_tls(['-tls1_2'], join("\r\n",
        'PUT /tenant/verify/x HTTP/1.1', 'Host: localhost',
        "X-Witness: $id", 'Transfer-Encoding: chunked', 'Connection: close',
        @$fields, '', sprintf('%x', 200), 'x' x 200, '0', '', ''));
    is join(' ', $bytes =~ /^HTTP\/1\.1 (\d+)/mg), $status,
        "SSLVerifyClient: $name" or diag $bytes;
    is_deeply [@{ witness_of($id) }{qw(verdict rule)}], [$verdict, $rule],
        "SSLVerifyClient: $name: verdict";
    like $bytes, $body, "SSLVerifyClient: $name: the answer" if $body;
}

# The same where the handler is known before access control: ScriptAlias.
for (['alice', 'YWxpY2U6c2VjcmV0', 200, 'continue'],
     ['bob', 'Ym9iOnNlY3JldA==', 403, 'refuse']) {
    my($name, $login, $status, $verdict) = @$_;
    $id = join '-', 'tls', $$, ++$count;
    my $bytes = talk_tls(['-tls1_2'], join("\r\n",
        'POST /verify-script/read.cgi HTTP/1.1', 'Host: localhost',
        "X-Witness: $id", 'Content-Length: 200', 'Connection: close',
        "Authorization: Basic $login", '', 'x' x 200));
    is join(' ', $bytes =~ /^HTTP\/1\.1 (\d+)/mg), $status,
        "SSLVerifyClient, a script: $name" or diag $bytes;
    is witness_of($id)->{verdict}, $verdict,
        "SSLVerifyClient, a script: $name: verdict";
}

# --- HTTP/2 ----------------------------------------------------------------

sub upload_tls {
    my($content, $asks, @more) = @_;
    $id = join '-', 'tls', $$, ++$count;
    my @head = ([':method', 'PUT'], [':scheme', 'https'],
        [':authority', 'localhost'], [':path', '/tenant/tls/x'],
        ['x-witness', $id], ['content-length', length $content], @more);
    push @head, ['expect', '100-continue'] if $asks;
    return over_tls($port, 'h2', sub {
        return H2Client->new($_[0])->request(head => \@head,
            content => $content, asks => $asks, wait => 5, silence => 5,
            eager => !$asks && length $content < 101);
    });
}

for my $asks (has_h2() ? (1, 0) : ()) {
    my $name = 'HTTP/2, ' . ($asks ? 'asked' : 'not asked');
    my $mark = log_mark();
    my $r = upload_tls('x' x 101, $asks);
    is_deeply [@$r{qw(status interim sent)}], [413, [], 0], "$name: refused"
        or diag explain $r;
    my $w = witness_of($id);
    is_deeply [@$w{qw(status read verdict)}], [413, 0, 'refuse'],
        "$name: unread";
    is scalar(grep { /expect: refused 413: / } error_log_since($mark)), 1,
        "$name: one line";

    $r = upload_tls('abc', $asks);
    is_deeply [@$r{qw(status interim sent)}], [200, $asks ? [100] : [], 3],
        "$name: admitted" or diag explain $r;
    is witness_of($id)->{verdict}, 'continue', "$name: continue";
}
if (has_h2()) {
    my $r = upload_tls('abc', 0, ['expect', 'foo']);
    is $r->{status}, 417, 'HTTP/2: an unsupported expectation is refused';
    is witness_of($id)->{read}, 0, 'HTTP/2: its content unread';
}

done_testing();
