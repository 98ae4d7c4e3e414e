#!/usr/bin/perl
# httpd -t -D DUMP_EXPECT prints the rules in force in every section, merged,
# with file, line and stage, and warnings about doubtful ones.

use strict;
use warnings;

use Test::More;

use lib 't/lib', 'lib';
use ExpectTest;

my $root = conf_var('documentroot');

sub dump_of {
    my($text, @define) = @_;
    my($exit, $out) = config_error($text, @define);
    is $exit, 0, 'httpd -t takes it' or diag $out;
    return $out;
}

# The lines of one section, without places.
sub shown {
    my($out, $name) = @_;
    my($lines) = $out =~ /^  \Q$name\E: (.*?)(?=^  \S|^\S|\z)/ms;
    return undef unless defined $lines;
    $lines =~ s/ +(?:([a-z]+(?:\/user|, last)?) +)?\S+:\d+(?: +\(in (<.*>)\))?$/
                ($1 ? " $1" : '') . ($2 ? " $2" : '')/gme;
    return [split /\n/, $lines];
}

# The same without warnings.
sub rules_in { return [grep { !/warning|note/ } @{ shown(@_) }] }

my $out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
<Directory "$root">
    ExpectRequire content-length max=2K
    LimitRequestBody 1000
    <Files *.php>
        ExpectStatus specific
        <ExpectRequireAny>
            ExpectRequire all granted
            ExpectRequire not ip 10.0.0.0/8
        </ExpectRequireAny>
    </Files>
</Directory>
<Directory "$root/tenant">
    ExpectRequire content-length max=1K
    <Limit PUT>
        ExpectRequire auth
    </Limit>
</Directory>
<Directory "$root/tenant/open">
    ExpectMerging Off
    ExpectScope expectation
    ExpectRequire handler
    ExpectRequire precondition
    ExpectRequire env X
</Directory>
<Directory "$root/tenant/either">
    ExpectMerging Or
    ExpectRequire user bob
</Directory>
<Location /detect>
    ExpectEngine DetectionOnly
    ExpectRequire all denied
</Location>
CONF

open my $source, '<', conf_var('top_dir') . '/src/base/version.h' or die $!;
my($version) = join('', <$source>) =~ /EXPECT_VERSION "([\d.]+)"/;
like $out, qr/^mod_expect \Q$version\E: the rules in force/m,
    'a head line, with the version';
is_deeply shown($out, "<Directory $root/>"), [
    'engine On, status 417, scope content',
    '    all of',
    '      content-length max=2K head',
    grep { /warning/ } @{ shown($out, "<Directory $root/>") },
], 'one rule';
like $out, qr/^      content-length max=2K +head +\S+:\d+$/m,
    'with file and line';
like $out, qr/warning:\ content-length\ max=2K\ \(\S+:\d+\):\ LimitRequestBody
    \ 1000\ is\ smaller:\ requests\ that\ are\ not\ proxied\ are\ refused
    \ later,\ by\ httpd$/mx,
    'a limit above LimitRequestBody';

is_deeply rules_in($out, "<Directory $root/> <Files *.php>"), [
    'engine On, status specific, scope content',
    '    all of',
    '      content-length max=2K head',
    '      any of',
    '        all granted head',
    '        not ip 10.0.0.0/8 head',
], 'Files within, joined with the folder';
like $out, qr/warning:\ all\ granted\ .*this\ alternative\ always\ holds,\ so
    \ the\ others\ have\ no\ effect/x,
    'an alternative that always holds';

is_deeply rules_in($out, "<Directory $root/tenant/>"),
    [
    'engine On, status 417, scope content',
    '    all of',
    '      content-length max=2K head',
    '      content-length max=1K head',
    '      auth auth <Limit PUT>',
], 'the outer folder\'s rules first';
like $out, qr/warning: content-length max=2K .*a tighter max=1024 is in force/,
    'a rule that a tighter one shadows';

is_deeply shown($out, "<Directory $root/tenant/open/>"), [
    'engine On, status 417, scope expectation, merging Off',
    '    warning: ExpectMerging Off is in force: a tenant can exceed the '
        . 'outer rules, where AllowOverride lets tenants write rules',
    '    all of',
    '      handler handler',
    '      precondition user',
    '      env X env',
], 'ExpectMerging Off';
is_deeply rules_in($out, "<Directory $root/tenant/either/>"), [
    'engine On, status 417, scope content, merging Or',
    '    any of',
    '      all of',
    '        content-length max=2K head',
    '        content-length max=1K head',
    '        auth auth <Limit PUT>',
    '      all of',
    '        user bob env/user',
], 'ExpectMerging Or';
like join("\n", @{ shown($out, "<Directory $root/tenant/either/>") }),
    qr/warning: ExpectMerging Or is in force: a tenant can exceed/, 'opened';
is scalar(() = $out =~ /a tenant can exceed/g), 2, 'nothing else is';
is_deeply shown($out,
    "<Location /detect>, joined with the directory's rules")->[0],
    'engine DetectionOnly, status 417, scope content', 'a Location';
like $out, qr/warning:\ all\ denied\ .*this\ rule\ can\ never\ hold,\ so\ every
    \ upload\ is\ refused/x, 'a warning about a rule that can never hold';

# <Location> within another, <LimitExcept>, <Proxy>; httpd's own limit.
$out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
<Location /app>
    ExpectRequire header X-App
</Location>
<Location /application>
    ExpectRequire header X-Other
</Location>
<Location /app/v1>
    <LimitExcept PUT>
        ExpectRequire header X-V1
    </LimitExcept>
</Location>
<Proxy "http://127.0.0.1:1/*">
    ExpectRequire content-length max=10G
</Proxy>
<Location /large>
    ExpectRequire content-length max=20G
</Location>
CONF
is_deeply shown($out, "<Location /app/v1>, joined with the directory's rules"),
    [
    'engine On, status 417, scope content',
    '    all of',
    '      header X-App head',
    '      header X-V1 head <LimitExcept PUT>',
], 'a Location within another';
is_deeply shown($out,
    "<Location /application>, joined with the directory's rules"),
    [
    'engine On, status 417, scope content',
    '    all of',
    '      header X-Other head',
], 'a Location beside another';
is_deeply rules_in($out, '<Proxy http://127.0.0.1:1/*>'), [
    'engine On, status 417, scope content',
    '    all of',
    '      content-length max=10G head',
], 'Proxy';
is scalar(() = $out =~ /note:\ this\ section\ applies\ to\ ProxyPass,\ .*\ not
    \ apply\ to\ SetHandler/gx),
    1, 'what a <Proxy> does not hold for';
is_deeply [$out =~ /max=(\w+) \(\S+\): LimitRequestBody 1073741824 is/g],
    httpd_at_least('2.4.54') ? ['20G'] : [], 'httpd\'s own limit, not of Proxy';

unlike dump_of("ExpectRequire method PUT\n"), qr/mod_expect: the rules/,
    'nothing without the define';

# Which of them hold for another's folder: by pattern, by regular expression; a
# pattern's own folders lie in what it begins with, and maybe in more.
$out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
<Directory "$root">
    ExpectEngine DetectionOnly
</Directory>
<Directory "$root/tenant">
    ExpectRequire header X-Folder
</Directory>
<Directory "$root/tenant-2">
    ExpectRequire header X-Folder-2
</Directory>
<Directory "$root/tenant/*/up">
    ExpectRequire header X-Up
</Directory>
<Directory "$root/tenant-*">
    ExpectRequire header X-Beside
</Directory>
<Directory "$root/*">
    ExpectRequire header X-Pattern
</Directory>
<Directory "$root/tenant/below/deeper">
    ExpectRequire header X-Below
</Directory>
<Directory "$root/*/deep">
    ExpectRequire header X-Deep
</Directory>
<DirectoryMatch "/ten[a-z]+/">
    ExpectRequire header X-Match
</DirectoryMatch>
<DirectoryMatch "/dav/">
    ExpectRequire header X-Dav
</DirectoryMatch>
CONF

sub headers_of {
    return join ' ', map { /header (X-\S+)/ ? $1 : () }
        @{ shown($out, $_[0]) };
}

is headers_of("<Directory $root/tenant/>"), 'X-Folder X-Pattern X-Match',
    'a folder within a pattern and an expression';
is headers_of("<Directory $root/tenant-2/>"), 'X-Folder-2 X-Beside X-Pattern',
    'a folder beside another';
is headers_of("<Directory $root/tenant/*/up/>, "
    . 'joined with other matching sections'),
    'X-Folder X-Up', 'a pattern in a folder';
like $out, qr{^\s+<Directory\ \Q$root\E/tenant/\*/up/>[^:]*:
              \ engine\ DetectionOnly,}mx, 'with its engine';
is headers_of("<Directory $root/tenant-*/>, "
    . 'joined with other matching sections'),
    'X-Beside', 'a pattern beside a folder';
is headers_of("<Directory $root/tenant/below/deeper/>"),
    'X-Folder X-Pattern X-Below X-Match', 'far below a pattern';
is headers_of("<Directory $root/*/deep/>, joined with other matching sections"),
    'X-Deep', 'a pattern';
is headers_of('<DirectoryMatch /ten[a-z]+/>, '
    . 'joined with other matching sections'),
    'X-Match', 'an expression';

# Sections within sections.
$out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
<Directory "$root">
    ExpectRequire header X-Outer
    <Files a.cgi>
        <If "true">
            ExpectRequire header X-A
        </If>
    </Files>
    <FilesMatch "^b">
        ExpectRequire header X-B
    </FilesMatch>
    <If "true">
        <Files c.cgi>
            ExpectRequire header X-C
        </Files>
        <If "true">
            ExpectRequire header X-D
        </If>
    </If>
</Directory>
<Location /e>
    <If "true">
        ExpectRequire header X-E
    </If>
</Location>
<Proxy "http://127.0.0.1:1/f">
    <If "true">
        ExpectRequire header X-F
    </If>
</Proxy>
<Files g.cgi>
    <If "true">
        <LimitExcept GET POST>
            ExpectRequire header X-G
        </LimitExcept>
    </If>
</Files>
CONF
is headers_of($_->[0]), $_->[1], "within: $_->[0]"
    for ["<Directory $root/> <Files a.cgi> <If>", 'X-Outer X-A'],
        ["<Directory $root/> <FilesMatch ^b>", 'X-Outer X-B'],
        ["<Directory $root/> <If> <Files c.cgi>", 'X-Outer X-C'],
        ["<Directory $root/> <If> <If>", 'X-Outer X-D'],
        ['<Location /e> <If>', 'X-E'],
        ['<Proxy http://127.0.0.1:1/f> <If>', 'X-F'],
        ['everywhere <Files g.cgi> <If>', 'X-G'];
like $out, qr/\(in <LimitExcept GET POST>\)/, 'GET by its name';

# The value of ExpectMerging that is in force: of the folder for what is in it
# or below it, of the server for all else.
$out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
<Directory "$root">
    ExpectRequire header X-A
</Directory>
<Directory "$root/tenant">
    ExpectMerging Or
    ExpectRequire header X-B
    AllowOverride AuthConfig
    <Files x>
        ExpectRequire header X-C
    </Files>
</Directory>
<Directory "$root/tenant/below">
    ExpectRequire header X-D
</Directory>
<Directory "$root/tenant/closed">
    ExpectMerging And
    ExpectRequire header X-D
</Directory>
<Location /alone>
    ExpectRequire header X-E
</Location>
<Location /either>
    ExpectMerging Or
    ExpectRequire header X-F
</Location>
CONF
for (['<Directory R/>', '', 0], ['<Directory R/tenant/>', 'Or', 1],
     ['<Directory R/tenant/> <Files x>', 'Or', 0],
     ['<Directory R/tenant/below/>', 'Or', 1],
     ['<Directory R/tenant/closed/>', '', 0],
     ["<Location /alone>, joined with the directory's rules", '', 0],
     ["<Location /either>, joined with the directory's rules", 'Or', 0])
{
    my($name, $merging, $opened) = @$_;
    my @lines = @{ shown($out, $name =~ s/\bR\b/$root/r) };
    is $lines[0], 'engine On, status 417, scope content'
        . ($merging && ", merging $merging"), "$name: the value in force";
    is scalar(grep { /warning:\ ExpectMerging\ $merging\ is\ in\ force:
            \ a\ tenant\ can
                      \ exceed\ the\ outer\ rules$/x } @lines), $opened,
        "$name: opened $opened";
}

# Blanks and quotes do not hide what is doubtful.
$out = dump_of(qq(ExpectRequire  "all"   denied\n<ExpectRequireAny>\n)
    . "ExpectRequire header X\nExpectRequire  'all' granted\n"
    . "</ExpectRequireAny>\n", '-D', 'DUMP_EXPECT');
like $out, qr/warning: "all"   denied .*can never hold/, 'never, in quotes';
like $out, qr/warning: 'all' granted .*always holds/, 'always, in quotes';

$out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
ExpectRequire method PUT
<VirtualHost 127.0.0.1:1>
    ServerName v.example
    ExpectRequire header X-V
    <If "true">
        ExpectRequire header X-If
    </If>
</VirtualHost>
CONF
like $out, qr/^VirtualHost v\.example:1 \(\S+:\d+\)$/m, 'a virtual host';
is_deeply [grep { /header|method/ } @{ shown(
        ($out =~ /^(VirtualHost.*)/ms)[0], 'everywhere <If>') }],
    ['      method PUT head', '      header X-V head',
        '      header X-If head'],
    'If in a virtual host';

# What remembers: the stage at which its key is known; and what is larger than
# it can ever admit.
$out = dump_of(<<CONF, '-D', 'DUMP_EXPECT');
<Directory "$root">
    ExpectRequire content-length max=1M
    ExpectRequire in-flight uploads=4 bytes=1M
    ExpectRequire in-flight bytes=1023K key=ip
    ExpectRequire quota bytes=1000 per=day key=user
    ExpectRequire quota uploads=9 per=3h "key=expr=%{HTTP:X-Key}"
    <ExpectRequireAny>
        ExpectRequire quota bytes=5 per=day
        ExpectRequire header X-Any
    </ExpectRequireAny>
</Directory>
<Directory "$root/tenant/alone">
    ExpectMerging Off
    ExpectRequire in-flight bytes=1K
</Directory>
CONF
is_deeply rules_in($out, "<Directory $root/>"), [
    'engine On, status 417, scope content',
    '    all of',
    '      content-length max=1M head',
    '      in-flight uploads=4 bytes=1M head, last',
    '      in-flight bytes=1023K key=ip head, last',
    '      quota bytes=1000 per=day key=user user, last',
    '      quota uploads=9 per=3h "key=expr=%{HTTP:X-Key}" env, last',
    '      any of',
    '        quota bytes=5 per=day head, last',
    '        header X-Any head',
], 'rules that remember';
is_deeply [$out =~ /warning: ((?:in-flight|quota).*)/g], [
    map { "$_->[0] ($_->[1]): max=1048576 is in force: an upload over "
        . "$_->[2] bytes is admitted by that, and never by this rule" }
    map { [$_->[0], $out =~ /^\s+\Q$_->[0]\E .* (\S+:\d+)$/m, $_->[1]] }
    ['in-flight bytes=1023K key=ip', 1_047_552],
    ['quota bytes=1000 per=day key=user', 1000],
], 'what they can never admit';

done_testing();
