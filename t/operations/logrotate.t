#!/usr/bin/perl
# The sample for logrotate, with logrotate itself: while uploads go on, the log
# is rotated again and again, and each upload has one whole line in one of the
# files. An upload that is under way meanwhile has its line as well.

use strict;
use warnings;

use lib 't/operations';
use IO::Uncompress::Gunzip qw(gunzip);
use POSIX ();
use Test::More;
use ExpectTest;
use File;
use Logfmt;

use constant ROTATIONS => 4;
use constant CLIENTS => 4;

my $server = own_httpd(conf => EXPECT_LOG . <<'CONF');
<Location /witness/long>
    ExpectRequire content-length max=10
</Location>
CONF
my $dir = $server->dir;
my $log = "$dir/expect_log";

# --- logrotate ---------------------------------------------------------------

# The sample, but for its file, its owner and the server.
my $conf = slurp(conf_var('top_dir') . '/conf-sample/access-log.logrotate');
my($group) = getgrgid((split ' ', $))[0]);
my $user = getpwuid $>;
$conf =~ s{^/var/log/mod_expect/access\.log\b}{"$log"}m or die "its file?\n";
$conf =~ s{\broot adm$}{$user $group}m or die "its owner?\n";
$conf =~ s{^ *\Kapachectl graceful\b.*}{kill -USR1 @{[$server->pid]}}m
    or die "its command?\n";
spew("$dir/logrotate.conf", $conf);
chmod 0644, "$dir/logrotate.conf";

# Returns whether the new generation runs.
sub rotated {
    my $mark = log_mark($server);
    my $program = (grep { -x } map { "$_/logrotate" }
        split(/:/, $ENV{PATH}), qw(/usr/sbin /sbin))[0];
    my $said = qx('$program' --force --state '$dir/logrotate.state' \\
        '$dir/logrotate.conf' 2>&1);
    is "$? $said", '0 ', 'logrotate has nothing to say';
    return $server->wait_for(sub {
        grep { /resuming normal operations/ } error_log_since($mark);
    });
}

# --- uploads meanwhile -----------------------------------------------------

# A name of a few thousand bytes, that no buffer of a line is too large for.
my $name = '/witness/long/' . '%ff/' x 800;

# Sends uploads until the file is there; prints how many had an answer.
sub client {
    my($nth, $out) = @_;
    my $n = 0;
    until (-e "$dir/enough") {
        my $t = talk($server, "PUT $name$nth-$n HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Length: 11\r\nConnection: close\r\n\r\n" . 'x' x 11,
            qr/^HTTP\/1\.1 413 /, 'eof');
        die "client $nth: $t->{missed}\n" if $t->{missed};
        $n++;
    }
    print $out "$n\n";
}

# Each client has a few uploads in the file.
sub all_go_on {
    my $text = slurp($log);
    return !grep { my $nth = $_; 10 > (() = $text =~ m{/$nth-\d+" }g) }
        1 .. CLIENTS;
}

my @out;
for my $nth (1 .. CLIENTS) {
    defined(my $pid = open $out[$nth], '-|') or die "fork: $!\n";
    next if $pid;
    my $ok = eval { client($nth, \*STDOUT); 1 };
    print STDERR $@ unless $ok;
    close STDOUT;
    POSIX::_exit(!$ok);
}
my $slow = connection($server);
ExpectTest::send_bytes($slow, "PUT /witness/long/slow HTTP/1.1\r\n"
    . "Host: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\nfirst");
ok $server->wait_for(\&all_go_on), 'uploads before the first rotation';
for my $nth (1 .. ROTATIONS) {
    ok rotated(), "rotation $nth";
    # so no upload of before is left that could meet the next rotation
    ok $server->wait_for(\&all_go_on), "rotation $nth: uploads in the new file";
    next unless $nth == 1;
    unlike slurp("$log.1"), qr{/slow"}, 'the slow upload has no line yet';
    ExpectTest::send_bytes($slow, 'last');
    ok ExpectTest::read_until($slow, ExpectTest::WAIT,
        sub { $slow->{bytes} =~ m{^HTTP/1\.1 200 } }),
        'the slow upload ends after the rotation';
    ok $server->wait_for(sub { slurp("$log.1") =~ m{/slow"} }),
        'and has its line in the file that was renamed';
}
spew("$dir/enough", '');
my @count = map { my $n = readline $out[$_]; close $out[$_]; $n // 0 }
    1 .. CLIENTS;
$server->stop;

# --- every line ------------------------------------------------------------

my @files = ($log, glob "$log.*");
is_deeply [map { s{.*/}{}r } @files], ['expect_log', 'expect_log.1',
    map { "expect_log.$_.gz" } 2 .. ROTATIONS], 'the files';
my(%seen, @torn);
for my $file (@files) {
    my $text = slurp($file);
    if ($file =~ /\.gz$/) {
        gunzip(\(my $packed = $text), \$text) or die "$file does not unpack\n";
    }
    for my $line (split /^/, $text) {
        my $field = parsed($line);
        if ($field) { $seen{ $field->{path} =~ s{.*/}{}r }++ }
        else        { push @torn, "$file: $line" }
    }
}
is "@torn", '', 'no line is torn';
my @sent = ('slow', map { my $nth = $_; map { "$nth-$_" }
    0 .. $count[$nth - 1] - 1 } 1 .. CLIENTS);
cmp_ok scalar @sent, '>', 10 * CLIENTS * ROTATIONS, 'uploads';
is scalar(grep { !$seen{$_} } @sent), 0, 'each has a line';
is scalar(grep { $seen{$_} != 1 } keys %seen), 0, 'and no more than one';
is scalar(keys %seen), scalar(@sent), 'there are no others';

done_testing();
