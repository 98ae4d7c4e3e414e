#!/usr/bin/perl
# Many clients at once, against all processes of a server: never is more under
# way than in-flight allows, that much is reached, no quota is overspent, and
# nothing is left in the end.

use strict;
use warnings;

use lib 't/admission', 't/other-modules', 't/linger';
use Fcntl qw(LOCK_EX);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use File;
use Lingering qw(child_pids);
use OtherModules;
use Admission;

use constant { CLIENTS => 8, ROUNDS => 60, AT_ONCE => 5, SIZE => 700,
    QUOTA => 150 };

my $conf = ($ENV{TEST_MPM} // '') =~ /^(?:prefork|itk)$/
    ? "StartServers 30\nMinSpareServers 20\nMaxSpareServers 40\n"
    : "StartServers 2\nThreadsPerChild 25\nServerLimit 4\nMaxSpareThreads 100\n"
      . "MaxRequestWorkers 100\n";
my %rule = (uploads => 'uploads=' . AT_ONCE, bytes => 'bytes='
    . AT_ONCE * SIZE);
my $server = h2_httpd($conf . join '', map {
    "<Location /witness/$_>\nExpectRequire in-flight $rule{$_}\n"
    . 'ExpectRequire quota per=366d uploads=' . QUOTA . "\n</Location>\n"
} sort keys %rule);

# --- what the clients know ----------------------------------------------------

# Counts in a file, for all clients of a place: those that have not ended; under
# way now, and the most ever; admitted; refused by each rule.
my @NAMES = qw(clients now most admitted in-flight quota);

my $parent = $$;
sub file { return conf_var('t_logs') . "/load-$parent-$_[0]" }

sub count {
    my($file, %add) = @_;
    open my $fh, '+<', $file or die "$file: $!\n";
    flock $fh, LOCK_EX or die "$file: $!\n";
    sysread $fh, my $bytes, 100;
    my %n;
    @n{@NAMES} = unpack 'l*', $bytes;
    $n{$_} += $add{$_} for keys %add;
    $n{most} = $n{now} if $n{now} > $n{most};
    sysseek $fh, 0, 0;
    syswrite $fh, pack 'l*', @n{@NAMES};
    return \%n;
}

# Until somebody was refused meanwhile; so there is no room for one more. The
# first ones wait until all that are admitted have counted themselves, which a
# busy machine makes them do late. But the last ones have nobody to wait for.
sub wait_for_refusal {
    my($file, $before) = @_;
    my $until = time + ExpectTest::WAIT;
    while (time < $until) {
        my $n = count($file);
        last if $n->{clients} <= AT_ONCE || ($n->{most} >= AT_ONCE
            && $n->{'in-flight'} + $n->{quota} > $before);
        select undef, undef, undef, 0.002;
    }
}

# An upload is under way for sure from its 100 Continue to its last byte.
sub try_upload {
    my($place, $file, $h2) = @_;
    my $upload = hold($server, path => "/witness/$place", content => SIZE,
        h2 => $h2, part => 10);
    if ("@{ $upload->{r}{interim} }" eq '100') {
        my $n = count($file, now => 1, admitted => 1);
        wait_for_refusal($file, $n->{'in-flight'} + $n->{quota});
        count($file, now => -1);
        return finish($upload)->{status} == 200 ? 0 : 1;
    }
    my $r = finish($upload);
    my($rule) = ($r->{headers}{'ratelimit-policy'} // '')
        =~ /^"(in-flight|quota)-/;
    count($file, $rule => 1) if $rule;
    return 0 if $rule && $r->{status} == 503;
    diag 'HTTP/', $h2 ? 2 : 1.1, ': ', explain $r;
    return 2;
}

sub client {
    my($place, $nth) = @_;
    my($file, $wrong) = (file($place), 0);
    for (1 .. ROUNDS) {
        $wrong = try_upload($place, $file, has_h2() && $nth % 2) and last;
    }
    count($file, clients => -1);
    return $wrong;
}

# --- all at once -------------------------------------------------------------

my %place_of;
for my $place (sort keys %rule) {
    spew(file($place), pack 'l*', CLIENTS, (0) x (@NAMES - 1));
    for my $nth (1 .. CLIENTS) {
        my $pid = fork // die "fork: $!\n";
        $pid or POSIX::_exit(eval { client($place, $nth) } // 3);
        $place_of{$pid} = $place;
    }
}
my %ended;
while (%place_of) {
    my $pid = wait;
    my $place = delete $place_of{$pid} or next;
    $ended{$place}{ $? >> 8 }++;
}

for my $place (sort keys %rule) {
    my $n = count(file($place));
    is_deeply $ended{$place}, { 0 => CLIENTS },
        "$place: each client got only what it may get"
        or diag explain $ended{$place};
    is $n->{now}, 0, "$place: all have ended";
    is $n->{most}, AT_ONCE, "$place: so many at once, and never more";
    cmp_ok $n->{'in-flight'}, '>', 0, "$place: others were refused meanwhile";
    is $n->{admitted}, QUOTA, "$place: all of the quota, and no more";
    is $n->{admitted} + $n->{'in-flight'} + $n->{quota}, CLIENTS * ROUNDS,
        "$place: nobody went without an answer" or diag explain $n;
    left_ok("$place: nothing is left", $server, "/witness/$place",
        "in-flight-$place" => AT_ONCE * ($place eq 'bytes' ? SIZE : 1),
        'quota-uploads-366d' => 0);
}
cmp_ok scalar(child_pids($server)), '>', 1, 'there were several processes';
is join('', $server->crashes), '', 'no crash';
done_testing();
