#!/usr/bin/perl
# Something else fails the request before all rules could be evaluated, and
# its ErrorDocument would read the content: it gets none unless the rules
# hold.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

# A server with these rules everywhere, and an ErrorDocument for 403 and 404.
sub server {
    my($document, @lines) = @_;
    return own_httpd(conf => join "\n", @lines, map({
        $document ? "ErrorDocument $_ $document" : () } 403, 404),
        'RewriteEngine On', 'RewriteRule ^/forbidden - [F]', '');
}

# What became of it: status, bytes read, verdict, and lines of ours in the log.
sub outcome {
    my($server, %o) = @_;
    my $mark = log_mark($server);
    my $r = upload(vhost => $server, method => 'POST', eager => !$o{asks}, %o);
    return join ', ', $r->{status} // 'none',
        "read $r->{witness}{read}", $r->{witness}{verdict},
        scalar(@{ $r->{interim} }) . ' interim',
        scalar(grep { /expect: / } error_log_since($mark)) . ' lines';
}

# --- before the section is known -------------------------------------------

my $max = 'ExpectRequire content-length max=10';

# what it shows; the rules; an upload; what becomes of it when sent at once
my @cases = (
    ['no rules', [], { content => 5000 }, '404, read 5000, -'],
    ['too large', [$max], { content => 5000 }, '404, read 0, -'],
    ['within', [$max], { content => 5 }, '404, read 5, continue'],
    ['within, its length unknown', [$max], { content => 5, chunked => 1 },
        '404, read 5, continue'],
    ['a rule for a user', ['ExpectRequire valid-user'], { content => 5 },
        '404, read 0, -'],
    ['a rule for the handler', ['ExpectRequire handler'], { content => 5 },
        '404, read 0, -'],
    ['the document\'s section', ['<Location /witness>', $max, '</Location>'],
        { content => 5000 }, '404, read 0, -'],
    ['the document\'s section, within',
        ['<Location /witness>', $max, '</Location>'], { content => 5 },
        '404, read 5, continue'],
    ['the engine is off', [$max, 'ExpectEngine Off'], { content => 5000 },
        '404, read 5000, -'],
    ['only clients that asked', [$max, 'ExpectScope expectation'],
        { content => 5000 }, '404, read 5000, -'],
    ['DetectionOnly', [$max, 'ExpectEngine DetectionOnly'],
        { content => 5000 }, '404, read 5000, -'],
);

for (@cases) {
    my($name, $rules, $upload, $want) = @$_;
    my $server = server('/witness/x', @$rules);
    is outcome($server, path => '/a%2Fb', %$upload),
        "$want, 0 interim, 0 lines", "404: $name";
    is outcome($server, path => '/forbidden', %$upload),
        $want =~ s/404/403/r . ', 0 interim, 0 lines', "403: $name";
    next if $name =~ /document/;

    # Without a document it is httpd that would take it in.
    $server = server('', @$rules, 'RewriteRule ^/moved /away [R]');
    for (['/a%2Fb', 404], ['/forbidden', 403], ['/moved', 302]) {
        my($path, $status) = @$_;
        is outcome($server, path => $path, %$upload),
            $want =~ s/404/$status/r . ', 0 interim, 0 lines',
            "$status, without a document: $name";
    }
}
{
    my $server = server('/witness/x', $max);
    is outcome($server, path => '/a%2Fb', content => 5000, chunked => 1),
        '413, read 10, refuse, 0 interim, 1 lines',
        'over, its length unknown: cut off';
    is outcome($server, path => '/a%2Fb', content => 5000, asks => 1),
        '404, read 0, -, 0 interim, 0 lines', 'too large, asked: no 100';
    is outcome($server, path => '/a%2Fb', content => 5, asks => 1),
        '404, read 0, continue, 0 interim, 0 lines',
        'within, asked: httpd sends no 100 beside an error';
}

# --- while rules wait for the user or the handler --------------------------

my @late = ('RewriteEngine On', 'RewriteRule ^ - [F]');
write_htaccess('tenant/document-handler', join "\n", @late,
    'ExpectRequire handler dav-handler', '');
write_htaccess('tenant/document-user', join "\n", @late, 'Satisfy Any',
    'AuthType Basic', 'AuthName x', 'AuthBasicProvider witness',
    'Require valid-user', 'ExpectRequire user alice', '');

for my $document ('/witness/x', '/cgi/read.cgi', '/proxy/x') {
    # a proxy answers with the origin's status
    my $status = $document =~ /proxy/ ? 200 : 403;
    my $server = server($document);
    for my $how ({}, { chunked => 1 }, { asks => 1 }) {
        is outcome($server, path => '/tenant/document-handler/x',
            content => 1000, %$how), "$status, read 0, -, 0 interim, 0 lines",
            join ' ', "403 in fixups, handler to $document:", %$how;
        # rules on the user are decided by now, also with Satisfy Any
        is outcome($server, path => '/tenant/document-user/x',
            content => 1000, %$how), ($how->{asks} ? 417 : $status)
            . ', read 0, refuse, 0 interim, 1 lines',
            join ' ', "403 in fixups, user to $document:", %$how;
    }
    my $detects = server($document, 'ExpectEngine DetectionOnly');
    is outcome($detects, path => '/tenant/document-handler/x',
        content => 1000), "$status, read 1000, -, 0 interim, 0 lines",
        "403 in fixups, DetectionOnly, to $document";
}

# An ErrorDocument elsewhere makes it a redirect: nothing is read for that.
{
    my $server = server('http://localhost/elsewhere');
    write_htaccess('tenant/document-denied', join "\n", 'Order deny,allow',
        'Deny from all', 'ExpectRequire auth', '');
    for my $place (qw(handler user denied)) {
        my $r = upload(vhost => $server, content => 5000, eager => 1,
            method => 'POST', path => "/tenant/document-$place/x");
        is_deeply [@$r{qw(status closed)}, $r->{witness}{read}], [302, 1, 0],
            "an ErrorDocument elsewhere, $place" or diag explain $r;
    }
}

# A folder, whose file has rules of its own.
{
    my $root = conf_var('documentroot');
    mkpath("$root/document-folder");
    open my $fh, '>', "$root/document-folder/x.txt" or die "x.txt: $!\n";
    my $server = server('/document-folder/', 'DirectoryIndex x.txt',
        "<Directory \"$root/document-folder\">", '<Files x.txt>',
        'SetHandler witness', $max, '</Files>', '</Directory>');
    for my $chunked (0, 1) {
        my $r = upload(vhost => $server, method => 'POST', path => '/a%2Fb',
            chunked => $chunked, content => 5000, eager => 1);
        cmp_ok $r->{witness}{read}, '<=', 10, "a folder, chunked $chunked";
    }
}

# --- what the document gets ------------------------------------------------

for my $path ('/a%2Fb', '/tenant/document-handler/x') {
    my $token = token();
    my $server = server("/cgi/record.cgi?$token",
        '<Location /cgi>', 'ExpectRequire content-length max=10',
        '</Location>');
    upload(vhost => $server, method => 'POST', path => $path,
        content => 1000, eager => 1);
    ok eventually(sub { handed($token, '.end') ne '' }),
        "$path: the document ran";
    is handed($token, '.end'), 0, "$path: it read nothing";
    unlike handed($token, '.env'), qr/^(?:CONTENT_LENGTH|HTTP_EXPECT)=/m,
        "$path: no content is announced to it";
}

done_testing();
