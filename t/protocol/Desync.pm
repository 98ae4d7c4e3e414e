package Desync;

=head1 NAME

Desync - conversations that try to make client and server lose count

=head1 SYNOPSIS

    use lib 't/protocol';
    use Desync;

    my $c = converse('main', head => $head, content => $bytes, when => 'late',
        next => "GET /next HTTP/1.1\r\n...", methods => ['PUT', 'GET']);
    is_deeply [map { $_->{status} } @{ $c->{responses} }], [417];

=head1 FUNCTIONS

=over

=item converse($where, %o)

One connection: head, content and a request behind it. C<when> says when the
content goes:

    early    with the head
    late     behind the first response of whatever kind
    asked    behind 100 Continue, and never if there is none
    partly   its first half, with the head; then the client ends its side
    never    not at all; behind the first response the client ends its side

C<waits>: the client may expect a response before content; without it, C<late>,
C<asked> and C<never> do not wait for one. C<next> is sent after the content;
with C<keeps> the client keeps its side open until there is an answer to each of
C<methods>. C<until> ends the conversation where this function of the bytes
received returns true. C<hold>: C<[[offset, function] ...]>: what is sent last
stops there until the function returns true, or a response or the end comes.
C<wire> is a connection to use, as open_wire() of ExpectTest makes it. Returns
C<{responses, interim, rest, eof, seconds}>: final responses as C<{status,
headers, body}>, the interim statuses, bytes that belong to no response, and
whether the server ended the connection.

=item responses($bytes, $eof, @methods)

Takes the responses to requests with these methods apart: C<(\@finals,
\@interim, $rest)>.

=item expects()

The forms of Expect: C<[name, lines of the head, class]>. Class: C<asks>,
C<unknown> (417 is right), C<none> (as if it were not there), C<bad> (no
request at all: 400).

=item read_as($method, $class)

The method as whose the answer to a head of this class is to be read: where
httpd 2.5-dev gives up within the head, its 400 of HEAD has content.

=item shape($conversation)

A conversation in one line: "(100) 200 end", say, for a 100 Continue, a response
and the end of the connection.

=item without_100($shape)

The shape of a conversation with stock httpd about a request that asks, but has
no content, as it is with mod_expect. httpd 2.5-dev sends 100 Continue for it.
mod_expect keeps content away from such a request: no 100 is sent, and the
connection ends behind the response, as with httpd 2.4.

=item without_chance($shape, $when)

The shape without what is chance where content comes with the head. httpd
2.5-dev leaves its 100 out if it has seen some of the content, and behind an
origin's 417 it goes on with the next request if it has read all of it.

=item refusal_faults($conversation, @statuses)

What is wrong with a conversation that had to be refused with one of these
statuses: a list of sentences.

=item any(@choices)

One of them, at random.

=item canary(), canaries_seen($server ...)

A request to put into content, and the canaries that the witness of these
servers was asked for.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use Time::HiRes qw(time);

use ExpectTest;

our @EXPORT = qw(converse responses expects read_as shape
    without_100 without_chance refusal_faults any canary canaries_seen);

use constant BOUND => 5;        # seconds in which anything has to be over

my $count = 0;

sub canary {
    my $id = join '-', 'canary', $$, $^T, ++$count;
    return "GET /static/canary?$id HTTP/1.1\r\nHost: localhost\r\n"
        . "X-Witness: $id\r\n\r\n";
}

sub canaries_seen {
    my @seen;
    for my $where (@_) {
        open my $fh, '<', ExpectTest::logs_of($where) . '/witness_log'
            or die "witness_log: $!\n";
        push @seen, grep { /^id=\S*canary-$$-/ } <$fh>;
    }
    return @seen;
}

my $ASKS = 'Expect: 100-continue';

sub expects {
    return (
        ['none',             [],                                    'none'],
        ['vanilla',          [$ASKS],                               'asks'],
        ['capitals',         ['EXPECT: 100-CONTINUE'],              'asks'],
        ['no space',         ['Expect:100-continue'],               'asks'],
        ['tab before',       ["Expect:\t100-continue"],             'asks'],
        ['tab behind',       ["Expect: 100-continue\t "],           'asks'],
        ['folded before',    ['Expect:', ' 100-continue'],          'asks'],
        ['tab-folded',       ['Expect:', "\t100-continue"],         'asks'],
        ['empty',            ['Expect:'],                           'none'],
        ['y 100-continue',   ['Expect: y 100-continue'],            'unknown'],
        ['y folded',         ['Expect: y', ' 100-continue'],        'unknown'],
        ['folded within',    ['Expect: 100-', ' continue'],         'unknown'],
        ['folded behind',    ['Expect: 100-continue', ' foo'],      'unknown'],
        ['two lines',        [$ASKS, $ASKS],                        'unknown'],
        ['two, other first', ['Expect: foo', $ASKS],                'unknown'],
        ['two, apart',       [$ASKS, 'X-Y: z', 'Expect: foo'],      'unknown'],
        ['two, empty first', ['Expect:', $ASKS],                    'unknown'],
        ['a list',           ['Expect: 100-continue, foo'],         'unknown'],
        ['a comma behind',   ['Expect: 100-continue,'],             'unknown'],
        ['a parameter',      ['Expect: 100-continue;q=1'],          'unknown'],
        ['quoted',           ['Expect: "100-continue"'],            'unknown'],
        ['200-ok',           ['Expect: 200-ok'],                    'unknown'],
        ['90 lines',         [($ASKS) x 90],                        'unknown'],
        ['7 KB',             ['Expect: ' . 'x' x 7000],             'unknown'],
        ['1000 lines',       [($ASKS) x 1000],                      'bad'],
        ['8 KB more',        ['Expect: ' . 'x' x 8192],             'bad'],
        ['a space before :', ['Expect : 100-continue'],             'bad'],
        ['a bare CR',        ["Expect: 100-\rcontinue"],            'bad'],
        ['NUL',              ["Expect: 100-continue\0"],            'bad'],
        ['a name of two',    ["X-Y\nExpect: 100-continue"],         'bad'],
    );
}

# --- what came back ---------------------------------------------------------

sub fields {
    my %headers;
    for (split /\r\n/, $_[0]) {
        my($name, $value) = /^([^:]+):\s*(.*?)\s*$/ or next;
        $name = lc $name;
        $headers{$name} = exists $headers{$name}
            ? "$headers{$name}, $value" : $value;
    }
    return \%headers;
}

# Takes a body off the front, or returns undef if it is not all there.
sub take_body {
    my($bytes, $r, $method, $eof) = @_;
    my $h = $r->{headers};
    return '' if $method eq 'HEAD' || $r->{status} =~ /^(?:204|304)$/;
    if (($h->{'transfer-encoding'} // '') =~ /chunked/i) {
        my($rest, $body) = ($$bytes, '');
        while ($rest =~ s/^([0-9a-f]+)[^\r\n]*\r\n//i) {
            my $n = hex $1;
            return if length $rest < $n + 2;
            $body .= substr $rest, 0, $n;
            substr $rest, 0, $n + 2, '';
            $$bytes = $rest, return $body if $n == 0;
        }
        return;
    }
    my $length = $h->{'content-length'} // ($eof ? length $$bytes : return);
    return if length $$bytes < $length;
    return substr $$bytes, 0, $length, '';
}

sub responses {
    my($bytes, $eof, @methods) = @_;
    my(@finals, @interim);
    while ($bytes =~ m{^HTTP/1\.[01]\ (\d\d\d)[^\r\n]*\r\n
                       ((?:[^\r\n]+\r\n)*)\r\n}x) {
        my($status, $lines, $end) = ($1, $2, $+[0]);
        if ($status < 200) {
            substr $bytes, 0, $end, '';
            push @interim, $status + 0;
            next;
        }
        my $rest = substr $bytes, $end;
        my $r = { status => $status + 0, headers => fields($lines) };
        $r->{body} = take_body(\$rest, $r, $methods[@finals] // 'GET', $eof);
        last unless defined $r->{body};
        push @finals, $r;
        $bytes = $rest;
    }
    return (\@finals, \@interim, $bytes);
}

sub shape {
    my($c) = @_;
    return join ' ', (map { "($_)" } @{ $c->{interim} }),
        (map { $_->{status} } @{ $c->{responses} }),
        $c->{rest} eq '' ? () : 'and bytes of nothing',
        $c->{eof} ? 'end' : 'no end';
}

sub without_100 {
    return $_[0] unless httpd_at_least('2.5');
    return $_[0] =~ s/^\(100\) (\d+) .*/$1 end/r;
}

sub without_chance {
    my($shape, $when) = @_;
    return $shape unless httpd_at_least('2.5') && $when =~ /^(?:early|partly)$/;
    return $shape =~ s/^\(100\) //r =~ s/^417 \d+ end$/417 end/r;
}

sub refusal_faults {
    my($c, @statuses) = @_;
    my @r = @{ $c->{responses} };
    my @wrong;
    push @wrong, 'answers: ' . shape($c) if @r != 1 || $c->{rest} ne ''
        || @{ $c->{interim} };
    push @wrong, "status $r[0]{status}, not @statuses"
        if @r && !grep { $_ == $r[0]{status} } @statuses;
    push @wrong, 'no Connection: close'
        if @r && ($r[0]{headers}{connection} // '') !~ /^close$/i;
    push @wrong, 'the connection did not end' unless $c->{eof};
    return @wrong;
}

sub any { return $_[int rand @_] }

# --- the conversation --------------------------------------------------------

sub read_as {
    my($method, $class) = @_;
    return $class eq 'bad' && httpd_at_least('2.5') ? 'GET' : $method;
}

# Sends bytes, holding them back at offsets until something is true.
sub send_held {
    my($wire, $bytes, $answered, $hold) = @_;
    my $at = 0;
    for (@{ $hold || [] }) {
        my($offset, $condition) = @$_;
        ExpectTest::send_bytes($wire, substr $bytes, $at, $offset - $at);
        $at = $offset;
        my $until = time + BOUND;
        ExpectTest::read_until($wire, 0.01, $answered)
            until $condition->() || $answered->() || $wire->{eof}
                || time > $until;
    }
    ExpectTest::send_bytes($wire, substr $bytes, $at);
}

sub converse {
    my($where, %o) = @_;
    my $began = time;
    my $wire  = $o{wire} || ExpectTest::open_wire($where);
    my $when  = $o{when} // 'early';
    my $body  = $o{content} // '';
    my($r);
    my $parse = sub {
        my($finals, $interim, $rest) = responses(@$wire{qw(bytes eof)},
            @{ $o{methods} || ['PUT'] });
        $r = { responses => $finals, interim => $interim, rest => $rest };
        return @$finals + 0;
    };
    my $some  = sub { $parse->() || @{ $r->{interim} } };
    my $ended = 0;

    my $all = $body . ($o{next} // '');
    ExpectTest::send_bytes($wire, $o{head} . ($when eq 'partly'
        ? substr $body, 0, length($body) / 2 : ''));
    send_held($wire, $all, $parse, $o{hold}) if $when eq 'early';
    if ($when ne 'early') {
        ExpectTest::read_until($wire, BOUND, $some) if $o{waits};
        $parse->();
        my $more = $when eq 'late'
            || $when eq 'asked' && (grep { $_ == 100 } @{ $r->{interim} });
        send_held($wire, $all, $parse, $o{hold}) if $more;
        $ended = !$more;
    }
    # A client that has sent all ends its side; the server has to end its own.
    shutdown $wire->{socket}, 1 if $ended || !$o{keeps};
    ExpectTest::read_until($wire, BOUND, sub {
        $o{keeps} && !$ended && $parse->() >= @{ $o{methods} || ['PUT'] }
            || $o{until} && $o{until}->($wire->{bytes});
    });
    $parse->();
    return { %$r, eof => $wire->{eof}, bytes => $wire->{bytes},
        seconds => time - $began };
}

1;
