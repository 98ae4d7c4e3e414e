#!/usr/bin/perl
# A request is counted once, with its final verdict, and with spared bytes
# only if the client waited.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use StatusTest;

my $T = 2**40;

write_htaccess("status$_", '') for '', qw(/known /detect /off /closed /file);
write_htaccess('status/page', "ErrorDocument 413 /static/file.txt\n"
    . "ErrorDocument 417 /cgi/read.cgi\n");
write_htaccess('status/front', "RewriteEngine On\n"
    . "RewriteRule .* /witness/ [END]\n");
write_htaccess('status/index', "DirectoryIndex small.bin\n"
    . "SetHandler None\n<Files small.bin>\nSetHandler witness\n"
    . "ExpectRequire content-length max=10\n</Files>\n");
write_htaccess('status/auth', "AuthType Basic\nAuthName realm\n"
    . "AuthBasicProvider witness\nRequire valid-user\nExpectRequire auth\n");
write_htaccess('status/mixed', '');
for my $dir (qw(index mixed)) {
    my $file = conf_var('documentroot') . "/status/$dir/small.bin";
    open my $fh, '>', $file or die "$file: $!\n";
}

my @foo   = (headers => ['Expect: foo']);
my @twice = (headers => ['Expect: 100-continue', 'Expect: 100-continue']);

# what it shows => upload; what changes when not asked, and when asked
for my $case (
    ['not judged', { path => '/witness/x', content => 9 }, {}],
    ['no content', { path => '/status/x' }, {}],
    ['engine off', { path => '/status/off/x', content => 2000 }, {}],

    ['admitted', { path => '/status/x', content => 1000 }, { continue => 1 }],
    ['admitted, unknown length', { path => '/status/x', content => 1000,
        chunked => 1 }, { continue => 1 }],
    ['admitted, redirected', { path => '/status/front/x', content => 9 },
        { continue => 1 }],
    ['admitted, by DirectoryIndex', { path => '/status/index/',
        content => 9 }, { continue => 1 }],
    ['admitted, and then 403', { path => '/status/closed/x', content => 9 },
        { continue => 1 }],
    ['admitted, and then 405', { path => '/status/file/x', content => 9 },
        { continue => 1 }],

    ['refused', { path => '/status/x', content => 2000 },
        { refuse => 1, bytes_refused => 2000 }, { bytes_spared => 2000 }],
    ['refused, with an ErrorDocument', { path => '/status/page/x',
        content => 2000 },
        { refuse => 1, bytes_refused => 2000 }, { bytes_spared => 2000 }],
    ['refused, by DirectoryIndex', { path => '/status/index/',
        method => 'POST', content => 11 },
        { refuse => 1, bytes_refused => 11 }, { bytes_spared => 11 }],
    ['refused, unknown length', { path => '/status/known/x', content => 20,
        chunked => 1 }, { refuse => 1 }],
    ['refused by auth', { path => '/status/auth/x', content => 5 },
        { refuse => 1, bytes_refused => 5 }, { bytes_spared => 5 }],
    ['a great word', { path => '/status/x', length => '9' x 18 },
        { refuse => 1, bytes_refused => $T }, { bytes_spared => $T }],

    ['detected', { path => '/status/detect/x', content => 2000 },
        { detect => 1 }],
    ['detected, and then refused', { path => '/status/mixed/',
        method => 'POST', content => 2000 },
        { refuse => 1, bytes_refused => 2000 }, { bytes_spared => 2000 }],
    ['cut off', { path => '/status/x', content => 1001, chunked => 1 },
        { continue => 1, cut_off => 1, bytes_cut_off => 1001 }],
    ['would be cut off', { path => '/status/detect/x', content => 1001,
        chunked => 1 }, { continue => 1, would_cut_off => 1 }],
) {
    my($name, $upload, $want, $more) = @$case;
    for my $h2 (0, has_h2() ? 1 : ()) {
        for my $asks (length($upload->{content} // $upload->{length} // '')
                          ? (0, 1) : 0) {
            my $before = status();
            my $r = upload(h2 => $h2, asks => $asks, %$upload);
            is_deeply changed($before),
                { %$want, $asks && $more ? %$more : () },
                "$name, asks $asks, h2 $h2" or diag explain $r;
        }
    }
}

for my $case (
    ['unsupported', { @foo }, {}],
    ['twice, so the client waits', { @twice }, { bytes_spared => 7 }],
) {
    my($name, $upload, $more) = @$case;
    my $before = status();
    my $r = upload(path => '/witness/', content => 7, %$upload);
    is $r->{status}, 417, "$name: 417";
    is_deeply changed($before), { refuse => 1, bytes_refused => 7, %$more },
        "$name: counted";
    is status()->{last}[0]{rule}, 'expectation', "$name: its rule";
}

# What leads to no section.
{
    my $server = own_httpd(conf => COUNTED . "TraceEnable extended\n"
        . "ExpectRequire content-length max=10\n");
    for my $target (['TRACE', '/x'], ['OPTIONS', '*']) {
        my($method, $path) = @$target;
        for my $size (10, 11) {
            my $before = status($server);
            my $r = upload(vhost => $server, method => $method, path => $path,
                content => $size, eager => 1);
            is_deeply changed($before, $server), $size > 10
                ? { refuse => 1, bytes_refused => $size } : { continue => 1 },
                "$method $path, $size bytes" or diag explain $r;
        }
    }
}

# By rule, and the last refusal.
{
    my($old) = grep { $_->{rule} eq 'auth' } @{ status()->{rules} };
    my $r   = upload(path => '/status/auth/x', content => 5, asks => 1);
    my $now = status();
    my($new) = grep { $_->{rule} eq 'auth' } @{ $now->{rules} };
    is $new->{refuse}, $old->{refuse} + 1, 'counted by rule';
    is $new->{bytes_spared}, $old->{bytes_spared} + 5, 'bytes too';

    my $last = $now->{last}[0];
    like delete $last->{time}, qr/^\d{4}(?:-\d\d){2}T(?:\d\d:){2}\d\dZ$/,
        'the last refusal: its time';
    is_deeply $last, { verdict => 'refuse', status => 417, rule => 'auth',
        method => 'PUT', reason => $r->{witness}{reason} }, 'and the rest';

    my %sum;
    for my $rule (@{ $now->{rules} }) {
        $sum{$_} += $rule->{$_} for grep { $_ ne 'rule' } keys %$rule;
    }
    is $sum{$_}, $now->{totals}{$_}, "rules add up: $_" for sort keys %sum;
    for my $span (qw(minutes quarters)) {
        my %in;
        for my $part (@{ $now->{$span} }) {
            $in{$_} += $part->{$_} for keys %{ $now->{totals} };
        }
        is_deeply \%in, $now->{totals}, "$span add up";
    }
    is @{ $now->{minutes} }, 60, 'an hour';
    is @{ $now->{quarters} }, 96, 'a day';
}

done_testing();
