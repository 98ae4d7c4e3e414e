#!/usr/bin/perl
# A request that announced no content has none, whatever fields an .htaccess
# adds and whichever module reads: nobody gets a byte, scripts get no length,
# and what the client sent after the head is the next request.

use strict;
use warnings;

use lib 't/other-modules', 't/cutoff';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use CutOff;

my $root  = conf_var('documentroot');
my $logs  = conf_var('t_logs');
my $fpm   = php_fpm();
my $state = "$logs/own-none";
mkdir $state or die "$state: $!\n";

sub write_text {
    my($file, $text) = @_;
    spew($file, $text);
}

my $lua = "$logs/none-$$.lua";
write_text($lua, <<'LUA');
require 'apache2'

function announce(r)
    r.headers_in['Content-Length'] = '3000000'
    return apache2.DECLINED
end

function read_early(r)
    r:requestbody()
    return apache2.DECLINED
end

function handle(r)
    local content = r:requestbody() or ''
    r.content_type = 'text/plain'
    r:puts('read=' .. #content .. '\n')
    return apache2.OK
end
LUA

# --- the places ------------------------------------------------------------

# Those below /sent/ruled have the administrator's rules; below /sent/free there
# are none, and below /sent/target for the files *.cgi and *.php only.
sub conf {
    my(@rules) = @_;
    my $rules = join "\n", '<IfModule expect_module>', @rules, '</IfModule>';
    return load(qw(unique_id security2 fcgid lua)) . <<"CONF";
FcgidIPCDir "$state"
FcgidProcessTableFile "$state/table-@{[scalar @rules]}-@{[length $rules]}"
SecRuleEngine Off
SecAuditEngine Off
SecTmpDir "$logs"
SecDataDir "$logs"
<Directory "$root/sent">
    Options ExecCGI FollowSymLinks MultiViews
    AllowOverride All
    AddHandler cgi-script .cgi
    AddHandler fcgid-script .fcgi
</Directory>
<Directory "$root/sent/ruled">
$rules
</Directory>
<Directory "$root/sent/target">
    <Files "*.cgi">
$rules
    </Files>
</Directory>
<Directory "$root/sent/ruled/dav">
    Dav On
</Directory>
<Location /sent/ruled/security>
    SecRuleEngine On
    SecRequestBodyAccess On
    SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
</Location>
<Directory "$root/sent/ruled/script">
    Script POST /sent/free/cgi/record.cgi
</Directory>
<Location /sent-proxy>
$rules
    ProxyPass http://127.0.0.1:\${ORIGIN_PORT}/witness
    RequestHeader edit X-Witness ^ origin-
    RequestHeader set Content-Length 3000000
    RequestHeader set Transfer-Encoding chunked
</Location>
CONF
}

for my $dir (qw(ruled/cgi ruled/fcgid ruled/php ruled/action ruled/rewrite
    ruled/fallback ruled/document target/index target/fallback
    target/views free/cgi)) {
    mkpath("$root/sent/$dir");
    link "$root/cgi/record.cgi", "$root/sent/$dir/record.cgi"
        or die "$dir: $!\n";
}
link "$root/fcgid/record.fcgi", "$root/sent/ruled/fcgid/record.fcgi"
    or die "record.fcgi: $!\n";
link "$root/php/record.php", "$root/sent/ruled/php/record.php"
    or die "record.php: $!\n";
mkpath("$root/sent/ruled/$_") for qw(dav lua);
link $lua, "$root/sent/ruled/lua/x.lua" or die "x.lua: $!\n";

# what it shows; the directory; the rest of the path; lines of its .htaccess;
# TOKEN stands for what the script writes down under. Optional: only these
# methods; the status, if it is not 200; silent: no reader says what it read;
# origin: the witness behind a proxy, which sees the request as well.
my @places = (
    ['the witness', 'ruled/witness', 'x', ['SetHandler witness']],
    ['a reader that does not block', 'ruled/nonblock', 'x',
        ['SetHandler witness-nonblock']],
    ['CGI', 'ruled/cgi', 'record.cgi?TOKEN', []],
    ['DAV', 'ruled/dav', 'TOKEN', [], methods => [qw(PUT)],
        status => [201, 204], silent => 1],
    ['PHP-FPM', 'ruled/php', 'record.php?TOKEN', ['<Files *.php>',
        'SetHandler "proxy:' . $fpm->url . '"', '</Files>']],
    ['mod_fcgid', 'ruled/fcgid', 'record.fcgi', []],
    ['a proxy of .htaccess', 'ruled/proxy', 'x', ['RewriteEngine On',
        'RewriteRule ^ ORIGIN/witness/ [P]',
        'RequestHeader edit X-Witness ^ origin-'], origin => 1],
    ['an ErrorDocument', 'ruled/document', 'x',
        ['ErrorDocument 404 /sent/ruled/document/record.cgi?TOKEN'],
        status => [404]],
    ['an ErrorDocument where no rules are', 'ruled/document', 'x',
        ['ErrorDocument 404 /sent/free/cgi/record.cgi?TOKEN'],
        status => [404]],
    ['Action', 'ruled/action', 'x.take?TOKEN', ['AddHandler take .take',
        'Action take /sent/ruled/action/record.cgi virtual']],
    ['Action, to where no rules are', 'ruled/action', 'x.take?TOKEN',
        ['AddHandler take .take',
        'Action take /sent/free/cgi/record.cgi virtual']],
    ['Script', 'ruled/script', 'x?TOKEN', [], methods => ['POST']],
    ['RewriteRule', 'ruled/rewrite', 'x?TOKEN', ['RewriteEngine On',
        'RewriteRule ^x$ record.cgi']],
    ['RewriteRule, to where no rules are', 'ruled/rewrite', 'x?TOKEN',
        ['RewriteEngine On', 'RewriteRule ^x$ /sent/free/cgi/record.cgi']],
    ['FallbackResource', 'ruled/fallback', 'x?TOKEN',
        ['FallbackResource /sent/ruled/fallback/record.cgi']],
    ['DirectoryIndex, the rules are the file\'s', 'target/index', '?TOKEN',
        ['DirectoryIndex record.cgi']],
    ['FallbackResource, the rules are the file\'s', 'target/fallback',
        'x?TOKEN', ['FallbackResource /sent/target/fallback/record.cgi']],
    ['MultiViews, the rules are the file\'s', 'target/views', 'record?TOKEN',
        ['MultiviewsMatch Any']],
    ['mod_security2', 'ruled/security', 'x', ['SetHandler witness']],
    ['a handler in Lua', 'ruled/lua', 'x.lua', ['SetHandler lua-script']],
    ['a hook in Lua', 'ruled/lua-hook', 'x', ["LuaHookFixups $lua read_early",
        'SetHandler witness']],
);

my %adds = (
    'Content-Length' => ['RequestHeader set Content-Length 3000000'],
    'Transfer-Encoding' => ['RequestHeader set Transfer-Encoding chunked'],
    'both' => ['RequestHeader set Content-Length 3000000',
        'RequestHeader set Transfer-Encoding chunked'],
    'setifempty' => ['RequestHeader setifempty Content-Length 3000000',
        'RequestHeader setifempty Transfer-Encoding chunked'],
    'edit*' => ['RequestHeader edit* Content-Length 0 3000000'],
    'mod_lua' => ["LuaHookFixups $lua announce"],
);

my $behind = "GET /static/file.txt HTTP/1.1\r\nHost: localhost\r\n"
    . "Connection: close\r\n\r\n";
my $n = 0;

# A request without content, and another one behind it.
sub send_both {
    my($server, $method, $path, $length) = @_;
    my $id = join '-', 'none', $$, ++$n;
    my $t = talk($server, "$method $path HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Witness: $id\r\n" . ($length ? "Content-Length: 0\r\n" : '')
        . "\r\n$behind", 'eof');
    my @status = $t->{bytes} =~ m{^HTTP/1\.1 (\d+) }mg;
    return ($id, @status == 2 && $status[1] == 200
        && $t->{bytes} =~ /\nA plain file, [^\n]+\n\z/ ? $status[0] : "@status",
        $t->{bytes});
}

sub send_h2 {
    my($server, $method, $path, $length) = @_;
    my $r = upload(vhost => $server, h2 => 1, method => $method, path => $path,
        eager => 1, $length ? (length => 0) : ());
    return ($r->{id}, $r->{status} // 'none', $r->{body});
}

# What came of it: nothing, or what is wrong.
sub wrong {
    my($server, $place, $request, $token, $send) = @_;
    my(undef, $dir, $rest, undef, %o) = @$place;
    my($method, $length) = @$request;
    my($id, $status, $body) = $send->($server, $method,
        ($dir && "/sent/$dir") . '/' . $rest =~ s/TOKEN/$token/r, $length);
    my @wrong;
    push @wrong, "answered $status"
        unless grep { $status eq $_ } @{ $o{status} || [200] };
    push @wrong, "read=$1" if $body =~ /^read=(?!0$)(.*)/m;
    push @wrong, 'no reader' if !$o{silent} && $body !~ /^read=/m;
    for ($id, $o{origin} ? "origin-$id" : ()) {
        my $w = witness_of($_, $server);
        push @wrong, "$_: read " . ($w->{read} // 'nowhere')
            unless ($w->{read} // 1) == 0;
    }
    if (!$o{silent} && "@{ $place->[3] } $rest" =~ /TOKEN/) {
        my($announced) = handed($token, '.env') =~ /^CONTENT_LENGTH=(.*)$/m;
        push @wrong, 'the script was not run' if handed($token, '.env') eq '';
        push @wrong, "CONTENT_LENGTH=$announced" if $announced;
        push @wrong, 'it was handed ' . length handed($token)
            if length handed($token);
    }
    push @wrong, 'the file is not empty' if -s "$root/sent/$dir/$token";
    return @wrong ? "$method" . ($length ? ', length 0' : '') . ": @wrong" : ();
}

sub place_ok {
    my($name, $server, $place, $add) = @_;
    my(undef, $dir, undef, $lines, %o) = @$place;
    my $port = $server->port;
    my @wrong;
    for my $method (@{ $o{methods} || ['GET', 'POST'] }) {
        for my $length (0, 1) {
            for my $send (\&send_both, has_h2() ? \&send_h2 : ()) {
                my $token = token();
                write_htaccess("sent/$dir", join "\n", @$add, map({
                    s/TOKEN/$token/r =~ s{ORIGIN}{http://127.0.0.1:$port}r }
                    @$lines), '') if $dir;
                push @wrong, map { $send == \&send_h2 ? "HTTP/2, $_" : $_ }
                    wrong($server, $place, [$method, $length], $token, $send);
            }
        }
    }
    is join("\n", @wrong), '', $name;
}

# .htaccess has no say there.
my $through = ['ProxyPass', '', 'sent-proxy/x', [], origin => 1];

# --- where rules are -------------------------------------------------------

my @bound = 'ExpectRequire content-length max=10 known';
for (['a bound', \@bound, sort keys %adds],
     ['nobody', ['ExpectRequire all denied'], 'both']) {
    my($rules, $lines, @adds) = @$_;
    my $server = h2_httpd(conf(@$lines));
    for my $place (@places) {
        place_ok("$rules: $place->[0], $_", $server, $place, $adds{$_})
            for @adds;
    }
    place_ok("$rules: $through->[0]", $server, $through, []);
    is join('', $server->crashes), '', "$rules: no child has crashed";
}

# --- where there are none --------------------------------------------------

# Everything is as without mod_expect: content is made of what follows.
{
    my @servers = (h2_httpd(conf(@bound)), h2_stock(conf()));
    my %set = (
        'Content-Length' => [['RequestHeader set Content-Length 20'], 20],
        'Transfer-Encoding' => [$adds{'Transfer-Encoding'}, 0],
        'both' => [['RequestHeader set Content-Length 20',
            'RequestHeader set Transfer-Encoding chunked'], 0],
        'nothing' => [[], 0],
    );
    for my $set (sort keys %set) {
        my($lines, $read) = @{ $set{$set} };
        write_htaccess('sent/free/witness', join "\n", 'SetHandler witness',
            @$lines, '');
        for my $request (['GET', 0], ['POST', 0], ['POST', 1]) {
            my @got = map {
                my($id, $status, $body) = send_both($_, $request->[0],
                    '/sent/free/witness/x', $request->[1]);
                my($said) = $body =~ /^(read=\d+)/m;
                [$status, $said, witness_of($id, $_)->{read}];
            } @servers;
            my $name = "no rules, $set: @$request";
            is_deeply $got[0], $got[1], "$name: as in stock httpd";
            is $got[1][2], $read, "$name: and there it is content"
                or diag explain \@got;
        }
    }
}

done_testing();
