#!/usr/bin/perl
# An expectation that httpd does not know is answered 417 at once and the
# connection is closed, whatever is configured. Without mod_expect httpd waits
# for the content, which such a client may be holding back.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $HOW = qr/the only expectation supported is a single 100-continue; remove/;
my @EXPECT = (
    ['foo',                   ['Expect: foo']],
    ['a list',                ['Expect: 100-continue, foo']],
    ['the same twice',        ['Expect: 100-continue, 100-continue']],
    ['two lines',             ['Expect: 100-continue', 'Expect: 100-continue']],
    ['a parameter',           ['Expect: 100-continue;q=1']],
    ['a value that goes on',  ['Expect: 100-continued']],
    ['longer than a line of the log', ['Expect: ' . 'x' x 4000]],
);

# As a place of its own, without rules, with rules that hold, switched off.
write_htaccess('tenant/unsupported', '');
write_htaccess('tenant/unsupported/page', "ErrorDocument 417 /cgi/read.cgi\n");
write_htaccess('merge/engine/off', '');

my $stock = stock_httpd();

for (@EXPECT) {
    my($name, $headers) = @$_;
    my $o = { content => 3000, headers => $headers, asks => 0 };

    for my $path ('/witness/', '/tenant/unsupported/x', '/dav/x',
        '/cgi/read.cgi',
                  '/proxy/x', '/static/file.txt', '/nowhere/x',
                  '/merge/engine/off/x') {
        my @h2 = $path eq '/witness/' ? () : (h2 => 0);
        refused_ok("$name, $path", { %$o, path => $path }, status => 417,
            like => $HOW, rule => 'expectation', @h2);
    }
    refused_ok("$name, chunked", { %$o, path => '/witness/', chunked => 1 },
        status => 417, h2 => 0);

    # A client that does not hold back gets to read the answer.
    refused_ok("$name, content sent at once", { %$o, path => '/witness/',
            eager => 1 }, status => 417, h2 => 0);
}

# httpd by itself: no answer before the content; nor behind it in 2.5-dev of
# October 2024, which leaves its 417 in the buffer.
my $answers = httpd_at_least('2.5') ? undef : 417;
{
    my $o = { content => 3000, headers => ['Expect: foo'] };
    my $r = upload(%$o, vhost => $stock);
    is $r->{early}, 0, 'stock httpd does not answer before the content';
    is $r->{sent}, 3000, 'stock httpd waits for all of it';
    is $r->{status}, $answers, 'stock httpd answers 417 then';
    $r = upload(%$o, silence => 5);
    is $r->{early}, 1, 'with mod_expect the answer comes at once';
}

# No content: nothing to wait for, so nothing to change but the note.
for my $where (undef, $stock) {
    my $r = upload(headers => ['Expect: foo'], method => 'GET',
        vhost => $where);
    is $r->{status}, $where ? $answers : 417,
        'no content: 417, ' . ($where ? 'stock' : 'here');
}

# HTTP/1.0 has no expectations at all: as stock httpd answers.
{
    my @got = map { upload(http => '1.0', headers => ['Expect: foo'],
        content => 5, eager => 1, vhost => $_)->{status} } undef, $stock;
    is_deeply \@got, [417, $answers], 'HTTP/1.0: 417, as stock httpd';
}

# With a local ErrorDocument 417 for all of the server: a file, a script that
# reads all its content, a handler that does.
{
    my @pages = (['/static/file.txt', qr/^A plain file/],
        ['/cgi/read.cgi', qr/^read=0$/], ['/witness/', qr/^read=0$/],
        ['/nowhere', qr/Expectation Failed/], ['"Sorry"', qr/^Sorry$/]);
    my $vhosts = join '', map { "<VirtualHost *>\nServerName page$_\n"
        . "ErrorDocument 417 $pages[$_][0]\n</VirtualHost>\n" } 0 .. $#pages;
    my $server = own_httpd(conf => $vhosts);
    my $h2 = has_h2() && own_httpd(conf => "Protocols h2c\n$vhosts");

    for my $n (0 .. $#pages) {
        my($page, $body) = @{ $pages[$n] };
        for my $o ({}, { chunked => 1 }, { eager => 1 },
                   $h2 ? { h2 => 1, vhost => $h2 } : ()) {
            my $name = join ' ', "ErrorDocument 417 $page",
                grep { $_ ne 'vhost' } sort keys %$o;
            # mod_http2 looks for no document before httpd 2.4.47
            my $lost = $o->{h2} && $page =~ m{^/}
                && !httpd_at_least('2.4.47');
            refused_ok($name, { path => '/witness/x', content => 3000,
                    headers => ['Expect: foo'], asks => 0, host => "page$n",
                    vhost => $server, %$o }, status => 417,
                body => $lost ? $HOW : $body);
        }
    }
}

# httpd 2.5 can admit unknown expectations (HttpExpectStrict Off). mod_expect
# does not.
{
    my $conf = "<IfDirective HttpExpectStrict>\nHttpExpectStrict Off\n"
        . "</IfDirective>\n<VirtualHost *>\nServerName localhost\n"
        . (has_h2() ? "Protocols h2c http/1.1\nH2Direct on\n" : '')
        . "</VirtualHost>\n"
        . "<VirtualHost *>\nServerName page\n"
        . "ErrorDocument 417 /cgi/read.cgi\n</VirtualHost>\n";
    my $server = own_httpd(conf => $conf);
    my $lax = stock_httpd(conf => $conf);
    my %o = (path => '/witness/x', content => 3000, asks => 0, h2 => 0,
        vhost => $server);

    for (@EXPECT) {
        my($name, $headers) = @$_;
        for my $more ({}, { chunked => 1 }, { path => '/proxy/x' },
                      { host => 'page' }, has_h2() ? { h2 => 1 } : ()) {
            refused_ok(join(' ', "not strict, $name", %$more),
                { %o, headers => $headers, %$more }, status => 417,
                like => $HOW, rule => 'expectation',
                body => $more->{host} ? qr/^read=0$/ : $HOW);
        }
        is upload(%o, eager => 1, headers => $headers,
                vhost => $lax)->{status}, httpd_at_least('2.5') ? 200 : 417,
            "not strict, $name: stock httpd";
    }
    is upload(vhost => $server, method => 'GET', headers => ['Expect: foo'])
        ->{status}, 417, 'not strict, no content: 417';
    admitted_ok('not strict, nothing expected', { %o, headers => ['Expect:'] },
        status => 200, verdict => '-');
    admitted_ok('not strict, 100-continue', { %o, asks => 1 },
        status => 200, verdict => '-');
}

done_testing();
