#!/usr/bin/perl
# Whatever leads a request to its target does so once, and leaves behind what
# access control, scripts, answers and logs need: named groups, variables,
# cookies. With the module, and with a quick handler beside it, requests with
# content are answered as they are without it.

use strict;
use warnings;

use lib 't/house', 't/mapping';
use Test::More;
use Mapping;

my $CGI = env_cgi();
my @ALL = ('POST', 'POST, asked', 'POST, chunked', 'PUT', 'PUT, asked',
    'PUT, chunked, asked');
my $FROZEN = q{Require expr "%{env:MATCH_PROJECT} != 'frozen'"};

sub section {
    my($kind, $argument, @lines) = @_;
    return join "\n", "<$kind \"$argument\">", @lines, "</$kind>";
}

# mod_rewrite's flags: what the last of these places says. %s is what a pattern
# begins with there, and what a path does.
my %RULE = (
    PT  => ['RewriteRule %1$s /to/env.x/pt [PT]', qr/^PATH_INFO=\/pt$/m],
    H   => ['RewriteRule %1$sother$ - [H=witness-env]',
            qr/^SCRIPT_NAME=\S+other$/m],
    E   => ['RewriteRule %1$s - [E=SEEN:%%{REQUEST_METHOD}]', qr/^SEEN=POST$/m],
    CO  => ['RewriteRule %1$s - [CO=node:a:localhost]',
            qr/^set-cookie: node=a;.*^access: .*"node=a;/ms],
    P   => ['RewriteRule %1$s http://127.0.0.1:${ORIGIN_PORT}/to/env.x/p [P]',
            qr/^PATH_INFO=\/p$/m],
    R   => ['RewriteRule %1$s /elsewhere [R]', qr/^HTTP\S+ 302 /m],
    L   => ["RewriteRule %1\$sother\$ %2\$senv.x [L]\n"
            . 'RewriteRule %1$sother - [F]', qr/^read=5$/m],
    F   => ['RewriteRule %1$s - [F]', qr/^HTTP\S+ 403 /m],
    G   => ['RewriteRule %1$s - [G]', qr/^HTTP\S+ 410 /m],
    map => ['RewriteRule %1$s /to/env.x/${calls:%%{HTTP:X-Witness}} [PT]',
            qr/^PATH_INFO=\/counted\n.*^calls: RewriteMap$/ms],
);

sub rewriting {
    my($where, $flag) = @_;
    my $folder = "rw-$where-$flag";
    my($rule, $shows) = @{ $RULE{$flag} };
    my $server = $where eq 'server';
    my $file = $flag =~ /^[HL]$/ ? 'other' : $flag eq 'CO' && $server ? 'env.cgi'
             : 'env.x';
    my $text = sprintf "RewriteEngine On\n$rule\n",
        $server ? "^/$folder/" : '^', $server ? "/$folder/" : '';
    return {
        name => "RewriteRule, $flag, $where", path => "/$folder/$file",
        h2 => $flag eq 'CO' && $server,
        files => { "htdocs/$folder/env.x" => '',
            "htdocs/$folder/env.cgi" => $CGI, "htdocs/$folder/other" => '',
            $where eq '.htaccess' ? ("htdocs/$folder/.htaccess" => $text) : () },
        conf => $server ? $text : $where eq 'Directory'
            ? section('Directory', "\${ROOT}/htdocs/$folder", $text) : '',
        shows => $shows,
    };
}

# A named group of a section, and what uses it: once for a project that is
# frozen, and once for one that is not.
sub groups {
    my($name, $prefix, $conf, %shows) = @_;
    return map { { name => "$name, $_", path => "/$prefix/$_/env.x",
        conf => $_ eq 'frozen' ? $conf : '', h2 => $prefix eq 'repo',
        files => { "htdocs/$prefix/$_/env.x" => '' }, shows => $shows{$_},
        requests => ['POST', 'POST, asked', 'PUT, chunked'] }
    } sort keys %shows;
}

my %DENIES = (frozen => qr/^HTTP\S+ 403 /m, open => qr/^MATCH_PROJECT=open$/m);

# What is stored, or not, in a DAV folder.
sub stored {
    my($name, $prefix, $conf) = @_;
    my $dav = section('Directory', "\${ROOT}/htdocs/$prefix", 'Dav On');
    return map { { name => "$name, a DAV PUT, $_",
        path => "/$prefix/$_/$_-%d.txt", requests => ['PUT', 'PUT, asked',
            'PUT, chunked, asked', 'POST'],
        conf => $_ eq 'frozen' ? "$dav\n$conf" : '',
        h2 => $prefix eq 'dav-lm',
        files => { map { $_ => "stays\n" } "htdocs/$prefix/$_/$_-1.txt",
            "htdocs/$prefix/$_/$_-2.txt" },
        shows => $_ eq 'frozen'
            ? qr/\A(?=.*^stored: stays$).*^HTTP\S+ 403 .*^stored: nothing$/ms
            : qr/\A(?=.*^HTTP\S+ 204 ).*^HTTP\S+ 201 .*^stored: hello$/ms,
    } } qw(frozen open);
}

my @FACILITIES = (
    # aliases
    { name => 'Alias', path => '/alias/env.x/a%20b?c=d', h2 => 1,
      requests => \@ALL, conf => 'Alias /alias/ "${ROOT}/to/"',
      shows => qr{^PATH_INFO=/a b\n.*^read=5$}ms },
    { name => 'AliasMatch', path => '/aliasm/a.x',
      conf => 'AliasMatch ^/aliasm/(.*)\.x$ "${ROOT}/to/env.x/$1"',
      shows => qr{^PATH_INFO=/a$}m },
    { name => 'ScriptAlias', path => '/sa/env.cgi/a',
      conf => 'ScriptAlias /sa/ "${ROOT}/to/"', requests => \@ALL,
      shows => qr{^SCRIPT_NAME=/sa/env\.cgi$}m },
    { name => 'ScriptAliasMatch', path => '/sam/a/env.cgi',
      conf => 'ScriptAliasMatch ^/sam/\w+/(.*)$ "${ROOT}/to/$1"',
      shows => qr{^SCRIPT_NAME=/sam/a/env\.cgi$}m },
    { name => 'Redirect', path => '/moved/x', conf => 'Redirect /moved /there',
      shows => qr{^HTTP\S+ 302 }m },
    { name => 'UserDir', path => '/~bob/env.x',
      conf => 'UserDir "${ROOT}/users/*/www"',
      files => { 'users/bob/www/env.x' => '' },
      shows => qr{^SCRIPT_FILENAME=ROOT/users/bob/www/env\.x$}m },
    { name => 'VirtualDocumentRoot', path => '/env.x', host => 'a.v.example',
      files => { 'vhosts/a.v.example/docs/env.x' => '' }, h2 => 1,
      shows => qr{^SCRIPT_FILENAME=ROOT/vhosts/a\.v\.example/docs/}m },
    { name => 'VirtualScriptAlias', path => '/cgi-bin/env.cgi',
      host => 'a.v.example',
      files => { 'vhosts/a.v.example/scripts/env.cgi' => $CGI },
      shows => qr{^SCRIPT_FILENAME=ROOT/vhosts/a\.v\.example/scripts/}m },

    # files, and what is none
    { name => 'a static file', path => '/file.txt', h2 => 1,
      files => { 'htdocs/file.txt' => "a file\n" },
      requests => [@ALL, 'GET with content'], shows => qr{^HTTP\S+ 405 }m },
    { name => 'nothing there', path => '/nothing', shows => qr{^HTTP\S+ 40[45] }m },

    # named groups
    groups('LocationMatch, Require expr', 'repo', section('LocationMatch',
        '^/repo/(?<project>[^/]+)', $FROZEN), %DENIES),
    groups('DirectoryMatch, Require expr', 'dm', section('DirectoryMatch',
        '^${ROOT}/htdocs/dm/(?<project>[^/]+)', $FROZEN), %DENIES),
    groups('FilesMatch, Require expr', 'fm', section('Directory',
        '${ROOT}/htdocs/fm', section('FilesMatch', '^(?<project>\w+)\.x$',
        q{Require expr "%{env:MATCH_PROJECT} == 'env'"})),
        open => qr/^MATCH_PROJECT=env$/m, frozen => qr/^MATCH_PROJECT=env$/m),
    groups('LocationMatch, Header', 'header', section('LocationMatch',
        '^/header/(?<project>[^/]+)',
        'Header always set X-Project "%{MATCH_PROJECT}e"'),
        frozen => qr/^x-project: frozen$/m, open => qr/^x-project: open$/m),
    groups('LocationMatch, RequestHeader', 'rheader', section('LocationMatch',
        '^/rheader/(?<project>[^/]+)',
        'RequestHeader set X-Project "%{MATCH_PROJECT}e"'),
        frozen => qr/^HTTP_X_PROJECT=frozen$/m,
        open => qr/^HTTP_X_PROJECT=open$/m),
    groups('LocationMatch, SetEnvIf', 'senvif', section('LocationMatch',
        '^/senvif/(?<project>[^/]+)', 'SetEnvIf MATCH_PROJECT ^frozen$ COLD',
        '<RequireAll>', 'Require all granted', 'Require not env COLD',
        '</RequireAll>'), %DENIES),
    groups('LocationMatch, <If>', 'if', section('LocationMatch',
        '^/if/(?<project>[^/]+)', section('If',
        "%{env:MATCH_PROJECT} == 'frozen'", 'Require all denied')), %DENIES),
    groups('DirectoryMatch, ErrorDocument', 'ed', section('DirectoryMatch',
        '^${ROOT}/htdocs/ed/(?<project>[^/]+)', $FROZEN,
        'ErrorDocument 403 /to/env.x/denied'),
        frozen => qr/^HTTP\S+ 403 .*^REDIRECT_MATCH_PROJECT=frozen$/ms,
        open => qr/^MATCH_PROJECT=open$/m),
    stored('LocationMatch', 'dav-lm', section('LocationMatch',
        '^/dav-lm/(?<project>[^/]+)', $FROZEN)),
    stored('DirectoryMatch', 'dav-dm', section('DirectoryMatch',
        '^${ROOT}/htdocs/dav-dm/(?<project>[^/]+)', $FROZEN)),
    stored('FilesMatch', 'dav-fm', section('Directory',
        '${ROOT}/htdocs/dav-fm', section('FilesMatch',
        '^(?<project>\w+)-\d+\.txt$', $FROZEN))),

    # mod_rewrite
    (map { my $where = $_; map { rewriting($where, $_) } sort keys %RULE }
        'server', 'Directory', '.htaccess'),

    # where httpd goes on to
    { name => 'MultiViews', path => '/mv/page',
      files => { 'htdocs/mv/page.x.en' => '', 'htdocs/mv/.htaccess' =>
          "Options +MultiViews\nMultiviewsMatch Any\nAddLanguage en .en\n" },
      shows => qr{^SCRIPT_NAME=/mv/page\.x\.en$}m },
    { name => 'DirectoryIndex', path => '/index/', h2 => 1,
      files => { 'htdocs/index/env.cgi' => $CGI,
          'htdocs/index/.htaccess' => "DirectoryIndex no.cgi env.cgi\n" },
      shows => qr/^read=5$/m },
    { name => 'DirectorySlash', path => '/index', shows => qr{^HTTP\S+ 301 }m },
    { name => 'FallbackResource', path => '/fb/a/b', h2 => 1,
      files => { 'htdocs/fb/env.x' => '',
          'htdocs/fb/.htaccess' => "FallbackResource /fb/env.x\n" },
      shows => qr/^read=5$/m },
    { name => 'Action', path => '/act/x', conf => section('Location', '/act/',
        'SetHandler act', 'Action act /to/env.x virtual'),
      shows => qr{^PATH_INFO=/act/x$}m },
    { name => 'Script', path => '/script/file.txt',
      files => { 'htdocs/script/file.txt' => "a file\n" },
      conf => section('Directory', '${ROOT}/htdocs/script',
          'Script PUT /to/env.x', 'Script POST /to/env.x'),
      shows => qr{^PATH_INFO=/script/file\.txt$}m },
    { name => 'CheckSpelling', path => '/spell/evn.cgi',
      requests => ['GET with content', 'POST', 'PUT, asked'],
      files => { 'htdocs/spell/env.cgi' => $CGI,
          'htdocs/spell/.htaccess' => "CheckSpelling On\n" },
      shows => qr{^location: \S+/spell/env\.cgi$}m },
    { name => 'ProxyPass', path => '/pp/env.x/a', h2 => 1,
      conf => 'ProxyPass /pp/ http://127.0.0.1:${ORIGIN_PORT}/to/ '
          . 'disablereuse=on',
      shows => qr{^PATH_INFO=/a$}m },
    { name => 'ProxyPassMatch', path => '/ppm/a',
      conf => 'ProxyPassMatch ^/ppm/(.*)$ '
          . 'http://127.0.0.1:${ORIGIN_PORT}/to/env.x/$1 disablereuse=on',
      shows => qr{^PATH_INFO=/a$}m },
    { name => 'ProxyPass in <LocationMatch>', path => '/ppl/a',
      conf => section('LocationMatch', '^/ppl/(?<project>\w+)',
          'ProxyPass http://127.0.0.1:${ORIGIN_PORT}/to/env.x disablereuse=on',
          'RequestHeader set X-Project "%{MATCH_PROJECT}e"'),
      shows => qr{^HTTP_X_PROJECT=a$}m },

    # variables, nested .htaccess files, conditions
    { name => 'SetEnvIf', path => '/setenvif/env.x',
      files => { 'htdocs/setenvif/env.x' => '' },
      conf => "SetEnvIf Request_URI ^/setenvif/ SEEN=server\n"
          . section('Location', '/setenvif', 'SetEnvIf SEEN (.*) AGAIN=$1'),
      shows => qr{^AGAIN=server$}m },
    { name => 'nested .htaccess files', path => '/nest/a/env.x',
      files => { 'htdocs/nest/a/env.x' => '',
          'htdocs/nest/.htaccess' => "SetEnvIf Request_URI (\\w+) OUTER=\$1\n"
              . "Header always add X-Nested outer\n",
          'htdocs/nest/a/.htaccess' => section('FilesMatch',
              '^(?<project>\w+)\.x$', 'SetEnvIf MATCH_PROJECT (.*) INNER=$1',
              'Header always add X-Nested "%{MATCH_PROJECT}e"') . "\n" },
      shows => qr{^x-nested: outer, env\n.*^INNER=env\n.*^OUTER=nest$}ms },
    { name => '<If>', path => '/cond/env.x', h2 => 1,
      files => { 'htdocs/cond/env.x' => '' },
      conf => section('Location', '/cond/', section('If',
          q{%{REQUEST_METHOD} == 'POST' && -f %{REQUEST_FILENAME}},
          'SetEnvIf Request_Method (.*) SHORT=$1',
          'Header set X-Short yes')),
      shows => qr{^x-short: yes\n.*^SHORT=POST$}ms },
    { name => 'Basic, a named group', path => '/login/alice/env.x',
      headers => ['Authorization: Basic YWxpY2U6c2VjcmV0'],
      files => { 'htdocs/login/alice/env.x' => '' },
      conf => section('LocationMatch', '^/login/(?<project>[^/]+)',
          'AuthType Basic', 'AuthName basic', 'AuthBasicProvider witness',
          '<RequireAll>', 'Require valid-user',
          'Require expr "%{env:MATCH_PROJECT} == %{REMOTE_USER}"',
          '</RequireAll>'),
      shows => qr{^REMOTE_USER=alice\n.*^witness: .*authn=1}ms },
);

same_as_without(\@FACILITIES);

done_testing();
