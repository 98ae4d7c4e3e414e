#!/usr/bin/perl
# Each requirement of RFC 9110, section 10.1.1 (Expect), of 15.2 (1xx) and of
# RFC 9112, 9.6 (closing) on a server or a proxy, quoted, with mod_expect
# refusing and admitting.

use strict;
use warnings;

use lib 't/protocol';
use Test::More;
use Desync;
use ExpectTest;
use RawOrigin;

my $ASKS   = 'Expect: 100-continue';
my $origin = RawOrigin->start;
my $n      = 0;

sub url { return 'http://127.0.0.1:' . $origin->port . '/' }

# app is the proxy of conf-sample.
my $proxy = own_httpd(conf => <<"CONF");
Define ORIGIN @{[url() =~ s{/$}{}r]}
Include "@{[conf_var('top_dir')]}/conf-sample/proxy.conf"
ProxyPass /on/  @{[url()]} timeout=5
ProxyPass /off/ @{[url()]}
<Location /off/>
    @{[keep_expect()]}
</Location>
<Location /on10/>
    SetEnv force-proxy-request-1.0 1
    ProxyPass @{[url()]}
</Location>
<LocationMatch "/no/">
    ExpectRequire header X-Never
</LocationMatch>
<LocationMatch "^/o">
    ExpectRequire content-length max=1M
</LocationMatch>
CONF

write_htaccess('tenant/rfc-no', "ExpectRequire header X-Never\n");
write_htaccess('tenant/rfc-yes', "ExpectRequire content-length max=1M\n");
write_htaccess('dav/rfc', "ExpectRequire content-length max=1M\n");
write_htaccess('static/rfc', "ExpectRequire handler\n");
my($NO, $YES) = ('/tenant/rfc-no/x', '/tenant/rfc-yes/x');

sub head {
    my($http, $path, @lines) = @_;
    return join "\r\n", "PUT $path HTTP/$http", 'Host: localhost',
        'X-Witness: ' . join('-', 'rfc', $$, ++$n), @lines, '', '';
}

sub witness { return witness_of(join('-', 'rfc', $$, $n)) }

sub statuses {
    my($c) = @_;
    return join ' ', @{ $c->{interim} }, map { $_->{status} }
        @{ $c->{responses} };
}

sub last_headers { return ($_[0]{responses}[-1] || {})->{headers} || {} }

# One request; content goes as `when` says. The client's side stays open.
sub ask {
    my($where, $http, $path, $lines, %o) = @_;
    my $c = converse($where, when => 'asked', waits => 1, keeps => 1,
        head => head($http, $path, @$lines), %o);
    return $c;
}

my @CONTENT = ('Content-Length: 5', $ASKS);

# --- a server --------------------------------------------------------------

# "The Expect field value is case-insensitive."
for my $value ('100-continue', '100-Continue', '100-CONTINUE') {
    my @lines = ('Content-Length: 5', "Expect: $value");
    is statuses(ask('main', '1.1', $NO, \@lines)), '417', "$value: refused";
    is statuses(ask('main', '1.1', $YES, \@lines, content => 'hello')),
        '100 200', "$value: admitted";
}

# "A server that receives an Expect field value containing a member other than
# 100-continue MAY respond with a 417 (Expectation Failed) status code to
# indicate that the unexpected expectation cannot be met."
is statuses(ask('main', '1.1', $YES, ['Content-Length: 5',
    "Expect: $_"])), '417', "$_: 417" for 'foo', '100-continue, foo';

# "A server that receives a 100-continue expectation in an HTTP/1.0 request MUST
# ignore that expectation." (15.2: "a server MUST NOT send a 1xx response to an
# HTTP/1.0 client.")
{
    my $c = ask('main', '1.0', $YES, \@CONTENT, when => 'early',
        content => 'hello');
    is statuses($c), '200', 'HTTP/1.0: no 100';
    is witness()->{read}, 5, 'HTTP/1.0: the content is read';
    is statuses(ask('main', '1.0', $NO, \@CONTENT)), '400',
        'HTTP/1.0: refused, with the status of one that did not ask';
}

# "A server MAY omit sending a 100 (Continue) response if it has already
# received some or all of the content for the corresponding request, or if the
# framing indicates that there is no content." (Stock httpd 2.5-dev sends it.)
for (['Content-Length: 0'], []) {
    my @announced = @$_;
    for my $path ($YES, $NO) {
        my $c = ask('main', '1.1', $path, [@announced, $ASKS]);
        is statuses($c), '200', "no content, @announced, $path: no 100, "
            . 'nothing to refuse';
    }
}
# httpd does not look whether content is there before it sends 100; it must not
# be more than one, and none if the request is refused.
for my $content ('hello', 'he') {
    my $c = converse('main', when => 'early', content => $content, keeps => 1,
        head => head('1.1', $NO, @CONTENT));
    is statuses($c), '417', "content there, $content: no 100 if refused";
    is witness()->{read}, 0, "content there, $content: unread";
}
{
    my $c = converse('main', when => 'early', content => 'hello', keeps => 1,
        head => head('1.1', $YES, @CONTENT));
    like statuses($c), qr/^(?:100 )?200$/, 'content there: at most one 100';
    # A handler that asks twice.
    my $big = 'x' x 100_000;
    $c = ask('main', '1.1', $YES, ['Content-Length: 100000', $ASKS],
        content => $big);
    is statuses($c), '100 200', 'a 100 is not sent twice';
}

# "A server that sends a 100 (Continue) response MUST ultimately send a final
# status code, once the request content is received and processed, unless the
# connection is terminated prematurely."
for (['witness', $YES, 200], ['mod_dav', '/dav/rfc/x', 201],
     ['a CGI script', '/cgi/read.cgi', 200], ['a proxy', '/proxy/x', 200],
     ['chunked', $YES, 200, 'Transfer-Encoding: chunked']) {
    my($name, $path, $status, $framing) = @$_;
    my $c = ask('main', '1.1', $path, $framing ? [$framing, $ASKS] : \@CONTENT,
        content => $framing ? "5\r\nhello\r\n0\r\n\r\n" : 'hello');
    is statuses($c), "100 $status", "$name: a final status behind 100";
}
# Content that goes over its max as well.
write_htaccess('tenant/rfc-max', "ExpectRequire content-length max=3\n");
is statuses(ask('main', '1.1', '/tenant/rfc-max/x',
        ['Transfer-Encoding: chunked', $ASKS],
        content => "5\r\nhello\r\n0\r\n\r\n")), '100 413',
    'cut off: a final status behind 100';

# "A server that responds with a final status code before reading the entire
# request content SHOULD indicate whether it intends to close the connection
# (e.g., see Section 9.6 of [HTTP/1.1]) or continue reading the request
# content."
for (['refused', $NO, [@CONTENT]], ['not asked', $NO, ['Content-Length: 5']],
     ['unsupported', $YES, ['Content-Length: 5', 'Expect: foo']],
     ['a plain file', '/static/rfc/x', [@CONTENT]],
     ['no handler reads', '/lazy/x', [@CONTENT]]) {
    my($name, $path, $lines) = @$_;
    my $c = ask('main', '1.1', $path, $lines);
    unlike statuses($c), qr/100/, "$name: no 100";
    is lc(last_headers($c)->{connection} // ''), 'close',
        "$name: announced that the connection closes";
    # RFC 9112, 9.6: "A server that sends a "close" connection option MUST
    # initiate closure of the connection [...] after it sends the final response
    # [...]. The server MUST NOT process any further requests received on that
    # connection."
    my $next = converse('main', when => 'late', waits => 1, keeps => 1,
        methods => ['PUT', 'GET'], head => head('1.1', $path, @$lines),
        next => "GET /witness/ HTTP/1.1\r\nHost: x\r\n\r\n");
    is scalar @{ $next->{responses} }, 1, "$name: no further request";
    ok $next->{eof}, "$name: closed";
}
# What was read as a whole may stay.
{
    my $c = converse('main', when => 'asked', waits => 1, keeps => 1,
        methods => ['PUT', 'GET'], head => head('1.1', $YES, @CONTENT),
        content => 'hello',
        next => "GET /witness/ HTTP/1.1\r\nHost: x\r\n\r\n");
    is statuses($c), '100 200 200', 'admitted and read: the connection stays';
}

# "[...] an origin server MUST send either: an immediate response with a final
# status code, if that status can be determined by examining just the method,
# target URI, and header section, or an immediate 100 (Continue) response
# [...]. The origin server MUST NOT wait for the content before sending the 100
# (Continue) response." The client sends nothing before.
for (['header', "ExpectRequire header X-Never\n", '417'],
     ['length', "ExpectRequire content-length max=1\n", '417'],
     ['specific', "ExpectRequire content-length max=1\nExpectStatus specific\n",
         '413'],
     ['type', "ExpectRequire content-type image/*\n", '417'],
     ['handler', "ExpectRequire handler cgi-script\n", '417'],
     ['auth', "ExpectRequire auth\nRequire all denied\n", '417'],
     ['provider', "ExpectRequire ip 192.0.2.1\n", '417'],
     ['rules that hold', "ExpectRequire content-length max=1M\n", '100 200']) {
    my($name, $text, $want) = @$_;
    my $dir = 'tenant/rfc-' . ++$n;
    write_htaccess($dir, $text);
    my $c = ask('main', '1.1', "/$dir/x", \@CONTENT, content => 'hello');
    is statuses($c), $want, "$name: an immediate $want";
    cmp_ok $c->{seconds}, '<', 2, "$name: at once";
}

# A client that gets 417 "SHOULD repeat that request without a 100-continue
# expectation": on another connection, as this one is closed, and it learns the
# cause.
{
    my @lines = ('Content-Length: 5', 'Content-Type: text/plain');
    write_htaccess('tenant/rfc-type', "ExpectRequire content-type image/*\n");
    is statuses(ask('main', '1.1', '/tenant/rfc-type/x', [@lines, $ASKS])),
        '417', 'a repeated request: 417 first';
    is statuses(ask('main', '1.1', '/tenant/rfc-type/x', \@lines)), '415',
        'a repeated request: then the cause';
}

# --- a proxy ---------------------------------------------------------------

sub through {
    my($way, $behaviour, $lines, %o) = @_;
    my $mark = $origin->mark;
    my $target = "/$behaviour/" . ++$n;
    my $c = ask($proxy, $o{http} // '1.1', "/$way$target", $lines,
        content => 'hello', %o);
    return ($c, grep { $_->{target} eq $target } $origin->requests($mark));
}

# "[...] a proxy MUST either: send an immediate response with a final status
# code, if that status can be determined by examining just the method, target
# URI, and header section; or forward the request toward the origin server by
# sending a corresponding request-line and header section to the next inbound
# server."
for my $way (qw(on off on10)) {
    my($c, @asked) = through($way, 'continue/no', \@CONTENT);
    is statuses($c), '417', "$way: an immediate final status";
    is scalar @asked, 0, "$way: the origin is not asked";
}
{
    my($c, @asked) = through('on', 'continue', \@CONTENT);
    is statuses($c), '100 200', 'on: forwarded, and the origin\'s 100';
    is lc($asked[0]{headers}{expect} // ''), '100-continue',
        'on: Expect is forwarded';
    is $asked[0]{read}, 5, 'on: and the content';

    # The proxy takes the expectation on itself: it reads the content first.
    for my $way (qw(off app)) {
        ($c, @asked) = through($way, 'continue', \@CONTENT);
        is statuses($c), '100 200', "$way: 100 by the proxy";
        ok !exists $asked[0]{headers}{expect}, "$way: Expect is not forwarded";
        is $asked[0]{read}, 5, "$way: the content is";
    }
}

# "If the proxy believes (from configuration or past interaction) that the next
# inbound server only supports HTTP/1.0, the proxy MAY generate an immediate 100
# (Continue) response to encourage the client to begin sending the content."
{
    my($c, @asked) = through('on10', 'http10', \@CONTENT);
    if (httpd_at_least('2.4.54')) {
        is statuses($c), '100 200', 'an HTTP/1.0 origin by configuration: 100';
        is $asked[0]{version}, 'HTTP/1.0', 'an HTTP/1.0 origin: asked in 1.0';
        ok !exists $asked[0]{headers}{expect},
            'an HTTP/1.0 origin: not asked for 100';
    }
    else {
        # It knew RFC 2616 (8.2.3): a proxy "MUST NOT forward the request".
        is statuses($c), '417', 'an HTTP/1.0 origin by configuration: 417';
        is scalar @asked, 0, 'an HTTP/1.0 origin: not asked';
    }
    ($c, @asked) = through('off', 'http10', \@CONTENT);
    is statuses($c), '100 200', 'off, an HTTP/1.0 origin that nobody knew of';
    is $asked[0]{read}, 5, 'off, an HTTP/1.0 origin: it has the content';
}

# 15.2: "A proxy MUST forward 1xx responses unless the proxy itself requested
# the generation of the 1xx response." And the server's "not twice" holds.
{
    my($c) = through('on', 'twice', \@CONTENT);
    like statuses($c), qr/^100 (?:100 )?200$/, 'on: a second 100 of the '
        . "origin's does no harm";
    ($c) = through('off', 'unasked', \@CONTENT);
    is statuses($c), '100 200', 'off: an unasked 100 of the origin\'s is not '
        . 'a second one for the client';
    ($c) = through('off', 'unasked', ['Content-Length: 5'], when => 'early');
    is statuses($c), '200', 'off: nor a first one';
    # 15.2: none to a client of HTTP/1.0.
    ($c) = through($_, 'unasked', \@CONTENT, http => '1.0', when => 'early')
        and is statuses($c), '200', "$_: an unasked 100, HTTP/1.0: none"
        for qw(off on);
}

# A backend that refuses by a final status: it is the client's, and where
# content was not read the connection is over.
{
    my($c, @asked) = through('on', 'close', \@CONTENT);
    if (httpd_at_least('2.4.40')) {
        is statuses($c), '417',
            'on, a backend that refuses and closes: its status';
        is lc(last_headers($c)->{connection} // ''), 'close',
            'on, a backend that refuses and closes: the client\'s is over, too';
    }
    else {
        # It asks the client for the content, whatever the origin says.
        is statuses($c), '100 417',
            'on, a backend that refuses and closes: its status, behind our 100';
    }
    ($c) = through('off', $_, \@CONTENT)
        and is statuses($c), '100 417', "off, a backend that refuses, $_: its "
            . 'status, behind our 100' for qw(keep close);
    # On and keep-alive: stock httpd says 500, see desync-proxy.t.
}

# "A client MUST NOT generate a 100-continue expectation in a request that does
# not include content": the proxy is the client of its origin.
for my $way (qw(on off)) {
    my($c, @asked) = through($way, 'silent', ['Content-Length: 0', $ASKS],
        content => '');
    is statuses($c), '200', "$way, no content: no 100";
    # With On httpd forwards it as it came.
    is lc($asked[0]{headers}{expect} // 'none'),
        $way eq 'on' ? '100-continue' : 'none', "$way, no content: Expect"
        or diag explain \@asked;
}

done_testing();
