#!/usr/bin/perl
# Content of unknown length is charged as it comes, and cut off at the first
# byte that is not there; the tightest of max=, quota and in-flight bytes= cuts,
# and the log names that one.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use File::Path qw(mkpath);
use POSIX ();
use Test::More;
use ExpectTest;
use OtherModules;
use Admission;

use constant { ALL => 1_000_000, UPLOADS => 8 };

my $root = conf_var('documentroot');
my @h2 = (0, has_h2() ? 1 : ());
mkpath("$root/dav/quota");

my %limit = (max => 'content-length max=', quota => 'quota per=366d bytes=',
    flight => 'in-flight bytes=');
# which of them is the tightest
my %tight;
for my $least (qw(max quota flight)) {
    my @rules = map { "ExpectRequire $limit{$_}"
        . ($_ eq $least ? 3000 : 2_000_000) . "\n" } qw(max quota flight);
    $tight{$least} = join '', @rules;
}
my $server = h2_httpd(load('unique_id', 'security2') . <<"CONF"
@{[ reading_early("^/basic/early") ]}
<LocationMatch "^/basic/early(?<n>..)">
    ExpectRequire handler witness
    ExpectRequire quota bytes=3000000 per=366d key=expr=%{reqenv:MATCH_N}
</LocationMatch>
CONF
    . join '', map({ "<Location /witness/tight-$_>\n$tight{$_}</Location>\n" }
        sort keys %tight),
    map { "<Location $_>\nExpectRequire quota bytes=" . ALL
        . " per=366d\nExpectRequire in-flight bytes=" . ALL
        . "\n</Location>\n" } map { ("$_/0", "$_/1") }
        qw(/witness /nonblock /proxy/p /dav/quota /cgi/read.cgi));

sub chunked {
    my($path, $bytes, %o) = @_;
    return upload(vhost => $server, path => $path, content => $bytes,
        chunked => 1, eager => 1, %o);
}

sub refusals { return grep { /expect: refused/ } error_log_since($_[0]) }

# --- one, and what is left ----------------------------------------------------

for my $path (qw(/witness /nonblock /proxy/p /dav/quota /cgi/read.cgi)) {
    for my $h2 (@h2) {
        my $at = "$path/$h2";
        my $name = "$path, h2 $h2";
        my $left = sub { left_ok("$name: $_[0]", $server, $at,
            'quota-bytes-366d' => $_[1], 'in-flight-bytes' => ALL) };
        my $r = chunked($at, ALL - 300, h2 => $h2);
        like $r->{status}, qr/^20[014]$/, "$name: almost all"
            or diag explain $r;
        $left->('the rest is left', 300);
        my $mark = log_mark($server);
        $r = chunked($at, 301, h2 => $h2);
        is $r->{status}, 413, "$name: a byte more than is left";
        cmp_ok $r->{witness}{read}, '<=', 301, "$name: no more is read"
            if $path ne '/proxy/p';
        my @lines = refusals($mark);
        is scalar @lines, 1, "$name: one line";
        like $lines[0] // '', qr/expect: refused 413: quota bytes=1000000 per=366d: nothing was left after 300 bytes of content of unknown length \(/,
            "$name: it names the rule";
        # the field says what is left now, not before the upload
        like $r->{headers}{ratelimit}, qr/^"quota-bytes-366d";r=0;t=\d+$/,
            "$name: and so does the answer";
        is $r->{headers}{'retry-after'}, undef, "$name: no Retry-After";
        $left->('nothing is left', 0);
        for my $asks (0, 1) {
            my $got = upload(vhost => $server, path => $at, chunked => 1,
                content => 5, h2 => $h2, asks => $asks, silence => 5);
            is_deeply [@$got{qw(status sent interim)}], [503, 0, []],
                "$name: then it is refused by its head, asks $asks";
        }
    }
}

# --- which one ----------------------------------------------------------------

my %says = (max => 'content of unknown length exceeded max=3000',
    quota => 'quota per=366d bytes=3000: nothing was left after 3000 bytes',
    flight => 'in-flight bytes=3000: nothing was left after 3000 bytes');
# what is left when the content is over
my %left = (max => undef, quota => qr/^"quota-bytes-366d";r=0;t=\d+$/,
    flight => qr/^"in-flight-bytes";r=3000$/);
my %rule = (max => 'content-length', quota => 'quota', flight => 'in-flight');
for my $least (sort keys %tight) {
    my $mark = log_mark($server);
    my $r = chunked("/witness/tight-$least", 50_000);
    is $r->{status}, 413, "tightest: $least";
    is $r->{witness}{rule}, $rule{$least}, "tightest: $least: noted";
    my @lines = refusals($mark);
    is scalar @lines, 1, "tightest: $least: one line";
    like $lines[0] // '', qr/expect: refused 413: \Q$says{$least}/,
        "tightest: $least: logged";
    cmp_ok $r->{witness}{read}, '<=', 3001, "tightest: $least: read";
    my $answer = $r->{headers}{ratelimit};
    $left{$least} ? like $answer, $left{$least}, "tightest: $least: left"
                  : is $answer, undef, "tightest: $least: no RateLimit";
}

# --- several at once share what is left ---------------------------------------

for my $h2 (@h2) {
    for my $round (1, 2) {
        my $at = "/witness/share-$h2-$round";
        my $own = h2_httpd("<Location $at>\nExpectRequire quota bytes="
            . ALL . " per=366d\n</Location>\n");
        my @held = map { hold($own, path => $at, chunked => 1, h2 => $h2,
            content => ALL, part => 10_000) } 1 .. UPLOADS;
        left_ok("shared, h2 $h2: each has what it has sent", $own, $at,
            bytes => ALL - UPLOADS * 10_000);
        if ($round == 1) {
            # one goes on, and gets all that is left
            my $r = finish(shift @held);
            is $r->{status}, 413, "shared, h2 $h2: one goes on, and is cut off";
            left_ok("shared, h2 $h2: it got all", $own, $at, bytes => 0);
            feed($_, 1) for @held;
            is_deeply [map { finish($_)->{status} } @held],
                [(413) x @held], "shared, h2 $h2: so are the others";
        }
        else {
            # by turns: what is read in all is what there was
            my @pids;
            for my $upload (@held) {
                defined(my $pid = fork) or die "fork: $!\n";
                $pid or do { finish($upload); POSIX::_exit(0) };
                push @pids, $pid;
            }
            waitpid $_, 0 for @pids;
            left_ok("by turns, h2 $h2: all is spent", $own, $at, bytes => 0);
            my @cut = map { /nothing was left after (\d+) bytes/ ? $1 : () }
                error_log_since({ file => $own->dir . '/error_log', at => 0 });
            my $sum = 0;
            $sum += $_ for @cut;
            is scalar @cut, UPLOADS, "by turns, h2 $h2: all are cut off";
            is $sum, ALL, "by turns, h2 $h2: they have read just that";
        }
    }
}

# --- read before it is charged ------------------------------------------------

{
    my @alice = (headers => ['Authorization: Basic YWxpY2U6c2VjcmV0']);
    for my $h2 (@h2) {
        my $name = "mod_security2, h2 $h2";
        my $r = chunked("/basic/early${h2}a", 2_500_000, @alice, h2 => $h2);
        is $r->{status}, 200, "$name: 2.5M of 3M" or diag explain $r;
        $r = chunked("/basic/early${h2}a", 400_000, @alice, h2 => $h2);
        is $r->{status}, 200, "$name: and 0.4M";
        $r = chunked("/basic/early${h2}a", 200_000, @alice, h2 => $h2);
        is $r->{status}, 413, "$name: and 0.2M, which are not there";
        is $r->{witness}{rule}, 'quota', "$name: noted";
    }
}

is join('', $server->crashes), '', 'no crash';
done_testing();
