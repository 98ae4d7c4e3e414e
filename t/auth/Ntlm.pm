package Ntlm;

=head1 NAME

Ntlm - a client's side of NTLM, bare and within SPNEGO

=head1 SYNOPSIS

    use lib 't/auth';
    use Ntlm;

    my $client = Ntlm->new(user => 'alice', password => 'secret');
    my $first  = $client->first;
    my $last   = $client->last($challenge);     # of the field's token

    Ntlm->new(user => 'alice', scheme => 'Negotiate')

Fields for C<Authorization>, as a browser makes them: NTLMv2 (MS-NLMP), by
itself or, with the scheme Negotiate, in SPNEGO's tokens (RFC 4178).

=cut

use strict;
use warnings;

use Digest::MD5 qw(md5);
use Encode qw(encode);
use MIME::Base64 qw(decode_base64 encode_base64);

use constant DOMAIN  => 'HOUSE';
use constant VERSION => "\x0a\0\0\0\0\0\0\x0f";
# Where the strings of the last message begin, behind room for a checksum.
use constant HEAD    => 88;

# The MD4 of the password in UTF-16: no module of Perl's own computes it.
my %NT_HASH = (
    secret => pack('H*', '878d8014606cda29677a44efa1353fc7'),
    guess  => "\1" x 16,
);

# Unicode, the target's name, NTLM, always sign, extended security, the target's
# information, a version, 128 and 56 bits: what is asked for, and answered.
my $FLAGS = 0x00000001 | 0x00000004 | 0x00000200 | 0x00008000 | 0x00080000
    | 0x00800000 | 0x02000000 | 0x20000000 | 0x80000000;

sub new {
    my($class, %o) = @_;
    return bless { scheme => 'NTLM', password => 'secret', %o }, $class;
}

sub utf16 { return encode('UTF-16LE', $_[0]) }

sub hmac_md5 {
    my($key, $text) = @_;
    my $padded = $key . "\0" x (64 - length $key);
    return md5(($padded ^ "\x5c" x 64) . md5(($padded ^ "\x36" x 64) . $text));
}

# --- the messages of NTLM ------------------------------------------------

sub negotiate_message {
    return pack 'a8 V V x8 x8 a8', 'NTLMSSP', 1, $FLAGS, VERSION;
}

# (what the server signs its challenge with, what it tells of itself, flags)
sub read_challenge {
    my($message) = @_;
    my($is, $type, undef, undef, undef, $flags, $challenge, undef, $length,
        undef, $at) = unpack 'a8 V v v V V a8 a8 v v V', $message;
    die "no challenge of NTLM\n" unless $is eq "NTLMSSP\0" && $type == 2;
    return ($challenge, substr($message, $at, $length), $flags);
}

# Strings behind the head, and what in the head tells where they are.
sub authenticate_message {
    my($self, $message) = @_;
    my($challenge, $info, $flags) = read_challenge($message);
    my $hash = $NT_HASH{ $self->{password} } or die "no such password\n";
    my $key = hmac_md5($hash, utf16(uc($self->{user}) . DOMAIN));
    # the time of 1970, in units of 100 ns since 1601; a client's nonce
    my $blob = pack 'C C x6 Q< a8 x4 a* x4', 1, 1, 116_444_736_000_000_000,
        'nonce-8!', $info;
    my @parts = ("\0" x 24, hmac_md5($key, $challenge . $blob) . $blob,
        utf16(DOMAIN), utf16($self->{user}), utf16('client'), '');
    my($where, $strings) = ('', '');
    for (@parts) {
        $where .= pack 'v v V', (length) x 2, HEAD + length $strings;
        $strings .= $_;
    }
    return pack('a8 V', 'NTLMSSP', 3) . $where
        . pack('V a8 x16', $flags & $FLAGS, VERSION) . $strings;
}

# --- SPNEGO ----------------------------------------------------------------

sub der {
    my($tag, @parts) = @_;
    my $text = join '', @parts;
    my $length = length $text;
    return pack('C', $tag) . ($length < 128 ? pack('C', $length)
        : pack('C n', 0x82, $length)) . $text;
}

my $SPNEGO  = "\x06\x06\x2b\x06\x01\x05\x05\x02";
my $NTLMSSP = "\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

sub first_token {
    return der(0x60, $SPNEGO, der(0xa0, der(0x30, der(0xa0, der(0x30,
        $NTLMSSP)), der(0xa2, der(0x04, $_[0])))));
}

sub next_token { return der(0xa1, der(0x30, der(0xa2, der(0x04, $_[0])))) }

# --- the fields --------------------------------------------------------------

sub field {
    my($self, $message, $wrap) = @_;
    $message = $wrap->($message) if $self->{scheme} eq 'Negotiate';
    return "Authorization: $self->{scheme} " . encode_base64($message, '');
}

sub first { return $_[0]->field(negotiate_message(), \&first_token) }

# The field that answers a challenge: WWW-Authenticate's value.
sub last {
    my($self, $challenge) = @_;
    my($token) = $challenge =~ /$self->{scheme} ([A-Za-z0-9+\/=]+)/
        or die "no challenge for $self->{scheme}: $challenge\n";
    my($message) = decode_base64($token) =~ /(NTLMSSP\0.*)/s
        or die "no NTLM in $token\n";
    return $self->field($self->authenticate_message($message), \&next_token);
}

1;
