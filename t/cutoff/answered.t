#!/usr/bin/perl
# Content is cut off when its handler has answered already. The client has
# that answer, and the access log has its status; the notes have the decision.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use OtherModules;
use Responder;

my $responder = Responder->start('fastcgi');
my $url = 'fcgi://127.0.0.1:' . $responder->port;
my $server = early_httpd(one_process() . <<"CONF");
<Proxy "$url/">
    ProxySet flushpackets=on
</Proxy>
ProxyPassMatch "^/\\w+/raw/(\\w+)\$" "$url/\$1"
CONF

# The responder has begun before more than the cap comes; what it began is sent
# when httpd has read once more.
my $c;
my @wrong = early_faults($server, '/cap/raw/begins', framing => 'chunks',
    breaks => 1, keep => \$c, hold => sub {
        my($begin) = @{ $responder->hold };
        return [$begin, [65_536, sub { $c = 1 }]];
    });
is "@wrong", '', 'the connection ended';
like $c->{bytes}, qr{^HTTP/1\.1 200 }, 'the answer stands';
ok $c->{eof}, 'closed';

my @lines = early_log($server);
is scalar @lines, 1, 'one request';
like $lines[0], qr{ 200 .*verdict=refuse status=413$},
    'the access log: what the client saw, and what was decided';

done_testing();
