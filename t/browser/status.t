#!/usr/bin/perl
# The status page in a browser: it is readable in light and dark, wide and
# narrow, empty and full. It updates itself without being loaded again, and
# needs scripts for nothing else.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Browser;
use ExpectTest;

my $server = own_httpd(conf => <<'CONF');
<Location /expect-status>
    SetHandler expect-status
</Location>
<AuthzProviderAlias ip "a-name-of-an-alias-that-somebody-made-up" 192.0.2.1>
</AuthzProviderAlias>
<Location /witness/alias>
    ExpectRequire a-name-of-an-alias-that-somebody-made-up
</Location>
<Location /witness/length>
    ExpectRequire content-length max=1M
</Location>
<Location /witness/held>
    ExpectRequire in-flight uploads=100000 bytes=999G key=ip
    ExpectRequire in-flight uploads=100000 bytes=999G key=directory
</Location>
<Location /witness/detect>
    ExpectEngine DetectionOnly
    ExpectRequire content-type image/png image/jpeg image/gif image/webp
</Location>
CONF

my $page = Browser->new->page('http://127.0.0.1:' . $server->port
    . '/expect-status');

sub readable_ok {
    my($name) = @_;
    for my $width (1400, 900, 600, 375, 320) {
        for my $dark (0, 1) {
            my $label = "$name, $width wide, " . ($dark ? 'dark' : 'light');
            $page->look(width => $width, dark => $dark);
            is_deeply [$page->too_pale], [], "$label: contrast";
            is_deeply [$page->cut_off], [], "$label: nothing is cut off";
        }
    }
}

my $NOW = 'document.querySelector("header .soft").textContent';
my $HEADS = '[...document.querySelectorAll("li .head")].length';

# --- empty -----------------------------------------------------------------

is $page->value($HEADS), 0, 'empty: no refusal';
is_deeply $page->value('[...document.querySelectorAll(".key")].map((key) =>'
    . ' key.textContent)'), [('0 admitted0 refused') x 2, ('0 B spared') x 2],
    'empty: what the plots say';
readable_ok('empty');

# --- it fetches itself -----------------------------------------------------

my %o = (vhost => $server, eager => 1);
my $word = 'W' x 60;
upload(%o, path => '/witness/length/x', content => 10) for 1 .. 2;
upload(%o, path => '/witness/length/x', content => 1, length => 483_000_000,
    asks => 1, eager => 0);
upload(%o, path => '/witness/length/x', content => 1_100_000, chunked => 1);
upload(%o, path => '/witness/alias/x', content => 10,
    method => 'A-METHOD-WITH-A-NAME-THAT-IS-LONG');
upload(%o, path => '/witness/detect/x', content => 10,
    headers => ["Content-Type: $word/$word"]);

# What a person does with the page must outlast it.
$page->look(width => 375);
$page->value('window.here = 1, scrollTo(0, 300),'
    . ' document.querySelector("footer a").focus({ preventScroll: true }), 1');
$page->value('document.dispatchEvent(new Event("visibilitychange"))');
is $page->wait_for($HEADS), 4, 'it fetches itself';
is_deeply $page->value('[window.here, scrollY, document.activeElement'
    . '.textContent]'), [1, 300, 'JSON'], 'and is not loaded again';
is_deeply $page->value('[...document.querySelectorAll(".tile b")].map((b) =>'
    . ' b.textContent)'), ['3', '2', '1', '483 MB', '483 MB', '1', '0'],
    'full: the figures';
like $page->value('document.querySelector(".key").textContent'),
    qr/^3 admitted2 refused1 would be refused$/, 'full: what a plot says';
like $page->value('document.querySelector("li:last-child").textContent'),
    qr/^\d\d:\d\d:\d\d417content-lengthPUTcontent-length 483000000 is over /,
    'full: a refusal';
readable_ok('full');
is_deeply [$page->complaints], [], 'nothing that the browser complains of';

# --- without scripts -------------------------------------------------------

$page->call('Emulation.setScriptExecutionDisabled',
    value => JSON::PP::true);
upload(%o, path => '/witness/alias/x', content => 10);
my $before = $page->value($NOW);
$page->visit('http://127.0.0.1:' . $server->port . '/expect-status?again');
is $page->wait_for($HEADS), 5, 'without scripts: it is all there';
is_deeply [$page->complaints], [], 'without scripts: no complaints';

done_testing();
