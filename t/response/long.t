#!/usr/bin/perl
# Long words in rules, and long paths: httpd cuts a line of its log at 8 kB,
# but the rule's file and line are visible in it. Notes and responses contain
# no long words either.

use strict;
use warnings;

use File::Path qw(mkpath);
use lib 't/response';
use Test::More;
use ExpectTest;
use Response;

my $LONG = 'x' x 8000;
my $n    = 0;

sub logged {
    my(%o) = @_;
    my $mark = log_mark();
    my $r = upload(%o);
    return ($r, grep { /expect: / } error_log_since($mark));
}

# what it shows, the rule, fields
my @rules = (
    ['a type',        "content-type a/$LONG"],
    ['many types',    "content-type a/b " . join ' ', map { "a/$_" } 1 .. 900],
    ['a coding',      "content-encoding $LONG", 'Content-Encoding: gzip'],
    ['a field name',  "header X-$LONG"],
    ['not a type',    "not content-type application/octet-stream a/$LONG"],
    ['a pattern',     "header X-A $LONG"],
    ['a length',      'content-length max=' . '0' x 8000 . '1'],
    ['free space',    'free-space ' . '0' x 8000 . '8000T'],
    ['an expression', "expr \"'$LONG' == '%{HTTP:X-A}'\""],
    ['a user',        "user $LONG"],
);
for my $where ('long', 'detect/long', 'debug/long', 'trace/long') {
    for (@rules) {
        my($name, $rule, @headers) = @$_;
        my $dir  = "$where-" . ++$n;
        my $file = place($dir, '# nothing', "ExpectRequire $rule")
            =~ s{[^/]*$}{.htaccess}r;
        for my $accept ('application/problem+json', 'text/html') {
            my $label = "$where, $name, $accept";
            my($r, @lines) = logged(path => "/response/$dir/x", content => 5,
                asks => 1, headers => [@headers, "Accept: $accept"]);
            my $w = $r->{witness};
            my @own = grep { /ExpectRequire at/ } @lines;
            is $r->{status}, $where =~ /detect/ ? 200 : 417, "$label: status";
            ok scalar @own, "$label: there is a line";
            is scalar(grep { !/\(ExpectRequire at \S*\Q$file\E:2\)$/ } @own),
                0, "$label: each has file and line" or diag @own;
            is scalar(grep { length > 4000 } @lines), 0, "$label: bounded";
            cmp_ok length($w->{reason}), '<', 1200, "$label: the note";
            cmp_ok length($r->{body}), '<', 4000, "$label: the page";
            cmp_ok length(join '', %{ $r->{headers} }), '<', 3000,
                "$label: the fields";
        }
    }
}

# A long path: its end is shown.
{
    my $deep = 'long/' . join '/', map { 'd' x 200 . $_ } 1 .. 8;
    mkpath(conf_var('documentroot') . "/response/$_/$deep")
        for qw(. debug trace);
    for my $where ('', 'debug/', 'trace/') {
        place("$where$deep", 'ExpectRequire content-length max=1');
        my($r, @lines) = logged(path => "/response/$where$deep/x", content => 5,
            asks => 1);
        is $r->{status}, 417, "$where: a long path: status";
        my @own = grep { /ExpectRequire at/ } @lines;
        is scalar(@own), $where ? 2 : 1, "$where: a long path: its lines";
        is scalar(grep { m{\(ExpectRequire at \.\.\.\S*d8/\.htaccess:1\)$} }
            @own), scalar @own, "$where: a long path: its end" or diag @own;
        is scalar(grep { length > 3000 } @lines), 0,
            "$where: a long path: bounded";
    }
}

# An error in .htaccess ends with its line.
for my $text ("ExpectRequire $LONG", "ExpectRequire content-type $LONG",
              "ExpectStatus $LONG", "ExpectRequire content-length max=$LONG",
              "ExpectRequire header $LONG\@", "ExpectRequire ip $LONG",
              "ExpectRequire expr \"$LONG\"",
              "<ExpectRequireAll>\n$LONG\n</ExpectRequireAll>") {
    my $path = place('long-' . ++$n, '# nothing', $text);
    my $mark = log_mark();
    my $r = upload(path => $path, content => 5, asks => 1);
    my($line) = grep { /Expect/ } error_log_since($mark);
    my $label = substr $text, 0, 30;
    is $r->{status}, 500, "$label: an error";
    like $line // '', qr/ \(line [23]\)$/, "$label: its line";
    cmp_ok length($line // ''), '<', 3000, "$label: bounded";
}

done_testing();
