#!/usr/bin/perl
# make demo: every row of its table is what the module is for, with all samples
# in force; nothing is left behind.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;

# an upload => with mod_expect: its status, the rule, what has left the client
my @rows = (
    ['2 MB PDF, asked', 201, '-', '2 MB'],
    ['2 MB PDF, not asked', 201, '-', '2 MB'],
    ['50 MB PNG, asked', 413, 'content-length', 0],
    ['50 MB PNG, not asked', 413, 'content-length'],
    ['2 MB MP4, asked', 415, 'content-type', 0],
    ['5 MB PNG, no login, asked', 401, 'auth', 0],
    ['5 MB PNG, no login, not asked', 401, 'auth'],
    ['2 MB PDF, no If-Match, asked', 428, 'header', 0],
    ['2 MB PDF, asked twice *', 417, 'expectation', 0],
    ['50 MB PNG, asked', 417, 'content-length', 0],
    ['50 MB PNG, not asked', 413, 'content-length'],
    ['5 MB PNG, .htaccess says 2 MB', 413, 'content-length', 0],
    ['5 MB PNG, .htaccess says 1 GB', 201, '-', '5 MB'],
    ['50 MB PNG, .htaccess says 1 GB', 417, 'content-length', 0],
    ['5 MB PNG, asked', 201, 'content-length', '5 MB'],
);

my $tmp = conf_var('t_logs') . "/demo-$$";
mkpath($tmp);
local $ENV{TMPDIR} = $tmp;
# it starts httpd itself: with what stands before httpd in all tests
my $httpd = "$tmp-httpd";
spew($httpd, "#!/bin/sh\nexec ",
    join(' ', map { "'$_'" } ExpectTest::httpd_command()), qq( "\$@"\n));
chmod 0755, $httpd;
local $ENV{HTTPD} = $httpd;
my $demo = conf_var('serverroot') . '/demo';
my $text = qx('$demo' 2>&1);
is $?, 0, 'it ends well' or diag $text;
is_deeply [glob "$tmp/*"], [], 'nothing is left behind';

my @shown = map { [/^  (\S.*?) {2,}(\d+)  (\S+) +(\S+(?: \S+)?)  \|/] }
    grep { /\|/ && !/^  upload|with mod_expect/ } split /\n/, $text;
for my $row (@rows) {
    my $shown = shift @shown // [];
    # a client that did not ask may have sent a little, or a lot
    $#$shown = 2 if @$row == 3 && @$shown;
    is_deeply $shown, $row, "$row->[0]: $row->[1]";
}
is_deeply \@shown, [], 'no further row';
like $text, qr/^  expect: refused 413: content-length 52428800 is over /m,
    'it shows the log';

done_testing();
