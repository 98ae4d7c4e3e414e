#!/usr/bin/perl
# Mistakes in an .htaccess: an upload to that folder gets 500 before any
# content is read, and the error log has one line with the place and the
# mistake. Other folders are not affected. The rest is about what
# AllowOverride permits in an .htaccess.

use strict;
use warnings;

use Test::More;
use ExpectTest;

# What a client does: label, upload.
my @clients = (
    ['asked', { asks => 1, content => 9 }],
    ['not asked', { content => 9 }],
    ['no content', { method => 'GET' }],
    has_h2() ? (['HTTP/2, asked', { asks => 1, content => 9, h2 => 1 }],
                ['HTTP/2, not asked', { content => 9, h2 => 1 }]) : (),
);

# 500 for everybody, and one line in the log, which matches.
sub broken_ok {
    my($name, $dir, $line, $path) = @_;
    for my $client (@clients) {
        my($label, $upload) = @$client;
        my $mark = log_mark();
        # the answer has to come without content, however long it takes
        my $r = upload(path => $path // "/$dir/x", silence => 5, %$upload);
        my @log = error_log_since($mark);
        my $ok = ($r->{status} // 0) == 500 && !@{ $r->{interim} }
            && !$r->{sent} && ($r->{witness}{read} // -1) == 0
            && @log == 1 && $log[0] =~ $line;
        ok $ok, "$name, $label" or diag explain $r, \@log;
        unlike $r->{body}, qr/ExpectRe|htaccess|\Q$dir\E/,
            "$name, $label: the response says no more";
    }
}

# --- mistakes --------------------------------------------------------------

# the text of the .htaccess => the line, and the message
my @mistakes = (
    ["ExpectRequire\n", 1,
        qr/ExpectRequire: no rule: .*missing; a rule is one of /],
    ["ExpectRequire auth\nExpectRequire nonsense max=1\n", 2,
        qr/ExpectRequire: nonsense: unknown rule; a rule is one of .*auth/],
    ["\n\nExpectRequire content-length max=10MM\n", 3,
        qr/ExpectRequire: content-length max=10MM: not a SIZE.*; a SIZE is /],
    ["ExpectRequire content-length max=8388608T\n", 1,
        qr/ExpectRequire: content-length max=8388608T: .*too large; a SIZE /],
    ["ExpectRequire content-length min=2 max=1\n", 1,
        qr/ExpectRequire: content-length min=2 max=1: min is over max.*; min /],
    ["ExpectRequire content-length known known\n", 1,
        qr/ExpectRequire: content-length known: given twice; .* \[min=SIZE\] /],
    ["ExpectRequire \\\ncontent-type image/* \\\ntext\n", 3,
        qr/ExpectRequire: content-type text: not a media type; a TYPE is /],
    ["ExpectRequire content-encoding gzip,br\n", 1,
        qr/ExpectRequire: content-encoding gzip,br: not a coding; a CODING /],
    ["ExpectRequire header X-A (\n", 1,
        qr/ExpectRequire: header (?:X-A )?\(: .* does not compile; a PATTERN /],
    ["ExpectRequire precondition now\n", 1,
        qr/ExpectRequire: precondition now: .*too many; .*takes none/],
    ["ExpectRequire free-space 100%\n", 1,
        qr/ExpectRequire: free-space 100%: .*; .*SIZE or a percentage/],
    ["ExpectStatus 413\n", 1,
        qr/ExpectStatus: 413: unknown value; 417 or specific is accepted/],
    ["ExpectRequire ip 300.1.1.1\n", 1,
        qr/ExpectRequire: ip 300\.1\.1\.1: .*invalid.*; .*Require/],
    ["ExpectRequire expr \"%{bad\"\n", 1,
        qr/ExpectRequire: expr "%\{bad": Cannot parse expression.*; .*Require/],
    ["ExpectStatus 417\n<ExpectRequireNone>\n</ExpectRequireNone>\n", 2,
        qr/<ExpectRequireNone>: empty: .*; one ExpectRequire or more/],
    ["<ExpectRequireAny>\nExpectRequire auth\n</ExpectRequireAny>\n", 1,
        qr/<ExpectRequireAny>: useless: a single alternative.*; list two or /],
    ["<ExpectRequireAll x>\nExpectRequire auth\n</ExpectRequireAll>\n", 1,
        qr/<ExpectRequireAll>: x: one argument too many; none is accepted/],
    ["<ExpectRequireAll>\nExpectRequire auth\nRequire all granted\n"
        . "</ExpectRequireAll>\n", 3,
        qr/<ExpectRequireAll>: Require: is not allowed .*; ExpectRequire and /],
    ["<ExpectRequireAll>\nExpectRequire auth\n<ExpectRequireAll>\n"
        . "ExpectRequire foo\n</ExpectRequireAll>\n</ExpectRequireAll>\n", 4,
        qr/ExpectRequire: foo: unknown rule; a rule is one of /],
    ["<ExpectRequireAll>\n" x 33 . "ExpectRequire auth\n"
        . "</ExpectRequireAll>\n" x 33, 33,
        qr/<ExpectRequireAll>: nested too deep: .*32; .*32/],
);

my $n = 0;
for (@mistakes) {
    my($text, $at, $like) = @$_;
    my $dir = 'tenant/broken-' . ++$n;
    my $file = write_htaccess($dir, $text);
    my $name = ($text =~ /\A(?:\\?\n)*(.*?)\s*\z/s)[0] =~ s/\n/ | /gr;
    $name = substr($name, 0, 57) . '...' if length $name > 60;
    broken_ok($name, $dir,
        qr/ \Q$file\E: $like.* \(line $at\)$/);
}

# Mistakes that httpd itself finds have httpd's own messages.
for (["<ExpectRequireAll>\nExpectRequire auth\n",
        qr/<ExpectRequireAll> was not closed/],
     ["<ExpectRequireAll>\nExpectRequire auth\n</ExpectRequireAny>\n",
        qr/Expected <\/ExpectRequireAll> but saw <\/ExpectRequireAny>/],
     ["ExpectEngine Off\n", qr/ExpectEngine not allowed here/],
     ["ExpectRequire auth\nExpectMerging Off\n",
        qr/ExpectMerging not allowed here/],
     ["ExpectScope expectation\n", qr/ExpectScope not allowed here/]) {
    my($text, $like) = @$_;
    my $dir = 'tenant/broken-' . ++$n;
    my $file = write_htaccess($dir, $text);
    broken_ok($text =~ s/\n(?=.)/ | /gr =~ s/\n//r, $dir,
        qr/ \Q$file\E: .*$like/);
}

# --- other folders are not affected ----------------------------------------

{
    my $file = write_htaccess('tenant/mended/broken',
        "ExpectRequire nonsense\n");
    my $like = qr/ \Q$file\E: ExpectRequire: nonsense: .* \(line 1\)$/;
    write_htaccess('tenant/mended/strict',
        "ExpectRequire content-length max=8\n");
    write_htaccess('tenant/mended/broken/below',
        "ExpectRequire content-length max=99\n");

    broken_ok('below the mistake', 'tenant/mended/broken/below', $like);
    admitted_ok('above the mistake',
        { path => '/tenant/mended/x', content => 9 }, status => 200,
        verdict => '-');
    admitted_ok('beside the mistake',
        { path => '/tenant/mended/strict/x', content => 8 }, status => 200);
    refused_ok('beside the mistake, over the limit',
        { path => '/tenant/mended/strict/x', content => 9 },
        status => 413, asked_status => 417, rule => 'content-length');

    # A path that only passes by.
    broken_ok('a path with . and .. in it', 'tenant/mended/broken', $like,
        '/tenant/mended/./strict/../broken/x');
    admitted_ok('a path out of the broken directory',
        { path => '/tenant/mended/broken/../strict/x', content => 8 },
        status => 200);

    # Mended, it works with the next request.
    write_htaccess('tenant/mended/broken', "ExpectRequire header X-A\n");
    refused_ok('mended', { path => '/tenant/mended/broken/x', content => 9 },
        status => 400, asked_status => 417, rule => 'header');
    write_htaccess('tenant/mended/broken', undef);
    admitted_ok('removed', { path => '/tenant/mended/broken/x', content => 9 },
        status => 200, verdict => '-');
}

# --- AllowOverride ---------------------------------------------------------

my $rules = "ExpectStatus specific\nExpectRequire content-length max=8\n";

# None: whatever stands there is not even read.
write_htaccess('override', "ExpectRequire nonsense\n");
write_htaccess('override/none', $rules);
admitted_ok('AllowOverride None: a mistake',
    { path => '/override/x', content => 9 }, status => 200, verdict => '-');
admitted_ok('AllowOverride None: rules',
    { path => '/override/none/x', content => 9 }, status => 200,
    verdict => '-');

for my $override (qw(authconfig all)) {
    write_htaccess("override/$override", $rules
        . "<ExpectRequireAny>\nExpectRequire header X-A\n"
        . "ExpectRequire header X-B\n</ExpectRequireAny>\n");
    refused_ok("AllowOverride $override: the rule",
        { path => "/override/$override/x", content => 9 }, status => 413,
        rule => 'content-length');
    refused_ok("AllowOverride $override: the container",
        { path => "/override/$override/x", content => 8 }, status => 400,
        rule => 'header');
    admitted_ok("AllowOverride $override: all holds",
        { path => "/override/$override/x", content => 8,
          headers => ['X-B: 1'] }, status => 200);
}

# All is not everything.
for my $directive ('ExpectEngine Off', 'ExpectMerging Off',
                   'ExpectScope expectation', 'ExpectExplain / PUT') {
    my $file = write_htaccess('override/all', "$directive\n");
    my($name) = split / /, $directive;
    broken_ok("AllowOverride All: $name", 'override/all',
        qr/ \Q$file\E: $name not allowed here/);
}

for my $directive ('ExpectRequire auth', 'ExpectStatus specific',
                   "<ExpectRequireAll>\nExpectRequire auth\n"
                   . '</ExpectRequireAll>') {
    my $file = write_htaccess('override/others', "$directive\n");
    my($name) = $directive =~ /(\w+)/;
    broken_ok("without AuthConfig: $name", 'override/others',
        qr/ \Q$file\E: <?$name>? not allowed here/);
}

write_htaccess('override/list', "ExpectRequire content-length max=8\n");
refused_ok('AllowOverrideList: the rule',
    { path => '/override/list/x', content => 9 }, status => 413,
    asked_status => 417, rule => 'content-length');
admitted_ok('AllowOverrideList: it holds',
    { path => '/override/list/x', content => 8 }, status => 200);
{
    my $file = write_htaccess('override/list', $rules);
    broken_ok('AllowOverrideList: a directive that is not in it',
        'override/list', qr/ \Q$file\E: ExpectStatus not allowed here/);
    $file = write_htaccess('override/list',
        "ExpectRequire content-length max=\n");
    broken_ok('AllowOverrideList: a mistake', 'override/list',
        qr/ \Q$file\E: ExpectRequire: content-length max=: .* \(line 1\)$/);
}

done_testing();
