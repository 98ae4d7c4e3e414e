#!/usr/bin/perl
# Two httpds, one Redis, sixteen clients: what is in flight is never one over
# the limit, and quotas are exact.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use Admission;
use Child ();
use Crowd;
use Store;

use constant { UPLOADS => 5, QUOTA => 300, BYTES => 5_000_000, KEYS => 10_000 };

my $redis = redis();
# a busy machine must not make it look as if the store did not answer
my @httpd = map { fleet_httpd($redis, <<"CONF", 'timeout=5000') } 1 .. 2;
<Location /witness/uploads>
    ExpectRequire in-flight uploads=@{[ UPLOADS ]}
</Location>
<Location /witness/bytes>
    ExpectRequire in-flight bytes=5K key=ip
</Location>
<Location /witness/quota>
    ExpectRequire quota uploads=@{[ QUOTA ]} per=366d
</Location>
<Location /witness/returns>
    ExpectRequire quota bytes=@{[ BYTES ]} per=366d key=ip
    ExpectRequire in-flight uploads=20
</Location>
<Location /witness/all>
    ExpectRequire quota uploads=100 per=366d
    ExpectRequire in-flight uploads=3
    ExpectRequire quota bytes=1M per=366d
</Location>
<Location /witness/keys>
    ExpectRequire quota uploads=2 per=366d key=expr=%{HTTP:X-Tenant}
    ExpectRequire in-flight uploads=2 key=expr=%{HTTP:X-Tenant}
</Location>
CONF

sub uploads {
    my($path, %o) = @_;
    my @did = crowd(servers => \@httpd, path => $path, uploads => 60, %o);
    $path = 'keys' if ref $path;
    my @admitted = grep { $_->{admitted} } @did;
    is scalar(grep { !$_->{admitted} && $_->{status} !~ /^(?:429|503)$/ } @did),
        0, "$path: the others are refused";
    return (\@did, \@admitted);
}

# --- in flight ----------------------------------------------------------------

{
    my($did, $admitted) = uploads('/witness/uploads', crowded => 1);
    cmp_ok most_at_once(@$did), '<=', UPLOADS, 'never one more';
    cmp_ok scalar(@$admitted), '<', @$did, 'some had to be refused';
    is scalar($redis->places), 0, 'all places are free';
}
{
    my($did) = uploads('/witness/bytes', bytes => 1024);
    cmp_ok most_at_once(@$did), '<=', 5, 'bytes: never one more';
    is scalar($redis->places), 0, 'bytes: all places are free';
    is_deeply $redis->call('KEYS', '*:b'), [], 'bytes: and no sum is left';
}

# As many as may be, by both servers together.
for my $path ('/witness/uploads', '/witness/bytes') {
    my @held = map { hold($httpd[$_ % 2], path => $path, content => 1024) }
        1 .. 5;
    is_deeply [map { @{ $_->{r}{interim} } } @held], [(100) x 5],
        "$path: five are admitted";
    like hold($_, path => $path, content => 1024)->{r}{status},
        qr/^(?:429|503)$/, "$path: not a sixth" for @httpd;
    is scalar($redis->places), 5, "$path: five have places";
    is finish($_)->{status}, 200, "$path: one ends" for @held;
    is scalar($redis->places), 0, "$path: all places are free";
}

# --- quotas -------------------------------------------------------------------

{
    my(undef, $admitted) = uploads('/witness/quota');
    is scalar(@$admitted), QUOTA, 'quota: exactly so many';
    left_ok('quota: none is left', $_, '/witness/quota', uploads => 0)
        for @httpd;
}

# Every second upload is dropped; what it has not sent comes back.
{
    my(undef, $admitted) = uploads('/witness/returns', bytes => 10_000,
        uploads => 20, drops => sub { $_[1] % 2 });
    my @whole = grep { !$_->{dropped} } @$admitted;
    my $left = BYTES - 10_000 * @whole;
    cmp_ok scalar(@$admitted), '>', @whole, 'returns: some were dropped';
    left_ok('returns: all that was not received is back', $_,
        '/witness/returns', 'quota-bytes-366d' => $left) for @httpd;
    comes_true(sub { !$redis->places });
    is scalar($redis->places), 0, 'returns: all places are free';
}

# Who is refused by one rule takes nothing from the others.
{
    my($did, $admitted) = uploads('/witness/all', uploads => 80,
        pause => 0);
    is scalar(@$admitted), 100, 'all: as many as the quota';
    cmp_ok most_at_once(@$did), '<=', 3, 'all: never more in flight';
    left_ok('all: bytes of those that were admitted', $_, '/witness/all',
        'quota-bytes-366d' => 1024**2 - 1000 * @$admitted) for @httpd;
}

# --- ten thousand keys --------------------------------------------------------

{
    my %admitted;
    my($did) = uploads(sub {
        my($client, $nth) = @_;
        # three uploads for each key, by clients at once
        my $key = ($nth * 16 + $client) % KEYS;
        return ('/witness/keys', "X-Tenant: t$key");
    }, uploads => 3 * KEYS / 16, bytes => 1, pause => 0);
    $admitted{($_->{nth} * 16 + $_->{client}) % KEYS} += $_->{admitted} // 0
        for @$did;
    is scalar(keys %admitted), KEYS, 'so many keys';
    is scalar(grep { $_ != 2 } values %admitted), 0,
        'each has had two uploads';
    is scalar($redis->places), 0, 'keys: all places are free';
}

# --- restarts ----------------------------------------------------------------

# Both restart gracefully, again and again, while uploads are under way.
{
    my $restarts = Child->spawn(60, sub {
        while (1) {
            for (@httpd) {
                kill USR1 => $_->pid;
                select undef, undef, undef, 0.7;
            }
        }
    });
    my($did) = uploads('/witness/uploads', pause => 0.05);
    undef $restarts;
    is most_at_once(@$did), UPLOADS, 'restarts: never one more';
    ok comes_true(sub { !$redis->places }), 'restarts: all places are free';
}

is_deeply [map { store_log($_) } @httpd], [], 'the store was there all along';
done_testing();
