#!/usr/bin/perl
# Client and server must agree on where each message ends, whatever Expect
# looks like, however content is framed and whenever it is sent. A refused
# request gets one answer and the end of the connection, and its content is
# never taken for a request; an admitted one is answered as by stock httpd.
#
# The attacks are those of J. Kettle, "HTTP/1.1 must die: the desync endgame"
# (2025), where the two halves of a chain disagree on what follows a head with
# Expect, and of the CVEs that the cases name.

use strict;
use warnings;

use lib 't/protocol';
use Test::More;
use Time::HiRes qw(time);
use Desync;
use ExpectTest;

my $SEED  = 20250806;
my $stock = stock_httpd();
my $NEXT  = "GET /witness/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $n     = 0;

write_htaccess('tenant/desync-no', if_expect("ExpectRequire header X-Never\n"));
write_htaccess('tenant/desync-yes', if_expect("ExpectRequire content-length "
    . "max=1M\nExpectRequire content-type */*\n"));

my @places = (
    ['refused',   '/tenant/desync-no/x'],
    ['admitted',  '/tenant/desync-yes/x'],
    ['no rules',  '/witness/x'],
    # They answer before they have read: what Kettle calls an early-response
    # gadget.
    ['lazy',      '/lazy/x'],
    ['file',      '/static/file.txt'],
);

# How content is announced: lines, framing, whether it is any, class.
my @framings = (
    ['Content-Length', sub { 'Content-Length: ' . length $_[0] },
        sub { $_[0] }, 1, 'good'],
    ['chunked', sub { 'Transfer-Encoding: chunked' }, \&chunks, 1, 'good'],
    ['both', sub { ('Content-Length: 4', 'Transfer-Encoding: chunked') },
        \&chunks, 1, 'good'],
    ['neither', sub { () }, sub { '' }, 0, 'good'],
    ['zero', sub { 'Content-Length: 0' }, sub { '' }, 0, 'good'],
    ['two lengths', sub { ('Content-Length: ' . length $_[0],
        'Content-Length: 4') }, sub { $_[0] }, 1, 'bad'],
);

sub chunks {
    my $half = int(length($_[0]) / 2);
    return join '', (map { sprintf "%x\r\n%s\r\n", length $_, $_ }
        substr($_[0], 0, $half), substr($_[0], $half)), "0\r\n\r\n";
}

sub head {
    my($method, $path, @lines) = @_;
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
        'X-Witness: ' . join('-', 'desync', $$, ++$n), @lines, '', '';
}

sub check {
    my($expect, $place, $when, $method, $framing) = @_;
    my($label, $lines, $class) = @$expect;
    my($where, $path) = @$place;
    my($how, $announce, $frame, $content, $good) = @$framing;
    my $canary = canary();
    my $bad     = $class eq 'bad' || $good eq 'bad';
    my $refused = $class eq 'unknown' || $content && $where eq 'refused';
    my %o = (when => $when, methods => [read_as($method, $class), 'GET'],
        next => $NEXT,
        content => $frame->($canary), waits => $bad || $refused
            || $class eq 'asks' && $content);
    my $head = head($method, $path, $announce->($canary), @$lines);
    my $name = "$where, $method, $label, $how, content $when";
    my $c = converse('main', %o, head => $head);
    my @wrong;

    if ($bad) {
        # httpd closes behind 400; it need not say so.
        @wrong = grep { !/Connection: close/ } refusal_faults($c, 400);
    }
    elsif ($refused) {
        @wrong = refusal_faults($c, $class eq 'none' ? 400 : 417);
    }
    else {
        my $s = converse($stock, %o, head => $head);
        my $same = $content || $where !~ /^(?:refused|admitted)$/ ? shape($s)
            : without_100(shape($s));
        @wrong = shape($c) . ', but stock httpd: ' . shape($s)
            if without_chance(shape($c), $when) ne without_chance($same, $when);
        push @wrong, 'no answer'
            if !@{ $c->{responses} } && $when =~ /^(?:early|late)$/;
    }
    push @wrong, 'more answers than requests' if @{ $c->{responses} } > 2;
    push @wrong, 'the canary was asked for'
        if "@{[map { $_->{body} } @{ $c->{responses} }]}" =~ /canary/;
    push @wrong, sprintf 'it took %.1f s', $c->{seconds} if $c->{seconds} > 3;
    is join('; ', @wrong), '', $name or diag substr $c->{bytes}, 0, 2000;
    enough();
}

# A server that hangs does so in every case.
sub enough {
    die "enough\n" if 20 < grep { !$_ } Test::More->builder->summary;
}

# --- the cross product -----------------------------------------------------

# Each form in each place at each time, with methods and framings that the seed
# draws.
use constant DRAWS => 2;

srand $SEED;
for my $expect (expects()) {
    for my $place (@places) {
        for my $when ((qw(early late asked partly never)) x DRAWS) {
            check($expect, $place, $when, any(qw(GET HEAD OPTIONS POST PUT)),
                any(@framings));
        }
    }
}

# --- the published ones ----------------------------------------------------

# A client that does not wait gives each its best chance: head, content and a
# request behind them in one piece.
sub vector {
    my($name, $method, $path, $lines, $want, %o) = @_;
    my $canary = canary();
    my $c = converse('main', when => $o{when} // 'early', waits => 1,
        methods => [$method, 'GET'], next => $NEXT, content => $canary,
        head => head($method, $path, @$lines,
            'Content-Length: ' . length $canary));
    is shape($c), $want, $name or diag $c->{bytes};
    return $c;
}

my($NO, $YES) = ('/tenant/desync-no/x', '/tenant/desync-yes/x');
my $ASKS = 'Expect: 100-continue';

# A front end believes that GET has no content, or that none comes behind a
# final status: the back end must take the content for content.
vector('kettle-0.CL-expect: vanilla, refused', 'GET', $NO, [$ASKS], '417 end');
vector('kettle-0.CL-expect: vanilla, admitted', 'GET', $YES, [$ASKS],
    '(100) 200 200 end');
vector('kettle-0.CL-expect: vanilla, HEAD, refused', 'HEAD', $NO, [$ASKS],
    '417 end');
vector('kettle-0.CL-expect: obfuscated, refused', 'GET', $NO,
    ['Expect: y 100-continue'], '417 end');
vector('kettle-0.CL-expect: obfuscated, no rules', 'GET', '/witness/x',
    ['Expect: y 100-continue'], '417 end');

# The content is sent behind a final status, by a front end that does not know
# that it is not wanted any more.
vector("kettle-CL.0-expect: $_->[0], late", 'POST', $_->[1], [$_->[2]],
    '417 end', when => 'late')
    for ['vanilla', $NO, $ASKS],
        ['obfuscated', $YES, "Expect:\t100-continue, "],
        ['a plain file', '/static/file.txt', 'Expect: y 100-continue'];

# A file is answered before its content: httpd reads that first.
vector('kettle-CL.0-expect: a plain file, admitted', 'GET',
    '/static/file.txt', [$ASKS], '(100) 200 200 end');

# A front end that takes HEAD to have no content, and a back end that answers
# with a body: none may come.
{
    my $c = vector('kettle-HEAD-expect: one answer, no body', 'HEAD', $NO,
        [$ASKS], '417 end', when => 'late');
    unlike $c->{bytes}, qr/\r\n\r\n./s, 'kettle-HEAD-expect: no body';
}

# Akamai took one fold for another header: OPTIONS with a folded Expect.
vector('akamai-cve-2025-32094: refused', 'OPTIONS', $NO,
    ['Expect:', ' 100-continue'], '417 end');
vector('akamai-cve-2025-32094: admitted', 'OPTIONS', $YES,
    ['Expect:', ' 100-continue'], '(100) 200 200 end');
vector('akamai-cve-2025-32094: not even an expectation', 'OPTIONS', $YES,
    ['Expect: 100-continue', ' Content-Length: 0'], '417 end');
vector('akamai-cve-2025-32094: a fold across the word', 'OPTIONS', $YES,
    ['Expect: 100-', ' continue'], '417 end');

# Connection must not take Expect away from a part of the chain.
for (['refused', $NO, '417 end'], ['admitted', $YES, '(100) 200 200 end']) {
    my($name, $path, $want) = @$_;
    vector("Connection: Expect, $name", 'POST', $path,
        [$ASKS, 'Connection: Expect'], $want);
}

# httpd once gave Expect back in its 417 as it was sent: script in the page.
{
    my $evil = '<script>alert(1)</script>';
    for (['content', ['Content-Length: 3']],
         ['chunked', ['Transfer-Encoding: chunked']], ['none', []]) {
        my($how, $lines) = @$_;
        for my $accept ('text/html', 'application/problem+json', '*/*') {
            my $c = converse('main', when => 'never', waits => 1,
                methods => ['POST'], head => head('POST', '/witness/x',
                    "Expect: $evil", "Accept: $accept", @$lines));
            my $r = $c->{responses}[0] || { body => '', headers => {} };
            my $name = "httpd-cve-2006-3918: $how, $accept";
            is $r->{status}, 417, "$name: 417";
            my $type = $r->{headers}{'content-type'} // '';
            isnt $r->{body}, '', "$name: a page";
            like $type, $accept =~ /json/ ? qr/json/ : qr{^text/html},
                "$name: of its type";
            unlike $r->{body}, qr/<script/i, "$name: no script in it"
                if $type =~ /html/;
        }
    }
}

is_deeply [canaries_seen(), canaries_seen($stock)], [],
    'no content was answered as a request';

done_testing();
