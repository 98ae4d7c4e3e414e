#!/usr/bin/perl
# mod_ratelimit slows responses: interim responses, pages of refusals and the
# end of the connection pass through it.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

write_htaccess('tenant/ratelimit', "ExpectRequire content-length max=10\n");
my $server = h2_httpd(load('ratelimit') . <<'CONF');
<Location /tenant/ratelimit>
    SetOutputFilter RATE_LIMIT
    SetEnv rate-limit 100
</Location>
CONF

refused_on('refused', $server, { path => '/tenant/ratelimit/x',
        content => 11 }, status => 413, asked_status => 417,
    body => qr{</html>});
admitted_on('admitted', $server, { path => '/tenant/ratelimit/x',
        content => 10 }, status => 200, body => qr/^read=10$/);
for my $asks (1, 0) {
    my $r = upload(vhost => $server, path => '/tenant/ratelimit/x',
        chunked => 1, content => 11, asks => $asks, eager => !$asks);
    is $r->{status}, 413, "cut off, asks $asks";
    ok $r->{closed}, "cut off, asks $asks: closed";
}

done_testing();
