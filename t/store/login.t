#!/usr/bin/perl
# Where the store is, and who logs in: passwords, users, databases, sockets. A
# password is shown nowhere.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use File;
use Store;

use constant PASSWORD => 'S3cret/@:word';
use constant ENCODED => 'S3cret%2F%40%3Aword';

my $rules = <<'CONF';
<Location /witness/a>
    ExpectRequire quota uploads=1000 bytes=1M per=366d
    ExpectRequire in-flight uploads=10 bytes=1M
</Location>
CONF
my $file = conf_var('t_logs') . '/redis-password';
spew($file, PASSWORD . "\n");

sub status_of {
    my($httpd) = @_;
    return upload(vhost => $httpd, path => '/witness/a', content => 9,
        asks => 1, unwitnessed => 1)->{status};
}

sub works_ok {
    my($name, $url, $redis, $db, @words) = @_;
    my $httpd = fleet_httpd($url, $rules, 'timeout=5000', 'on-error=refuse',
        @words);
    is status_of($httpd), 200, "$name: it works";
    is_deeply [ store_log($httpd) ], [], "$name: nothing is said";
    $redis->call('SELECT', $db);
    is scalar(@{ $redis->call('KEYS', '*:q') }), 1, "$name: in its place";
    $redis->call('FLUSHALL');
    $redis->call('SELECT', 0);
    return $httpd;
}

sub hidden_ok {
    my($name, $httpd) = @_;
    my $text = join '', map { slurp($_) } glob $httpd->dir . '/*_log';
    unlike $text, qr/S3cret|wr0ng/, "$name: no password is in the logs";
}

# --- it works -----------------------------------------------------------------

my $open = redis();
my $port = $open->port;
works_ok('as it is', "redis://127.0.0.1:$port", $open, 0);
works_ok('a database', "redis://127.0.0.1:$port/3", $open, 3);
works_ok('a name', "redis://localhost:$port/1", $open, 1);
works_ok('a socket', 'redis+unix://' . $open->dir . '/socket', $open, 0);
works_ok('a socket, a database', 'redis+unix://' . $open->dir . '/socket/2',
    $open, 2);
works_ok('a prefix', "redis://127.0.0.1:$port", $open, 0, 'prefix=my.site');

my $closed = redis(requirepass => PASSWORD);
my $to = '127.0.0.1:' . $closed->port;
my $by_url = works_ok('a password', 'redis://:' . ENCODED . "\@$to/1", $closed,
    1);
works_ok('a password in a file', "redis://$to/1", $closed, 1,
    "password-file=$file");
# all that such a user needs
my @may = map { "+$_" } qw(select eval evalsha time get set del exists pexpire
    pttl hget hset hdel hexists hincrby zadd zrem zcount zrangebyscore);
$closed->call('ACL', 'SETUSER', 'uploads', 'on', '>' . PASSWORD,
    '~{expect}:*', @may);
works_ok('a user', 'redis://uploads:' . ENCODED . "\@$to", $closed, 0);
works_ok('a user, a password in a file', "redis://uploads\@$to", $closed, 0,
    "password-file=$file");

# --- what is shown ------------------------------------------------------------

hidden_ok('a password', $by_url);
{
    my($exit, $dump) = config_error(
        store_conf('redis://:' . ENCODED . "\@$to/1") . $rules, '-D',
        'DUMP_EXPECT');
    is $exit, 0, 'dump: it is written';
    like $dump, qr{\Qredis://$to/1\E}, 'dump: with the store';
    unlike $dump, qr/S3cret/, 'dump: without the password';
}
for my $url ("redis://:wr0ng\@$to", "redis://nobody:wr0ng\@$to") {
    my $httpd = fleet_httpd($url, $rules, 'timeout=5000', 'on-error=refuse');
    is status_of($httpd), 503, 'wrong: it is refused';
    like +(store_log($httpd))[0], qr{ expect:\ store\ \Qredis://$to/0\E\ cannot
        \ be\ used\ \(AUTH\ is\ refused:\ WRONGPASS\):\ uploads\ are\ refused
        \ with\ 503$}x, 'wrong: the log says why';
    hidden_ok('wrong', $httpd);
}
# A server that has no such command shows its arguments.
{
    my $renamed = redis('rename-command' => ['AUTH', 'LOGIN']);
    my $httpd = fleet_httpd('redis://:wr0ng@127.0.0.1:' . $renamed->port,
        $rules, 'timeout=5000');
    is status_of($httpd), 200, 'no AUTH: this server decides by itself';
    like +(store_log($httpd))[0], qr/ \(AUTH is refused: ERR\)/,
        'no AUTH: the log says why';
    hidden_ok('no AUTH', $httpd);
}
{
    my $httpd = fleet_httpd("redis://127.0.0.1:$port/999", $rules,
        'timeout=5000', 'on-error=refuse');
    is status_of($httpd), 503, 'no such database: it is refused';
    like +(store_log($httpd))[0], qr/ \(SELECT is refused: ERR\)/,
        'no such database: the log says why';
    is scalar(@{ $open->call('KEYS', '*') }), 0,
        'no such database: nothing is written elsewhere';
}

# A name that nobody knows may be known later: httpd starts.
{
    my $httpd = fleet_httpd('redis://no-such-host.invalid', $rules,
        'timeout=5000');
    is status_of($httpd), 200, 'no such host: this server decides by itself';
    like +(store_log($httpd))[0],
        qr{ expect: store redis://no-such-host\.invalid:6379/0 cannot be used},
        'no such host: the log says so';
}

# --- connections --------------------------------------------------------------

{
    my $httpd = fleet_httpd($open, $rules . one_process(), 'timeout=5000');
    is scalar($open->clients), 0, 'connections: none at first';
    is upload(vhost => $httpd, path => '/witness/b', content => 9,
        unwitnessed => 1)->{status}, 200, 'connections: no rule';
    is scalar($open->clients), 0, 'connections: none for it';
    is status_of($httpd), 200, 'connections: a rule';
    # mpm_itk's process goes, and its connection
    my $kept = ($ENV{TEST_MPM} // '') ne 'itk';
    my @first = map { s/ .*//r } $open->clients;
    is scalar(@first), 1, 'connections: one' if $kept;
    is status_of($httpd), 200, 'connections: a rule, again';
    is_deeply [map { s/ .*//r } $open->clients], \@first,
        'connections: the same' if $kept;
    $httpd->graceful;
    ok comes_true(sub { !$open->clients }),
        'connections: none is left by a graceful restart';
}

# --- errors -------------------------------------------------------------------

for (["redis://u\@$to", qr/a user without a password/],
    ["redis://:x\@$to password-file=$file", qr/accepted is one of them/],
    ["redis://:S3cret\@$to/x", qr/the DB must be a number/],
    ['redis:///0', qr/the host is missing/],
    ['redis+unix://run/redis', qr/a path begins with/]) {
    my($words, $like) = @$_;
    my($exit, $message) = config_error(store_conf($words));
    isnt $exit, 0, "$words: httpd does not start";
    like $message, $like, "$words: it says why";
    unlike $message, qr/S3cret/, "$words: without the password";
}

done_testing();
