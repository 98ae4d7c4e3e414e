#!/usr/bin/perl
# A process holds refused connections with at most a quarter of its
# descriptors; further ones are left to httpd, and one line is logged. Clients
# that connect then are served.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant { FILES => 160, HELD => 40, MORE => 10 };

my $server = do {
    local $ENV{TEST_PRELOAD} = join "\n",
        (grep { length } $ENV{TEST_PRELOAD} // ''), 'sh', '-c',
        'ulimit -n ' . FILES . ' && exec "$@"', 'sh';
    my $one = ($ENV{TEST_MPM} // '') eq 'prefork'
        ? "ServerLimit 1\n" : "ServerLimit 1\nThreadsPerChild 5\n"
          . "ThreadLimit 5\nMaxRequestWorkers 5\n";
    linger_httpd(conf =>
        "StartServers 1\n${one}ExpectLinger time=600 idle=600");
};
my $mark = log_mark($server);
my @said;
my $said = sub { @said = grep { /refused connections linger/ }
    error_log_since($mark) };

my @clients = map { refused($server) } 1 .. HELD;
ok $server->wait_for(sub { lingering($server) == HELD }),
    'a quarter of the descriptors';
$said->();
is "@said", '', 'which is no reason for a warning';

for (1 .. MORE) {
    my $c = refused($server);
    is $c->{status}, 413, 'a further client is refused as well';
    close $c->{socket};
}
is lingering($server), HELD, 'and does not linger here';
$said->();
is scalar(@said), 1, 'a warning, once';
like $said[0] // '',
    qr/:warn\].* refused .*\(${\HELD} at the most\).*ulimit -n/,
    'which says how many, and what to do';

close $_->{socket} for splice @clients, 0, 5;
ok $server->wait_for(sub { lingering($server) == HELD - 5 }), 'some go';
push @clients, map { refused($server) } 1 .. 5;
ok $server->wait_for(sub { lingering($server) == HELD }),
    'and make room for others';

done_testing();
