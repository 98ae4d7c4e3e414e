#!/usr/bin/perl
# The rule handler where the URL is moved to another target: rewriting in
# .htaccess, FallbackResource, DirectoryIndex. The handler of the final target
# counts.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $root = conf_var('documentroot');
my $fpm = php_fpm();
my $n = 0;

# A section below /front/ with a script, a file and a folder.
sub front {
    my $dir = 'front/handler-' . ++$n;
    section_at($dir, 'ExpectRequire handler', @_);
    link "$root/cgi/read.cgi", "$root/$dir/index.cgi"
        or die "$dir/index.cgi: $!\n";
    link "$root/static/file.txt", "$root/$dir/index.html"
        or die "$dir/index.html: $!\n";
    link "$root/php/record.php", "$root/$dir/index.php"
        or die "$dir/index.php: $!\n";
    mkdir "$root/$dir/folder";
    return "/$dir";
}

my @rewrite = ('RewriteEngine On', 'RewriteCond %{REQUEST_FILENAME} !-f');
my $php = '<Files *.php>' . "\n" . 'SetHandler "proxy:' . $fpm->url
    . qq("\n</Files>);

# what it shows; .htaccess; the path; whether it passes
# mod_rewrite's own, which anybody can name.
my $redirect = httpd_at_least('2.5') ? 'rewrite-redirect-handler'
                                     : 'redirect-handler';
my @cases = (
    ['to a script', [@rewrite, 'RewriteRule ^ index.cgi [L]'],
        'some/where', 1],
    ['to a script, past a file', [@rewrite, 'RewriteRule ^ index.cgi [L]'],
        'index.html', 0],
    ['to a script, the script itself',
        [@rewrite, 'RewriteRule ^ index.cgi [L]'], 'index.cgi', 1],
    ['to a script, the folder', [@rewrite, 'RewriteRule ^ index.cgi [L]'],
        '', 1],
    ['to a file', [@rewrite, 'RewriteRule ^ index.html [L]'],
        'some/where', 0],
    ['to another file that is not there',
        [@rewrite, 'RewriteRule ^ none.html [L]'], 'some/where', 0],
    ['of a script to a file', ['RewriteEngine On',
        'RewriteRule cgi$ index.html [L]'], 'index.cgi', 0],
    ['of a file to a script', ['RewriteEngine On',
        'RewriteRule html$ index.cgi [L]'], 'index.html', 1],
    ['to PHP-FPM', [@rewrite, 'RewriteRule ^ index.php [L]', $php],
        'some/where', 1],
    ['to the witness', ['RewriteEngine On', 'RewriteRule ^ /witness/x [L]'],
        'some/where', 1],
    ['with END', [@rewrite, 'RewriteRule ^ index.cgi [END]'],
        'some/where', 1],
    ['with H=', ['RewriteEngine On', 'RewriteRule ^ - [H=witness]'],
        'some/where', 1],
    ['to nothing else', ['RewriteEngine On', 'RewriteRule ^ - [E=x:1]'],
        'some/where', 0],
    ['FallbackResource, a script',
        ["FallbackResource /front/handler-%d/index.cgi"], 'some/where', 1],
    ['FallbackResource, a file',
        ["FallbackResource /front/handler-%d/index.html"], 'some/where', 0],
    ['Action, by a type of its own', ['ForceType application/x-httpd-read',
        'Action application/x-httpd-read /cgi/read.cgi'], 'index.html', 1],
    ['to a redirect that is none', ["SetHandler $redirect"],
        'index.html', 0],
    # Only a handler's name shows it.
    ['Action, by the type of a file', ['Action text/html /cgi/read.cgi'],
        'index.html', 0],
    ['DirectoryIndex, a script', ['DirectoryIndex index.cgi'], '', 1],
    ['DirectoryIndex, a file', ['DirectoryIndex index.html'], '', 0],
    ['DirectoryIndex, the first that is there',
        ['DirectoryIndex none.cgi index.html index.cgi'], '', 0],
    ['DirectoryIndex, PHP-FPM', ['DirectoryIndex index.php', $php], '', 1],
    ['DirectoryIndex, none', ['DirectoryIndex disabled'], '', 0],
);

for (@cases) {
    my($name, $lines, $path, $passes) = @$_;
    my $next = $n + 1;
    my $dir = front(map { s/%d/$next/r } @$lines);
    my %o = (method => 'POST', path => "$dir/$path?" . token(),
        content => 1000);
    if ($passes) {
        admitted_ok("$name: passes", \%o, status => 200);
    }
    else {
        refused_ok("$name: refused", \%o, status => 405, asked_status => 417,
            rule => 'handler', headers => { allow => qr/\bGET\b/ });
    }
}

done_testing();
