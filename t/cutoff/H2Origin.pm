package H2Origin;

=head1 NAME

H2Origin - an HTTP/2 origin that records what it was sent

=head1 SYNOPSIS

    my $origin = H2Origin->start;       # ProxyPass h2c://127.0.0.1:$port/
    print $origin->port;
    my @streams = $origin->streams;

Answers each stream that ends C<read=BYTES>, with 100 Continue before if it is
asked. C<streams> returns, for each stream that is over, C<{path, read, how}>:
how is C<ended> (END_STREAM), C<reset> or C<closed> (with the connection). Core
Perl only; it ends with the object.

=cut

use strict;
use warnings;

use IO::Select ();

use parent 'Child';
use H2Client ();

use constant PREFACE => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

sub streams {
    my($self) = @_;
    open my $fh, '<', $self->{log} or return;
    return map { my @f = split; +{ path => $f[0], read => $f[1],
                                   how => $f[2] } } <$fh>;
}

sub answer {
    my($c, $id, $last, @headers) = @_;
    syswrite $c->{socket}, H2Client::frame(H2Client::HEADERS,
        H2Client::END_HEADERS | ($last ? H2Client::END_STREAM : 0), $id,
        H2Client::encode_headers(@headers));
}

sub over {
    my($log, $c, $id, $how) = @_;
    my $stream = delete $c->{streams}{$id} or return;
    syswrite $log, "$stream->{path} $stream->{read} $how\n";
    return if $how ne 'ended';
    answer($c, $id, 0, [':status', '200'], ['content-type', 'text/plain']);
    syswrite $c->{socket}, H2Client::frame(H2Client::DATA,
        H2Client::END_STREAM, $id, "read=$stream->{read}\n");
}

sub take {
    my($log, $c, $type, $flags, $id, $payload) = @_;
    if ($type == H2Client::SETTINGS && !($flags & H2Client::ACK)) {
        syswrite $c->{socket}, H2Client::frame(H2Client::SETTINGS,
            H2Client::ACK, 0, '');
    }
    elsif ($type == H2Client::PING && !($flags & H2Client::ACK)) {
        syswrite $c->{socket}, H2Client::frame(H2Client::PING,
            H2Client::ACK, 0, $payload);
    }
    elsif ($type == H2Client::HEADERS) {
        $payload = substr $payload, 5 if $flags & H2Client::PRIORITY;
        my %head = map { @$_ } H2Client::decode_headers($payload);
        $c->{streams}{$id} = { path => $head{':path'}, read => 0 };
        answer($c, $id, 0, [':status', '100']) if $head{expect};
    }
    elsif ($type == H2Client::DATA) {
        $c->{streams}{$id}{read} += length $payload if $c->{streams}{$id};
        syswrite $c->{socket}, join '', map { H2Client::frame(
                H2Client::WINDOW_UPDATE, 0, $_, pack 'N', length $payload) }
            0, $id if length $payload;
    }
    elsif ($type == H2Client::RST_STREAM) {
        over($log, $c, $id, 'reset');
    }
    over($log, $c, $id, 'ended') if $flags & H2Client::END_STREAM
        && ($type == H2Client::HEADERS || $type == H2Client::DATA);
}

# Handles what has come; false at the connection's end.
sub serve {
    my($log, $c) = @_;
    my $n = sysread $c->{socket}, $c->{bytes}, 65_536, length $c->{bytes};
    if (!$n) {
        over($log, $c, $_, 'closed') for keys %{ $c->{streams} };
        return 0;
    }
    if (!$c->{greeted} && length $c->{bytes} >= length PREFACE) {
        substr $c->{bytes}, 0, length PREFACE, '';
        $c->{greeted} = syswrite $c->{socket},
            H2Client::frame(H2Client::SETTINGS, 0, 0,
                pack 'nN', H2Client::SETTINGS_HEADER_TABLE_SIZE, 0);
    }
    while ($c->{greeted} && length $c->{bytes} >= 9) {
        my $length = unpack 'N', "\0" . substr $c->{bytes}, 0, 3;
        last if length $c->{bytes} < 9 + $length;
        my $frame = substr $c->{bytes}, 0, 9 + $length, '';
        my(undef, undef, $type, $flags, $id) = unpack 'CnCCN', $frame;
        take($log, $c, $type, $flags, $id, substr $frame, 9);
    }
    return 1;
}

sub run {
    my($listener, $log) = @_;
    my $select = IO::Select->new($listener);
    my %connections;
    local $SIG{PIPE} = 'IGNORE';
    while (my @ready = $select->can_read) {
        for my $socket (@ready) {
            if ($socket == $listener) {
                my $new = $listener->accept or next;
                $select->add($new);
                $connections{$new} = { socket => $new, bytes => '',
                    streams => {} };
            }
            elsif (!serve($log, $connections{$socket})) {
                delete $connections{$socket};
                $select->remove($socket);
            }
        }
    }
}

sub start { return $_[0]->server('h2-origin', \&run) }

1;
