#!/usr/bin/perl
# A refusal has one line in error_log, at level info, with status, sentence
# and the rule's place. What the client sent is escaped and bounded in it.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $docroot = conf_var('documentroot');
my $conf    = conf_var('t_conf') . '/log.conf';

write_htaccess("log$_", '') for '', qw(/warn /warn/info /detect /detect/warn
    /macro);

# The lines that mod_expect wrote for one upload.
sub lines_of {
    my %o = @_;
    my $mark = log_mark();
    my $r = upload(content => 11, eager => 0, %o);
    return ($r, grep { /\[expect:/ } error_log_since($mark));
}

# --- the format ------------------------------------------------------------

# where the rule stands; its line there; asked and status; the sentence
my $rules = write_htaccess('log/rules', "# a comment\n\n"
    . "ExpectRequire content-type image/png\n");
my $inner = write_htaccess('log/inner', "<Files x>\n<ExpectRequireAll>\n"
    . "ExpectRequire all granted\nExpectRequire ip 192.0.2.1\n"
    . "</ExpectRequireAll>\n</Files>\n");
open my $fh, '<', $conf or die "$conf: $!\n";
my($main_line, $macro, $used);
while (<$fh>) {
    $main_line //= $. if /^\s*ExpectRequire content-length/;
    $macro = $. if /^<Macro logrules/;
    $used = $. if /^\s*Use logrules/;
}
close $fh;
for my $case (
    ['httpd.conf', '/log/x', 11, "$conf:$main_line", 413,
        'content-length 11 is over max=10'],
    ['a macro', '/log/macro/x', 5, "macro 'logrules' (defined on line $macro "
        . qq{of "$conf") used on line $used of "$conf":1}, 415, undef],
    ['.htaccess', '/log/rules/x', 5, "$rules:3", 415, undef],
    ['a container in .htaccess', '/log/inner/x', 5, "$inner:4", 403, undef],
) {
    my($name, $path, $content, $place, $status, $sentence) = @$case;
    for my $h2 (0, has_h2() ? 1 : ()) {
        for my $asks (0, 1) {
            my $label = "$name, asks $asks, h2 $h2";
            my($r, @lines) = lines_of(path => $path, content => $content,
                asks => $asks, h2 => $h2);
            is scalar @lines, 1, "$label: one line" or diag @lines;
            my($level, $code, $said, $where) = $lines[0] =~
                /\[expect:(\w+)\]\ .*\]\ expect:\ refused\ (\d+):\ (.*)
                 \ \(ExpectRequire\ at\ (.*)\)\n$/x;
            is $level, 'info', "$label: level";
            is $code, $asks ? 417 : $status, "$label: status";
            is $code, $r->{status}, "$label: the client's status";
            is $where, $place, "$label: file and line";
            is $said, $sentence, "$label: the sentence" if $sentence;
            is $said, $r->{witness}{reason}, "$label: the note's sentence";
            like $lines[0], qr/\[(?:client|remote) 127\.0\.0\.1:\d+\]/,
                "$label: whose";
        }
    }
}

# DetectionOnly logs the same with "would refuse".
for my $asks (0, 1) {
    my($r, @lines) = lines_of(path => '/log/detect/x', asks => $asks);
    is $r->{status}, 200, "DetectionOnly, asks $asks: let through";
    is scalar @lines, 1, "DetectionOnly, asks $asks: one line";
    my $code = $asks ? 417 : 413;
    like $lines[0], qr/\[expect:info\]\ .*\]\ expect:\ would\ refuse\ $code:
        \ content-length\ 11\ is\ over\ max=10\ \(ExpectRequire\ at
        \ \Q$conf\E:$main_line\)$/x,
        "DetectionOnly, asks $asks: would refuse";
}

# Nor again in the section of the file that DirectoryIndex finds.
write_htaccess('log/detect/index', "DirectoryIndex index.x\n<Files index.x>\n"
    . "ExpectRequire content-length max=5\n</Files>\n");
{
    open my $fh, '>', conf_var('documentroot') . '/log/detect/index/index.x'
        or die "index.x: $!\n";
    close $fh;
}
for my $asks (0, 1) {
    my(undef, @lines) = lines_of(path => '/log/detect/index/',
        method => 'POST', asks => $asks);
    is scalar @lines, 1, "DetectionOnly, twice, asks $asks: one line"
        or diag @lines;
    my $code = $asks ? 417 : 413;
    like $lines[0], qr/would refuse $code: content-length 11 is over max=10 /,
        "DetectionOnly, twice, asks $asks: of the folder's section";
}

# An ErrorDocument that is not there, or is refused itself, is no second line.
write_htaccess('log/lost', "ErrorDocument 413 /nowhere\n"
    . "ErrorDocument 417 /nowhere\n");
write_htaccess('log/loop', "ErrorDocument 413 /log/loop/y\n"
    . "ErrorDocument 417 /log/loop/y\n");
for my $place (qw(lost loop)) {
    for my $asks (0, 1) {
        my($r, @lines) = lines_of(path => "/log/$place/x", asks => $asks);
        is $r->{status}, $asks ? 417 : 413, "$place, asks $asks: the status";
        is scalar @lines, 1, "$place, asks $asks: one line" or diag @lines;
    }
}

# What is admitted is not worth a line.
{
    my($r, @lines) = lines_of(path => '/log/x', content => 10, eager => 1);
    is_deeply [$r->{status}, @lines], [200], 'admitted: no line';
}

# --- the level -------------------------------------------------------------

for my $asks (0, 1) {
    for (['/log/warn/x', 0], ['/log/warn/info/x', 1],
        ['/log/detect/warn/x', 0]) {
        my($path, $count) = @$_;
        for my $h2 (0, has_h2() ? 1 : ()) {
            my($r, @lines) = lines_of(path => $path, asks => $asks,
                h2 => $h2);
            is scalar @lines, $count,
                "LogLevel, $path, asks $asks, h2 $h2: $count lines"
                or diag @lines;
            like $r->{witness}{verdict}, qr/^(?:refuse|detect)$/,
                "LogLevel, $path, asks $asks, h2 $h2: decided all the same";
        }
    }
}

# --- what the client sent --------------------------------------------------

write_htaccess('log/hostile', "ExpectRequire content-type image/png\n"
    . "ExpectRequire content-encoding gzip\nExpectStatus specific\n");

# The kind of a client's field values that have no business in a log.
my %hostile = (
    'quotes'       => q(a/b"c'd`e),
    'backslash'    => 'a/b\\nc\\x41\\',
    'escape'       => "a/b\e[31mred\e[0m",
    'a tab'        => "a/b\tc\td",
    'high bytes'   => "a/b\xff\xfe\x9b31m\xe2\x80\xa8",
    'like a line'  => 'a/b [expect:info] expect: refused 200: '
        . '(ExpectRequire at /etc/passwd:1)',
    'percent'      => 'a/b%s%n%d%08x%0a',
    'markup'       => '<script>alert(1)</script>/<b>',
    'delete'       => "a/b\x7f\x7f",
);
# httpd itself refuses some of these; the rest is ours to bear.
for my $name (sort keys %hostile) {
    for my $field ('Content-Type', 'Content-Encoding') {
        for my $asks (0, 1) {
            my $mark = log_mark();
            my @right = $field eq 'Content-Type' ? ()
                : ('Content-Type: image/png');
            my $r = upload(path => '/log/hostile/x', content => 5,
                asks => $asks, headers => [@right, "$field: $hostile{$name}"]);
            my @lines = error_log_since($mark);
            my $label = "$name in $field, asks $asks";
            if ($r->{status} == 400) {
                is $r->{witness}{verdict}, '-', "$label: httpd's own 400";
                next;
            }
            is $r->{status}, 415, "$label: refused";
            my @ours = grep { /\[expect:/ } @lines;
            is scalar @ours, 1, "$label: one line" or diag @ours;
            unlike $ours[0] // '', qr/[^\x20-\x7e\n]/,
                "$label: nothing but printable";
            cmp_ok length($ours[0] // ''), '<', 700, "$label: bounded";
            like $ours[0] // '',
                qr/^\[[^]]+\]\ \[expect:info\]\ \[[^]]+\]\ \[[^]]+\]\ expect:
                    \ refused\ 415:\ content-(?:type|encoding)\ /x,
                "$label: starts as every line";
            like $ours[0] // '', qr/\(ExpectRequire at \S+\/\.htaccess:[12]\)$/,
                "$label: ends as every line";
            unlike $r->{body}, qr/<script|<b>/i,
                "$label: no markup in the page";
            unlike join('', map { "$_: $r->{headers}{$_}" }
                keys %{ $r->{headers} }), qr/[^\x20-\x7e]/,
                "$label: no raw bytes in the fields";
        }
    }
}

# Long values are cut; the line keeps its end.
for my $long ('a/' . 'b' x 4000, 'a/b; ' . 'p="\\"' x 800, '\\' x 4000,
              join ', ', ('a/b') x 1000) {
    for my $field ('Content-Type', 'Content-Encoding') {
        my @right = $field eq 'Content-Type' ? () : ('Content-Type: image/png');
        my($r, @lines) = lines_of(path => '/log/hostile/x', content => 5,
            asks => 1, headers => [@right, "$field: $long"]);
        my $label = "4 KB of " . substr($long, 0, 8) . " in $field";
        is $r->{status}, 415, "$label: refused";
        is scalar @lines, 1, "$label: one line";
        cmp_ok length($lines[0] // ''), '<', 700, "$label: bounded";
        like $lines[0] // '', qr/\(ExpectRequire at \S+\/\.htaccess:[12]\)$/,
            "$label: with its place";
        cmp_ok length($r->{witness}{reason}), '<', 500,
            "$label: the note is bounded, too";
    }
}

done_testing();
