#!/usr/bin/perl
# quota: bytes and uploads in a period. What was announced and not received is
# given back; a refusal says when to come back; an upload larger than all of it
# is refused for good.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use OtherModules;
use Admission;

use constant { BYTES => 1_000_000, HOUR => 3600, DAY => 86_400 };

my $places = join '', map {
    "<Location /witness/$_->[0]>\nExpectRequire quota $_->[1]\n</Location>\n"
} ['bytes', 'bytes=1000 per=day key=ip'], ['all', 'bytes=1000 per=day'],
  ['uploads', 'uploads=3 per=hour key=ip'],
  ['both', 'uploads=3 bytes=1000 per=day'],
  ['refund', 'bytes=' . BYTES . ' per=366d'],
  ['minute', 'uploads=60 per=minute key=ip'],
  ['soon', 'uploads=2 per=2s key=ip'], ['units', 'bytes=1G per=week'],
  ['huge', 'bytes=999999999999999 per=day'],
  map { ["period-$_", "uploads=1 per=$_ key=ip"] }
      qw(minute hour day week 90s 5m 2h 3d 366d);
my $server = h2_httpd($places);
my @h2 = (0, has_h2() ? 1 : ());
my %seconds = (minute => 60, hour => HOUR, day => DAY, week => 7 * DAY,
    '90s' => 90, '5m' => 300, '2h' => 2 * HOUR, '3d' => 3 * DAY,
    '366d' => 366 * DAY);

sub put {
    my($path, $bytes, %o) = @_;
    return upload(vhost => $server, path => $path, content => $bytes,
        asks => 1, %o);
}

sub between_ok {
    my($name, $got, $least, $most) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok defined $got && $got >= $least && $got <= $most, $name
        or diag 'got ' . ($got // 'nothing') . ", not $least to $most";
}

# Retry-After: no earlier than this upload is admitted, and 10 % more at most.
# The clock goes on: a second less is right, too, once it has passed.
sub retry_ok {
    my($name, $r, $seconds) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my($t) = ($r->{headers}{ratelimit} // '') =~ /;t=(\d+)/;
    between_ok("$name: t", $t, $seconds - 5, $seconds);
    between_ok("$name: Retry-After", $r->{headers}{'retry-after'}, $t // 0,
        1.1 * ($t // 0));
    my($again) = $r->{witness}{reason} =~ /; again in (\d+) s$/;
    is $again, $t, "$name: the same in the reason";
}

# --- bytes and uploads --------------------------------------------------------

for my $key (qw(bytes all)) {
    my $status = $key eq 'all' ? 503 : 429;
    my $path = "/witness/$key";
    is put($path, 600)->{status}, 200, "$key: 600";
    left_ok("$key: 400 are left", $server, $path, bytes => 400);
    for my $h2 (@h2) {
        my @got = refused_ok("$key: 401 are too many, h2 $h2", {
                path => $path, vhost => $server, content => 401, h2 => $h2 },
            status => $status, rule => 'quota',
            like => qr/^quota bytes=1000 per=day: 401 announced, 400 left; again in \d+ s$/,
            headers => { 'Upload-Limit' => undef,
                'RateLimit-Policy' =>
                    '"quota-bytes-day";q=1000;qu="content-bytes";w=86400',
                RateLimit => qr/^"quota-bytes-day";r=400;t=\d+$/ });
        # one byte comes back in 86.4 seconds
        retry_ok("$key, h2 $h2", $_, 87) for @got;
    }
    is put($path, 400)->{status}, 200, "$key: 400 are not";
    left_ok("$key: nothing is left", $server, $path, bytes => 0);
    retry_ok($key, put($path, 1000), DAY);
    is put($path, 1)->{status}, $status, "$key: not a byte more";
}
{
    my $path = '/witness/uploads';
    is_deeply [map { put($path, 10_000)->{status} } 1 .. 4],
        [200, 200, 200, 429], 'uploads: three';
    my($r) = refused_ok('uploads: the fourth', { path => $path, content => 5,
            vhost => $server }, status => 429, rule => 'quota',
        like => qr/^quota uploads=3 per=hour: no upload is left; again in \d+ s$/,
        headers => { 'RateLimit-Policy' => '"quota-uploads-hour";q=3;w=3600' });
    retry_ok('uploads', $r, HOUR / 3);
}
{
    my $path = '/witness/both';
    is put($path, 900)->{status}, 200, 'both';
    my $r = put($path, 101);
    is $r->{status}, 503, 'both: bytes';
    is $r->{headers}{'ratelimit-policy'}, '"quota-uploads-day";q=3;w=86400, '
        . '"quota-bytes-day";q=1000;qu="content-bytes";w=86400',
        'both: two policies';
    is put($path, 50)->{status}, 200, 'both: the second';
    is put($path, 50)->{status}, 200, 'both: the third';
    is put($path, 1)->{status}, 503, 'both: both';
}

# each period
for my $period (sort keys %seconds) {
    my $path = "/witness/period-$period";
    is put($path, 5)->{status}, 200, "per=$period";
    my $r = put($path, 5);
    is $r->{status}, 429, "per=$period: used up";
    retry_ok("per=$period", $r, $seconds{$period});
    like $r->{headers}{'ratelimit-policy'}, qr/;w=$seconds{$period}$/,
        "per=$period: w";
}

# clients that are refused together do not come back together
{
    my %after;
    $after{ put('/witness/period-week', 5)->{headers}{'retry-after'} }++
        for 1 .. 10;
    cmp_ok scalar(keys %after), '>', 1, 'Retry-After: not the same for all';
}

# what has come back is there when the answer says so
{
    my $path = '/witness/soon';
    my($r, $again);
    my $until = time + 5;
    # a busy machine may let one come back meanwhile
    $r = put($path, 5) until ($r && $r->{status} == 429) || time > $until;
    is $r->{status}, 429, 'per=2s: used up';
    between_ok('per=2s: t', ($r->{headers}{ratelimit} =~ /t=(\d+)/)[0], 1, 1);
    $until = time + 5;
    $again = put($path, 5)->{status} until ($again // 0) == 200
        || time > $until;
    is $again, 200, 'per=2s: and comes back';
}

# --- what was not received ----------------------------------------------------

{
    my $path = '/witness/refund';
    my $left = BYTES;
    for my $h2 (@h2) {
        for my $end (qw(close reset)) {
            my $upload = hold($server, path => $path, content => 100_000,
                part => 40_000, h2 => $h2);
            my $name = "40 % sent, h2 $h2, $end";
            left_ok("$name: all is reserved", $server, $path,
                bytes => $left - 100_000);
            # a reset may overtake what the handler has not read yet
            my $is_exact = $end eq 'close' && !$h2;
            setsockopt $upload->{wire}{socket}, SOL_SOCKET, SO_LINGER,
                pack 'ii', 1, 0 if $end eq 'reset';
            delete $upload->{h2} if $end eq 'close';
            drop($upload);
            if ($is_exact) {
                left_ok("$name: 40 % are spent", $server, $path,
                    bytes => $left -= 40_000);
                next;
            }
            my $got;
            ok $server->wait_for(sub {
                $got = left($server, $path)->{bytes};
                return $got >= $left - 40_000;
            }, 2), "$name: 60 % are given back";
            cmp_ok $got, '<=', $left, "$name: and no more";
            $left = $got;
        }
    }
    my $upload = hold($server, path => $path, content => 5000);
    is finish($upload)->{status}, 200, 'all sent';
    left_ok('all sent: all is spent', $server, $path, bytes => $left -= 5000);
}

# --- too large ----------------------------------------------------------------

for my $path ('/witness/bytes', '/witness/refund') {
    my $quota = $path =~ /bytes/ ? 1000 : BYTES;
    for my $h2 (@h2) {
        refused_ok("too large, $path, h2 $h2", { path => $path,
                vhost => $server, content => $quota + 1, h2 => $h2 },
            status => 413, rule => 'quota',
            like => qr/ announced, which is more than all of it$/,
            headers => { 'Retry-After' => undef,
                'Upload-Limit' => "max-size=$quota" });
    }
}

# --- problem+json -------------------------------------------------------------

my $types = 'https://iana.org/assignments/http-problem-types#';
for (['/witness/bytes', 900, 429, "${types}quota-exceeded", 'quota-bytes-day'],
     ['/witness/all', 900, 503, "${types}temporary-reduced-capacity",
         'quota-bytes-day'],
     ['/witness/uploads', 9, 429, "${types}quota-exceeded",
         'quota-uploads-hour'],
     ['/witness/bytes', 5000, 413, 'about:blank', undef]) {
    my($path, $bytes, $status, $type, $policy) = @$_;
    my $r = put($path, $bytes, headers => ['Accept: application/problem+json']);
    my $name = "problem, $path, $bytes";
    is $r->{status}, $status, $name;
    is $r->{headers}{'content-type'}, 'application/problem+json',
        "$name: its media type";
    my $o = eval { JSON::PP->new->utf8->decode($r->{body}) } // {};
    is_deeply [@$o{qw(type status rule)}], [$type, $status, 'quota'],
        "$name: type, status and rule" or diag $r->{body};
    is_deeply $o->{'violated-policies'}, $policy && [$policy],
        "$name: violated-policies";
}

# --- OPTIONS ------------------------------------------------------------------

{
    my %o = (vhost => $server, method => 'OPTIONS', unwitnessed => 1);
    my $r = upload(%o, path => '/witness/units');
    is $r->{headers}{'ratelimit-policy'},
        '"quota-bytes-week";q=1073741824;qu="content-bytes";w=604800',
        'OPTIONS: the policy';
    is $r->{headers}{ratelimit}, '"quota-bytes-week";r=1073741824',
        'OPTIONS: what is left';
    is $r->{headers}{'upload-limit'}, undef, 'OPTIONS: no Upload-Limit';
    $r = upload(%o, path => '/witness/units') for 1 .. 3;
    is $r->{headers}{ratelimit}, '"quota-bytes-week";r=1073741824',
        'OPTIONS: nothing is taken';
}

done_testing();
