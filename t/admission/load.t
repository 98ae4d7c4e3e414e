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
use ExpectTest;
use File;
use Lingering qw(child_pids);
use OtherModules;
use Admission;

use constant { CLIENTS => 12, ROUNDS => 60, UPLOADS => 5, BYTES => 3000,
    QUOTA => 200 };
my @SIZES = (100, 700);                 # together more than BYTES

my $path = '/witness/a';
my $conf = ($ENV{TEST_MPM} // '') =~ /^(?:prefork|itk)$/
    ? "StartServers 30\nMinSpareServers 20\nMaxSpareServers 40\n"
    : "StartServers 2\nThreadsPerChild 25\nServerLimit 4\nMaxSpareThreads 100\n"
      . "MaxRequestWorkers 100\n";
my $server = h2_httpd($conf . "<Location $path>\n"
    . 'ExpectRequire in-flight uploads=' . UPLOADS . "\n"
    . 'ExpectRequire in-flight bytes=' . BYTES . "\n"
    . 'ExpectRequire quota per=366d uploads=' . QUOTA . "\n</Location>\n");

# --- what the clients know ----------------------------------------------------

# Counts in a file, for all clients: under way now, and the most ever; admitted;
# refused by each rule.
my @NAMES = qw(now most bytes most_bytes admitted in-flight quota);
my $file = conf_var('t_logs') . "/load-$$";
spew($file, pack 'l*', (0) x @NAMES);

sub count {
    my(%add) = @_;
    open my $fh, '+<', $file or die "$file: $!\n";
    flock $fh, LOCK_EX or die "$file: $!\n";
    sysread $fh, my $bytes, 100;
    my %n;
    @n{@NAMES} = unpack 'l*', $bytes;
    $n{$_} += $add{$_} for keys %add;
    $n{most} = $n{now} if $n{now} > $n{most};
    $n{most_bytes} = $n{bytes} if $n{bytes} > $n{most_bytes};
    sysseek $fh, 0, 0;
    syswrite $fh, pack 'l*', @n{@NAMES};
    return \%n;
}

# Until so many have been under way at once.
sub wait_for_others {
    my $until = time + ExpectTest::WAIT;
    while (count()->{most} < UPLOADS && time < $until) {
        select undef, undef, undef, 0.002;
    }
}

# An upload is under way for sure from its 100 Continue to its last byte.
sub client {
    my($nth) = @_;
    for my $round (1 .. ROUNDS) {
        my $size = $SIZES[$round % @SIZES];
        my $upload = hold($server, path => $path, content => $size,
            h2 => has_h2() && $nth % 2, part => 10);
        if ("@{ $upload->{r}{interim} }" eq '100') {
            count(now => 1, bytes => $size, admitted => 1);
            wait_for_others();
            count(now => -1, bytes => -$size);
            finish($upload)->{status} == 200 or return 1;
            next;
        }
        my $r = finish($upload);
        my($rule) = ($r->{headers}{'ratelimit-policy'} // '')
            =~ /^"(in-flight|quota)-/ or return 2;
        $r->{status} == 503 or return 3;
        count($rule => 1);
    }
    return 0;
}

my @pids = map {
    my $nth = $_;
    my $pid = fork // die "fork: $!\n";
    $pid || POSIX::_exit(eval { client($nth) } // 4);
} 1 .. CLIENTS;
my %ended;
for (@pids) {
    waitpid $_, 0;
    $ended{ $? >> 8 }++;
}

is_deeply \%ended, { 0 => CLIENTS }, 'each client got only what it may get'
    or diag explain \%ended;
my $n = count();
is $n->{now}, 0, 'all have ended';
is $n->{most}, UPLOADS, 'so many at once, and never more';
cmp_ok $n->{most_bytes}, '<=', BYTES, 'never more bytes';
cmp_ok $n->{'in-flight'}, '>', 0, 'others were refused meanwhile';
is $n->{admitted}, QUOTA, 'the whole quota was admitted, and no more';
is $n->{admitted} + $n->{'in-flight'} + $n->{quota}, CLIENTS * ROUNDS,
    'nobody went without an answer' or diag explain $n;
left_ok('nothing is left', $server, $path, 'in-flight-uploads' => UPLOADS,
    'in-flight-bytes' => BYTES, 'quota-uploads-366d' => 0);
cmp_ok scalar(child_pids($server)), '>', 1, 'there were several processes';
is join('', $server->crashes), '', 'no crash';
done_testing();
