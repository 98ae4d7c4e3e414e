package Relay;

=head1 NAME

Relay - a TCP relay that counts the content a client sends to a server

=head1 SYNOPSIS

    my $run = Relay::run(port => $server_port, kind => 'http1',
                         seconds => 15, start => sub {
        my($port) = @_;         # the client is to connect to this one
        exec 'curl', '-T', 'file', "http://127.0.0.1:$port/";
    });
    print "$run->{content} bytes, $run->{time} s\n", $run->{output};

Runs one client in a child of its own and relays its connections until it
ends, or kills it after C<seconds> (C<hung> is true then). C<content> is what
arrived at the server of the content of PUT and POST, framing left out. The
kind says how that is told: C<http1>; C<h2c>, the payload of DATA frames;
C<tls>, the payload of all records with application data, so heads are counted
as well.

It keeps next to nothing in store, so a client is slowed down as it would be
by the server itself; what the server's system has not taken when a connection
ends is not counted. A connection that one side resets is reset on the other.

=cut

use strict;
use warnings;

use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF SO_SNDBUF IPPROTO_TCP
              TCP_NODELAY);
use Time::HiRes qw(time);

use constant {
    CHUNK => 16_384,            # bytes per read
    BUFFER => 65_536,           # SO_RCVBUF and SO_SNDBUF
    TICK => 0.02,               # seconds between looks for the client's end
    TIOCOUTQ => 0x5411,         # Linux: bytes that the peer has not taken
    TLS_DATA => 23,
    DATA => 0,
    PREFACE => 24,              # length of HTTP/2's
};

# --- what is content ------------------------------------------------------

# Each counter takes the bytes of one connection as they come and adds to
# $c->{content}.
my %COUNTER = (http1 => \&count_http1, h2c => \&count_h2c, tls => \&count_tls);

sub head_of {
    my($c, $head) = @_;
    my($method) = $head =~ /^(\S+)/;
    $c->{counts} = ($method // '') =~ /^(?:PUT|POST)$/;
    $c->{left} = $head =~ /^Content-Length:\s*(\d+)/mi ? $1 : 0;
    $c->{state} = $head =~ /^Transfer-Encoding:.*chunked/mi ? 'chunk'
                : $c->{left} ? 'content' : 'head';
}

sub count_http1 {
    my($c, $bytes) = @_;
    $c->{in} .= $bytes;
    while (length $c->{in}) {
        if ($c->{state} eq 'head') {
            $c->{in} =~ s/\A((?:.*?)\r?\n)\r?\n//s or return;
            head_of($c, $1);
        }
        elsif ($c->{state} eq 'chunk') {
            $c->{in} =~ s/\A([0-9a-fA-F]+)[^\n]*\n// or return;
            $c->{left} = hex $1;
            $c->{state} = $c->{left} ? 'chunk-content' : 'trailer';
        }
        elsif ($c->{state} eq 'trailer') {
            $c->{in} =~ s/\A([^\n]*)\n// or return;
            $c->{state} = 'head' if $1 =~ /^\r?$/;
        }
        elsif ($c->{state} eq 'chunk-end') {
            $c->{in} =~ s/\A\r?\n// or return;
            $c->{state} = 'chunk';
        }
        else {
            my $n = length $c->{in};
            $n = $c->{left} if $n > $c->{left};
            substr $c->{in}, 0, $n, '';
            $c->{content} += $n if $c->{counts};
            next if $c->{left} -= $n;
            $c->{state} = $c->{state} eq 'content' ? 'head' : 'chunk-end';
        }
    }
}

sub count_h2c {
    my($c, $bytes) = @_;
    $c->{in} .= $bytes;
    if (!$c->{preface}) {
        return if length $c->{in} < PREFACE;
        substr $c->{in}, 0, PREFACE, '';
        $c->{preface} = 1;
    }
    count_frames($c, 9, sub {
        my($high, $low, $type) = unpack 'CnC', $_[0];
        return ($high << 16 | $low, $type == DATA);
    });
}

sub count_tls {
    my($c, $bytes) = @_;
    $c->{in} .= $bytes;
    count_frames($c, 5, sub {
        my($type, undef, $length) = unpack 'Cnn', $_[0];
        return ($length, $type == TLS_DATA);
    });
}

sub count_frames {
    my($c, $head, $tell) = @_;
    while (1) {
        if ($c->{left}) {
            my $n = length $c->{in} or return;
            $n = $c->{left} if $n > $c->{left};
            substr $c->{in}, 0, $n, '';
            $c->{content} += $n if $c->{counts};
            $c->{left} -= $n;
            next;
        }
        return if length $c->{in} < $head;
        ($c->{left}, $c->{counts}) = $tell->(substr $c->{in}, 0, $head, '');
    }
}

# --- connections ----------------------------------------------------------

# A way is {from, to, store, over}; a connection has two.
sub open_connection {
    my($listener, $port, $kind) = @_;
    my $client = $listener->accept or return;
    my $server = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "connect to $port: $!\n";
    $server->setsockopt(SOL_SOCKET, SO_SNDBUF, BUFFER);
    for my $socket ($client, $server) {
        $socket->blocking(0);
        $socket->setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    }
    my $c = {
        content => 0, in => '', left => 0, state => 'head', counts => 0,
        count => $COUNTER{$kind} || die("no kind: $kind\n"),
        client => $client, server => $server,
    };
    $c->{up} = { from => $client, to => $server, store => '', c => $c };
    $c->{down} = { from => $server, to => $client, store => '', c => $c };
    return $c;
}

sub close_connection {
    my($c, $reset) = @_;
    return if $c->{closed}++;
    my $waiting = pack 'i', 0;
    $c->{untaken} = ioctl($c->{server}, TIOCOUTQ, $waiting)
        ? unpack 'i', $waiting : 0;
    for my $socket ($c->{client}, $c->{server}) {
        $socket->setsockopt(SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0) if $reset;
        close $socket;
    }
}

sub again { return $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR} }

sub fill {
    my($way) = @_;
    my $n = sysread $way->{from}, $way->{store}, CHUNK;
    return if !defined $n && again();
    return close_connection($way->{c}, 1) if !defined $n;
    $way->{over} = 1 if !$n;
}

sub drain {
    my($way) = @_;
    my $c = $way->{c};
    if (length $way->{store}) {
        my $n = syswrite $way->{to}, $way->{store};
        return if !defined $n && again();
        return close_connection($c, 1) if !defined $n;
        my $sent = substr $way->{store}, 0, $n, '';
        $c->{count}->($c, $sent) if $way == $c->{up};
    }
    if ($way->{over} && !length $way->{store}) {
        shutdown $way->{to}, 1;
        $way->{done} = 1;
        close_connection($c) if $c->{up}{done} && $c->{down}{done};
    }
}

# One round: every way is either read from or written to.
sub turn {
    my($listener, $open, $port, $kind) = @_;
    my(%reader, %writer);
    my($readers, $writers) = (IO::Select->new($listener), IO::Select->new);
    for my $way (map { ($_->{up}, $_->{down}) } grep { !$_->{closed} } @$open) {
        next if $way->{done};
        if (length $way->{store} || $way->{over}) {
            $writers->add($way->{to});
            $writer{$way->{to}} = $way;
        }
        else {
            $readers->add($way->{from});
            $reader{$way->{from}} = $way;
        }
    }
    my($r, $w) = IO::Select->select($readers, $writers, undef, TICK);
    for my $socket (@{ $w || [] }) {
        drain($writer{$socket}) if !$writer{$socket}{c}{closed};
    }
    for my $socket (@{ $r || [] }) {
        if ($socket == $listener) {
            my $c = open_connection($listener, $port, $kind);
            push @$open, $c if $c;
        }
        elsif (!$reader{$socket}{c}{closed}) {
            fill($reader{$socket});
        }
    }
}

# --- the client -----------------------------------------------------------

sub start_client {
    my($listener, $output, $start) = @_;
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    setpgrp;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', $output or POSIX::_exit(126);
    open STDERR, '>&', \*STDOUT;
    my $port = $listener->sockport;
    close $listener;
    $start->($port);
    POSIX::_exit(127);
}

# The client and what it started, in its process group.
sub stop_client {
    my($pid) = @_;
    for my $signal ('TERM', 'KILL') {
        kill $signal, -$pid or last;
        my $until = time + 1;
        while (time < $until && waitpid($pid, POSIX::WNOHANG()) != $pid) {
            select undef, undef, undef, TICK;
        }
    }
}

our $running;

sub run {
    my(%o) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => 0, Listen => 20) or die "listen: $!\n";
    $listener->setsockopt(SOL_SOCKET, SO_RCVBUF, BUFFER);
    local $SIG{PIPE} = 'IGNORE';
    my @open;
    my $began = time;
    my($pid, $hung) = start_client($listener, $o{output}, $o{start});
    $running = $pid;
    while (waitpid($pid, POSIX::WNOHANG()) != $pid) {
        if (time - $began > $o{seconds}) {
            $hung = 1;
            last;
        }
        turn($listener, \@open, $o{port}, $o{kind});
    }
    my $exit = $hung ? undef : $? >> 8;
    my $time = time - $began;
    stop_client($pid);
    undef $running;
    # what has been sent and is still to come out
    turn($listener, \@open, $o{port}, $o{kind}) for 1 .. 5;
    my $content = 0;
    for my $c (@open) {
        close_connection($c);
        my $got = $c->{content} - $c->{untaken};
        $content += $got > 0 ? $got : 0;
    }
    open my $fh, '<', $o{output} or die "$o{output}: $!\n";
    local $/;
    return { content => $content, time => $time, hung => $hung,
             exit => $exit, connections => scalar @open,
             output => scalar <$fh> // '' };
}

1;
