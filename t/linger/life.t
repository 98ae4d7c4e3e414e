#!/usr/bin/perl
# Processes end while refused connections linger in them, with a time of ten
# minutes: no process waits for them, none crashes, none is left over, and the
# gauge is right. Half of the clients trickle or flood meanwhile.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use lib 't/linger';
use Lingering;

use constant { CLIENTS => 120, PATIENCE => 4 * ExpectTest::WAIT };

my $LONG = 'ExpectLinger time=600 idle=600';
my @does = qw(silent silent trickle flood);

sub clients {
    my($server) = @_;
    my @clients = map { refused($server, does => $does[$_ % @does]) }
        1 .. CLIENTS;
    follow(0.3, @clients);
    return @clients;
}

# Whether all are gone: a silent client learns it when it sends.
sub all_gone {
    my @clients = @_;
    $_->{does} = 'trickle' for @clients;
    follow(PATIENCE, @clients);
    return !grep { !$_->{ended} } @clients;
}

sub serves {
    my($server) = @_;
    return upload(method => 'GET', path => '/static/file.txt',
        vhost => $server, unwitnessed => 1)->{status} == 200;
}

# Killed by us is no crash.
sub crashes { return grep { !/ Killed \(9\)/ } $_[0]->crashes }

sub is_gone { return !kill 0 => $_[0] }

# Gracefully, and not so.
sub restarts {
    my($server, $signal) = @_;
    return $server->graceful if $signal eq 'USR1';
    my $mark = log_mark($server);
    kill $signal => $server->pid;
    return $server->wait_for(sub {
        grep { /resuming normal operations/ } error_log_since($mark)
    }, PATIENCE);
}

{
    my $server = linger_httpd(conf => $LONG);
    my @clients;
    for my $signal ('USR1', restarts_once() ? 'HUP' : ()) {
        @clients = clients($server);
        ok $server->wait_for(sub { lingering($server) == CLIENTS }),
            "restart, $signal: all linger";
        my @before = child_pids($server);
        ok restarts($server, $signal), "restart, $signal";
        ok $server->wait_for(sub { !grep { !is_gone($_) } @before }, PATIENCE),
            "restart, $signal: processes of before do not stay for them";
        ok all_gone(@clients), "restart, $signal: they are gone";
        ok $server->wait_for(sub { lingering($server) == 0 }),
            "restart, $signal: and not counted";
        ok serves($server), "restart, $signal: others are served";
    }

    @clients = clients($server);
    ok $server->wait_for(sub { lingering($server) == CLIENTS }),
        'kill -9: all linger';
    kill KILL => child_pids($server);
    ok all_gone(@clients), 'kill -9: they are gone';
    ok $server->wait_for(sub { serves($server) && lingering($server) == 0 },
        PATIENCE), 'kill -9: and not counted';
    is refused($server)->{status}, 413, 'kill -9: others are refused';
    is join('', crashes($server)), '', 'nothing crashed';
}

for my $how (['graceful-stop', 'WINCH'], ['stop', 'TERM']) {
    my($name, $signal) = @$how;
    my $server = linger_httpd(conf => $LONG);
    my @clients = clients($server);
    ok $server->wait_for(sub { lingering($server) == CLIENTS }),
        "$name: all linger";
    my @before = child_pids($server);
    kill $signal => $server->pid;
    ok ends($server), "$name: the server ends";
    ok !(grep { !is_gone($_) } @before), "$name: so do its processes";
    ok all_gone(@clients), "$name: they are gone";
    is join('', crashes($server)), '', "$name: nothing crashed";
}

# Processes come and go: none may take others' answers with it.
{
    my $server = linger_httpd(conf => "$LONG\nMaxConnectionsPerChild 10\n");
    my(%seen, @clients);
    for (1 .. CLIENTS) {
        push @clients, refused($server);
        $seen{$_} = 1 for child_pids($server);
    }
    is scalar(grep { $_->{status} == 413 && $_->{got} =~ m{</html>} }
        @clients), CLIENTS, 'MaxConnectionsPerChild: all are answered';
    ok serves($server), 'MaxConnectionsPerChild: others are served';
    ok $server->wait_for(sub { grep { is_gone($_) } keys %seen }, PATIENCE),
        'MaxConnectionsPerChild: processes end';
    is join('', crashes($server)), '', 'nothing crashed';
}

done_testing();
