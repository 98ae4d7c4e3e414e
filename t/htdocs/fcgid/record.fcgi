#!/usr/bin/perl
# A FastCGI responder for mod_fcgid, without modules: answers how much content
# it was handed, and writes down the bytes for the token in the query, as
# t/htdocs/cgi/record.cgi does.
use strict;
use warnings;
use IO::Socket::UNIX;

use constant { BEGIN_REQUEST => 1, END_REQUEST => 3, PARAMS => 4, STDIN => 5,
    STDOUT => 6 };

sub take {
    my($socket, $n) = @_;
    my $bytes = '';
    while (length $bytes < $n) {
        sysread $socket, $bytes, $n - length $bytes, length $bytes
            or return;
    }
    return $bytes;
}

sub give {
    my($socket, $type, $id, $bytes) = @_;
    syswrite $socket, pack('CCnnCC', 1, $type, $id, length $bytes, 0, 0)
        . $bytes;
}

sub note {
    my($params, $suffix, $text) = @_;
    my($token) = $params =~ /QUERY_STRING([\w-]+?)(?=REQUEST|[^\w-])/ or return;
    my($root) = $params =~ m{DOCUMENT_ROOT(/.*?/htdocs)} or return;
    open my $fh, '>>', "$root/../logs/handed-$token$suffix" or return;
    syswrite $fh, $text;
}

my $listener = IO::Socket::UNIX->new_from_fd(0, 'r+');
while (my $socket = $listener->accept) {
    my($id, $params, $content) = (1, '', '');
    while (defined(my $head = take($socket, 8))) {
        my(undef, $type, $of, $length, $padding) = unpack 'CCnnC', $head;
        my $bytes = take($socket, $length + $padding) // last;
        substr $bytes, $length, length $bytes, '';
        $id = $of;
        $params .= $bytes if $type == PARAMS;
        note($params, '.pid', $$) if $type == PARAMS && $bytes eq '';
        next if $type != STDIN;
        if ($bytes ne '') {
            note($params, '', $bytes);
            $content .= $bytes;
            next;
        }
        note($params, '.end', length $content);
        give($socket, STDOUT, $id, "Content-Type: text/plain\r\n\r\nread="
            . length($content) . "\n");
        give($socket, STDOUT, $id, '');
        give($socket, END_REQUEST, $id, pack 'NCxxx', 0, 0);
        last;
    }
}
