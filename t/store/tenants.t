#!/usr/bin/perl
# Rules in .htaccess files cannot fill the store: what they remember there is
# bounded by the tenants' share of the ledger. Further keys are counted by the
# ledger, together, as without a store.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use List::Util qw(sum0);
use Test::More;
use ExpectTest;
use Admission;
use Store;

# A quarter of the keys is for tenants.
use constant { KEYS => 64, SHARE => 16, CROWD => 40, BYTES => 20_000 };

write_htaccess('tenant/crowd/many', <<'CONF');
ExpectRequire quota uploads=3 per=366d key=ip
CONF
write_htaccess('tenant/crowd/bytes', <<"CONF");
ExpectRequire quota bytes=@{[ BYTES ]} per=366d key=ip
CONF
write_htaccess('tenant/crowd/full', <<'CONF');
ExpectRequire quota uploads=3 per=366d key=ip
CONF
write_htaccess('tenant/crowd/mixed', <<"CONF");
ExpectRequire quota bytes=@{[ BYTES ]} per=366d key=ip
ExpectRequire quota bytes=@{[ 10 * BYTES ]} per=366d key=directory
CONF
write_htaccess('tenant/crowd/flight', <<'CONF');
ExpectRequire in-flight uploads=1 bytes=1M key=ip
CONF

my $redis = redis();
my $server = fleet_httpd($redis, 'ExpectLedger keys=' . KEYS . "\n" . <<'CONF',
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /tenant/crowd>
    SetHandler witness
    ExpectRequire quota uploads=1000 per=366d key=ip
</Location>
<Location /tenant/crowd/full>
    ExpectRequire quota uploads=1 per=366d
</Location>
CONF
    'timeout=5000', 'on-error=refuse');

sub put {
    my($client, %o) = @_;
    return upload(vhost => $server, path => '/tenant/crowd/many/x',
        content => 5, headers => ["X-Client: $client"], %o)->{status};
}

sub keys_of { return scalar @{ $redis->call('KEYS', "*:$_[0]") // [] } }

# What is spent of uploads (u) or bytes (b), of each quota in the store.
sub levels {
    my($which) = @_;
    return map { (split ' ', $_)[2] } grep { defined }
        map { $redis->call('HGET', $_, $which) }
        @{ $redis->call('KEYS', '*:q') };
}

# How many uploads are counted in the store, for all rules.
sub charged { return sprintf '%.0f', sum0(levels('u')) }

# How many bytes are spent of the tenant's rule for the whole folder.
sub spent {
    my($most) = sort { $b <=> $a } levels('b');
    return sprintf '%.0f', $most // 0;
}

# --- a crowd ------------------------------------------------------------------

# This folder has two of the tenants' records then.
is put('192.0.2.250', path => '/tenant/crowd/mixed/x', content => 10), 200,
    'mixed: it has records';

# This one has one: those that another rule refuses keep none.
my @full = map { put("192.0.2.$_", path => '/tenant/crowd/full/x') } 1 .. CROWD;
is_deeply \@full, [200, (503) x (CROWD - 1)], 'the administrator refuses';

use constant TAKEN => 3;
$redis->call('FLUSHALL');

my @crowd = map { "192.0.2.$_" } 1 .. CROWD;
my @status = map { put($_) } @crowd;
my $own = SHARE - TAKEN;
is_deeply [@status[0 .. $own - 1]], [(200) x $own], 'those with a record';
is_deeply [@status[$own .. $own + 2]], [(200) x 3], 'three of the others';
is_deeply [@status[$own + 3 .. CROWD - 1]], [(429) x (CROWD - $own - 3)],
    'the others are counted together';
# of the administrator's rule, and of the tenant's
is keys_of('q'), $own + 3 + $own, 'the store has no more than that';
is charged(), $own + 3 + $own, 'what is refused is not charged';

is_deeply [map { put($crowd[0]) } 1 .. 3], [200, 200, 429],
    'one with a record has what it has left';
my $keys = keys_of('q');
is put('192.0.2.251', method => 'OPTIONS', content => ''), 200, 'OPTIONS';
is keys_of('q'), $keys, 'OPTIONS takes nothing';

# --- content of unknown length ------------------------------------------------

my @place = (path => '/tenant/crowd/bytes/x', chunked => 1);
is put($crowd[1], @place, content => BYTES / 2), 200, 'apart: within';
is put($crowd[1], @place, content => BYTES), 413, 'apart: not more';

# one rule is apart, and the other, behind it, is not
@place = (path => '/tenant/crowd/mixed/x', chunked => 1);
is put('192.0.2.97', @place, content => BYTES / 2), 200, 'mixed: within';
is spent(), BYTES / 2, 'mixed: the store has counted it';
is put('192.0.2.98', @place, content => BYTES), 413, 'mixed: not more';
cmp_ok spent(), '>=', BYTES, 'mixed: the store has counted what came';
cmp_ok spent(), '<', 2 * BYTES,
    'mixed: and no more than one piece that did not come';
is put('192.0.2.250', @place, content => BYTES / 2), 200,
    'mixed: one with a record has what it has left';

@place = (path => '/tenant/crowd/flight/x', chunked => 1);
my $held = hold($server, @place, content => 100,
    headers => ['X-Client: 192.0.2.99']);
is put('192.0.2.98', @place, content => 10), 429, 'apart: one at a time';
is keys_of('f'), 0, 'apart: nothing of it is in the store';
is finish($held)->{status}, 200, 'apart: that ends well';
is put('192.0.2.97', @place, content => 10), 200, 'apart: then another';

# --- the store is down --------------------------------------------------------

$redis->stop;
is put($crowd[0]), 503, 'down: on-error=refuse';
is put($crowd[-1]), 429, 'down: what the ledger refuses';
$redis->start;
ok comes_true(sub { put($crowd[2]) == 200 }), 'up again';

done_testing();
