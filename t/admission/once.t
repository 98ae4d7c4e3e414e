#!/usr/bin/perl
# An upload is charged once, or not at all: whatever httpd makes of the request
# on its way, whoever refuses it, and whoever reads first.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use OtherModules;
use Admission;

# of so few bytes one comes back in ten minutes
use constant { UPLOADS => 50, BYTES => 50_000, SIZE => 300 };

my $root = conf_var('documentroot');
my $logs = conf_var('t_logs');
my $rules = 'ExpectRequire quota uploads=' . UPLOADS . " per=366d\n"
    . 'ExpectRequire quota bytes=' . BYTES . " per=366d\n"
    . 'ExpectRequire in-flight uploads=' . UPLOADS . "\n";
my @h2 = (0, has_h2() ? 1 : ());

# The meter is OPTIONS on another place, which has the very same rules: those of
# key=all in a file that is read several times are one rule.
sub rules_file {
    my($name) = @_;
    my $file = "$logs/rules-$$-$name.conf";
    open my $fh, '>', $file or die "$file: $!\n";
    print $fh $rules;
    close $fh or die "$file: $!\n";
    return $file;
}

my(%file, $conf);
sub place {
    my($name, $section, $text) = @_;
    $file{$name} //= rules_file($name);
    (my $end = $section) =~ s/^<(\w+).*/<\/$1>/s;
    $conf .= "<Location /witness/meter-$name>\nInclude $file{$name}\n"
        . "</Location>\n"
        . "$section\n" . ($text // '') . "Include $file{$name}\n$end\n";
}

sub in_dir { return "<Directory \"$root/tenant/once/$_[0]\">" }

for my $dir (qw(plain index moved other no fallback rewritten error if late)) {
    mkpath("$root/tenant/once/$dir");
    for my $file (qw(file moved refuses)) {
        open my $fh, '>', "$root/tenant/once/$dir/$file.txt"
            or die "$file.txt: $!\n";
    }
}

place('plain', in_dir('plain'));
place('index', in_dir('index'), "DirectoryIndex file.txt\n");
# to another section, which has rules of its own
place('moved', in_dir('moved'), "DirectoryIndex moved.txt\n");
place('other', in_dir('other'), "DirectoryIndex moved.txt\n");
place('second', '<Files moved.txt>');
place('no', in_dir('no'), "DirectoryIndex refuses.txt\n");
place('third', '<Files refuses.txt>', "ExpectRequire content-type image/*\n"
    . "ExpectStatus specific\n");
place('fallback', in_dir('fallback'),
    "SetHandler None\nFallbackResource /tenant/once/fallback/file.txt\n"
    . "<Files file.txt>\nSetHandler witness\n</Files>\n");
place('rewritten', in_dir('rewritten'),
    "RewriteEngine On\nRewriteRule ^other\$ file.txt\n"
    . "RewriteRule ^away\$ /witness/away\n"
    . "RewriteRule ^none\$ - [R=404]\nRewriteRule ^no\$ - [F]\n");
place('error', in_dir('error'),
    "SetHandler None\nRemoveHandler .cgi\n"
    . "ErrorDocument 405 /tenant/once/plain/document\n"
    . "ErrorDocument 404 /tenant/once/plain/document\n"
    . "ErrorDocument 403 /tenant/once/plain/document\n"
    . "ErrorDocument 415 /tenant/once/plain/document\n");
place('if', in_dir('if'), "<If \"%{REQUEST_URI} =~ m#file#\">\n"
    . "ExpectRequire content-length max=500\n</If>\n");
place('none', "<Location /witness/none>",
    "ExpectRequire content-length max=10\nExpectStatus specific\n");
place('type', "<Location /witness/type>",
    "ExpectRequire content-type image/*\nExpectStatus specific\n");
place('login', '<Location /basic/login>');
place('denied', '<Location /witness/denied>', "Require all denied\n");
place('detect', '<Location /witness/detect>', "ExpectEngine DetectionOnly\n");
place('handler', '<Location /witness/handler>',
    "ExpectRequire handler cgi-script\nExpectStatus specific\n");
place('early', '<Location /witness/early>');
place('late', '<Location /basic/late>', "ExpectRequire handler witness\n");

# mod_security2 reads in fixups, before the handler is known
my $server = h2_httpd(load('unique_id', 'security2', 'perl')
    . <<"CONF" . $conf);
<Perl>
package Expect::TestOnce;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
use Apache2::Const -compile => qw(DECLINED);

# reads before httpd knows the section
sub handler {
    my(\$r) = \@_;
    if (\$r->uri =~ /translate/) {
        eval { 1 while \$r->read(my \$bytes, 8192) };
    }
    return Apache2::Const::DECLINED;
}
\$INC{'Expect/TestOnce.pm'} = 1;
1;
</Perl>
PerlTransHandler Expect::TestOnce
@{[ reading_early("/(?:early|late|moved/)") ]}
CONF

sub meter {
    my($name) = @_;
    my $left = left($server, "/witness/meter-$name");
    return { map { $_ => $left->{$_} // -1 } 'quota-uploads-366d',
        'quota-bytes-366d', 'in-flight-uploads' };
}

# What the upload was charged: uploads, bytes; or that for each place. Nothing
# is in flight behind it. Bytes of -1 are those that the client has sent.
sub charged_ok {
    my($name, $at, $upload, $status, $charged) = @_;
    my @at = ref $at ? @$at : $at;
    my %charged = ref $charged eq 'HASH' ? %$charged
        : map { $_ => $charged } @at;
    for my $h2 (@h2) {
        for my $asks (1, 0) {
            my %before = map { $_ => meter($_) } @at;
            my $label = "$name, h2 $h2, asks $asks";
            my $r = upload(vhost => $server, content => SIZE, asks => $asks,
                h2 => $h2, silence => 0.1, %$upload);
            is $r->{status}, $status, "$label: $status" or diag explain $r;
            for (@at) {
                my($uploads, $bytes) = @{ $charged{$_} };
                $bytes = $r->{sent} ? SIZE : 0 if $bytes < 0;
                left_ok("$label: charged $uploads $bytes, $_", $server,
                    "/witness/meter-$_", 'in-flight-uploads' => UPLOADS,
                    'quota-uploads-366d' =>
                        $before{$_}{'quota-uploads-366d'} - $uploads,
                    'quota-bytes-366d' =>
                        $before{$_}{'quota-bytes-366d'} - $bytes);
            }
        }
    }
}

my @once = (1, SIZE);
my @free = (0, 0);
my $at = '/tenant/once';
my @alice = ('Authorization: Basic YWxpY2U6c2VjcmV0');

# --- on its way ---------------------------------------------------------------

charged_ok('plain', 'plain', { path => "$at/plain/x" }, 200, \@once);
charged_ok('chunked', 'plain', { path => "$at/plain/x", chunked => 1 }, 200,
    \@once);
charged_ok('DirectoryIndex', 'index', { path => "$at/index/" }, 200, \@once);
charged_ok('DirectoryIndex, POST', 'index', { path => "$at/index/",
    method => 'POST' }, 200, \@once);
charged_ok('FallbackResource', 'fallback', { path => "$at/fallback/new",
    method => 'POST' }, 200, \@once);
charged_ok('RewriteRule', 'rewritten', { path => "$at/rewritten/other" }, 200,
    \@once);
charged_ok('RewriteRule away', 'rewritten', { path => "$at/rewritten/away" },
    200, \@once);
charged_ok('<If>', 'if', { path => "$at/if/file.txt" }, 200, \@once);

charged_ok('DirectoryIndex to another section', [qw(other second)],
    { path => "$at/other/" }, 200, \@once);

# A handler that refuses what was admitted: what is thrown away was received.
# The section of the ErrorDocument judges nothing.
for my $chunked (0, 1) {
    charged_ok("ErrorDocument, chunked $chunked", [qw(error plain)],
        { path => "$at/error/file.txt", chunked => $chunked }, 405,
        { error => [1, -1], plain => \@free });
}

# --- who refuses --------------------------------------------------------------

charged_ok('RewriteRule R=404', 'rewritten', { path => "$at/rewritten/none" },
    404, \@free);
charged_ok('RewriteRule F', 'rewritten', { path => "$at/rewritten/no" }, 403,
    \@free);
charged_ok('another rule', 'none', { path => '/witness/none' }, 413, \@free);
charged_ok('a rule for the type', 'type', { path => '/witness/type' }, 415,
    \@free);
charged_ok('a rule for the handler', 'handler', { path => '/witness/handler' },
    405, \@free);
charged_ok('a rule of the section behind DirectoryIndex', [qw(no third)],
    { path => "$at/no/" }, 415, \@free);
charged_ok('a refusal with an ErrorDocument', [qw(error third plain)],
    { path => "$at/error/refuses.txt" }, 415, \@free);
charged_ok('401', 'login', { path => '/basic/login' }, 401, \@free);
charged_ok('login', 'login', { path => '/basic/login', headers => \@alice },
    200, \@once);
charged_ok('Require all denied', 'denied', { path => '/witness/denied' }, 403,
    \@free);
charged_ok('DetectionOnly', 'detect', { path => '/witness/detect' }, 200,
    \@free);

# --- who reads first ----------------------------------------------------------

for my $chunked (0, 1) {
    my @chunked = (chunked => $chunked);
    charged_ok("mod_security2, chunked $chunked", 'early',
        { path => '/witness/early', @chunked }, 200, \@once);
    charged_ok("mod_security2 and handler, chunked $chunked", 'late',
        { path => '/basic/late', headers => \@alice, @chunked }, 200, \@once);
    charged_ok("mod_security2 and 401, chunked $chunked", 'late',
        { path => '/basic/late', @chunked }, 401, \@free);
    charged_ok("mod_security2 and another section, chunked $chunked",
        [qw(moved second)], { path => "$at/moved/", @chunked }, 200, \@once);
}
# who reads before the section is known: an .htaccess is read for the lookup,
# and once more
{
    write_htaccess('tenant/once/translate', 'ExpectRequire quota uploads='
        . UPLOADS . " per=366d key=ip\nExpectRequire in-flight uploads="
        . UPLOADS . " key=ip\n");
    my $left = UPLOADS;
    for my $chunked (0, 1) {
        for my $h2 (@h2) {
            my $name = "read in translate, chunked $chunked, h2 $h2";
            is upload(vhost => $server, path => "$at/translate/x", h2 => $h2,
                content => SIZE, chunked => $chunked, eager => 1)->{status},
                200, $name;
            left_ok("$name: charged once", $server, "$at/translate/y",
                'quota-uploads-366d' => --$left,
                'in-flight-uploads' => UPLOADS);
        }
    }
}

is join('', $server->crashes), '', 'no crash';
done_testing();
