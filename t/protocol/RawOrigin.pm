package RawOrigin;

=head1 NAME

RawOrigin - an HTTP/1.1 origin on a raw socket that writes down what it is sent

=head1 SYNOPSIS

    my $origin = RawOrigin->start;          # ProxyPass http://127.0.0.1:$port/
    print $origin->port;
    my $mark = $origin->mark;
    ...
    my @requests = $origin->requests($mark);

The first part of the path says how it behaves:

    /continue/   as it should: 100 Continue if asked, reads, answers 200
    /silent/     never sends 100, reads, answers 200
    /twice/      sends 100 twice
    /header/     sends X-Secret with its 100 and with its answer
    /unasked/    sends 100 although the request does not ask
    /keep/       answers 417 before the content, keeps the connection, and takes
                 the content for what it is
    /close/      answers 417 before the content and closes
    /early/      answers 200 before the content and takes it for what it is
    /naive/      answers 200 before the content where it is asked, and takes
                 what follows for the next request
    /http10/     answers in HTTP/1.0 and closes

An answer's body is C<target=TARGET read=BYTES>. C<requests> returns in the
order of arrival, from the start or since C<mark()>, for each a hash of
C<connection>, C<method>, C<target>, C<version>, C<headers>, C<read>, C<how>:
headers by lower-case name; read and how are there when the content was read,
how is C<ended> or C<closed>. Core Perl only; it ends with the object.

=cut

use strict;
use warnings;

use IO::Select ();

use parent 'Child';

sub parse_fields {
    my(%headers);
    for (split /\r\n/, $_[0]) {
        my($name, $value) = /^([^:]+):[ \t]*(.*?)[ \t]*$/ or next;
        $name = lc $name;
        $headers{$name} = exists $headers{$name}
            ? "$headers{$name}, $value" : $value;
    }
    return \%headers;
}

sub mark { return -s $_[0]{log} || 0 }

sub requests {
    my($self, $mark) = @_;
    open my $fh, '<', $self->{log} or return;
    seek $fh, $mark // 0, 0;
    my(@requests, %of);
    while (my $line = <$fh>) {
        last unless $line =~ /\n$/;
        my($what, $n, @rest) = split / /, $line, 4;
        if ($what eq 'head') {
            my($first, $fields) = pack('H*', $rest[1]) =~ /^(.*?)\r\n(.*)/s;
            my($method, $target, $version) = split / /, $first;
            $of{$n} = { connection => $rest[0], method => $method,
                target => $target, version => $version // '',
                headers => parse_fields($fields) };
            push @requests, $of{$n};
        }
        elsif ($of{$n}) {
            chomp @rest;
            @{ $of{$n} }{qw(read how)} = @rest;
        }
    }
    return @requests;
}

# --- in the child -----------------------------------------------------------

my($log, $count) = (undef, 0);

sub respond {
    my($c, $status, $body, @more) = @_;
    my $version = $c->{way} eq 'http10' ? '1.0' : '1.1';
    push @more, 'X-Secret: answer' if $c->{way} eq 'header';
    syswrite $c->{socket}, join "\r\n", "HTTP/$version $status Said",
        'Content-Type: text/plain', 'Content-Length: ' . length $body, @more,
        '', $c->{method} eq 'HEAD' ? '' : $body;
    $c->{answered} = 1;
}

sub body_of { return "target=$_[0]{target} read=$_[1]\n" }

# Takes the content off the buffer if all of it is there.
sub take_content {
    my($c) = @_;
    if ($c->{chunked}) {
        my($rest, $read) = ($c->{bytes}, 0);
        while ($rest =~ s/^([0-9a-f]+)[^\r\n]*\r\n//i) {
            my $n = hex $1;
            return if length $rest < $n + 2;
            substr $rest, 0, $n + 2, '';
            $read += $n;
            $c->{bytes} = $rest, return $read if $n == 0;
        }
        return;
    }
    return if length $c->{bytes} < $c->{length};
    substr $c->{bytes}, 0, $c->{length}, '';
    return $c->{length};
}

sub on_head {
    my($c, $head) = @_;
    my($first, $fields) = $head =~ /^(.*?)\r\n(.*)/s;
    my $headers = parse_fields($fields);
    @$c{qw(method target)} = split / /, $first;
    $c->{target} //= '';
    ($c->{way}) = $c->{target} =~ m{^/(\w+)/};
    $c->{way} //= '';
    $c->{chunked} = ($headers->{'transfer-encoding'} // '') =~ /chunked/i;
    $c->{length}  = $headers->{'content-length'} // 0;
    $c->{answered} = 0;
    $c->{n} = $count++;
    my $asks = exists $headers->{expect};
    my $go   = "HTTP/1.1 100 Continue\r\n";
    my $has  = $c->{chunked} || $c->{length};

    syswrite $log, "head $c->{n} $c->{number} " . unpack('H*', $head) . "\n";
    if ($c->{way} =~ /^(?:keep|close)$/ && $has) {
        respond($c, 417, "no\n",
            $c->{way} eq 'close' ? 'Connection: close' : ());
        return 0 if $c->{way} eq 'close';
    }
    elsif ($c->{way} eq 'early' || $c->{way} eq 'naive' && $asks) {
        respond($c, 200, body_of($c, 0));
        return 1 if $c->{way} eq 'naive';
    }
    elsif ($asks && $c->{way} !~ /^(?:silent|http10)$/
           || $c->{way} eq 'unasked') {
        $go .= "X-Secret: interim\r\n" if $c->{way} eq 'header';
        syswrite $c->{socket}, "$go\r\n" x ($c->{way} eq 'twice' ? 2 : 1);
    }
    $c->{reading} = 1;
    return 1;
}

# Handles what is in the buffer; false when the connection is over.
sub serve {
    my($c) = @_;
    while (1) {
        if ($c->{reading}) {
            my $read = take_content($c);
            return 1 unless defined $read;
            $c->{reading} = 0;
            syswrite $log, "end $c->{n} $read ended\n";
            respond($c, 200, body_of($c, $read)) unless $c->{answered};
            return 0 if $c->{way} eq 'http10';
        }
        $c->{bytes} =~ s/^(?:\r\n)+//;
        $c->{bytes} =~ s/^(.*?\r\n)\r\n//s or return 1;
        on_head($c, $1) or return 0;
    }
}

sub receive {
    my($c) = @_;
    my $n = sysread $c->{socket}, $c->{bytes}, 65_536, length $c->{bytes};
    return serve($c) if $n;
    syswrite $log, "end $c->{n} " . length($c->{bytes}) . " closed\n"
        if $c->{reading};
    return 0;
}

sub run {
    (my $listener, $log) = @_;
    my $select = IO::Select->new($listener);
    my(%connections, $number);
    local $SIG{PIPE} = 'IGNORE';
    while (my @ready = $select->can_read) {
        for my $socket (@ready) {
            if ($socket == $listener) {
                my $new = $listener->accept or next;
                setsockopt $new, Socket::IPPROTO_TCP(),
                    Socket::TCP_NODELAY(), 1;
                $select->add($new);
                $connections{$new} = { socket => $new, bytes => '',
                    reading => 0, number => ++$number };
            }
            elsif (!receive($connections{$socket})) {
                $select->remove($socket);
                delete $connections{$socket};
            }
        }
    }
}

sub start { return $_[0]->server('origin', \&run) }

1;
