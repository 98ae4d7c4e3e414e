#!/usr/bin/perl
# needs: several users
# A connection belongs to the first user that it was served as. Requests to
# hosts of the same user are judged one after the other by one process; at a
# request to another user's host mpm_itk ends the connection without an
# answer. Then nothing is admitted or counted, and the client connects again.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/itk';
use Itk;
use StatusTest;

sub put {
    my($tenant, $length, $content, @lines) = @_;
    return join "\r\n", 'PUT /up/x HTTP/1.1', "Host: $tenant->{host}",
        "Content-Length: $length", @lines, '', $content;
}

my $ok     = qr{^HTTP/1\.1 20[14] .*?\r\n\r\n}sm;
my $waits  = 'Expect: 100-continue';
my $sample = 'x' x 10;

for (['as is', ''], ['looked up early', quick()]) {
    my($how, $conf) = @$_;
    my($one, $other) = tenants(2);
    # a second host of the same user's
    my $same = { %$one, host => 'same.test' };
    my $server = itk_httpd([$one, $same, $other], $conf . log_pids() . COUNTED);
    my $run = sub { return talk($server, @_) };
    give_file($_, 'up/.htaccess', "ExpectRequire content-length max=10\n")
        for $one, $other;

    my $before = status($server);
    my $t = $run->(map({ (put($_, 10, $sample), $ok) } $one, $same, $one),
        put($one, 10, '', $waits), qr{100 Continue\r\n\r\n}, $sample, $ok,
        put($same, 11, '', $waits), qr{^HTTP/1\.1 417 }m, 'eof');
    ok !$t->{missed}, "$how: five uploads on a connection, the last refused"
        or diag "missed: $t->{missed}\n$t->{bytes}";
    my $now = changed($before, $server);
    is_deeply [@$now{qw(continue refuse)}], [4, 1], "$how: each is counted";
    my %pids = map { $_ => 1 } grep { $_ } (pids())[1 .. 5];
    is scalar(keys %pids), 1, "$how: by one process" or diag explain \%pids;

    $before = status($server);
    my $mark = log_mark($server);
    for my $length (10, 11) {
        $t = $run->(put($one, 10, $sample), $ok,
            put($other, $length, '', $waits), 'eof');
        ok !$t->{missed}, "$how: another user's host, $length: it is ended"
            or diag "missed: $t->{missed}";
        is scalar(() = $t->{bytes} =~ m{^HTTP/}mg), 1,
            "$how: with no answer, nor 100 Continue";
    }
    ok !-e "$other->{dir}/up/x", "$how: nothing came in";
    is_deeply changed($before, $server), { continue => 2 },
        "$how: nor is it counted";
    my @lines = error_log_since($mark);
    is scalar(grep { /expect: / } @lines), 0, "$how: nor logged as judged";
    is scalar(grep { /closing connection/ } @lines), 2,
        "$how: mpm_itk says what it does";

    $t = $run->(put($other, 10, '', $waits), qr{100 Continue\r\n\r\n},
        $sample, $ok);
    ok !$t->{missed}, "$how: the next connection is the other user's";
    $t = $run->(put($other, 11, '', $waits), qr{^HTTP/1\.1 417 }m, 'eof');
    ok !$t->{missed}, "$how: and refuses what is too much";

    # the answers that end a connection
    for (['413', put($one, 11, ''), qr/^HTTP\/1\.1 413 /m],
         ['417, unsupported', put($one, 5, '', 'Expect: pigs-fly'),
             qr/^HTTP\/1\.1 417 /m],
         ['cut off', put($one, 0, sprintf("%x\r\n%s\r\n", 9999, 'x' x 9999),
             'Transfer-Encoding: chunked') =~ s/Content-Length: 0\r\n//r,
             qr/^HTTP\/1\.1 413 /m]) {
        my($name, $bytes, $answer) = @$_;
        $t = $run->(put($one, 10, $sample), $ok, $bytes, $answer, 'eof');
        ok !$t->{missed}, "$how: $name, then the end"
            or diag "missed: $t->{missed}\n$t->{bytes}";
    }
    is join('', $server->crashes), '', "$how: nothing crashed";
}

done_testing();
