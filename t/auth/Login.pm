package Login;

=head1 NAME

Login - what clients send to log in

=head1 SYNOPSIS

    use lib 't/auth';
    use Login;

    digest($challenge, user => 'alice', password => 'secret',
        method => 'PUT', uri => '/x')   # the field that answers it
    session('alice', 'secret')          # the cookie of mod_auth_form

The name of the session is C<session>, that of the realm C<realm>.

=cut

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Exporter qw(import);

our @EXPORT = qw(digest session);

my $serial = 0;

# RFC 7616, with MD5 and qop=auth.
sub digest {
    my($challenge, %o) = @_;
    my %c = $challenge =~ /(\w+)="?([^",]+)"?/g;
    my($nc, $cnonce) = ('00000001', 'client' . ++$serial);
    my $a1 = md5_hex("$o{user}:$c{realm}:$o{password}");
    my $a2 = md5_hex("$o{method}:$o{uri}");
    my $nonce = $o{nonce} // $c{nonce};
    my $response = md5_hex("$a1:$nonce:$nc:$cnonce:auth:$a2");
    return qq(Authorization: Digest username="$o{user}", realm="$c{realm}", )
        . qq(nonce="$nonce", uri="$o{uri}", algorithm=MD5, qop=auth, nc=$nc, )
        . qq(cnonce="$cnonce", response="$response");
}

# httpd keeps the login in the cookie, in clear text.
sub session { return "Cookie: session=realm-user=$_[0]&realm-pw=$_[1]" }

1;
