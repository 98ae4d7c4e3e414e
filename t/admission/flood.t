#!/usr/bin/perl
# Ten times as many addresses as the ledger has keys: nobody gets past a limit,
# those who are known keep what they have left, and the metrics show it.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;
use StatusTest;
use Admission;

use constant { KEYS => 64, STRANGERS => 640 };

my $server = h2_httpd('ExpectLedger keys=' . KEYS . "\n" . <<'CONF');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /expect-status>
    SetHandler expect-status
</Location>
<Location /witness/quota>
    ExpectRequire quota uploads=3 per=366d key=ip
</Location>
<Location /witness/flight>
    ExpectRequire in-flight uploads=2 key=ip
</Location>
<Location /witness/all>
    ExpectRequire in-flight uploads=2
</Location>
CONF

sub put {
    my($place, $client) = @_;
    return upload(vhost => $server, path => "/witness/$place", content => 5,
        eager => 1, headers => ["X-Client: $client"])->{status};
}

# Shared with all processes, in bytes.
sub memory {
    open my $fh, '<', '/proc/' . $server->pid . '/maps' or die "maps: $!\n";
    my $bytes = 0;
    while (<$fh>) {
        my($from, $to) = /^(\w+)-(\w+) rw-s / or next;
        $bytes += hex($to) - hex($from);
    }
    return $bytes;
}

# --- some are known ---------------------------------------------------------

my($spent, $known, $busy) = map { "192.0.2.$_" } 1 .. 3;
is_deeply [map { put('quota', $spent) } 1 .. 4], [200, 200, 200, 429],
    'one has used up its quota';
is put('quota', $known), 200, 'one has two uploads left';
my @busy = (path => '/witness/flight', headers => ["X-Client: $busy"]);
my $held = hold($server, @busy);
my $at_all = hold($server, path => '/witness/all');
my $memory = memory();
cmp_ok $memory, '>', 0, 'there is memory that processes share';

# --- the flood ----------------------------------------------------------------

my %answers;
$answers{ put('quota', join '.', 10, $_ >> 8, $_ & 255, 7) }++
    for 1 .. STRANGERS;
is_deeply [sort keys %answers], [200, 429], 'strangers: admitted, and refused';
cmp_ok $answers{200}, '<', KEYS, 'strangers: those who found room, and three';
my $status = status($server);
cmp_ok $status->{ledger_keys}, '<=', KEYS, 'no more keys than there may be';
cmp_ok $status->{ledger_full}, '>', 0, 'it is seen that the ledger was full';
is memory(), $memory, 'the memory is what it was';

is put('quota', $spent), 429, 'whose quota was used up is still refused';
is_deeply [map { put('quota', $known) } 1 .. 3], [200, 200, 429],
    'who had two uploads left has two';
is put('quota', '10.9.9.9'), 429, 'a stranger is refused';

# --- in flight: strangers share what one of them may have ---------------------

is put('flight', $busy), 200, 'who is known has another place';
my $second = hold($server, @busy);
is put('flight', $busy), 429, 'and no third';
my @strangers = map { hold($server, path => '/witness/flight',
    headers => ["X-Client: 10.8.0.$_"]) } 1, 2;
is_deeply [map { "@{ $_->{r}{interim} }" } @strangers], [100, 100],
    'two strangers have places';
is put('flight', '10.8.0.3'), 429, 'a third has none';
is finish(shift @strangers)->{status}, 200, 'a stranger ends';
is put('flight', '10.8.0.3'), 200, 'another has a place then';
is put('all', '10.8.0.3'), 200, 'a rule for all is not touched';

is finish($_)->{status}, 200, 'it ends' for $held, $second, $at_all,
    @strangers;
left_ok('in flight: nothing', $server, '/witness/flight', uploads => 2,
    headers => ["X-Client: $busy"]);
is status($server)->{in_flight}, 0, 'nothing is in flight';

done_testing();
