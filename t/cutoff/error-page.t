#!/usr/bin/perl
# ErrorDocument 413, where content is cut off while a handler reads it: no
# other handler runs inside that read. A text or a file is sent; instead of a
# script's page the client gets the module's. A refusal from the head runs the
# script as usual.

use strict;
use warnings;

use lib 't/cutoff', 't/early', 't/other-modules';
use File::Path qw(mkpath);
use Test::More;
use CutOff;
use ExpectTest;
use File;
use OtherModules;
use ModPhp;

my $MAX  = 1000;
my $root = conf_var('documentroot');
my $logs = conf_var('t_logs');
my $fpm  = php_fpm();
my $dir  = "$root/error-page";
my $mark = "$logs/error-page-ran";

# --- the pages -------------------------------------------------------------

sub put {
    my($name, $text) = @_;
    mkpath($dir);
    spew("$dir/$name", $text);
    chmod 0755, "$dir/$name";
}

my $leaves = "open my \$fh, '>>', '$mark'; print \$fh qq(ran\\n); close \$fh;";
put('script.cgi', <<"CGI");
#!/usr/bin/perl
$leaves
print "Content-Type: text/plain\\n\\nthe script\\n";
CGI
put('script.php', "<?php file_put_contents('$mark', 'ran'); "
    . "header('Content-Type: text/plain'); echo \"the script\\n\";\n");
put('script.wsgi', <<"WSGI");
def application(environ, start_response):
    open('$mark', 'a').write('ran\\n')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'the script\\n']
WSGI
put('page.shtml', "the page\n"
    . qq(<!--#include virtual="/error-page/script.cgi" -->\n));
put('file.txt', "the file\n");
put('reads.wsgi', <<'WSGI');
def application(environ, start_response):
    read = len(environ['wsgi.input'].read())
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'read=%d\n' % read]
WSGI

# --- what reads, and what is answered --------------------------------------

my $conf = load('wsgi') . <<"CONF";
WSGISocketPrefix "$logs/error-page-wsgi"
WSGIApplicationGroup %{GLOBAL}
WSGIChunkedRequest On
ErrorDocument 404 default
<Directory "$dir">
    Options ExecCGI Includes
    AddHandler cgi-script .cgi
    AddHandler wsgi-script .wsgi
    AddOutputFilter INCLUDES .shtml
    <Files script.php>
        SetHandler "proxy:@{[ $fpm->url ]}"
    </Files>
</Directory>
ProxyPass "/error-page-proxy/" "http://127.0.0.1:@{[ conf_var('port') ]}/witness/"
RewriteEngine On
RewriteCond %{ENV:REDIRECT_STATUS} =413
RewriteRule "^/error-page-moved\$" "/error-page/script.cgi" [PT]
CONF

my %reader = (
    'the witness' => "SetHandler witness\n",
    'CGI'         => "SetHandler cgi-script\n",
    'mod_wsgi'    => "SetHandler wsgi-script\n",
    'PHP-FPM'     => "SetHandler \"proxy:" . $fpm->url . "\"\n"
        . "SetEnv proxy-sendcl 1\n",
    'DAV'         => "Dav On\n",
);
my %file = ('CGI' => "$root/cgi/read.cgi", 'mod_wsgi' => "$dir/reads.wsgi",
    'PHP-FPM' => "$root/early/read.php", 'DAV' => "$root/dav/error-page");
if (mod_php_fits()) {
    $conf .= load_php() . <<"CONF";
<Location "/error-page/embedded.php">
    SetHandler application/x-httpd-php
</Location>
CONF
    put('embedded.php', "<?php file_put_contents('$mark', 'ran'); "
        . "echo \"the script\\n\";\n");
    $reader{mod_php} = "SetHandler application/x-httpd-php\n";
    $file{mod_php} = "$root/early/read.php";
}

# The page, whether it is answered where content is cut off, and what it says;
# what it says where content is cut off, if that is less.
my @pages = (
    ['a text',        '"the text"',                1, qr/^the text$/],
    ['a file',        '/error-page/file.txt',      1, qr/^the file$/],
    ['CGI',           '/error-page/script.cgi',    0, qr/^the script$/],
    ['PHP-FPM',       '/error-page/script.php',    0, qr/^the script$/],
    ['mod_wsgi',      '/error-page/script.wsgi',   0, qr/^the script$/],
    ['server-parsed', '/error-page/page.shtml',    1, qr/^the script$/m,
        qr/\Athe page\n(?!.*the script)/s],
    ['rewritten',     '/error-page-moved',         0, qr/^the script$/],
    ['a proxy',       '/error-page-proxy/x',       0, qr/^read=0$/],
    ['a handler',     '/witness/page',             0, qr/^read=0$/],
    mod_php_fits()
        ? ['mod_php', '/error-page/embedded.php',  0, qr/^the script$/] : (),
);

my(%place, $n);
for my $reader (sort keys %reader) {
    for my $page (@pages) {
        my $path = $place{$reader}{$page->[0]}
            = sprintf '/error-page-at/%03d', ++$n;
        $conf .= "Alias \"$path\" \"$file{$reader}\"\n" if $file{$reader};
        $conf .= "<Location \"$path\">\n$reader{$reader}"
            . "ErrorDocument 413 $page->[1]\n"
            . "ExpectRequire content-length max=$MAX\n</Location>\n";
    }
}
$conf .= "<Directory \"$root/cgi\">\nOptions ExecCGI\n</Directory>\n";
my $server = own_httpd(conf => $conf);

# These put their own status in the place of the refusal's, with httpd alone,
# too.
my $own = qr/^(?:mod_wsgi|a proxy)$/;

# --- the assertions --------------------------------------------------------

sub ran {
    my $ran = -e $mark;
    unlink $mark;
    return $ran ? 1 : 0;
}

for my $reader (sort keys %reader) {
    for (@pages) {
        my($page, undef, $answered, $says, $less) = @$_;
        my $name = "$reader reads, $page";
        my %o = (vhost => $server, path => $place{$reader}{$page},
            method => $reader eq 'DAV' ? 'PUT' : 'POST', asks => 0);
        ran();
        for my $json (0, $answered ? () : 1) {
            my $r = upload(%o, content => 10 * $MAX, chunked => 1, eager => 1,
                headers => $json ? ['Accept: application/problem+json'] : []);
            my $how = "$name, cut off" . ($json ? ', JSON' : '');
            is $r->{status}, 413, "$how: 413";
            like $r->{headers}{connection}, qr/^close$/i, "$how: close";
            like $r->{body}, $answered ? $less // $says
                : qr/content of unknown length exceeded max=$MAX/,
                "$how: the answer";
            like $r->{headers}{'content-type'}, qr{^application/problem\+json},
                "$how: the type" if $json;
        }
        is ran(), 0, "$name, cut off: no script has run";

        my $r = upload(%o, content => 10 * $MAX);
        is $r->{status}, $page =~ $own ? 200 : 413,
            "$name, from the head: the status";
        like $r->{body}, $says, "$name, from the head: the page";
        is ran(), $says =~ /script/ ? 1 : 0,
            "$name, from the head: what has run";
    }
}

done_testing();
