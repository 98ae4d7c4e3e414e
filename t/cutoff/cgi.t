#!/usr/bin/perl
# CGI, by mod_cgid or mod_cgi (prefork): a script starts before its content
# arrives, so it may have read max bytes when the first byte over max arrives;
# it never reads more.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $MAX = 1000;
my $root = conf_var('documentroot');

write_htaccess('cgi/cutoff', "ExpectRequire content-length max=$MAX\n");
for my $script (qw(record.cgi read.cgi away.cgi)) {
    link "$root/cgi/$script", "$root/cgi/cutoff/$script"
        or die "$script: $!\n";
}

within_ok('a script', '/cgi/cutoff/read.cgi', $MAX, status => 200,
    upload => { method => 'POST' }, body => sub { qr/^read=$_[0]\n/ });

# mod_cgi may wait three seconds for a script that is cut off while it starts.
cut_off_ok('a script', '/cgi/cutoff/read.cgi', $MAX,
    upload => { method => 'POST' }, sizes => [$MAX + 1, 200_000])
    if has_h2();

# Step by step: the script has all of max, then the byte over comes.
for my $asks (1, 0) {
    my $label = $asks ? 'asked' : 'not asked';
    my $token = token();
    my $mark = log_mark();
    my $t = stepwise('main',
        "POST /cgi/cutoff/record.cgi?$token HTTP/1.1\r\nHost: x\r\n"
        . "X-Witness: $token\r\n"
        . ($asks ? "Expect: 100-continue\r\n" : '')
        . "Transfer-Encoding: chunked\r\n\r\n",
        ($asks ? sub { $_[0]{bytes} =~ /100 Continue\r\n\r\n$/ } : ()),
        chunk('x' x $MAX), sub { length handed($token) == $MAX },
        chunk('y' x 100), sub { $_[0]{eof} });
    ok !exists $t->{missed}, "$label: max is handed on, then it ends"
        or diag explain $t;
    like $t->{bytes}, qr{^HTTP/1\.1 413 }m, "$label: 413";
    unlike $t->{bytes}, qr{HTTP/1\.1 2}, "$label: no success";
    is_deeply [@{ witness_of($token) }{qw(status eos verdict rule nstatus)}],
        [413, 0, 'refuse', 'content-length', 413], "$label: the notes";
    is scalar(grep { /expect: refused 413: / } error_log_since($mark)), 1,
        "$label: one log line";
    ended_ok($token, $label);
    is handed($token), 'x' x $MAX, "$label: no more was handed on";
    unlike handed($token, '.env'), qr/^CONTENT_LENGTH=/m,
        "$label: the script gets no length";
}

# A script that leads on elsewhere has had the content: what comes next is a GET
# without, as httpd makes it.
for my $asks (1, 0) {
    my $token = token();
    my $r = upload(method => 'POST', path => "/cgi/cutoff/away.cgi?$token",
        asks => $asks, eager => !$asks, content => 'x' x 200);
    is_deeply [@$r{qw(status body)}, $r->{witness}{read}],
        [200, "read=0\n", 200], "led on, asks $asks";
    like handed($token, '.env'), qr/^REQUEST_METHOD=GET$/m,
        "led on, asks $asks: GET";
    unlike handed($token, '.env'), qr/^CONTENT_LENGTH=/m,
        "led on, asks $asks: without a length";
}

done_testing();
