#!/usr/bin/perl
# While the store answers, it decides, and not the ledger, whichever way rules
# are written, evaluated and logged. Here the store has forgotten what the
# ledger still knows; then it knows what the ledger does not.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use Admission;
use Store;

my $redis = redis();
my $conf = <<'CONF';
<Location /witness/plain>
    ExpectRequire quota uploads=1 per=366d
</Location>
<Location /witness/debug>
    LogLevel expect:debug
    ExpectRequire quota uploads=1 per=366d
</Location>
<Location /witness/any>
    <ExpectRequireAny>
        ExpectRequire quota uploads=1 per=366d
        ExpectRequire header X-Free
    </ExpectRequireAny>
</Location>
<Location /witness/trial>
    ExpectRequire quota uploads=1 per=366d
    <If "-n %{HTTP:X-Trial}">
        ExpectEngine DetectionOnly
    </If>
</Location>
<Location /witness/cut>
    ExpectRequire quota bytes=5000 per=366d
</Location>
CONF
my($one, $other) = map { fleet_httpd($redis, $conf, 'timeout=5000') } 1, 2;

sub put {
    my($server, $path, %o) = @_;
    return upload(vhost => $server, path => "/witness/$path",
        content => 1000, %o)->{status};
}

for my $path (qw(plain debug any)) {
    $redis->call('FLUSHALL');
    is put($one, $path), 200, "$path: the first";
    is put($one, $path), 503, "$path: not a second";
    $redis->call('FLUSHALL');
    is put($one, $path), 200, "$path: the store has forgotten the first";
    is put($other, $path), 503, "$path: the other server knows of it";
}
is put($other, 'any', headers => ['X-Free: 1']), 200, 'any: an alternative';

# A trial asks the store, and takes nothing.
{
    my @trial = (headers => ['X-Trial: 1']);
    my $would = qr/expect: would refuse 503: quota uploads=1 per=366d/;
    is put($one, 'trial'), 200, 'trial: the first';
    my $mark = log_mark($other);
    is put($other, 'trial', @trial), 200, 'trial: the other server admits';
    is scalar(grep { /$would/ } error_log_since($mark)), 1,
        'trial: it says that it would not';
    $redis->call('FLUSHALL');
    $mark = log_mark($one);
    is put($one, 'trial', @trial), 200, 'trial: the store has forgotten it';
    is scalar(grep { /$would/ } error_log_since($mark)), 0,
        'trial: nobody would refuse';
    is put($other, 'trial'), 200, 'trial: nothing was taken';
}

# After a cut-off, RateLimit says what all servers have left.
{
    is put($other, 'cut', content => 3000), 200, 'cut: some is spent';
    my $r = upload(vhost => $one, path => '/witness/cut', content => 4000,
        chunked => 1);
    is $r->{status}, 413, 'cut: the other server is cut off';
    like $r->{headers}{ratelimit},
        qr/^"quota-bytes-366d";r=0;t=\d+$/, 'cut: nothing is left';
}

# While the store does not answer, a trial says what on-error= would do.
{
    my %n = (admit => 0, refuse => 1, local => 1);
    my %httpd = map { $_ => fleet_httpd($redis, $conf, 'timeout=200',
        "on-error=$_") } keys %n;
    $redis->call('FLUSHALL');
    for my $how (sort keys %n) {
        is put($httpd{$how}, 'trial'), 200, "$how: the first";
        $redis->call('FLUSHALL');
    }
    $redis->stop;
    for my $how (sort keys %n) {
        my $mark = log_mark($httpd{$how});
        is put($httpd{$how}, 'trial', headers => ['X-Trial: 1']), 200,
            "$how: a trial while the store does not answer";
        my @would = map { /expect: would refuse (.*?) \(/ ? $1 : () }
            error_log_since($mark);
        is scalar(@would), $n{$how}, "$how: what it says" or diag @would;
        like $would[0] // '', $how eq 'local' ? qr/^503: quota/
            : $how eq 'refuse' ? qr/^503: .*store/ : qr/^$/, "$how: and why";
    }
}

done_testing();
