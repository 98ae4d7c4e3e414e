package Response;

=head1 NAME

Response - what the tests of t/response share

=head1 FUNCTIONS

=over

=item place($name, @lines)

Writes the lines into the .htaccess of a folder below htdocs/response, and
returns the URL path of something in it.

=item answers($upload, $code)

Calls the code with (label, response, upload) for clients that ask and that do
not, over HTTP/1.1 and, where the MPM has it, HTTP/2. The upload may fix asks
or h2. A client that does not ask waits for the answer, unless eager.

=item parse_dictionary($value)

A structured field's Dictionary whose members are bare Integers (RFC 9651,
4.2.2 and 4.2.4), by the letter: a hash, or undef for anything else.

=item raw($path, @lines)

One request over a plain socket: {line, status, phrase, head, body}.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use ExpectTest;

our @EXPORT = qw(place answers parse_dictionary raw);

sub place {
    my($name, @lines) = @_;
    return section_at("response/$name", @lines);
}

sub answers {
    my($upload, $code) = @_;
    for my $h2 (exists $upload->{h2} ? $upload->{h2}
                                     : (0, has_h2() ? 1 : ())) {
        for my $asks (exists $upload->{asks} ? $upload->{asks} : (1, 0)) {
            my %o = (silence => 5, %$upload, h2 => $h2, asks => $asks);
            $code->(join(', ', $h2 ? 'HTTP/2' : 'HTTP/1.1',
                $asks ? 'asked' : 'not asked'), upload(%o), \%o);
        }
    }
}

sub parse_dictionary {
    my($value) = @_;
    return undef unless defined $value;
    my %member;
    $value =~ s/^ +| +$//g;
    while ($value ne '') {
        $value =~ s/^([a-z*][a-z0-9_\-.*]*)=(-?[0-9]{1,15})(?![0-9.])//
            or return undef;
        $member{$1} = $2 + 0;
        $value =~ s/^[ \t]+//;
        last if $value eq '';
        $value =~ s/^,[ \t]*// or return undef;
        return undef if $value eq '';
    }
    return \%member;
}

sub raw {
    my($path, @lines) = @_;
    my $method = 'PUT';
    ($method, $path) = @$path if ref $path;
    my $t = talk('main', join("\r\n", "$method $path HTTP/1.1",
        'Host: localhost', @lines, '', ''), 'eof');
    my($line, $status, $phrase, $head, $body) = $t->{bytes} =~
        m{^(HTTP/1\.1\ (\d+)\ ([^\r\n]*))\r\n(.*?\r\n)\r\n(.*)}sx;
    return { line => $line // '', status => $status // 0,
        phrase => $phrase // '', head => $head // '', body => $body // '',
        eof => $t->{eof} };
}

1;
