package Facilities;

=head1 NAME

Facilities - what leads a request to its target, for same_as_without()

=head1 FUNCTIONS

=over

=item facilities()

All of them: aliases, sections with named groups, mod_rewrite, where httpd goes
on to from a target, proxies, variables. Each is what Mapping.pm describes.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest qw(basic_auth);
use Mapping;

our @EXPORT = qw(facilities);

my $CGI = env_cgi();
my @ALL = ('POST', 'POST, asked', 'POST, chunked', 'PUT', 'PUT, asked',
    'PUT, chunked, asked');
my $FROZEN = q{Require expr "%{env:MATCH_PROJECT} != 'frozen'"};

sub section {
    my($kind, $argument, @lines) = @_;
    return join "\n", "<$kind \"$argument\">", @lines, "</$kind>";
}

# mod_rewrite's flags, and what shows that each worked. %1$s is what a pattern
# begins with, and %2$s what a path does.
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
    my $file = $flag =~ /^[HL]$/ ? 'other'
        : $flag eq 'CO' && $server ? 'env.cgi' : 'env.x';
    my $text = sprintf "RewriteEngine On\n$rule\n",
        $server ? "^/$folder/" : '^', $server ? "/$folder/" : '';
    return {
        name => "RewriteRule, $flag, $where", path => "/$folder/$file",
        h2 => $flag eq 'CO' && $server,
        files => { "htdocs/$folder/env.x" => '',
            "htdocs/$folder/env.cgi" => $CGI, "htdocs/$folder/other" => '',
            $where eq '.htaccess' ? ("htdocs/$folder/.htaccess" => $text)
                                  : () },
        conf => $server ? $text : $where eq 'Directory'
            ? section('Directory', "\${ROOT}/htdocs/$folder", $text) : '',
        shows => $shows,
    };
}

# Sections with a named group, for a path /%1$s/<project>/<project>.x: how they
# begin and end.
my %SECTION = (
    LocationMatch  => ['<LocationMatch "^/%1$s/(?<project>[^/]+)">',
        '</LocationMatch>'],
    DirectoryMatch => ['<DirectoryMatch "^${ROOT}/htdocs/%1$s/'
        . '(?<project>[^/]+)">', '</DirectoryMatch>'],
    FilesMatch     => ["<Directory \"\${ROOT}/htdocs/%1\$s\">\n"
        . '<FilesMatch "^(?<project>[a-z]+)(?:-\d+)?\.\w+$">',
        "</FilesMatch>\n</Directory>"],
);

sub grouping {
    my($kind, $prefix, @lines) = @_;
    my($begin, $end) = @{ $SECTION{$kind} };
    return join "\n", sprintf($begin, $prefix), @lines, $end;
}

# What uses the group, and what that shows for a project that is frozen. For one
# that is not, the group is there.
my %USE = (
    'Require expr'  => [[$FROZEN], qr/^HTTP\S+ 403 /m],
    'Header'        => [['Header always set X-Project "%{MATCH_PROJECT}e"'],
                        qr/^x-project: frozen$/m],
    'RequestHeader' => [['RequestHeader set X-Project "%{MATCH_PROJECT}e"'],
                        qr/^HTTP_X_PROJECT=frozen$/m],
    'SetEnvIf'      => [['SetEnvIf MATCH_PROJECT ^frozen$ COLD',
                         '<RequireAll>', 'Require all granted',
                         'Require not env COLD', '</RequireAll>'],
                        qr/^HTTP\S+ 403 /m],
    '<If>'          => [[section('If', "%{env:MATCH_PROJECT} == 'frozen'",
                         'Require all denied')], qr/^HTTP\S+ 403 /m],
    'ErrorDocument' => [[$FROZEN, 'ErrorDocument 403 /to/env.x/denied'],
                        qr/^HTTP\S+\ 403\ .*
                           ^REDIRECT_MATCH_PROJECT=frozen$/msx],
);

sub groups {
    my($kind, $use) = @_;
    my $prefix = lc "$kind-$use" =~ s/\W+/-/gr;
    my($lines, $shows) = @{ $USE{$use} };
    return map { { name => "$kind, $use, $_", path => "/$prefix/$_/$_.x",
        conf => $_ eq 'frozen' ? grouping($kind, $prefix, @$lines) : '',
        h2 => $use eq 'Require expr', requests => ['POST, asked',
            'PUT, chunked'], files => { "htdocs/$prefix/$_/$_.x" => '' },
        shows => $_ eq 'frozen' ? $shows : qr/^MATCH_PROJECT=open$/m }
    } 'frozen', 'open';
}

# What is stored, or not, in a DAV folder.
sub stored {
    my($kind) = @_;
    my $prefix = "dav-$kind";
    my $conf = section('Directory', "\${ROOT}/htdocs/$prefix", 'Dav On')
        . "\n" . grouping($kind, $prefix, $FROZEN);
    return map { { name => "$kind, a DAV PUT, $_",
        path => "/$prefix/$_/$_-%d.txt", requests => ['PUT', 'PUT, asked',
            'PUT, chunked, asked', 'POST'],
        conf => $_ eq 'frozen' ? $conf : '', h2 => $kind eq 'LocationMatch',
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
    { name => 'nothing there', path => '/nothing',
      shows => qr{^HTTP\S+ 40[45] }m },

    # named groups
    (map { my $kind = $_; stored($kind), map { groups($kind, $_) }
        sort keys %USE } sort keys %SECTION),

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
      headers => [basic_auth('alice')],
      files => { 'htdocs/login/alice/env.x' => '' },
      conf => section('LocationMatch', '^/login/(?<project>[^/]+)',
          'AuthType Basic', 'AuthName basic', 'AuthBasicProvider witness',
          '<RequireAll>', 'Require valid-user',
          'Require expr "%{env:MATCH_PROJECT} == %{REMOTE_USER}"',
          '</RequireAll>'),
      shows => qr{^REMOTE_USER=alice\n.*^witness: .*authn=1}ms },
);

sub facilities { return @FACILITIES }

1;
