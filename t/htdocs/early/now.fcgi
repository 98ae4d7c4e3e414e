#!/usr/bin/perl
# A FastCGI responder for mod_fcgid, without modules, that answers as soon as
# the parameters are there, and closes.
use strict;
use warnings;
use IO::Socket::UNIX;

use constant { END_REQUEST => 3, PARAMS => 4, ANSWER => 6 };

sub give {
    my($socket, $type, $bytes) = @_;
    syswrite $socket, pack('CCnnCC', 1, $type, 1, length $bytes, 0, 0) . $bytes;
}

$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::UNIX->new_from_fd(0, 'r+');
while (my $socket = $listener->accept) {
    while (8 == (sysread($socket, my $head, 8) // 0)) {
        my(undef, $type, undef, $length, $padding) = unpack 'CCnnC', $head;
        my $left = $length + $padding;
        while ($left > 0) {
            $left -= sysread($socket, my $bytes, $left) || last;
        }
        next if $type != PARAMS || $length;
        give($socket, ANSWER, "Content-Type: text/plain\r\n\r\nnow\n");
        give($socket, ANSWER, '');
        give($socket, END_REQUEST, pack 'NCxxx', 0, 0);
        last;
    }
}
