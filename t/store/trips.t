#!/usr/bin/perl
# A decision is one round trip to the store, however many rules remember: by the
# Redis server's own count. Where alternatives are full, there are up to four.
# All of them share one timeout.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use Admission;
use Store;

my $rules = <<'CONF' x 3;
    ExpectRequire in-flight uploads=100
    ExpectRequire quota uploads=100 bytes=1M per=366d key=vhost
CONF
my $full = "ExpectRequire quota uploads=1 per=366d\n" x 4;
my $redis = redis();
my $conf = <<"CONF";
<If "-n %{HTTP:X-Trial}">
    ExpectEngine DetectionOnly
</If>
<Location /witness/all>
$rules
</Location>
<Location /witness/debug>
    LogLevel expect:debug
$rules
</Location>
<Location /witness/full>
$full
</Location>
<Location /witness/two>
    <ExpectRequireAny>
        ExpectRequire quota uploads=1 per=366d
        ExpectRequire quota uploads=2 per=366d
    </ExpectRequireAny>
</Location>
<Location /witness/beside>
    ExpectRequire quota uploads=3 per=366d
    <ExpectRequireAny>
        ExpectRequire quota uploads=1 per=366d
        ExpectRequire quota uploads=9 per=366d
    </ExpectRequireAny>
</Location>
<Location /witness/or-small>
    <ExpectRequireAny>
        ExpectRequire quota uploads=1 per=366d
        ExpectRequire quota uploads=2 per=366d
        ExpectRequire content-length max=20
    </ExpectRequireAny>
</Location>
<Location /witness/limited>
    <Limit PUT>
        ExpectRequire quota uploads=9 per=366d
    </Limit>
</Location>
<Location /witness/any>
    <ExpectRequireAny>
$full
        <ExpectRequireAll>
            ExpectRequire header X-Free
            ExpectRequire quota uploads=2 per=366d
        </ExpectRequireAll>
    </ExpectRequireAny>
</Location>
CONF
my $httpd = fleet_httpd($redis, $conf, 'timeout=5000');

sub commands {
    return $redis->call('INFO', 'commandstats')
        =~ /cmdstat_evalsha:calls=(\d+)/ ? $1 : 0;
}

sub put {
    my($path, %o) = @_;
    return upload(vhost => $httpd, path => "/witness/$path", content => 100,
        asks => 1, unwitnessed => 1, %o)->{status};
}

sub trips_are {
    my($trips, $status, $name, $path, %o) = @_;
    my $before = commands();
    my $got = put($path, %o);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $got, $status, "$name: status";
    is commands() - $before, $trips, "$name: round trips";
}

# the script is there, and the count has begun
is put('all'), 200, 'an upload';

my @trial = (headers => ['X-Trial: 1']);
for my $h2 (0, has_h2() ? 1 : ()) {
    my @is = (h2 => $h2);
    # the last one gives back the place in flight
    trips_are(2, 200, "admitted, h2 $h2", 'all', @is);
    trips_are(1, 200, "a trial, h2 $h2", 'all', @is, @trial);
    trips_are(3, 200, "debug, h2 $h2", 'debug', @is);
    trips_are(1, 200, "OPTIONS, h2 $h2", 'all', @is, method => 'OPTIONS',
        content => undef, asks => 0);
}

is put('full'), 200, 'full: the first';
trips_are(1, 503, 'full', 'full');
trips_are(1, 200, 'full, a trial', 'full', @trial);

trips_are(1, 200, 'the first of two alternatives', 'two');
trips_are(2, 200, 'the second of two', 'two') for 1 .. 2;
trips_are(2, 503, 'none of two', 'two');

# what has to hold beside alternatives
trips_are(1, 200, 'beside alternatives', 'beside');
trips_are(2, 200, 'beside the second of them', 'beside') for 1 .. 2;
trips_are(1, 503, 'beside them, full', 'beside');
trips_are(0, 200, 'OPTIONS of nothing that is announced', 'limited',
    method => 'OPTIONS', content => undef, asks => 0);

# of more alternatives, each has room for one: take from the first; if that is
# full, from the next one; if that is, look at all that are left, and take
for my $nth (1 .. 4) {
    trips_are((0, 1, 2, 4, 4)[$nth], 200, "alternative $nth", 'any');
}
trips_are(3, 503, 'no alternative', 'any');
trips_are(4, 200, 'the last alternative', 'any', headers => ['X-Free: 1']);

# An answer takes 0.6 s, so that any number would fit in, if each had the whole
# timeout. They have it together: after one that refuses (or two) there is too
# little time for another take (or look). The refusal stands, whatever on-error=
# says; nobody does without the store because of that. What needs no store admits.
for my $case (['local', 1100, 'two', 1], ['admit', 1100, 'two', 1],
    ['refuse', 1100, 'two', 1], ['local', 2000, 'any', 2],
    ['admit', 2000, 'any', 2]) {
    my($on_error, $timeout, $path, $used) = @$case;
    my $store = redis();
    my $proxy = proxy($store);
    my $slow = fleet_httpd($proxy, $conf, "timeout=$timeout",
        "on-error=$on_error");
    my $is = "slow, $on_error, $path";
    my $ask = sub {
        my($path, @is) = @_;
        return upload(vhost => $slow, path => "/witness/$path", asks => 1,
            content => 100, unwitnessed => 1, @is);
    };
    is $ask->($path)->{status}, 200, "$is: room" for 1 .. $used;
    is $ask->('or-small')->{status}, 200, "$is: room there, too";
    $proxy->mode('slow');
    for my $h2 (0, has_h2() ? 1 : ()) {
        my $r = $ask->($path, h2 => $h2);
        is $r->{status}, 503, "$is, h2 $h2: the refusal stands";
        is_deeply $r->{interim}, [], "$is, h2 $h2: no 100";
        is $ask->('all', h2 => $h2)->{status}, 200,
            "$is, h2 $h2: the store decides about the next one";
        is $ask->('debug', h2 => $h2)->{status}, 200,
            "$is, h2 $h2: and about one that is logged at debug";
    }
    is $ask->('or-small', content => 10, chunked => 1)->{status}, 200,
        "$is: what needs no store";
    ok comes_true(sub { !$store->places }), "$is: nothing is in flight";
    $proxy->mode('pass');
    is $ask->($path)->{status}, 200, "$is: nothing was taken";
    is_deeply [ store_log($slow) ], [], "$is: nothing is said";
}

done_testing();
