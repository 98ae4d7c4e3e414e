#!/usr/bin/perl
# A program that httpd starts while refused connections linger inherits no
# descriptor of them, nor of what their thread uses: it could read what their
# clients send, and would keep them open.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use File;
use lib 't/other-modules', 't/linger';
use OtherModules;
use Lingering;

use constant CLIENTS => 10;

# it reads all, or httpd could not write, and drops what the program says
my $script = conf_var('t_logs') . '/descriptors.sh';
spew($script, "cat >/dev/null\nls -l /proc/self/fd\n");

# one process: the filter's program is run by the one that holds them
my $one = ($ENV{TEST_MPM} // '') eq 'prefork' ? '' : "ThreadsPerChild 5\n"
    . "ThreadLimit 5\nMaxRequestWorkers 5\n";
my $server = linger_httpd(conf => load('ext_filter') . <<"CONF");
ServerLimit 1
StartServers 1
$one
ExpectLinger time=600 idle=600
ExtFilterDefine descriptors mode=output cmd="/bin/sh $script"
<Location /static/file.txt>
    SetOutputFilter descriptors
</Location>
CONF

# What the program has, by its kind, without numbers.
sub descriptors {
    my $body = upload(method => 'GET', path => '/static/file.txt',
        vhost => $server, unwitnessed => 1)->{body};
    return join ' ', sort map { / -> (\w+):\[/ ? $1 : () } split /\n/, $body;
}

my $before = descriptors();
like $before, qr/pipe/, 'the program lists its descriptors';
my @clients = map { refused($server, asks => $_ % 2) } 1 .. CLIENTS;
ok $server->wait_for(sub { lingering($server) == CLIENTS }), 'clients linger';
is descriptors(), $before, 'the program has no more than before';
is scalar(grep { is_reset($_) } @clients), 0, 'all are still there';

done_testing();
