package Early;

=head1 NAME

Early - answers that come before the content was read

=head1 SYNOPSIS

    use lib 't/protocol', 't/early';
    use Early;

    my $server = early_httpd(<<'CONF');
    <LocationMatch "^/\w+/lazy/">
        SetHandler witness-lazy
    </LocationMatch>
    CONF
    early_ok('a handler that reads nothing', $server, 'lazy/x');
    early_log_ok($server);

=head1 DESCRIPTION

Content is made of requests for /smuggled/N, 64 bytes each, at an alignment that
changes from one upload to the next, and behind it comes a genuine request. No
byte of the content may be parsed as a request: the genuine one is the next that
is answered on the connection, or the connection ends.

What is sent goes to /RULE/PLACE, where RULE is one of these, which
early_httpd() makes, and PLACE what the test makes of it:

    cap     content-length max=100000: with a length refused, chunked cut off
    big     content-length max=10M: admitted
    type    content-type */*: admitted, and nothing is left to watch for
    no      header X-Never: refused
    detect  DetectionOnly with content-length max=1000
    free    no rules

=head1 FUNCTIONS

=over

=item early_httpd($conf, %o), early_stock($conf)

own_httpd() with these places, and stock_httpd() with the same configuration.
Both write an access log. C<tls>: the server speaks TLS.

=item early_ok($name, $server, $place, %o)

One test per rule: uploads with a length, in one chunk and in many, by clients
that ask and that do not. What an answer lacks where the content was read is
httpd's. Optional: rules (instead of all but C<free>), method
(instead of POST), pads (alignments per combination, instead of 1), breaks (the
handler may leave no whole answer), framings (some of C<length>, C<chunk>,
C<chunks>), asks (instead of [0, 1]), headers, hold (a function that returns
what converse() wants).

=item early_faults($server, $path, %o)

What is wrong with one of them, in words. C<framing>, C<asks>, C<method>,
C<breaks>, C<headers>, C<hold>; C<keep> takes the conversation, as converse()
returns it.

=item early_log_ok($server), early_log($server)

Stops the server. Its access log has no other requests than the tests'; the
lines.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use Desync;
use ExpectTest;
use Tls;

our @EXPORT = qw(early_httpd early_stock early_ok early_faults early_log_ok
    early_log);

use constant BLOCK  => 64;
use constant BLOCKS => 3750;
use constant PIECE  => 8192;

my %rules = (
    cap    => 'ExpectRequire content-length max=100000',
    big    => 'ExpectRequire content-length max=10M',
    type   => 'ExpectRequire content-type */*',
    no     => 'ExpectRequire header X-Never',
    detect => "ExpectEngine DetectionOnly\n"
        . 'ExpectRequire content-length max=1000',
);
my $NEXT = "GET /static/file.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $count = 0;

# --- servers -----------------------------------------------------------------

my %log_of;

sub conf {
    my($conf, %o) = @_;
    my $log = conf_var('t_logs') . "/early-$$-" . ++$count;
    $conf .= "CustomLog \"$log\" \"%k %>s %X \\\"%r\\\" verdict="
        . "%{expect-verdict}n status=%{expect-status}n\"\n";
    if ($o{tls}) {
        my $dir = conf_var('t_conf');
        $conf .= "SSLEngine on\nSSLCertificateFile \"$dir/tls.crt\"\n"
            . "SSLCertificateKeyFile \"$dir/tls.key\"\n";
    }
    return ($conf, $log);
}

sub early_httpd {
    my($text, %o) = @_;
    my($conf, $log) = conf($text, %o);
    $conf .= join '', map { "<Location \"/$_/\">\n$rules{$_}\n</Location>\n" }
        sort keys %rules;
    my $server = own_httpd(conf => $conf);
    $log_of{$server} = $log;
    $server->{early_tls} = $o{tls};
    return $server;
}

sub early_stock {
    my($conf, $log) = conf(@_);
    my $server = stock_httpd(conf => $conf);
    $log_of{$server} = $log;
    return $server;
}

sub early_log {
    my($server) = @_;
    $server->stop;
    open my $fh, '<', $log_of{$server} or die "$log_of{$server}: $!\n";
    return <$fh>;
}

sub early_log_ok {
    my($server, $name) = @_;
    my @lines = early_log($server);
    my @other = grep { !m{"\w+ /(?:cap|big|type|no|detect|free)/}
        && !m{"GET /static/file\.txt } } @lines;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    cmp_ok scalar @lines, '>', 0, 'the access log has lines';
    is join('', @other[0 .. ($#other < 9 ? $#other : 9)]), '',
        $name // 'the access log has the requests that were sent, no others';
}

# --- what is sent ------------------------------------------------------------

sub content {
    my($id) = @_;
    my $block = "GET /smuggled/$id HTTP/1.1\r\nHost: localhost\r\nX: ";
    $block .= 'x' x (BLOCK - 4 - length $block) . "\r\n\r\n";
    return 'y' x ($id * 13 % BLOCK) . $block x BLOCKS;
}

sub framed {
    my($framing, $content) = @_;
    return ('Content-Length: ' . length $content, $content)
        if $framing eq 'length';
    my $piece = $framing eq 'chunk' ? length $content : PIECE;
    my $bytes = '';
    for (my $at = 0; $at < length $content; $at += $piece) {
        my $data = substr $content, $at, $piece;
        $bytes .= sprintf "%x\r\n%s\r\n", length $data, $data;
    }
    return ('Transfer-Encoding: chunked', $bytes . "0\r\n\r\n");
}

sub conversation {
    my($server, $path, %o) = @_;
    my($announce, $bytes) = framed($o{framing}, content($o{id}));
    my $method = $o{method} // 'POST';
    my %say = (methods => [$method, 'GET'], next => $NEXT, keeps => 1,
        content => $bytes, when => $o{asks} ? 'late' : 'early',
        waits => $o{asks}, until => \&enough, hold => $o{hold} && $o{hold}->(),
        head => join "\r\n", "$method $path HTTP/1.1",
            'Host: localhost', $announce, @{ $o{headers} || [] },
            $o{asks} ? 'Expect: 100-continue' : (), '', '');
    return converse($server, %say) unless $server->{early_tls};
    return over_tls($server->port, 'http/1.1', sub {
        my($socket) = @_;
        $socket->blocking(0);
        return converse($server, %say,
            wire => { socket => $socket, bytes => '', eof => 0 });
    });
}

# --- what came of it ---------------------------------------------------------

# The statuses of the answers, one that has no end included.
sub statuses { return $_[0] =~ m{^HTTP/1\.1 ([2-5]\d\d)}mg }

# Whether all that matters has come: two answers, or what is none to the second
# request.
sub enough {
    my @statuses = statuses($_[0]);
    return @statuses > 2
        || @statuses == 2 && ($statuses[1] != 200 || $_[0] =~ /^A plain file/m);
}

sub early_faults {
    my($server, $path, %o) = @_;
    my $c = conversation($server, $path, framing => 'chunk', asks => 0,
        id => ++$count, %o);
    my @statuses = statuses($c->{bytes});
    my @wrong;
    push @wrong, 'no answer' if !@{ $c->{responses} } && !$o{breaks};
    push @wrong, "the content was answered: @statuses"
        if @statuses > 2
            || @statuses == 2 && $c->{bytes} !~ /^A plain file/m;
    push @wrong, "the next request has no answer, nor did it end: @statuses"
        if @statuses < 2 && !$c->{eof};
    ${ $o{keep} } = $c if $o{keep};
    return @wrong;
}

sub early_ok {
    my($name, $server, $place, %o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $rule (@{ $o{rules} || [qw(cap big type no detect)] }) {
        my %wrong;
        for my $framing (@{ $o{framings} || [qw(length chunk chunks)] }) {
            for my $asks (@{ $o{asks} || [0, 1] }) {
                for (1 .. $o{pads} // 1) {
                    $wrong{"$framing, " . ($asks ? '' : 'not ') . "asked: $_"}++
                        for early_faults($server, "/$rule/$place", %o,
                            framing => $framing, asks => $asks);
                }
            }
        }
        is join('; ', map { "$_ ($wrong{$_})" } sort keys %wrong), '',
            "$name, $rule";
    }
}

1;
