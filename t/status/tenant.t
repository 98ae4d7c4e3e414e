#!/usr/bin/perl
# The administrator decides where the status page is served: whatever an
# .htaccess says, it is not served where the server's configuration alone
# would not serve it, and it is served where the configuration does, with or
# without .htaccess.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;

my $root = conf_var('documentroot');
my $server = own_httpd(conf => <<"CONF");
<Directory "$root/page">
    AllowOverride All
    Options FollowSymLinks Includes MultiViews
    DirectoryIndex disabled
</Directory>
<Directory "$root/page/set">
    SetHandler expect-status
</Directory>
<Directory "$root/page/added">
    AddHandler expect-status .page
</Directory>
<Directory "$root/page/expr">
    SetHandler "expect-%{tolower:STATUS}"
</Directory>
<Directory "$root/page/files">
    <Files here>
        SetHandler expect-status
    </Files>
</Directory>
<Directory "$root/page/if">
    <If "%{REQUEST_URI} =~ /here/">
        SetHandler expect-status
    </If>
</Directory>
<Location /page/loc>
    SetHandler expect-status
</Location>
<Location /page/closed/page>
    SetHandler expect-status
    Require all denied
</Location>
CONF

sub get {
    my($path) = @_;
    my $mark = log_mark($server);
    my $r = upload(vhost => $server, method => 'GET',
        path => "/page/$path?format=json");
    return ($r, grep { /expect: expect-status is not served/ }
        error_log_since($mark));
}

sub place {
    my($dir, $text, @files) = @_;
    write_htaccess("page/$dir", $text);
    for my $file (@files) {
        spew("$root/page/$dir/$file",
            $file =~ /shtml/ ? qq(<!--#include virtual="x" -->\n) : "x\n");
    }
}

# A tenant's ways: the text, and the file that is asked for.
my $n = 0;
for (['SetHandler expect-status', 'x'],
     ['SetHandler expect-status', 'nowhere'],
     ['SetHandler expect-status', ''],
     ['SetHandler Expect-Status', 'x'],
     [q(SetHandler "%{tolower:EXPECT-STATUS}"), 'x'],
     ['AddHandler expect-status .x', 'a.x'],
     ['AddHandler expect-status x', 'a.x'],
     ['AddType expect-status .x', 'a.x'],
     ['ForceType expect-status', 'x'],
     ["<Files x>\nSetHandler expect-status\n</Files>", 'x'],
     ["<FilesMatch .>\nSetHandler expect-status\n</FilesMatch>", 'x'],
     ["<If true>\nSetHandler expect-status\n</If>", 'x'],
     ["<Files x>\n<If true>\nForceType expect-status\n</If>\n</Files>", 'x'],
     ["RewriteEngine On\nRewriteRule . - [H=expect-status]", 'x'],
     ["RewriteEngine On\nRewriteRule . - [T=expect-status]", 'x'],
     ["RewriteEngine On\nRewriteRule x a.x [H=expect-status,END]", 'x'],
     ["Options +Includes\nAddOutputFilter INCLUDES .shtml\n<Files x>\n"
         . "SetHandler expect-status\n</Files>", 'a.shtml'],
     ["DirectoryIndex x\n<Files x>\nSetHandler expect-status\n</Files>", ''],
     ["FallbackResource x\nSetHandler expect-status", 'nowhere'],
     ["ErrorDocument 404 /page/t-N/x\n<Files x>\nSetHandler expect-status\n"
         . "</Files>", 'nowhere'],
     ["ErrorDocument 404 /page/t-N/x\nSetHandler expect-status", 'a.x'],
     ["ErrorDocument 403 /page/t-N/x\nSetHandler expect-status\n"
         . "<Files a.x>\nRequire all denied\n</Files>", 'a.x'],
     ["Action a /page/t-N/x\n<Files x>\nSetHandler expect-status\n</Files>\n"
         . "<Files a.x>\nSetHandler a\n</Files>", 'a.x'],
     ["RewriteEngine On\nRewriteRule ^a /page/t-N/x\n<Files x>\n"
         . "SetHandler expect-status\n</Files>", 'a.x'])
{
    my($text, $file) = @$_;
    my $dir = 't-' . ++$n;
    place($dir, $text =~ s/t-N/$dir/r . "\n", 'x', 'a.x', 'a.shtml');
    my($r, @lines) = get("$dir/$file");
    my $name = $text =~ s/\n/ | /gr;
    # an ErrorDocument is asked without the query
    unlike $r->{body}, qr/"counting"|<title>mod_expect/,
        "$name: not the page";
    if ($name !~ /INCLUDES/) {
        is $r->{status}, $name =~ /denied/ ? 403 : 404, "$name: the status";
    }
    cmp_ok scalar @lines, '==', 1, "$name: the log says why"
        if $name !~ /INCLUDES|ErrorDocument/;
}

# Below another's .htaccess, and in what it leads to.
place('above', "SetHandler expect-status\n");
place('above/below', "# nothing\n", 'x');
is +(get('above/below/x'))[0]{status}, 404, 'an .htaccess further up';

# The administrator's, with nothing in .htaccess, something, and the same.
for my $text (undef, "# nothing\n", "SetEnv X 1\n", "AddType text/x .page\n",
              "SetHandler expect-status\n") {
    for (['set', ''], ['set', 'x'], ['set', 'nowhere'], ['added', 'x.page'],
         ['expr', 'x'], ['files', 'here'], ['if', 'here'], ['loc', 'x'],
         ['loc', 'nowhere/at/all']) {
        my($dir, $file) = @$_;
        place($dir, $text, 'x', 'x.page', 'here');
        my($r, @lines) = get("$dir/$file");
        my $name = "$dir/$file, " . ($text // 'no .htaccess') =~ s/\n//r;
        is $r->{status}, 200, "$name: served";
        like $r->{body}, qr/"counting"/, "$name: the page";
        is "@lines", '', "$name: nothing logged";
        write_htaccess("page/$dir", undef);
    }
}

# A tenant's way to a page of the administrator's is the page's own, with the
# access control that it has.
place('to', "RewriteEngine On\nRewriteRule x /page/loc/x\n", 'x');
is +(get('to/x'))[0]{status}, 200, 'rewritten to a page that is open';
place('to', "RewriteEngine On\nRewriteRule x /page/closed/page\n", 'x');
is +(get('to/x'))[0]{status}, 403, 'rewritten to a page that is not';

write_htaccess("page/$_", undef) for map({ "t-$_" } 1 .. $n), qw(above
    above/below to);
done_testing();
