#!/usr/bin/perl
# The harness itself: an upload without rules is recorded as it happens, so
# that other tests can trust the record. No test here needs a rule of
# mod_expect.

use strict;
use warnings;

use Test::More;
use ExpectTest;

# what it shows => request, where; status, interim, sent, witness's record
my @cases = (
    ['asked: one 100, all is read',
        { asks => 1, content => 1000 },
        200, [100], 1000, { read => 1000, eos => 1, continued => 1 }],
    ['asked, chunked, more than one chunk',
        { asks => 1, content => 20_000, chunked => 1 },
        200, [100], 20_000, { read => 20_000, eos => 1, continued => 1 }],
    ['not asked: no 100',
        { content => 1000 },
        200, [], 1000, { read => 1000, eos => 1, continued => 0 }],
    ['content sent with the head',
        { content => 300_000, eager => 1 },
        200, [], 300_000, { read => 300_000, eos => 1, continued => 0 }],
    ['no content at all',
        { method => 'GET' },
        200, [], 0, { read => 0, eos => 1, continued => 0 }],
    ['asked, a handler that never reads: no 100',
        { asks => 1, content => 1000, path => '/lazy/' },
        200, [], 0, { read => 0, continued => 0, handler => 'witness-lazy' }],
    ['asked, a handler that does not block',
        { asks => 1, content => 1000, path => '/nonblock/' },
        200, [100], 1000, { read => 1000, eos => 1, continued => 1 }],
);

for my $case (@cases) {
    my($name, $o, $status, $interim, $sent, $witness) = @$case;
    for my $h2 (0, has_h2() ? 1 : ()) {
        my $label = $name . ($h2 ? ' (HTTP/2)' : '');
        my $r = upload(%$o, h2 => $h2);
        my %seen = map { $_ => $r->{witness}{$_} } keys %$witness;
        is_deeply({ status => $r->{status}, interim => $r->{interim},
                    sent => $r->{sent}, %seen },
                  { status => $status, interim => $interim, sent => $sent,
                    %$witness }, $label) or diag explain $r;
    }
}

# A client that asked and got no 100 learns that the connection ends.
{
    my $r = upload(path => '/lazy/', content => 1000, asks => 1);
    ok $r->{closed}, 'lazy: the connection is closed';
    is $r->{headers}{connection}, 'close', 'lazy: Connection: close';
}

# The providers count their calls.
{
    my $login = basic_auth('alice');
    my $r = upload(path => '/basic/', content => 9, asks => 1,
        headers => [$login]);
    is $r->{status}, 200, 'alice may';
    is $r->{witness}{authn}, 1, 'the password was asked for once';

    $r = upload(path => '/basic/', content => 9, asks => 1);
    is $r->{status}, 401, 'without a user: 401';
    is $r->{witness}{authn}, 0, 'no password, no question';

    my $curl = 'curl -sS -o /dev/null -w %{http_code} --digest -u alice';
    my $url  = 'http://127.0.0.1:' . conf_var('port') . '/digest/';
    is qx($curl:secret $url), 200, 'Digest: alice may';
    is qx($curl:wrong $url), 401, 'Digest: not with another password';

    write_htaccess('tenant/grant', "Require witness\n");
    $r = upload(path => '/tenant/grant/x', headers => ['X-Grant: yes'],
        content => 1, asks => 1);
    is_deeply [@$r{qw(status interim)}, $r->{witness}{authz}],
        [200, [100], 1], 'the authz provider grants, in one call';
    $r = upload(path => '/tenant/grant/x', content => 1, asks => 1);
    is $r->{status}, 403, 'the authz provider denies';
}

# DAV, CGI and the proxy take content; a plain file does not.
for (['/dav/harness', 201], ['/cgi/read.cgi', 200], ['/proxy/x', 200],
     ['/static/file.txt', 405]) {
    my($path, $status) = @$_;
    my $r = upload(path => $path, content => 5000, asks => 1);
    is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
        [$status, [100], 5000], "$path: $status" or diag explain $r;
}

# TLS, with HTTP/2 where the MPM has it.
{
    my $port = conf_var('tls_port');
    my $curl = 'curl -sSk -o /dev/null -w "%{http_code} %{http_version}"';
    is qx($curl -T t/TEST.PL https://127.0.0.1:$port/witness/),
        has_h2() ? '200 2' : '200 1.1', 'TLS';
}

# Raw talk, and a request that is no HTTP.
{
    my $t = talk('main', "GET /witness/ HTTP/1.1\r\nHost: x\r\n",
        "Connection: close\r\n\r\n", qr/^HTTP\/1\.1 200 /, qr/read=0/, 'eof');
    is $t->{missed}, undef, 'talk sees the response and the end';
    $t = talk('main', "nonsense\r\n\r\n", qr/200 OK/);
    ok $t->{missed}, 'talk() returns the step that did not come true';
}

# Other servers: with an error in the configuration, stock, and with mod_expect.
{
    my($exit, $message) = config_error("NoSuchDirective\n");
    isnt $exit, 0, 'an unknown directive is refused';
    like $message, qr/Invalid command 'NoSuchDirective'/, 'and named';
    ($exit, $message) = config_error("<IfModule !expect_module>\nNo\n"
        . "</IfModule>\n");
    is $exit, 0, 'mod_expect is loaded' or diag $message;

    my $stock = stock_httpd(conf => if_expect("No\n"));
    my $r = upload(vhost => $stock, asks => 1, content => 7);
    is_deeply [@$r{qw(status interim)}, $r->{witness}{read}], [200, [100], 7],
        'a stock httpd takes an upload';
    ok $stock->graceful, 'it restarts gracefully';
    is upload(vhost => $stock, content => 7)->{status}, 200, 'and goes on';
    $stock->stop;
    ok !IO::Socket::INET->new('127.0.0.1:' . $stock->port), 'and ends';
}

done_testing();
