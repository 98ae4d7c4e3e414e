#!/usr/bin/perl
# After an upload that was judged and read to its end, its connection is kept:
# for the next upload, with a length or chunked, asked or not, over TLS, and
# for uploads sent before the first is answered. If content is left unread,
# the connection ends, and nothing in it is taken for a request.

use strict;
use warnings;

use lib 't/other-modules', 't/cutoff', 't/sent';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use OtherModules;
use CutOff;
use Tls;

my $root = conf_var('documentroot');
my($server, $port) = tls_httpd(<<"CONF");
<Directory "$root/sent">
    Options ExecCGI FollowSymLinks
    AllowOverride All
    AddHandler cgi-script .cgi
</Directory>
<Directory "$root/sent/kept/dav">
    Dav On
</Directory>
<Location /sent-kept-proxy>
    ExpectRequire content-length max=100000
    ProxyPass http://127.0.0.1:\${ORIGIN_PORT}/witness
</Location>
CONF
mkpath("$root/sent/kept/$_") for qw(cgi dav);
link "$root/cgi/read.cgi", "$root/sent/kept/cgi/read.cgi"
    or die "read.cgi: $!\n";

my @max = ('ExpectRequire content-length max=100000');
my @handler = ('SetHandler witness');
my @basic = ('AuthType Basic', 'AuthName kept', 'AuthBasicProvider witness',
    'Require valid-user', 'ExpectRequire user alice');

# what it shows; the path; lines of .htaccess; header fields
my @places = (
    ['a max', 'kept/max/x', [@max, @handler]],
    ['the handler is waited for', 'kept/handler/x', [@max, @handler,
        'ExpectRequire handler witness']],
    ['the user is waited for', 'kept/user/x', [@max, @handler, @basic],
        basic_auth('alice')],
    ['no max', 'kept/type/x', [@handler, 'ExpectRequire content-type */*']],
    ['CGI', 'kept/cgi/read.cgi', \@max],
    ['DAV', 'kept/dav/x', \@max],
    ['a filter that inflates', 'kept/inflate/x', [@max, @handler,
        'SetInputFilter DEFLATE']],
    ['a proxy', '', []],
    ['no rules', 'free/kept/x', \@handler],
);

my $n = 0;
my $size = 20_000;
my $bytes = join '', map { chr(ord('a') + $_ % 26) } 1 .. $size;

sub head {
    my($path, $fields, @more) = @_;
    return join "\r\n", "PUT $path HTTP/1.1", 'Host: localhost',
        'X-Witness: ' . join('-', 'kept', $$, ++$n), @$fields, @more, '', '';
}

sub with_length { return head(@_[0, 1], "Content-Length: $size") . $bytes }

sub chunked {
    my($path, $fields, @trailers) = @_;
    my $framed = ExpectTest::framed(content => $bytes, chunked => 1);
    $framed =~ s/\r\n\z/join "\r\n", @trailers, '', ''/e if @trailers;
    return head($path, $fields, 'Transfer-Encoding: chunked') . $framed;
}

my $last = "GET /static/file.txt HTTP/1.1\r\nHost: localhost\r\n"
    . "Connection: close\r\n\r\n";

sub statuses { return join ' ', $_[0] =~ m{^HTTP/1\.1 (\d+) }mg }

for my $place (@places) {
    my($name, $rest, $lines, @fields) = @$place;
    my $path = $rest ? "/sent/$rest" : '/sent-kept-proxy/x';
    my $ok = $name eq 'DAV' ? qr/20[14]/ : qr/200/;
    my $answer = qr{^HTTP/1\.1 $ok .*?\r\n\r\n}ms;
    write_htaccess('sent/' . $rest =~ s{/[^/]*$}{}r, join "\n", @$lines, '')
        if $rest;
    my @one = (with_length($path, \@fields), chunked($path, \@fields),
        chunked($path, \@fields, 'X-Trailer: yes'),
        with_length($path, \@fields));
    my @asked = map {
        my($head, $content) = /\A(.*?\r\n)\r\n(.*)\z/s;
        ("${head}Expect: 100-continue\r\n\r\n",
            qr{^HTTP/1\.1 100 Continue\r\n(?:.+\r\n)*\r\n}m, $content, $answer);
    } @one;
    my $all = qr/\A(?:(?:100 )?$ok )+200\z/;
    my @file = ($last, qr/A plain file/);

    for (['one after the other', map({ ($_, $answer) } @one), @file],
         ['pipelined', join('', @one, $last), qr/A plain file/],
         ['asked', @asked, @file]) {
        my($how, @steps) = @$_;
        my $t = talk($server, @steps, 'eof');
        ok !exists $t->{missed}, "$name, $how: all are answered, and it ends";
        my $got = statuses($t->{bytes});
        like $got, $all, "$name, $how: $got";
        is scalar(() = $got =~ /\b2\d\d/g), 5, "$name, $how: five answers";
        is scalar(() = $t->{bytes} =~ /^read=$size$/mg), $name eq 'DAV' ? 0 : 4,
            "$name, $how: each has read its own";

        my($tls, $missed) = talk_tls($port, [], @steps);
        is $missed, undef, "$name, $how, TLS: all are answered";
        is statuses($tls), $got =~ s/\b201/204/gr, "$name, $how, TLS: alike"
            if $name ne 'DAV';
        is scalar(() = $tls =~ /^read=$size$/mg), $name eq 'DAV' ? 0 : 4,
            "$name, $how, TLS: each has read its own" if $rest ne '';
    }
}

# --- in order --------------------------------------------------------------

# Uploads of different sizes, in one go: each answer belongs to its upload.
{
    my @sizes = (1, 99_999, 0, 5, 100_000, 7);
    for my $chunked (0, 1) {
        my $t = talk($server, join('', map {
            my $content = 'y' x $_;
            $chunked && $_
                ? head('/sent/kept/max/x', [], 'Transfer-Encoding: chunked')
                    . ExpectTest::framed(content => $content, chunked => 1)
                : head('/sent/kept/max/x', [], "Content-Length: $_") . $content
        } @sizes) . $last, 'eof');
        is join(' ', $t->{bytes} =~ /^read=(\d+)$/mg), "@sizes",
            "in order, chunked $chunked";
        is statuses($t->{bytes}), join(' ', (200) x 7),
            "in order, chunked $chunked: all admitted";
    }
}

# --- where it ends ---------------------------------------------------------

# Refused, and what is behind it in the same connection is not answered.
write_htaccess('sent/kept/lazy', join "\n", @max, 'SetHandler witness-lazy',
    '');
for (['refused', head('/sent/kept/max/x', [], 'Content-Length: 100001')
        . 'y' x 100_001, 413],
     ['cut off', head('/sent/kept/max/x', [], 'Transfer-Encoding: chunked')
        . ExpectTest::framed(content => 'y' x 100_001, chunked => 1), 413]) {
    my($name, $upload, $status) = @$_;
    my $t = talk($server, with_length('/sent/kept/max/x', []),
        qr/^read=$size$/m,
        $upload . $last, 'eof');
    is statuses($t->{bytes}), "200 $status", "$name: the end of the connection";
}

# A handler that answers and never reads: the content is full of requests. httpd
# reads the rest and throws it away, or the connection ends.
for my $chunked (0, 1) {
    my $content
        = "GET /witness/inner HTTP/1.1\r\nHost: localhost\r\n\r\n" x 100;
    my $t = talk($server, ($chunked
            ? head('/sent/kept/lazy/x', [], 'Transfer-Encoding: chunked')
                . ExpectTest::framed(content => $content, chunked => 1)
            : head('/sent/kept/lazy/x', [],
                'Content-Length: ' . length $content) . $content)
        . $last, 'eof');
    like statuses($t->{bytes}), qr/\A200(?: 200)?\z/,
        "a lazy handler, chunked $chunked: no request within";
    is scalar(() = $t->{bytes} =~ /^read=/mg), 1,
        "a lazy handler, chunked $chunked: one has answered";
}
is join('', $server->crashes), '', 'no child has crashed';

done_testing();
