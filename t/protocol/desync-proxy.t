#!/usr/bin/perl
# httpd as a reverse proxy with one connection to its origin that all clients
# share. Whatever a client sends, no answer without a request is left on that
# connection, content never reaches the origin as a request, and refused
# requests do not reach it at all. desync-origin.t names the sources of the
# attacks.

use strict;
use warnings;

use lib 't/protocol';
use Test::More;
use Desync;
use ExpectTest;
use RawOrigin;

my $SEED   = 20250807;
my $n      = 0;

# A URL is one pool with one set of parameters.
my %origin = map { $_ => RawOrigin->start } qw(main ping slow);
sub origin_of { return $origin{ $_[0] } || $origin{main} }
sub url { return 'http://127.0.0.1:' . $origin{ $_[0] }->port . '/' }

my $retry = no_retry();

# One process, where the MPM has threads; one connection to the origin a
# process.
sub conf {
    my $text = <<"CONF";
ProxyPass /off/ @{[url('main')]} max=1
ProxyPass /on/ @{[url('main')]} max=1
ProxyPass /ping/ @{[url('ping')]} max=1 ping=2
ProxyPass /slow/ @{[url('slow')]} max=1 timeout=1 $retry
<LocationMatch "^/(?:off|ping|origin-off)/">
    @{[keep_expect()]}
</LocationMatch>
<Location /off/>
    Header unset X-Secret
</Location>
ProxyPass /origin-on/ http://127.0.0.1:@{[conf_var('port')]}/ max=1
ProxyPass /origin-off/ http://127.0.0.1:@{[conf_var('port')]}/ max=1
<IfModule expect_module>
    <LocationMatch "/no/">
        ExpectRequire header X-Never
    </LocationMatch>
    <LocationMatch "^/(?:off|on|ping)/">
        ExpectRequire content-length max=1M
    </LocationMatch>
</IfModule>
CONF
    return one_process() . $text . $_[0];
}
my $edge  = own_httpd(conf => conf("# mod_expect\n"));
my $stock = stock_httpd(conf => conf("# none\n"));

sub chunked { return sprintf "%x\r\n%s\r\n0\r\n\r\n", length $_[0], $_[0] }

my @framings = (
    ['Content-Length', sub { 'Content-Length: ' . length $_[0] },
        sub { $_[0] }, 1],
    ['chunked', sub { 'Transfer-Encoding: chunked' }, \&chunked, 1],
    ['both', sub { ('Content-Length: 4', 'Transfer-Encoding: chunked') },
        \&chunked, 1],
    ['neither', sub { () }, sub { '' }, 0],
    ['zero', sub { 'Content-Length: 0' }, sub { '' }, 0],
);

sub head {
    my($method, $path, @lines) = @_;
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost', @lines,
        '', '';
}

# Another client's request through the same pool gets its own answer.
sub bystander_faults {
    my($where, $way) = @_;
    my $target = '/continue/by-' . ++$n;
    my $c = converse($where, head => head('GET', "/$way$target",
        'Connection: close'), methods => ['GET']);
    my $body = $c->{responses}[0]{body} // '';
    return if shape($c) eq '200 end' && $body eq "target=$target read=0\n";
    return "the next client got " . shape($c) . " $body";
}

# One conversation and its bystander. Returns the response, what is wrong in any
# case, and what the origin was asked for.
sub through {
    my($where, $way, $behaviour, $method, $more, $lines, %o) = @_;
    my $target = "/$behaviour/$more" . ++$n;
    my $origin = origin_of($way);
    my $mark = $origin->mark;
    my $c = converse($where, methods => [$method, 'GET'], %o,
        next => head('GET', "/$way/continue/next-$n"),
        head => head($method, "/$way$target", @$lines));
    my @wrong;
    push @wrong, sprintf 'it took %.1f s', $c->{seconds} if $c->{seconds} > 3;
    for my $nth (0 .. $#{ $c->{responses} }) {
        my $r = $c->{responses}[$nth];
        my $own = $nth ? "/continue/next-$n" : $target;
        push @wrong, "answer $nth is not its own: $r->{body}"
            if $r->{body} =~ /^target=(\S+)/ && $1 ne $own;
    }
    push @wrong, 'more answers than requests' if @{ $c->{responses} } > 2;
    push @wrong, 'bytes that answer nothing'
        if $c->{rest} ne '' && $o{when} !~ /partly|never/;
    push @wrong, bystander_faults($where, $way);
    my @asked = $origin->requests($mark);
    push @wrong, 'the canary reached the origin'
        if grep { $_->{target} =~ /canary/ } @asked;
    return ($c, \@wrong, $target, @asked);
}

# --- the cross product -----------------------------------------------------

sub check {
    my($expect, $way, $behaviour, $place, $when, $method, $framing) = @_;
    my($label, $lines, $class) = @$expect;
    my($how, $announce, $frame, $has) = @$framing;
    my $canary  = canary();
    my $refused = $class =~ /unknown|bad/ || $has && $place eq 'no';
    my $name = "$way, origin $behaviour, $method, $label, $how, content $when"
        . ($place eq 'no' ? ', refused' : '');
    my @o = (when => $when, content => $frame->($canary),
        methods => [read_as($method, $class), 'GET'],
        waits => $refused || $class eq 'asks' && $has);
    my @lines = ($announce->($canary), @$lines);
    my($c, $wrong, $target, @asked) = through($edge, $way, $behaviour, $method,
        "$place/", \@lines, @o);
    my @r = @{ $c->{responses} };

    if ($refused) {
        my $status = $class eq 'bad' || $class eq 'none' ? 400 : 417;
        push @$wrong, 'answers: ' . shape($c) if shape($c) ne "$status end";
        push @$wrong, 'the origin was asked'
            if grep { $_->{target} eq $target } @asked;
    }
    else {
        push @$wrong, 'no answer: ' . shape($c)
            if !@r && $when =~ /^(?:early|late)$/;
        push @$wrong, 'the origin was asked more than once'
            if 1 < grep { $_->{target} eq $target } @asked;
        push @$wrong, 'Expect went to the origin'
            if $way eq 'off' && grep { exists $_->{headers}{expect} } @asked;
        my($s) = through($stock, $way, $behaviour, $method, "$place/",
            \@lines, @o);
        # an origin's own 100 goes to the client
        my $same = $has || $way eq 'on' || $behaviour eq 'unasked' ? shape($s)
            : without_100(shape($s));
        push @$wrong, shape($c) . ', but stock httpd: ' . shape($s)
            if without_chance(shape($c), $when) ne without_chance($same, $when);
    }
    is join('; ', @$wrong), '', $name
        or diag explain substr($c->{bytes}, 0, 1000), \@asked;
    # A server that hangs does so in every case.
    die "enough\n" if 20 < grep { !$_ } Test::More->builder->summary;
}

srand $SEED;
# What an origin may do, and the ways in which stock httpd survives it: with
# Proxy100Continue On, those that never answer Expect hang (below). With ping=
# the proxy asks by itself.
use constant DRAWS => 2;

my %origins = (
    off  => [qw(continue silent twice unasked header keep close early naive
                http10)],
    on   => [qw(continue twice unasked header close)],
    ping => [qw(continue close)],
);
for my $expect (expects()) {
    for my $way (sort keys %origins) {
        for my $behaviour ((@{ $origins{$way} }) x DRAWS) {
            check($expect, $way, $behaviour, any(qw(yes no)),
                any(qw(early late asked partly never)),
                any(qw(GET HEAD OPTIONS POST PUT)), any(@framings));
        }
    }
}

# The draws above did meet a proxy that asks.
ok scalar(grep { $_->{headers}{expect} } $origin{ping}->requests),
    'ping: the proxy asked';

# --- where stock httpd stumbles --------------------------------------------

# The same of both servers, in words: the answers and what went wrong.
sub both {
    my($way, $behaviour, $when) = @_;
    return map {
        my $canary = canary();
        my($c, $wrong) = through($_, $way, $behaviour, 'PUT', 'both/',
            ['Content-Length: ' . length $canary, 'Expect: 100-continue'],
            when => $when, waits => 1, content => $canary);
        join '; ', shape($c), map { s/\S*[\d-]{6,}\S*/.../gr } @$wrong;
    } $edge, $stock;
}

# kettle-CL.0-expect: an origin that answers 200 where it is asked and takes the
# content for a request. With Proxy100Continue On httpd sends the content behind
# that answer; mod_expect has no say in what it admitted. We are not worse, and
# with Off, which README and conf-sample ask for, there is nothing to confuse.
for my $when (qw(early late asked)) {
    my @got = both('on', 'naive', $when);
    # Whether the answer to the canary is there in time to be taken for the next
    # one's is a matter of microseconds.
    for (['here', $got[0]], ['stock httpd', $got[1]]) {
        my($name, $got) = @$_;
        like $got, qr/^(?:\(100\) )?200 (?:\d+ )?end; .*canary reached the/s,
            "On, a naive origin, content $when: taken for a request, $name";
    }
    @got = both('off', 'naive', $when);
    is $got[0], '(100) 200 200 end', "Off, a naive origin, content $when: kept"
        . ' apart';
}

# httpd before 2.4.40 hands the field on, but answers 100 itself: what the
# origin says of the expectation does not come to the client.
my $forwards = httpd_at_least('2.4.40');

# An origin that refuses and keeps its connection: with On the client gets 500
# from stock httpd. One that never answers Expect: 503 when the proxy's
# patience ends.
for my $when (qw(late asked)) {
    my @got = both('on', 'keep', $when);
    is $got[0], $got[1], "On, 417 kept alive, content $when: as stock httpd";
    like $got[0], $forwards ? qr/^\d+ end$/ : qr/^\(100\) 417 200 end$/,
        "On, 417 kept alive, content $when: one "
        . 'answer, no other client affected';
    is +(both('off', 'keep', $when))[0], '(100) 417 200 end',
        "Off, 417 kept alive, content $when: the origin's own status";
}
{
    my @got = both('slow', 'silent', 'asked');
    is $got[0], $got[1], 'On, a silent origin: as stock httpd';
    like $got[0], $forwards ? qr/^\d+ end$/ : qr/^\(100\) 200 200 end$/,
        'On, a silent origin: one answer';
}

# Fields of the origin's 100 Continue pass by `Header unset`.
for (['off', 0], ['on', $forwards ? 1 : 0]) {
    my($way, $leaks) = @$_;
    my $canary = canary();
    my($c, $wrong) = through($edge, $way, 'header', 'PUT', 'secret/',
        ['Content-Length: ' . length $canary, 'Expect: 100-continue'],
        when => 'asked', waits => 1, content => $canary);
    is join('; ', shape($c), @$wrong), '(100) 200 200 end',
        "kettle-header-expect, $way: a whole upload" or diag $c->{bytes};
    is scalar(() = $c->{bytes} =~ /^X-Secret: interim/mg), $leaks,
        "kettle-header-expect, $way: the interim response's field";
}

# --- the published ones ----------------------------------------------------

# Each of them at the edge, with the pool behind: refused ones do not touch it.
sub vector {
    my($name, $method, $lines, $want, %o) = @_;
    for my $way (qw(off on)) {
        my $canary = canary();
        my($c, $wrong, $target, @asked) = through($edge, $way, 'continue',
            $method, $o{place} // 'no/', ['Content-Length: '
                . length $canary, @$lines], when => $o{when} // 'early',
            waits => 1, content => $canary);
        is join('; ', shape($c), @$wrong), $want, "$name, $way"
            or diag $c->{bytes};
        is scalar(grep { $_->{target} eq $target } @asked),
            $o{place} ? 1 : 0, "$name, $way: requests at the origin";
    }
}

my $ASKS = 'Expect: 100-continue';

vector('kettle-0.CL-expect: vanilla, refused', 'GET', [$ASKS], '417 end');
vector('kettle-0.CL-expect: vanilla, admitted', 'GET', [$ASKS],
    '(100) 200 200 end', place => 'yes/');
vector('kettle-0.CL-expect: obfuscated', 'GET', ['Expect: y 100-continue'],
    '417 end');
vector('kettle-CL.0-expect: vanilla, late', 'POST', [$ASKS], '417 end',
    when => 'late');
vector('kettle-CL.0-expect: obfuscated, late', 'POST',
    ["Expect: 100-continue, \t"], '417 end', when => 'late');
vector('akamai-cve-2025-32094: refused', 'OPTIONS',
    ['Expect:', ' 100-continue'], '417 end');
vector('akamai-cve-2025-32094: admitted', 'OPTIONS',
    ['Expect:', ' 100-continue'], '(100) 200 200 end', place => 'yes/');

# A proxy whose origin answers Expect with a final status has a connection that
# is neither free nor broken: the next request on it fails (Go's ReverseProxy
# did that). Behind mod_expect as the origin, it is over.
write_htaccess('tenant/desync-no', "ExpectRequire header X-Never\n");
for my $way (qw(origin-on origin-off)) {
    for my $asks (1, 0) {
        for my $size (1, 100, 300_000) {
            my $name = "go-cve-2024-24791: $way, $size bytes, asks $asks";
            my $content = 'x' x $size;
            my $c = converse($stock, methods => ['PUT'], content => $content,
                when => $asks ? 'late' : 'early', waits => $asks,
                head => head('PUT', "/$way/tenant/desync-no/x",
                    "Content-Length: $size", $asks ? $ASKS : ()));
            my $next = converse($stock, methods => ['GET'],
                head => head('GET', "/$way/static/file.txt",
                    'Connection: close'));
            like shape($c), $size > 65_536 && $way eq 'origin-off'
                # The proxy may notice the refusal only when it cannot write.
                ? qr/^(?:\(100\) )?[45]\d\d end$/
                : qr/^(?:\(100\) )?4\d\d end$/, "$name: refused"
                or diag $c->{bytes};
            is shape($next), '200 end', "$name: the next one"
                or diag $next->{bytes};
            like $next->{responses}[0]{body}, qr/^A plain file/,
                "$name: the next one's own answer";
        }
    }
}

is_deeply [canaries_seen()], [], 'no content was answered as a request';

done_testing();
