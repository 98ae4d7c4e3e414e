#!/usr/bin/perl
# The store fails, in every way: no request waits longer than the timeout,
# uploads are handled as on-error= says, the log says it once, and two seconds
# after the store is back it decides again. Nothing is left behind.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use Admission;
use Crowd;
use Store;

use constant { LIMIT => 2, TIMEOUT => 0.3 };

# A request that waits for the store takes so much longer. Timings decide
# nothing but that: a second more is for a busy machine.
use constant PATIENCE => TIMEOUT + 1;

my %how = (local => 'each server decides by itself',
    admit => 'uploads are admitted without it',
    refuse => 'uploads are refused with 503');

# prefork has as many processes as uploads at once.
my $children = has_h2() ? 1 : LIMIT + 1;
my $processes = has_h2() ? one_process() : join '', map { "$_ $children\n" }
    qw(StartServers MinSpareServers MaxSpareServers MaxRequestWorkers);

my $rules = <<"CONF" . $processes;
<Location /witness/a>
    ExpectRequire in-flight uploads=@{[ LIMIT ]} bytes=1M
    ExpectRequire quota bytes=1000000 per=366d
</Location>
CONF

sub one {
    my($httpd) = @_;
    my $since = time;
    my $r = upload(vhost => $httpd, path => '/witness/a', content => 1000,
        asks => 1, unwitnessed => 1);
    return ($r->{status}, time - $since);
}

# How many uploads are charged in the store.
sub charged {
    my($redis) = @_;
    my $key = $redis->call('KEYS', '*:q')->[0] // return 0;
    return sprintf '%.0f', (split ' ', $redis->call('HGET', $key, 'b'))[2]
        / 1000;
}

sub log_of { return map { s/^.* expect: store //r } store_log($_[0]) }

# How many lines there are now: for what must not come more often.
sub waits_for_line {
    my($httpd, $n) = @_;
    comes_true(sub { store_log($httpd) >= $n });
    return store_log($httpd);
}

# While the store is down: what on-error= says.
sub down_ok {
    my($name, $httpd, $on_error, $why) = @_;
    my($slow, @got) = (0);
    for (1 .. 3 * $children + 3) {
        my($status, $took) = one($httpd);
        push @got, $status;
        $slow += $took > TIMEOUT / 2;
        cmp_ok $took, '<', PATIENCE, "$name: no request waits for long"
            or diag "$took s";
    }
    # One in a second and process; they may take longer than a second.
    cmp_ok $slow, '<=', $children + 1, "$name: and not each one waits";
    my $want = $on_error eq 'refuse' ? 503 : 200;
    is_deeply \@got, [($want) x @got], "$name: $on_error";
    my @held = map { hold($httpd, path => '/witness/a', content => 100) }
        0 .. LIMIT;
    my $admitted = grep { "@{ $_->{r}{interim} }" eq '100' } @held;
    is $admitted, { local => LIMIT, admit => LIMIT + 1, refuse => 0 }
        ->{$on_error}, "$name: so many at once";
    is((waits_for_line($httpd, 1))[0] =~ s/^.* expect: store //r =~ s/\n//r,
        $httpd->{shown} . " $why: $how{$on_error}", "$name: the log says it");
    is scalar(log_of($httpd)), 1, "$name: once";
    return grep { "@{ $_->{r}{interim} }" eq '100' } @held;
}

# The store is back: it is used, and knows what went on meanwhile.
sub up_ok {
    my($name, $httpd, $redis, $since, @held) = @_;
    is scalar(waits_for_line($httpd, 2)), 2, "$name: the log says it again";
    like +(log_of($httpd))[1], qr/^\Q$httpd->{shown}\E answers again$/,
        "$name: that the store is back";
    cmp_ok time - $since, '<', 2 + PATIENCE, "$name: soon";
    my $is = sub { $redis->places == @held };
    ok comes_true($is), "$name: what began meanwhile is in flight"
        or diag join ' ', $redis->places;
    is finish($_)->{status}, 200, "$name: it ends well" for @held;
    ok comes_true(sub { !$redis->places }), "$name: and no place is left";
}

# Each process of prefork finds that out for itself. Nothing else has been
# charged: what was asked for and not answered in time is taken back, and what
# local and admit have let in, the store does not count.
sub charged_ok {
    my($name, $httpd, $redis, $before) = @_;
    my @got;
    comes_true(sub { push @got, one($httpd); charged($redis) > $before });
    my $charged = charged($redis) - $before;
    ok $charged >= 1 && $charged <= @got / 2 && $charged <= $children,
        "$name: the store decides, and quotas are right"
        or diag "$charged by $children processes";
}

sub httpd_for {
    my($store, $on_error, @words) = @_;
    # a lease is renewed later than any of this, unless there is a reason
    my $httpd = fleet_httpd($store, $rules, 'timeout=' . 1000 * TIMEOUT,
        "on-error=$on_error", @words ? @words : 'lease=60');
    $httpd->{shown} = ref $store ? $store->url : $store;
    return $httpd;
}

my $late = 'does not answer within ' . 1000 * TIMEOUT . ' ms';

# --- one after the other: break it, mend it -----------------------------------

# name => [on-error, options, how it breaks, how it is mended, what the log
# says, through a proxy]
my @faults = (
    ['killed', 'local', {}, sub { $_[0]->stop }, sub { $_[0]->start },
        'cannot be used (Connection refused)'],
    ['killed', 'refuse', {}, sub { $_[0]->stop }, sub { $_[0]->start },
        'cannot be used (Connection refused)'],
    ['stopped', 'admit', {}, sub { $_[0]->signal('STOP') },
        sub { $_[0]->signal('CONT') }, $late],
    ['stopped', 'local', {}, sub { $_[0]->signal('STOP') },
        sub { $_[0]->signal('CONT') }, $late],
    ['full', 'local', { 'maxmemory-policy' => 'noeviction' },
        sub { $_[0]->call(qw(CONFIG SET maxmemory 1)) },
        sub { $_[0]->call(qw(CONFIG SET maxmemory 0)) },
        "cannot be used (OOM command not allowed when used memory > 'maxmemory'"
            . '.)'],
    ['read-only replica', 'refuse', {},
        sub { $_[0]->call(qw(REPLICAOF 127.0.0.1 1)) },
        sub { $_[0]->call(qw(REPLICAOF NO ONE)) },
        "cannot be used (READONLY You can't write against a read only replica"
            . '.)'],
    ['wrong password', 'admit', {},
        sub { $_[0]->call(qw(CONFIG SET requirepass other));
              $_[0]->as('other')->call(qw(CLIENT KILL TYPE normal)) },
        sub { $_[0]->call(qw(CONFIG SET requirepass), '');
              $_[0]->as(undef) },
        'cannot be used (NOAUTH Authentication required.)'],
    ['slow', 'local', {}, sub { $_[1]->mode('slow') },
        sub { $_[1]->mode('pass') }, $late, 1],
    ['reset', 'admit', {}, sub { $_[1]->mode('reset') },
        sub { $_[1]->mode('pass') },
        'cannot be used (Connection reset by peer)', 1],
    ['held up', 'refuse', {}, sub { $_[1]->mode('hold') },
        sub { $_[1]->mode('pass') }, $late, 1],
);

for my $fault (@faults) {
    my($name, $on_error, $options, $break, $mend, $why, $by_proxy) = @$fault;
    $name .= ", $on_error";
    my $redis = redis(%$options);
    my $proxy = $by_proxy ? proxy($redis) : undef;
    my $httpd = httpd_for($proxy // $redis, $on_error);
    is +(one($httpd))[0], 200, "$name: before";
    is charged($redis), 1, "$name: a quota is used";
    $break->($redis, $proxy);
    my @held = down_ok($name, $httpd, $on_error, $why);
    my $since = time;
    $mend->($redis, $proxy);
    up_ok($name, $httpd, $redis, $since, @held);
    charged_ok($name, $httpd, $redis, $name =~ /^killed/ ? 0 : 1);
    is scalar(store_log($httpd)), 2, "$name: no more is said";
}

# --- what does not even make it fail ------------------------------------------

for my $command ([qw(SCRIPT FLUSH)], ['FLUSHALL'],
    [qw(CLIENT KILL TYPE normal)]) {
    my $redis = redis();
    my $httpd = httpd_for($redis, 'refuse', 'lease=5');
    my $name = "@$command";
    is +(one($httpd))[0], 200, "$name: before";
    my $held = hold($httpd, path => '/witness/a', content => 100);
    is scalar($redis->places), 1, "$name: one is in flight";
    $redis->call(@$command);
    is +(one($httpd))[0], 200, "$name: behind it";
    ok comes_true(sub { $redis->places == 1 }), "$name: it is in flight, still";
    is finish($held)->{status}, 200, "$name: it ends";
    ok comes_true(sub { !$redis->places }), "$name: nothing is in flight";
    is_deeply [ log_of($httpd) ], [], "$name: nothing is said";
}

# --- restarted empty: what is in flight comes back ----------------------------

{
    my $redis = redis();
    my $httpd = httpd_for($redis, 'local');
    my @held = map { hold($httpd, path => '/witness/a', content => 100) }
        1 .. LIMIT;
    $redis->stop->start;
    is $redis->call('DBSIZE'), 0, 'restarted: it is empty';
    # processes notice that when they use a connection, or a second later
    ok comes_true(sub { $redis->places == LIMIT }),
        'restarted: leases are renewed';
    is +(one($httpd))[0], 503, 'restarted: no place is free';
    is finish($_)->{status}, 200, 'restarted: they end' for @held;
    ok comes_true(sub { !$redis->places }), 'restarted: nothing is in flight';
}

# --- content of unknown length, that goes on while the store is down ----------

# More than was taken in advance: an eighth of what is left.
for my $on_error (qw(refuse local admit)) {
    my $name = "goes on, $on_error";
    my $redis = redis();
    my $httpd = httpd_for($redis, $on_error);
    my $sum = sub {
        my $key = $redis->call('KEYS', '*:b')->[0] // return 0;
        return $redis->call('HGET', $key, 'sum') // 0;
    };
    my $upload = hold($httpd, path => '/witness/a', chunked => 1,
        content => 500_000, part => 100);
    ok comes_true(sub { $sum->() > 0 }), "$name: it is in flight";
    cmp_ok $sum->(), '<', 300_000, "$name: with what is taken in advance";
    $redis->signal('STOP');
    feed($upload, 300_000);
    if ($on_error eq 'refuse') {
        my $r = finish($upload);
        is $r->{status}, 503, "$name: it is refused";
        like $r->{body}, qr/in-flight|quota/, "$name: by a rule"
            or diag $r->{body};
        ok $r->{headers}{'retry-after'}, "$name: it may be tried again";
        $redis->signal('CONT');
    }
    else {
        is scalar(waits_for_line($httpd, 1)), 1, "$name: the store is down";
        $redis->signal('CONT');
        ok comes_true(sub { $sum->() >= 300_100 }),
            "$name: the store knows how much came meanwhile" or diag $sum->();
        is finish($upload)->{status}, 200, "$name: it ends well";
    }
    ok comes_true(sub { !$redis->places && !$sum->() }),
        "$name: nothing is in flight";
}

# --- no answer is taken for another's -----------------------------------------

# Many at once, while answers come late and connections are reset. One half asks
# for what is used up, the other for what nobody has used: an answer that was
# meant for another shows.
{
    my $redis = redis();
    my $proxy = proxy($redis);
    my $httpd = fleet_httpd($proxy, <<'CONF', 'timeout=80', 'on-error=refuse');
<Location /witness/a>
    ExpectRequire quota uploads=1 per=366d key=expr=%{HTTP:X-Tenant}
    ExpectRequire in-flight uploads=100
</Location>
CONF
    # by an upload that was admitted: what one takes that gets no answer in time
    # is given back
    my $is_admitted = 0;
    ok comes_true(sub {
        my $status = upload(vhost => $httpd, path => '/witness/a',
            content => 1, asks => 1, unwitnessed => 1,
            headers => ['X-Tenant: poor'])->{status};
        $is_admitted ||= $status == 200;
        return $is_admitted && $status == 429;
    }), 'answers: what is used up';
    my $breaks = Child->spawn(60, sub {
        while (1) {
            for my $mode (qw(pass slow pass pass reset)) {
                $proxy->mode($mode);
                select undef, undef, undef, 0.3;
            }
        }
    });
    my @did = crowd(servers => [$httpd], uploads => 200, pause => 0.03,
        bytes => 1, path => sub {
            my($client, $nth) = @_;
            return ('/witness/a', 'X-Tenant: '
                . ($client % 2 ? 'poor' : "rich-$client-$nth"));
        });
    undef $breaks;
    $proxy->mode('pass');
    my %status;
    ++$status{$_->{client} % 2 ? 'poor' : 'rich'}{$_->{status}} for @did;
    is join(' ', sort keys %{ $status{poor} }), '429 503',
        'answers: refused, or no store' or diag explain \%status;
    is join(' ', sort keys %{ $status{rich} }), '200 503',
        'answers: admitted, or no store' or diag explain \%status;
    ok comes_true(sub { !$redis->places }), 'answers: nothing is in flight';
}

done_testing();
