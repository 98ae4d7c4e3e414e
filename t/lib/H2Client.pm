package H2Client;

=head1 NAME

H2Client - one HTTP/2 request in clear text, with every frame in sight

=head1 SYNOPSIS

    my $r = H2Client->new($socket)->request(
        head    => [[':method', 'PUT'], [':path', '/x'], ...],
        content => 'abc', asks => 1, wait => 5, silence => 0.3);
    print $r->{status}, $r->{reset} // 'not reset';

Clients such as curl lose the status when a stream is reset; this one tells
what the server sent, in the order of its frames: C<interim> (1xx), C<status>,
C<headers>, C<body>, C<ended> (END_STREAM), C<reset> (the code of RST_STREAM),
C<goaway> (its code) and C<sent> (bytes of content). begin(), part(), cancel()
and complete() do it step by step. Core Perl only. It sends
headers as plain literals and allows the server no dynamic table, so that HPACK
is a static table and a Huffman code here.

=cut

use strict;
use warnings;

use Time::HiRes qw(time);

use constant {
    DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6,
    GOAWAY => 7, WINDOW_UPDATE => 8, CONTINUATION => 9,
    END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8, PRIORITY => 32,
    CANCEL => 8, FRAME_MAX => 16_384, WINDOW => 65_535, STREAM => 1,
    SETTINGS_HEADER_TABLE_SIZE => 1, SETTINGS_INITIAL_WINDOW_SIZE => 4,
};

# RFC 7541, appendix A: index => [name, value].
my @STATIC = (undef, map { [split /=/, $_, 2] } split /\n/, <<'TABLE');
:authority
:method=GET
:method=POST
:path=/
:path=/index.html
:scheme=http
:scheme=https
:status=200
:status=204
:status=206
:status=304
:status=400
:status=404
:status=500
accept-charset
accept-encoding=gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate
TABLE

# RFC 7541, appendix B is a canonical code: the characters of each length, in
# order, give it all. Longer codes (control characters, backslash, bytes over
# 127) do not occur in what the tests read.
my %HUFFMAN = huffman_table(
    5  => '012aceiost',
    6  => ' %-./3456789=A_bdfghlmnpru',
    7  => ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz',
    8  => '&*,;XZ',
    10 => '!"()?',
    11 => "'+|",
    12 => '#>',
    13 => "\0\$@[]~",
    14 => '^}',
    15 => '<`{',
);

sub huffman_table {
    my %chars = @_;
    my($code, $length, %table) = (0, 0);
    for my $bits (sort { $a <=> $b } keys %chars) {
        $code <<= $bits - $length;
        $length = $bits;
        $table{ sprintf "%0${bits}b", $code++ } = $_
            for split //, $chars{$bits};
    }
    return %table;
}

sub huffman_decode {
    my($bytes) = @_;
    my($text, $code) = ('', '');
    for my $bit (split //, unpack 'B*', $bytes) {
        $code .= $bit;
        next unless exists $HUFFMAN{$code};
        $text .= $HUFFMAN{$code};
        $code = '';
    }
    die "H2Client: unknown Huffman code $code\n" if $code =~ /0|1{8}/;
    return $text;
}

# --- HPACK ------------------------------------------------------------

# Takes an integer with a prefix of $bits off the front of $$block.
sub take_integer {
    my($block, $bits) = @_;
    my $mask  = (1 << $bits) - 1;
    my $value = ord(substr $$block, 0, 1, '') & $mask;
    return $value if $value < $mask;
    for (my $shift = 0; ; $shift += 7) {
        my $byte = ord substr $$block, 0, 1, '';
        $value += ($byte & 127) << $shift;
        return $value unless $byte & 128;
    }
}

sub take_string {
    my($block) = @_;
    my $coded  = ord($$block) & 128;
    my $length = take_integer($block, 7);
    my $bytes  = substr $$block, 0, $length, '';
    return $coded ? huffman_decode($bytes) : $bytes;
}

# A header block => list of [name, value].
sub decode_headers {
    my($block) = @_;
    my @headers;
    while (length $block) {
        my $first = ord $block;
        if ($first & 128) {
            push @headers, [@{ $STATIC[take_integer(\$block, 7)] }];
            next;
        }
        if (($first & 224) == 32) {             # table size update
            take_integer(\$block, 5);
            next;
        }
        my $index = take_integer(\$block, $first & 64 ? 6 : 4);
        my $name  = $index ? $STATIC[$index][0] : take_string(\$block);
        push @headers, [$name, take_string(\$block)];
    }
    return @headers;
}

sub encode_string {
    my($text) = @_;
    my $length = length $text;
    my $prefix = chr $length;
    if ($length >= 127) {
        $prefix = chr 127;
        for ($length -= 127; $length >= 128; $length >>= 7) {
            $prefix .= chr($length & 127 | 128);
        }
        $prefix .= chr $length;
    }
    return $prefix . $text;
}

sub encode_headers {
    return join '', map { "\0" . encode_string($_->[0])
                        . encode_string($_->[1]) } @_;
}

# --- frames -----------------------------------------------------------

sub new {
    my($class, $socket) = @_;
    my $self = bless { socket => $socket, buffer => '', stream => WINDOW,
        initial => WINDOW, connection => WINDOW }, $class;
    $self->{r} = { interim => [], headers => {}, body => '', sent => 0,
        ended => 0 };
    return $self;
}

sub frame {
    my($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

# Reads one frame if one comes before $until; returns false if none does.
sub next_frame {
    my($self, $until) = @_;
    while (1) {
        if (length $self->{buffer} >= 9) {
            my $length = unpack 'N', "\0" . substr $self->{buffer}, 0, 3;
            if (length $self->{buffer} >= 9 + $length) {
                my $frame = substr $self->{buffer}, 0, 9 + $length, '';
                my(undef, undef, $type, $flags, $stream)
                    = unpack 'CnCCN', $frame;
                return [$type, $flags, $stream, substr $frame, 9];
            }
        }
        return if $self->{eof};
        my $left = $until - time;
        my $bits = '';
        vec($bits, fileno $self->{socket}, 1) = 1;
        return unless select $bits, undef, undef, $left > 0 ? $left : 0;
        my $got = sysread $self->{socket}, $self->{buffer}, 65_536,
            length $self->{buffer};
        $self->{eof} = 1 unless $got;
    }
}

sub send_bytes {
    my($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $bytes) {
        my $n = syswrite $self->{socket}, $bytes;
        return $self->{eof} = 1 unless $n;
        substr $bytes, 0, $n, '';
    }
}

sub on_headers {
    my($self, $flags, $payload) = @_;
    my $r = $self->{r};
    $self->{ends} = $flags & END_STREAM unless $self->{block};
    $payload = substr $payload, 1, -1 - ord $payload if $flags & PADDED;
    $payload = substr $payload, 5 if $flags & PRIORITY;
    $self->{block} .= $payload;
    return unless $flags & END_HEADERS;
    my @headers = decode_headers(delete $self->{block});
    my($status) = map { $_->[1] } grep { $_->[0] eq ':status' } @headers;
    $r->{ended} = 1 if $self->{ends};
    if (defined $status && $status < 200) {
        push @{ $r->{interim} }, $status + 0;
        return;
    }
    $r->{status} = $status + 0 if defined $status;
    for (grep { $_->[0] !~ /^:/ } @headers) {
        my($name, $value) = @$_;
        $r->{headers}{$name} = exists $r->{headers}{$name}
            ? "$r->{headers}{$name}, $value" : $value // '';
    }
}

sub on_settings {
    my($self, $flags, $payload) = @_;
    return if $flags & ACK;
    while (length $payload) {
        my($name, $value) = unpack 'nN', substr $payload, 0, 6, '';
        next unless $name == SETTINGS_INITIAL_WINDOW_SIZE;
        $self->{stream} += $value - $self->{initial};
        $self->{initial} = $value;
    }
    $self->send_bytes(frame(SETTINGS, ACK, 0, ''));
}

sub on_data {
    my($self, $flags, $payload) = @_;
    my $length = length $payload;
    $payload = substr $payload, 1, -1 - ord $payload if $flags & PADDED;
    $self->{r}{body} .= $payload;
    $self->{r}{ended} = 1 if $flags & END_STREAM;
    return unless $length;
    $self->send_bytes(frame(WINDOW_UPDATE, 0, $_, pack 'N', $length))
        for 0, STREAM;
}

sub take_frame {
    my($self, $frame) = @_;
    my($type, $flags, $stream, $payload) = @$frame;
    my $r = $self->{r};

    if ($type == HEADERS) { $self->on_headers($flags, $payload) }
    elsif ($type == CONTINUATION) {
        $self->on_headers($flags & END_HEADERS, $payload);
    }
    elsif ($type == DATA)       { $self->on_data($flags, $payload) }
    elsif ($type == SETTINGS)   { $self->on_settings($flags, $payload) }
    elsif ($type == RST_STREAM) { $r->{reset} = unpack 'N', $payload }
    elsif ($type == GOAWAY)     { $r->{goaway} = (unpack 'NN', $payload)[1] }
    elsif ($type == WINDOW_UPDATE) {
        $self->{$stream ? 'stream' : 'connection'} += unpack 'N', $payload;
    }
    elsif ($type == PING) {
        $self->send_bytes(frame(PING, ACK, 0, $payload)) unless $flags & ACK;
    }
}

# Handles frames until the condition holds; false if time runs out first.
sub handle_until {
    my($self, $seconds, $condition) = @_;
    my $until = time + $seconds;
    until ($condition->()) {
        my $frame = $self->next_frame($until) or return $condition->();
        $self->take_frame($frame);
    }
    return 1;
}

sub over {
    my($self) = @_;
    my $r = $self->{r};
    return $r->{ended} || defined $r->{reset} || defined $r->{goaway}
        || $self->{eof};
}

# Sends the content as the windows allow, until a final answer comes.
sub send_content {
    my($self, $content, $wait) = @_;
    my $r = $self->{r};
    while ($r->{sent} < length $content) {
        my $n = length($content) - $r->{sent};
        for ($self->{stream}, $self->{connection}, FRAME_MAX) {
            $n = $_ if $_ < $n;
        }
        if ($n <= 0) {
            $self->handle_until($wait, sub { $self->over
                || $self->{stream} > 0 && $self->{connection} > 0 })
                or return;
        }
        else {
            my $last = $r->{sent} + $n == length $content;
            $self->{finished} = 1 if $last;
            $self->send_bytes(frame(DATA, $last ? END_STREAM : 0, STREAM,
                substr $content, $r->{sent}, $n));
            $self->{$_} -= $n for qw(stream connection);
            $r->{sent} += $n;
            $self->handle_until(0, sub { $self->over });
        }
        return if $self->over || defined $r->{status};
    }
    return if $self->{finished};
    $self->send_bytes(frame(DATA, END_STREAM, STREAM, ''));
    $self->{finished} = 1;
}

sub begin {
    my($self, %o) = @_;
    my $r = $self->{r};
    my $final = sub { defined $r->{status} || $self->over };

    $self->send_bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack 'nN', SETTINGS_HEADER_TABLE_SIZE, 0)
        . frame(HEADERS, END_HEADERS | ($o{bare} ? END_STREAM : 0), STREAM,
                encode_headers(@{ $o{head} })));
    if ($o{asks}) {
        $self->handle_until($o{wait},
            sub { @{ $r->{interim} } || $final->() });
    }
    elsif (!$o{bare} && !$o{eager}) {
        $self->handle_until($o{silence}, $final);
    }
    $r->{early} = $final->() ? 1 : 0;
    return $r;
}

# Some of the content, which the windows have to allow.
sub part {
    my($self, $bytes) = @_;
    $self->send_bytes(frame(DATA, 0, STREAM, $_))
        for unpack '(a' . FRAME_MAX . ')*', $bytes;
    $self->{$_} -= length $bytes for qw(stream connection);
    $self->{r}{sent} += length $bytes;
}

sub cancel {
    my($self) = @_;
    $self->send_bytes(frame(RST_STREAM, 0, STREAM, pack 'N', CANCEL));
}

# What begin() has left over.
sub complete {
    my($self, %o) = @_;
    my $r = $self->{r};
    my $content = $o{content} // '';
    my $final = sub { defined $r->{status} || $self->over };
    my $go = !$o{bare} && !$final->()
        && (!$o{asks} || grep { $_ == 100 } @{ $r->{interim} });
    $self->send_content($content, $o{wait}) if $go;
    $self->handle_until($o{wait}, sub { $self->over });

    # A server that answered without the whole content has to reset the
    # stream, but may do so a moment after the answer.
    $self->handle_until($o{wait},
        sub { defined $r->{reset} || defined $r->{goaway} || $self->{eof} })
        if !$o{bare} && !$self->{finished};
    $r->{closed} = $self->{eof} || defined $r->{reset} ? 1 : 0;
    return $r;
}

sub request {
    my($self, %o) = @_;
    $self->begin(%o);
    return $self->complete(%o);
}

1;
