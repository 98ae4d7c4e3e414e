#!/usr/bin/perl
# refused_ok() and admitted_ok() must fail when the server does something
# else; otherwise no other test shows anything. Each case runs in a perl of
# its own, whose "not ok" lines are examined.

use strict;
use warnings;

use Test::More;
use ExpectTest;

# Returns the names of the failed assertions, without the transport.
sub failures {
    my($code) = @_;
    my $script = conf_var('t_logs') . "/assertions-$$.pl";
    open my $fh, '>', $script or die "$script: $!\n";
    print $fh "use Test::More; use ExpectTest; $code; done_testing();\n";
    close $fh or die "$script: $!\n";
    my $out = qx($^X -It/lib $script 2>/dev/null);
    unlink $script;
    my %failed = map { $_ => 1 } $out =~ m{not ok \d+ - \S+, asked: (.*)}g;
    return [sort keys %failed];
}

my @cases = (
    ['what is admitted is not refused',
        q(refused_ok('x', { content => 5, asks => 1, h2 => 0 },
            status => 413, rule => 'content-length', like => qr/over/,
            headers => { 'upload-limit' => 'max-size=4' }, body => qr/over/)),
        ['Connection: close', 'body', 'closed', 'content unread', 'log line',
         'no interim response', 'nothing sent', 'one log line', 'reason',
         'rule', 'status', 'status noted', 'upload-limit', 'verdict']],
    ['httpd refusing by itself is not mod_expect refusing',
        q(refused_ok('x', { path => '/basic/', content => 5, asks => 1,
            h2 => 0 }, status => 401)),
        ['log line', 'one log line', 'status noted', 'verdict']],
    ['what is refused is not admitted',
        q(admitted_ok('x', { path => '/basic/', content => 5, asks => 1,
            h2 => 0 }, status => 200, verdict => 'detect', rule => 'auth',
            log => qr/would refuse/)),
        ['all read', 'all sent', 'one 100', 'one log line', 'rule', 'status',
         'verdict']],
    ['a handler that reads nothing did not take the content',
        q(admitted_ok('x', { path => '/lazy/', content => 5, asks => 1,
            h2 => 0 }, status => 200, verdict => '-')),
        ['all read', 'all sent', 'one 100']],
);

for my $case (@cases) {
    my($name, $code, $expected) = @$case;
    my $failed = failures($code);
    # What mod_expect says of a request without rules is not the point here.
    $failed = [grep { $_ ne 'verdict' } @$failed]
        unless grep { $_ eq 'verdict' } @$expected;
    is_deeply $failed, $expected, $name or diag explain $failed;
}

done_testing();
