#!/usr/bin/perl
# The rule handler for everything that may take content: httpd's own file
# handler, which is known in advance to answer 405, and the others.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;
use lib 't/cutoff';
use CutOff;

my $root = conf_var('documentroot');

sub folder { return section_in(@_) =~ s{^/(.*)/x$}{$1}r }

sub script {
    my($dir, $name, $from) = @_;
    link "$root/$from", "$root/$dir/$name" or die "$dir/$name: $!\n";
    return "/$dir/$name";
}

sub file {
    my($dir, $name) = @_;
    spew("$root/$dir/$name", "a file\n");
    return "/$dir/$name";
}

my $rule = 'ExpectRequire handler';
my %refusal = (rule => 'handler', headers => { allow => qr/\bGET\b/ });

# --- only the file handler would take it -----------------------------------

{
    my $dir = folder('static', $rule);
    my @paths = (
        ['a file', file($dir, 'file.txt')],
        ['no file', "/$dir/none.txt"],
        ['a path behind a file', "/$dir/file.txt/behind"],
        ['a folder', "/$dir/"],
        ['no folder', "/$dir/none/none"],
        ['unmapped', '/handler-nowhere/x'],
    );
    for my $method (qw(PUT POST)) {
        for (@paths) {
            my($name, $path) = @$_;
            refused_ok("$method, $name", { method => $method, path => $path,
                content => 1000 }, status => 405, asked_status => 417,
                %refusal);
        }
        refused_ok("$method, chunked", { method => $method,
            path => "/$dir/file.txt", content => 1000, chunked => 1 },
            status => 405, asked_status => 417, %refusal);
    }
    my $r = upload(path => "/$dir/file.txt", content => 9);
    unlike $r->{headers}{allow}, qr/PUT|POST/, 'Allow names neither';
    is upload(method => 'GET', path => "/$dir/file.txt")->{status}, 200,
        'GET as usual';
    $r = upload(method => 'POST', path => "/$dir/file.txt");
    is $r->{witness}{verdict}, '-', 'POST without content is not judged';
}
for my $handler (qw(default-handler none)) {
    my $dir = folder('static', $rule, "SetHandler $handler");
    refused_ok("SetHandler $handler", { path => file($dir, 'file.txt'),
        content => 9 }, status => 405, asked_status => 417, %refusal);
}

# --- somebody else does ----------------------------------------------------

{
    my $dav = folder('dav', $rule);
    my $cgi = script(folder('cgi', $rule), 'x.cgi', 'cgi/read.cgi');
    my $fpm = php_fpm();
    my $php = script(folder('php', $rule,
        'SetHandler "proxy:' . $fpm->url . '"'), 'x.php', 'php/record.php');
    my @others = (
        ['DAV', 'PUT', "/$dav/new.txt", [201, 204]],
        ['CGI', 'POST', $cgi, 200],
        ['CGI', 'PUT', $cgi, 200],
        ['a proxy', 'POST', '/handler-proxy/x', 200],
        ['PHP-FPM', 'POST', "$php?" . token(), 200],
        # before 2.4.47 ProxyPassMatch loses the socket where it has a $1
        httpd_at_least('2.4.47') ? ['PHP-FPM, ProxyPassMatch', 'PUT',
            '/fpm-match/record.php?' . token(), 200] : (),
        ['the witness', 'PUT', '/' . folder('tenant', $rule) . '/x', 200],
        ['a handler that does not block', 'PUT', '/handler-nonblock/x', 200],
        ['an Action', 'POST', '/handler-action/x', 200],
    );
    for (@others) {
        my($name, $method, $path, $status) = @$_;
        admitted_ok("$name, $method", { method => $method, path => $path,
            content => 1000 }, status => $status);
    }
    # mod_actions' Script names no handler: it goes by the method
    refused_ok('a Script', { path => '/handler-script/x', content => 9 },
        status => 405, asked_status => 417, rule => 'handler');
    refused_ok('DAV, POST', { method => 'POST', path => file($dav, 'f.txt'),
        content => 9 }, status => 405, asked_status => 417,
        rule => 'handler');
}

# Those that do not read are taken for what they are, too.
for my $h2 (0, has_h2() ? 1 : ()) {
    for my $path ('/handler-status', '/handler-lazy/x') {
        my $r = upload(method => 'POST', path => $path, content => 9,
            h2 => $h2, eager => 1);
        is $r->{witness}{verdict}, 'continue', "$path passes"
            . ($h2 ? ', HTTP/2' : '') or diag explain $r;
    }
}

# --- by name ---------------------------------------------------------------

{
    my $named = 'ExpectRequire handler cgi-script dav-handler';
    admitted_ok('named: CGI', { method => 'POST', content => 9,
        path => script(folder('cgi', $named), 'x.cgi', 'cgi/read.cgi') },
        status => 200);
    admitted_ok('named: DAV', { content => 9,
        path => '/' . folder('dav', $named) . '/new.txt' },
        status => [201, 204]);
    my @no = (
        ['the witness', '/' . folder('tenant', $named) . '/x'],
        ['a file', file(folder('static', $named), 'file.txt')],
        ['no file', '/' . folder('static', $named) . '/none.txt'],
        ['a part of the name',
            script(folder('cgi', 'ExpectRequire handler cgi'), 'x.cgi',
                'cgi/read.cgi')],
    );
    for (@no) {
        my($name, $path) = @$_;
        refused_ok("named: not $name", { path => $path, content => 9 },
            status => 405, asked_status => 417, rule => 'handler');
    }

    # Turned round. (Over HTTP/2 httpd's own 405 comes without a 100.)
    my $not = 'ExpectRequire not handler';
    admitted_ok('not handler: a file', { content => 9,
        path => file(folder('static', $not), 'file.txt') }, status => 405,
        h2 => 0);
    refused_ok('not handler: CGI', { content => 9, method => 'POST',
        path => script(folder('cgi', $not), 'x.cgi', 'cgi/read.cgi') },
        status => 405, asked_status => 417, rule => 'handler');
    admitted_ok('not handler cgi-script: the witness', { content => 9,
        path => '/' . folder('tenant', "$not cgi-script") . '/x' },
        status => 200);
    refused_ok('not handler cgi-script: CGI', { content => 9,
        path => script(folder('cgi', "$not cgi-script"), 'x.cgi',
            'cgi/read.cgi') },
        status => 405, asked_status => 417, rule => 'handler');

    my @any = ('<ExpectRequireAny>', $rule, 'ExpectRequire header X-Yes',
        '</ExpectRequireAny>');
    my $path = file(folder('static', @any), 'file.txt');
    admitted_ok('or another rule', { path => $path, content => 9,
        headers => ['X-Yes: 1'] }, status => 405, h2 => 0);
    refused_ok('nor another rule', { path => $path, content => 9 },
        status => 405, asked_status => 417);
}

# --- the answer ------------------------------------------------------------

refused_ok('ExpectStatus specific', { content => 9,
    path => file(folder('static', $rule, 'ExpectStatus specific'), 'f.txt') },
    status => 405, %refusal);
refused_ok('ErrorDocument', { content => 9,
    path => file(folder('static', $rule, 'ErrorDocument 405 "no way"',
        'ErrorDocument 417 "no way"'), 'f.txt') },
    status => 405, asked_status => 417, %refusal, body => qr/^no way$/);
my $text = upload(method => 'GET', path => '/static/file.txt')->{body};
refused_ok('ErrorDocument, a file', { content => 9, asks => 0,
    path => file(folder('static', $rule, 'ErrorDocument 405 /static/file.txt'),
        'f.txt') }, status => 405, %refusal, body => qr/^\Q$text\E$/);
refused_ok('ErrorDocument, a script', { content => 1000, asks => 0,
    path => file(folder('static', $rule, 'ErrorDocument 405 /cgi/read.cgi'),
        'f.txt') }, status => 405, rule => 'handler', body => qr/^read=0$/);

done_testing();
