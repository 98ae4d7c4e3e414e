package Admission;

=head1 NAME

Admission - uploads that are held open, and what the ledger has left

=head1 SYNOPSIS

    use lib 't/admission', 't/other-modules';
    use Admission;

    my $server = h2_httpd(
        "<Location /witness/a>\nExpectRequire in-flight uploads=3\n"
        . "</Location>\n");
    my $upload = hold($server, path => '/witness/a', content => 1000);
    left_ok('it is in flight', $server, '/witness/a', uploads => 2);
    finish($upload);
    left_ok('it is over', $server, '/witness/a', uploads => 3);

=head1 FUNCTIONS

=over

=item hold($server, %upload)

Sends the head of an upload and, when 100 Continue has come, C<part> bytes of
its content (1): then a handler is reading. Takes what upload() takes.

=item finish($upload), drop($upload)

Sends the rest; returns the response, as upload() does. Or closes the
connection (HTTP/2: resets the stream).

=item feed($upload, $bytes)

Sends so many more bytes of the content.

=item left($server, $path, @headers)

What OPTIONS says is left, by the end of the policy's name: { uploads => 2,
bytes => 1000 } for a place with one rule; the names in full are there, too.

=item left_ok($name, $server, $path, %want)

Waits until so much is left, for at most FREE seconds. Headers for the request
are in C<headers>.

=item reading_early($pattern)

Has mod_security2 read content there before the handler is known.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use Test::More;
use Time::HiRes qw(time);

use ExpectTest;
use H2Client ();

our @EXPORT = qw(hold finish drop feed left left_ok reading_early);

use constant FREE => 2 * ExpectTest::SLOWNESS;  # seconds: the contract's

# --- uploads that are held open -----------------------------------------------

sub hold_h2 {
    my($u) = @_;
    $u->{wire}{socket}->blocking(1);
    $u->{h2} = H2Client->new($u->{wire}{socket});
    return $u->{h2}->begin(head => ExpectTest::h2_head(%{ $u->{o} }),
        asks => 1, wait => ExpectTest::WAIT);
}

sub hold_h1 {
    my($u) = @_;
    my $r = { interim => [], headers => {}, body => '', sent => 0 };
    ExpectTest::send_bytes($u->{wire}, ExpectTest::head_of(%{ $u->{o} }));
    ExpectTest::read_until($u->{wire}, ExpectTest::WAIT, sub {
        ExpectTest::parse_heads($u->{wire}, $r) || @{ $r->{interim} };
    });
    return $r;
}

sub feed {
    my($u, $bytes) = @_;
    my $part = 'x' x $bytes;
    $u->{fed} += $bytes;
    return $u->{h2}->part($part) if $u->{h2};
    $part = sprintf "%x\r\n%s\r\n", $bytes, $part if $u->{o}{chunked};
    ExpectTest::send_bytes($u->{wire}, $part);
}

sub hold {
    my($server, %upload) = @_;
    my $part = delete $upload{part} // 1;
    my %o = ExpectTest::complete_options(content => 1000, %upload,
        vhost => $server, asks => 1);
    my $u = { o => \%o, wire => connection($server), fed => 0 };
    $u->{r} = $o{h2} ? hold_h2($u) : hold_h1($u);
    feed($u, $part) if $part && "@{ $u->{r}{interim} }" eq '100';
    return $u;
}

sub finish {
    my($u) = @_;
    my($r, $o, $wire) = @$u{qw(r o wire)};
    my $rest = length($o->{content}) - $u->{fed};

    if ($u->{h2}) {
        return $u->{h2}->complete(content => $o->{content}, asks => 1,
            wait => ExpectTest::WAIT);
    }
    feed($u, $rest) if $rest > 0;
    ExpectTest::send_bytes($wire, "0\r\n\r\n") if $o->{chunked};
    my $final = sub { ExpectTest::parse_heads($wire, $r) };
    ExpectTest::read_until($wire, ExpectTest::WAIT, $final)
        unless defined $r->{status};
    my $whole = sub { ExpectTest::parse_body($wire, $r, $o->{method}) };
    defined $r->{status} and
        ExpectTest::read_until($wire, ExpectTest::WAIT, $whole)
        || $whole->();
    $u->{wire} = undef;
    return $r;
}

sub drop {
    my($u) = @_;
    $u->{h2} ? $u->{h2}->cancel : close delete $u->{wire}{socket};
}

# --- what is left -------------------------------------------------------------

sub left {
    my($server, $path, @headers) = @_;
    my $r = upload(vhost => $server, method => 'OPTIONS', path => $path,
        headers => \@headers, unwitnessed => 1);
    my %left = ($r->{headers}{ratelimit} // '') =~ /"([^"]+)";r=(\d+)/g;
    /-(uploads|bytes)(?:-|$)/ and $left{$1} = $left{$_} for keys %left;
    return \%left;
}

sub left_ok {
    my($name, $server, $path, %want) = @_;
    my $headers = delete $want{headers} // [];
    my($left, $until) = ({}, time + FREE);
    my $is = sub {
        $left = left($server, $path, @$headers);
        return !grep { ($left->{$_} // -1) != $want{$_} } keys %want;
    };
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    until ($is->()) {
        last if time > $until;
        select undef, undef, undef, 0.02;
    }
    is_deeply { map { $_ => $left->{$_} } keys %want }, \%want, $name;
}

sub reading_early {
    my($where) = @_;
    my $logs = conf_var('t_logs');
    return <<"CONF";
SecRuleEngine Off
SecRequestBodyAccess On
SecRequestBodyLimit 10000000
SecRequestBodyNoFilesLimit 10000000
SecAuditEngine Off
SecTmpDir "$logs"
SecDataDir "$logs"
<LocationMatch "$where">
    SecRuleEngine On
    SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
</LocationMatch>
CONF
}

1;
