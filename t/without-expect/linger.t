#!/usr/bin/perl
# A client that goes on sending after a refusal is cut off, however it was
# refused: up to the max of ExpectLinger its bytes are thrown away, so that
# the answer is not lost. A client that reads before it sends on gets the
# whole answer.

use strict;
use warnings;

use IO::Socket::INET ();
use Test::More;
use Time::HiRes qw(time);

use ExpectTest;

use constant MB => 1024 * 1024;
# 1 MB, and what both systems have in their buffers
use constant { BYTES => 14 * MB, SECONDS => 5 };
use constant { MOST => 64 * MB, PATIENCE => 10 };       # where the test ends

my $PIECE = 'x' x 65_536;
my $CHUNK = sprintf "%x\r\n%s\r\n", length $PIECE, $PIECE;

sub head {
    my($path, @lines) = @_;
    return join "\r\n", "PUT $path HTTP/1.1", 'Host: localhost', @lines, '',
        '';
}

write_htaccess('tenant/linger', "ExpectRequire content-length max=100000\n");
write_htaccess('tenant/linger-auth', join "\n", 'AuthType Basic',
    'AuthName linger', 'AuthBasicProvider witness', 'Require valid-user',
    'ExpectRequire auth', '');

my $announced = 'Content-Length: 1073741824';
my $chunked = 'Transfer-Encoding: chunked';
my $max = '/tenant/linger/x';
my $server = own_httpd(conf => "ExpectLinger max=1M time=600 idle=600\n");
my $stock = stock_httpd(conf => "LimitRequestBody 100000\n");

# what it shows; where; the head; the status; what is sent, again and again;
# after how many seconds
my @cases = (
    ['413', $server, head($max, $announced), 413, $PIECE],
    ['401', $server, head('/tenant/linger-auth/x', $announced), 401, $PIECE],
    ['401, chunked', $server, head('/tenant/linger-auth/x', $chunked), 401,
        $CHUNK],
    ['417, asked', $server, head($max, $announced, 'Expect: 100-continue'),
        417, $PIECE],
    ['417, silent first', $server, head($max, $announced,
        'Expect: 100-continue'), 417, $PIECE, 0.5],
    ['417, what is not supported', $server, head($max, $announced,
        'Expect: pigs-fly'), 417, $PIECE],
    ['cut off', $server, head($max, $chunked) . $CHUNK x 2, 413, $CHUNK],
    ['stock', $stock, head('/witness/x', $announced), 413, $PIECE],
);

sub open_case {
    my($name, $where, $head, $status, $piece, $pause) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1:' . $where->port) or die "connect: $!\n";
    $socket->blocking(0);
    return { name => $name, socket => $socket, status => $status,
        piece => $piece, to_send => $head, got => '', sent => 0,
        pause => $pause // 0 };
}

sub answered { return $_[0]{got} =~ m{\r\n\r\n.*</html>}s }

# One step: read what there is; send, the head first, the rest after the answer.
sub step {
    my($c) = @_;
    my $n = sysread $c->{socket}, $c->{got}, 65_536, length $c->{got};
    if (!defined $n && !$!{EAGAIN}) {
        $c->{ended} = time;
        return;
    }
    if (!defined $c->{since}) {
        $n = syswrite $c->{socket}, $c->{to_send};
        substr $c->{to_send}, 0, $n // 0, '';
        $c->{since} = time + $c->{pause} if answered($c);
        return;
    }
    return if time < $c->{since};
    $c->{to_send} = $c->{piece} if $c->{to_send} eq '';
    $n = syswrite $c->{socket}, $c->{to_send};
    if (defined $n) {
        substr $c->{to_send}, 0, $n, '';
        $c->{sent} += $n;
    }
    elsif (!$!{EAGAIN}) {
        $c->{ended} = time;
    }
}

# All at once, until each has ended or sent MOST, or PATIENCE is over.
my @all = map { open_case(@$_) } @cases;
{
    local $SIG{PIPE} = 'IGNORE';
    my $until = time + PATIENCE;
    while (time < $until) {
        my @open = grep { !$_->{ended} && $_->{sent} < MOST } @all or last;
        my($in, $out) = ('', '');
        vec($in, fileno $_->{socket}, 1) = 1 for @open;
        $out = $in;
        # A socket whose peer has ended its side is always readable: look for
        # room to write, and for news of the answer, only.
        vec($in, fileno $_->{socket}, 1) = 0
            for grep { defined $_->{since} } @open;
        select $in, $out, undef, 0.2;
        step($_) for @open;
    }
}

for (@all) {
    my $name = $_->{name};
    like $_->{got}, qr{\AHTTP/1\.1 $_->{status} }, "$name: the status is read";
    ok defined $_->{since}, "$name: the whole answer is read" or next;
    is scalar(() = $_->{got} =~ m{^HTTP/1\.1 }mg), 1, "$name: one answer";
    if ($name eq 'stock') {
        cmp_ok $_->{sent}, '>', BYTES, 'stock httpd swallows more';
        next;
    }
    my $seconds = ($_->{ended} // time) - $_->{since};
    ok $_->{ended}, "$name: cut off";
    cmp_ok $_->{sent}, '<=', BYTES, "$name: bytes swallowed";
    cmp_ok $seconds, '<=', SECONDS, "$name: seconds";
    note sprintf '%s: %d bytes in %.1f s', $name, $_->{sent}, $seconds;
}

done_testing();
