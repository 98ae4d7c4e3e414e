package Store;

=head1 NAME

Store - Redis servers of a test's own, and httpds that share them

=head1 SYNOPSIS

    use lib 't/store', 't/admission', 't/other-modules';
    use Store;

    my $redis = redis(maxmemory => '2mb');
    my @httpd = map { fleet_httpd($redis, $conf, 'timeout=200') } 1 .. 2;
    is $redis->call('DBSIZE'), 0;
    $redis->stop;  $redis->start;       # empty again, on the same port

=head1 FUNCTIONS

=over

=item redis(%options)

A redis-server on a free port of 127.0.0.1, with these options; it keeps nothing
on disk. Methods: port, url; call(@words), the answer as a string, a list in an
array reference, an error as C<-ERR ...>; as($password), whom call() is from
then on; signal($name); stop (by SIGKILL), start; places, the members of all
sorted sets.

=item load_store(), store_conf($url, @words), fleet_httpd($store, $conf, @words)

load_store() is the line that loads mod_expect_redis.so, store_conf() that and
those that configure the store, and fleet_httpd() an own_httpd() with them, over
HTTP/2 as well. The store is an object of redis() or proxy(), or a URL. Rules in
$conf are the same ones in each httpd that gets the same text.

=item proxy($redis)

What httpds connect to in the place of the Redis server, with the methods port,
url and C<mode>: C<pass>, C<slow> (answers come 600 ms late), C<reset> (the
connection is reset when an answer is due), C<hold> (what httpds send stays
here).

=item store_log($server)

The lines of its error_log about the store.

=item comes_true($code)

Waits for it to return true, for at most WAIT seconds, and returns what it has
returned last.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use Time::HiRes qw(time);

use ExpectTest;
use File;
use OtherModules;
use Proxy ();
use Redis ();

our @EXPORT = qw(redis proxy load_store store_conf fleet_httpd store_log
    comes_true);

my %shared;

sub comes_true {
    my($code) = @_;
    my $until = time + ExpectTest::WAIT;
    my $is;
    until ($is = $code->()) {
        last if time > $until;
        select undef, undef, undef, 0.01;
    }
    return $is;
}

sub redis { return Redis->new(@_) }
sub proxy { return Proxy->new(@_) }

sub load_store {
    my $so = conf_var('serverroot') . '/../.libs/mod_expect_redis.so';
    return qq(LoadModule expect_redis_module "$so"\n);
}

sub store_conf {
    my($url, @words) = @_;
    return load_store() . join(' ', 'ExpectStore', $url, @words) . "\n";
}

# A rule is the same for all servers if it stands in the same file at the same
# line.
sub shared_file {
    my($conf) = @_;
    return $shared{$conf} //= do {
        my $file = conf_var('t_logs') . "/rules-$$-" . keys(%shared) . '.conf';
        spew($file, $conf);
        $file;
    };
}

sub fleet_httpd {
    my($store, $conf, @words) = @_;
    my $url = ref $store ? $store->url : $store;
    my $file = shared_file($conf);
    return h2_httpd(store_conf($url, @words) . qq(Include "$file"\n));
}

sub store_log {
    my($server) = @_;
    return grep { / expect: store / } ExpectTest::error_log_since(
        { file => $server->dir . '/error_log', at => 0 });
}

1;
