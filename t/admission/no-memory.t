#!/usr/bin/perl
# Without shared memory nothing can be remembered: httpd starts and says so
# once, uploads under such rules are refused, and all others go on.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $conf = <<'CONF';
<Location /witness/flight>
    ExpectRequire in-flight uploads=3 key=ip
</Location>
<Location /witness/quota>
    ExpectRequire quota bytes=1000 per=day
</Location>
<Location /witness/other>
    ExpectRequire content-length max=10
</Location>
<Location /witness/any>
    <ExpectRequireAny>
        ExpectRequire in-flight uploads=3
        ExpectRequire header X-Free
    </ExpectRequireAny>
</Location>
CONF
my %shown = (flight => 'in-flight uploads=3', quota => 'quota bytes=1000 '
    . 'per=day');

my $server = with_library('deny', 'DENY=apr_shm_create',
    sub { h2_httpd($conf) });
my @h2 = (0, has_h2() ? 1 : ());
for my $place (sort keys %shown) {
    for my $h2 (@h2) {
        refused_ok("$place, h2 $h2", { path => "/witness/$place", h2 => $h2,
                vhost => $server, content => 5 }, status => 503,
            like => qr/^\Q$shown{$place}\E cannot be checked: the ledger is not available$/,
            headers => { 'Retry-After' => qr/^1[01]$/ });
    }
}
admitted_on('another rule', $server, { path => '/witness/other',
    content => 10 }, status => 200);
admitted_on('another way', $server, { path => '/witness/any',
    content => 10, headers => ['X-Free: yes'] }, status => 200);
is upload(vhost => $server, method => 'OPTIONS', path => '/witness/flight',
    unwitnessed => 1)->{status}, 200, 'OPTIONS';

my $start = { file => $server->dir . '/error_log', at => 0 };
my $says = qr/expect: no ledger \(\d+ bytes of shared memory\) could be made: in-flight and quota refuse all uploads with 503$/;
is scalar(grep { $_ =~ $says } error_log_since($start)), 1,
    'it is logged once';
ok $server->graceful, 'graceful restart';
is upload(vhost => $server, path => '/witness/flight', content => 5,
    asks => 1)->{status}, 503, 'still so behind a graceful restart';
is scalar(grep { $_ =~ $says } error_log_since($start)), 2, 'and said again';

is join('', $server->crashes), '', 'no crash';
done_testing();
