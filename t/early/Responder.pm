package Responder;

=head1 NAME

Responder - back ends on a raw socket that answer before they have read

=head1 SYNOPSIS

    my $fastcgi = Responder->start('fastcgi');  # or scgi, ajp
    print $fastcgi->port;

=head1 DESCRIPTION

The end of the path says how it behaves:

    /stays     answers at once and in whole, and goes on taking what comes
    /closes    answers at once and in whole, and closes
    /breaks    begins an answer, takes some content, and closes
    /leaves    as /breaks, but what it has begun is all there (FastCGI)
    /begins    begins an answer, takes content to its end, and ends it
    /reads     reads all content and answers read=BYTES

C<taken()> is what the last one that began or read was handed, or -1 where it
did not come to an end.

C<hold()> is for converse(): a FastCGI responder that /breaks or /leaves has
begun its answer before httpd is sent more content, so that httpd has passed it
on, and has closed before httpd is sent the rest of it: most.

Core Perl only; it ends with the object.

=cut

use strict;
use warnings;

use POSIX ();

use parent 'Child';

# Bytes of content that /breaks takes; up to where the client sends before the
# answer has begun, and before it has broken off. httpd reads 8 KB at a time,
# and looks for the answer between two reads.
use constant { SOME => 49_152, HELD => 24_576, HELD_AGAIN => 65_536 };

my $log;

sub taken {
    my($self) = @_;
    open my $fh, '<', $self->{log} or return '';
    my @lines = grep { !/^at / } <$fh>;
    return @lines ? $lines[-1] =~ s/\n//r : '';
}

sub passed {
    my($self, $point) = @_;
    open my $fh, '<', $self->{log} or return 0;
    return scalar grep { $_ eq "at $point\n" } <$fh>;
}

sub hold {
    my($self) = @_;
    return [map {
        my($offset, $point) = @$_;
        my $before = $self->passed($point);
        [$offset, sub { $self->passed($point) > $before }];
    } [HELD, 'begin'], [HELD_AGAIN, 'end']];
}

sub take {
    my($socket, $n) = @_;
    my $bytes = '';
    while (length $bytes < $n) {
        sysread $socket, $bytes, $n - length $bytes, length $bytes
            or return;
    }
    return $bytes;
}

sub behaviour { return $_[0] =~ m{/(stays|closes|breaks|leaves|begins|reads)\b}
    ? $1 : 'reads' }

sub note {
    my($text) = @_;
    syswrite $log, "$text\n";
    return $text;
}

# --- FastCGI -----------------------------------------------------------------

use constant { END_REQUEST => 3, PARAMS => 4, CONTENT => 5, ANSWER => 6 };

sub record {
    my($socket) = @_;
    my $head = take($socket, 8) // return;
    my(undef, $type, undef, $length, $padding) = unpack 'CCnnC', $head;
    my $bytes = take($socket, $length + $padding) // return;
    return ($type, substr $bytes, 0, $length);
}

sub give_record {
    my($socket, $type, $bytes) = @_;
    syswrite $socket, pack('CCnnCC', 1, $type, 1, length $bytes, 0, 0) . $bytes;
}

sub end_fastcgi {
    my($socket) = @_;
    give_record($socket, ANSWER, '');
    give_record($socket, END_REQUEST, pack 'NCxxx', 0, 0);
}

# Takes content: all of it, or so many bytes. Returns its length, or -1.
sub take_stdin {
    my($socket, $bytes) = @_;
    my $length = 0;
    while (!defined $bytes || $length < $bytes) {
        my($type, $piece) = record($socket) or return -1;
        $length += length $piece;
        return $length if $type == CONTENT && $piece eq '';
    }
    return $length;
}

sub fastcgi {
    my($socket) = @_;
    my $params = '';
    while (my($type, $bytes) = record($socket)) {
        next if $type != PARAMS;
        $params .= $bytes, next if $bytes ne '';
        my $how = behaviour($params);
        $params = '';
        my $read = $how eq 'reads' ? note(take_stdin($socket)) : 'now';
        give_record($socket, ANSWER,
            "Content-Type: text/plain\r\n\r\nread=$read\n");
        if ($how =~ /^(?:breaks|leaves)$/) {
            give_record($socket, ANSWER, '') if $how eq 'leaves';
            note('at begin');
            take_stdin($socket, SOME);
            close $socket;
            note('at end');
            return;
        }
        note(take_stdin($socket)) if $how eq 'begins';
        end_fastcgi($socket);
        return if $how eq 'closes';
    }
}

# --- SCGI --------------------------------------------------------------------

sub scgi {
    my($socket) = @_;
    my($length, $byte) = '';
    while (defined($byte = take($socket, 1)) && $byte ne ':') {
        $length .= $byte;
    }
    # httpd connects before it finds that there is no length
    return if $length eq '';
    my $head = take($socket, $length + 1) // return;
    my($content) = $head =~ /CONTENT_LENGTH\0(\d+)/;
    my $how = behaviour($head);
    my $read = $how eq 'reads'
        ? note(defined take($socket, $content) ? $content : -1) : 'now';
    my $text = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    if ($how =~ /^(?:breaks|begins)$/) {
        syswrite $socket, $text . 'read=';
        take($socket, $how eq 'begins' ? $content : SOME);
        syswrite $socket, "now\n" if $how eq 'begins';
        return;
    }
    syswrite $socket, "${text}read=$read\n";
    return if $how ne 'stays';
    shutdown $socket, 1;
    1 while sysread $socket, my $rest, 65_536;
}

# --- AJP/1.3 -----------------------------------------------------------------

use constant { FORWARD => 2, SEND_CHUNK => 3, SEND_HEADERS => 4,
    END_RESPONSE => 5, GET_CHUNK => 6, CPONG => 9, CPING => 10 };

sub packet {
    my($socket) = @_;
    my $head = take($socket, 4) // return;
    return take($socket, (unpack 'nn', $head)[1]);
}

sub give_packet {
    my($socket, $bytes) = @_;
    syswrite $socket, 'AB' . pack('n', length $bytes) . $bytes;
}

sub text { return pack 'n/a* x', $_[0] }

sub begin_ajp {
    my($socket, $text) = @_;
    give_packet($socket, pack('Cn', SEND_HEADERS, 200) . text('OK')
        . pack('n', 1) . pack('n', 0xA001) . text('text/plain'));
    give_packet($socket, pack('C', SEND_CHUNK) . text($text));
}

# Asks for content, and takes so much, or all of it; returns its length, or -1.
sub take_chunks {
    my($socket, $announced, $some) = @_;
    my $length = 0;
    while (!defined $some || $length < $some) {
        # the first comes by itself where there is a length
        give_packet($socket, pack 'Cn', GET_CHUNK, 8186) unless $announced;
        $announced = 0;
        my $bytes = packet($socket) // return -1;
        return $length if length $bytes < 3;
        $length += length($bytes) - 2;
    }
    return $length;
}

sub ajp {
    my($socket) = @_;
    while (defined(my $request = packet($socket))) {
        my $code = unpack 'C', $request;
        give_packet($socket, pack 'C', CPONG), next if $code == CPING;
        next if $code != FORWARD;
        my $how = behaviour($request);
        my $announced = $request =~ /\xA0\x08\0[\x01-\x09]\d+\0/;
        my $read = $how eq 'reads' ? note(take_chunks($socket, $announced))
            : 'now';
        return if $read eq -1;
        begin_ajp($socket, "read=$read\n");
        if ($how eq 'breaks') {
            take_chunks($socket, $announced, SOME);
            give_packet($socket, pack 'Cn', GET_CHUNK, 8186);
            return;
        }
        return if $how eq 'begins'
            && note(take_chunks($socket, $announced)) == -1;
        give_packet($socket, pack 'CC', END_RESPONSE, $how ne 'closes');
        return if $how eq 'closes';
        packet($socket) if $how eq 'stays' && $announced;
    }
}

# --- the server --------------------------------------------------------------

my %protocols = (fastcgi => \&fastcgi, scgi => \&scgi, ajp => \&ajp);

sub run {
    my($listener, $protocol) = @_;
    local $SIG{CHLD} = 'IGNORE';
    local $SIG{PIPE} = 'IGNORE';
    while (my $socket = $listener->accept) {
        defined(my $pid = fork) or die "fork: $!\n";
        if ($pid) {
            close $socket;
            next;
        }
        close $listener;
        alarm 60;
        setsockopt $socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1;
        $protocols{$protocol}->($socket);
        close $socket;
        POSIX::_exit(0);
    }
}

sub start {
    my($class, $protocol) = @_;
    return $class->server("responder-$protocol", sub {
        my($listener) = @_;
        $log = $_[1];
        run($listener, $protocol);
    }, 300);
}

1;
