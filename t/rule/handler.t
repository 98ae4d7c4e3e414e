#!/usr/bin/perl
# The rule handler refuses with 405 unless the content goes to a handler other
# than httpd's file handler, or to one of those that are named.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $n  = 0;

# where (a directory, and a name in it), the rule; the status: what the handler
# answers, or 405 if refused
my @cases = (
    ['tenant', 'x', 'handler', 200, 'admitted'],
    ['tenant', 'x', 'handler witness', 200, 'admitted'],
    ['tenant', 'x', 'handler cgi-script witness', 200, 'admitted'],
    ['tenant', 'x', 'handler cgi-script', 405, 'refused'],
    ['tenant', 'x', 'handler witness-lazy witnes', 405, 'refused'],
    ['tenant', 'x', 'not handler cgi-script', 200, 'admitted'],
    ['tenant', 'x', 'not handler witness', 405, 'refused'],
    ['tenant', 'x', 'not handler', 405, 'refused'],
    # A plain file, and one that is not there.
    ['static', 'plain.txt', 'handler', 405, 'refused'],
    ['static', 'none.txt', 'handler', 405, 'refused'],
    ['static', 'none.txt', 'handler witness', 405, 'refused'],
    # mod_dav and mod_cgi take content.
    ['dav', 'new.txt', 'handler', [201, 204], 'admitted'],
    ['cgi', 'read.cgi', 'handler cgi-script', 200, 'admitted'],
    ['cgi', 'read.cgi', 'handler', 200, 'admitted'],
);

my %is_a = ('read.cgi' => 'cgi/read.cgi', 'plain.txt' => 'static/file.txt');

for (@cases) {
    my($where, $file, $rule, $status, $verdict) = @$_;
    my $dir = "$where/handler-" . ++$n;
    my $name = "/$where, $rule" . ($where eq 'static' ? ", $file" : '');
    write_htaccess($dir, "ExpectRequire $rule\n");
    my $path = "/$dir/$file";
    if (my $from = $is_a{$file}) {
        my $root = conf_var('documentroot');
        link "$root/$from", "$root$path" or die "$root$path: $!\n";
    }
    if ($file eq 'plain.txt') {
        is upload(method => 'GET', path => $path)->{status}, 200,
            'a plain file';
    }
    if ($verdict eq 'refused') {
        refused_ok($name, { path => $path, content => 5 },
            status => 405, asked_status => 417, rule => 'handler',
            like => qr/^handler/);
    }
    else {
        admitted_ok($name, { path => $path, content => 5 },
            status => $status);
    }
}

# The rule's own status, for clients that asked as well.
write_htaccess('static/handler',
    "ExpectStatus specific\nExpectRequire handler\n");
refused_ok('specific', { path => '/static/handler/x', content => 5 },
    status => 405, rule => 'handler', headers => { allow => qr/\bGET\b/ });

done_testing();
