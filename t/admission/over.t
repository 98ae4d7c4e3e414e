#!/usr/bin/perl
# An upload in flight is over with its content: at the end of that, not of the
# answer, when it is cut off, when it fails, when the client goes away, when a
# stream is reset, and when the handler has never read.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use IO::Select ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use OtherModules;
use Admission;

use constant { ALL => 10, BYTES => 1_000_000 };

my @RULES = ('ExpectRequire in-flight uploads=' . ALL,
    'ExpectRequire in-flight bytes=' . BYTES, '');
my $rules = join "\n", @RULES;

my $places = join '', map { "<Location $_>\n$rules</Location>\n" }
    qw(/witness/a /lazy /nonblock /cgi /proxy /gone /fails);
my $server = h2_httpd(load('perl') . $places . <<'CONF');
<Perl>
package Expect::TestFails;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
use Apache2::Const -compile => qw(OK);

# reads until that fails, and then takes its time; or answers at length
sub handler {
    my($r) = @_;
    my $file = $r->args // return Apache2::Const::OK;
    eval { 1 while $r->read(my $bytes, 8192) };
    if ($file eq 'long') {
        eval { $r->print('x' x 1_000_000) for 1 .. 50 };
        return Apache2::Const::OK;
    }
    open my $fh, '>', "$file.failed";
    for (1 .. 1000) {
        last if -e $file;
        select undef, undef, undef, 0.02;
    }
    return Apache2::Const::OK;
}
$INC{'Expect/TestFails.pm'} = 1;
1;
</Perl>
<Location /fails>
    SetHandler modperl
    PerlResponseHandler Expect::TestFails
</Location>
<Location /witness/max>
    ExpectRequire in-flight uploads=10
    ExpectRequire in-flight bytes=1000000
    ExpectRequire content-length max=1000
</Location>
ProxyPass /gone http://127.0.0.1:1/
CONF

my %all = (uploads => ALL, bytes => BYTES);
my @h2 = (0, has_h2() ? 1 : ());

sub touch {
    my($file) = @_;
    open my $fh, '>', $file or die "$file: $!\n";
}

# --- the answer takes longer than the content ---------------------------------

for my $how ([], [chunked => 1], [h2 => 1], [h2 => 1, chunked => 1]) {
    my %how = (content => 5000, @$how);
    next if $how{h2} && !has_h2();
    my $name = join ' ', 'late', @$how;
    my $file = join '-', conf_var('t_logs') . '/late', $$, length $name,
        @$how % 3;
    my $upload = hold($server, %how, path => "/cgi/late.cgi?$file");
    left_ok("$name: in flight", $server, '/cgi/', uploads => ALL - 1);
    if ($upload->{h2}) {
        $upload->{h2}->send_content('x' x 5000, ExpectTest::WAIT);
    }
    else {
        feed($upload, 4999);
        ExpectTest::send_bytes($upload->{wire}, "0\r\n\r\n") if $how{chunked};
    }
    ok $server->wait_for(sub { -e "$file.read" }), "$name: all is read";
    left_ok("$name: over, though not answered", $server, '/cgi/', %all);
    ok !-e $file && !defined $upload->{r}{status}, "$name: it is not";
    touch($file);
    $upload->{fed} = 5000;
    delete $upload->{o}{chunked};
    is finish($upload)->{status}, 200, "$name: answered";
    unlink $file, "$file.read";
}

# The answer is read slowly: here, not at all. The rest of it is in the server,
# and its handler or its connection waits for the client.
for my $h2 (@h2) {
    my $name = "a slow reader, h2 $h2";
    my $upload = hold($server, path => '/fails?long', h2 => $h2);
    left_ok("$name: in flight", $server, '/fails', uploads => ALL - 1);
    if ($h2) {
        $upload->{h2}->send_content('x' x 1000, ExpectTest::WAIT);
    }
    else {
        feed($upload, 999);
    }
    left_ok("$name: over", $server, '/fails', %all);
    my $got = '';
    my $socket = $upload->{wire}{socket};
    IO::Select->new($socket)->can_read(ExpectTest::WAIT)
        and sysread $socket, $got, 100;
    cmp_ok length $got, '>', 0, "$name: the answer is there to be read";
    $h2 ? delete $upload->{h2} : like $got, qr/ 200 /, "$name: its status";
    drop($upload);
}

# --- it ends badly ------------------------------------------------------------

# chunked content over a max
for my $h2 (@h2) {
    my $r = upload(vhost => $server, path => '/witness/max', chunked => 1,
        content => 5000, eager => 1, h2 => $h2);
    is $r->{status}, 413, "cut off, h2 $h2";
    left_ok("cut off, h2 $h2: over", $server, '/witness/max', %all);
}

# framing that is none
{
    my $upload = hold($server, path => '/witness/a', chunked => 1);
    left_ok('bad chunk: in flight', $server, '/witness/a', uploads => ALL - 1);
    ExpectTest::send_bytes($upload->{wire}, "no chunk\r\n");
    left_ok('bad chunk: over', $server, '/witness/a', %all);
}

# the read fails, and the handler takes its time
for my $how ([], [chunked => 1]) {
    my $name = join ' ', 'fails', @$how;
    my $file = join '-', conf_var('t_logs') . '/fails', $$, scalar @$how;
    my $upload = hold($server, @$how, path => "/fails?$file");
    left_ok("$name: in flight", $server, '/fails', uploads => ALL - 1);
    drop($upload);
    ok $server->wait_for(sub { -e "$file.failed" }), "$name: it has failed";
    left_ok("$name: over, though the handler is not", $server, '/fails',
        %all);
    touch($file);
}

# the client goes away, in each way
for my $path ('/witness/a', '/nonblock', '/cgi/read.cgi', '/proxy/a') {
    (my $at = $path) =~ s/read[.]cgi//;
    for my $h2 (@h2) {
        for my $reset (0, 1) {
            next if $h2 && $reset;
            my @held = map { hold($server, path => $path, h2 => $h2,
                content => 5000, part => 2000, chunked => $_ % 2) } 1 .. 4;
            left_ok("gone, $path, h2 $h2, reset $reset: in flight", $server,
                $at, uploads => ALL - 4);
            for my $upload (@held) {
                setsockopt $upload->{wire}{socket}, SOL_SOCKET, SO_LINGER,
                    pack 'ii', 1, 0 if $reset;
                delete $upload->{h2};
                drop($upload);
            }
            left_ok("gone, $path, h2 $h2, reset $reset: over", $server, $at,
                %all);
        }
    }
    next unless has_h2();
    my @held = map { hold($server, path => $path, h2 => 1, content => 5000,
        part => 2000) } 1 .. 8;
    left_ok("stream, $path: in flight", $server, $at, uploads => ALL - 8);
    drop($_) for @held;
    left_ok("stream, $path: over when it is reset", $server, $at, %all);
}

# --- who does not read --------------------------------------------------------

for my $h2 (@h2) {
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => '/lazy', content => 500,
            h2 => $h2, asks => $asks, silence => 5);
        is $r->{status}, 200, "never read, h2 $h2, asks $asks";
        left_ok("never read, h2 $h2, asks $asks: over", $server, '/lazy',
            %all);
        $r = upload(vhost => $server, path => '/gone', content => 500,
            h2 => $h2, asks => $asks, silence => 5);
        is $r->{status}, 503, "no origin, h2 $h2, asks $asks";
        left_ok("no origin, h2 $h2, asks $asks: over", $server, '/gone', %all);
    }
}

is join('', $server->crashes), '', 'no crash';
done_testing();
