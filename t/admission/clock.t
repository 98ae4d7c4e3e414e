#!/usr/bin/perl
# The server's clock is set by an hour, forward and back, while quotas are spent
# and uploads are under way: nothing comes back too early, and nobody waits
# longer.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use Test::More;
use Time::Local qw(timegm);
use ExpectTest;
use File;
use OtherModules;
use Admission;

use constant { HOUR => 3600, SOME => 60 };

my $file = conf_var('t_logs') . "/clock-$$";

# It is mapped by the server: written in place.
sub set_clock {
    my($seconds) = @_;
    open my $fh, '+<', $file or die "$file: $!\n";
    syswrite $fh, pack 'q', $seconds;
}

spew($file, pack 'q', 0);
my $server = with_library('clock', "CLOCK=$file", sub { h2_httpd(<<'CONF') });
<Location /witness/bytes>
    ExpectRequire quota bytes=1000 per=day
</Location>
<Location /witness/uploads>
    ExpectRequire quota uploads=2 per=hour key=ip
</Location>
<Location /witness/flight>
    ExpectRequire in-flight uploads=2
</Location>
CONF

sub put {
    my($place, $bytes) = @_;
    return upload(vhost => $server, path => "/witness/$place", asks => 1,
        content => $bytes);
}

my %month;
@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;

# Seconds that the server's clock is before this test's.
sub clock {
    my $date = put('none', 1)->{headers}{date} // '';
    my($day, $month, $year, $hour, $minute, $second)
        = $date =~ /, (\d+) (\w+) (\d+) (\d+):(\d+):(\d+) GMT$/
        or die "no Date: $date\n";
    return timegm($second, $minute, $hour, $day, $month{$month}, $year) - time;
}

sub clock_ok {
    my($name, $seconds) = @_;
    my $is = clock();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok abs($is - $seconds) < SOME, "$name: it is set"
        or diag "$is, not $seconds";
}

# A third upload is refused, for half an hour less what has passed.
sub refused_as_before {
    my($name) = @_;
    my $r = put('uploads', 5);
    my($t) = ($r->{headers}{ratelimit} // '') =~ /;t=(\d+)/;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $r->{status}, 429, "$name: nothing has come back";
    ok defined $t && $t <= HOUR / 2 && $t > HOUR / 2 - SOME,
        "$name: nor does it take longer" or diag $t;
    ok defined $t && $r->{headers}{'retry-after'} >= $t
        && $r->{headers}{'retry-after'} <= 1.1 * $t, "$name: Retry-After";
}

clock_ok('at first', 0);
is put('bytes', 600)->{status}, 200, '600 bytes';
is put('uploads', 5)->{status}, 200, 'an upload' for 1, 2;
refused_as_before('at first');

my $left = 400;
for my $seconds (HOUR, -HOUR, 0) {
    my $name = "the clock at $seconds s";
    my $held = hold($server, path => '/witness/flight');
    set_clock($seconds);
    clock_ok($name, $seconds);
    left_ok("$name: what was left", $server, '/witness/bytes', bytes => $left);
    refused_as_before($name);
    $left -= 10;
    is put('bytes', 10)->{status}, 200, "$name: is there";
    left_ok("$name: and is spent", $server, '/witness/bytes', bytes => $left);
    left_ok("$name: what is under way counts", $server, '/witness/flight',
        uploads => 1);
    is finish($held)->{status}, 200, "$name: it ends";
    left_ok("$name: and is over", $server, '/witness/flight', uploads => 2);
}

done_testing();
