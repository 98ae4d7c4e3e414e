package Proxy;

# Stands between clients and a redis-server; Store.pm describes it.

use strict;
use warnings;

use parent 'Child';

use IO::Select ();
use IO::Socket::INET ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time);

use File qw(slurp spew);

my $count = 0;

use constant LATE => 0.6;           # seconds, slow

sub url { return "redis://127.0.0.1:$_[0]{port}/0" }

sub mode {
    my($self, $mode) = @_;
    spew("$self->{file}.new", $mode);
    rename "$self->{file}.new", $self->{file};
    return $self;
}

# One event loop: peers are pairs of sockets, in both directions; late are
# answers that wait for their time.
sub serve {
    my($listener, $file, $port) = @_;
    my $select = IO::Select->new($listener);
    my(%peer, %is_server, @late);
    my $close = sub {
        my($socket) = @_;
        for (grep { $_ } $socket, delete $peer{$socket}) {
            $select->remove($_);
            delete $peer{$_};
            delete $is_server{$_};
            close $_;
        }
    };
    while (1) {
        my @ready = $select->can_read(0.005);
        my $mode = slurp($file);
        while (@late && $late[0][0] <= time) {
            my(undef, $to, $bytes) = @{ shift @late };
            syswrite $to, $bytes if $to->opened;
        }
        for my $socket (@ready) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;
                my $server = IO::Socket::INET->new(
                    PeerAddr => "127.0.0.1:$port") or close($client), next;
                @peer{$client, $server} = ($server, $client);
                $is_server{$server} = 1;
                $select->add($client, $server);
                next;
            }
            my $to = $peer{$socket} or next;
            next if $mode eq 'hold' && !$is_server{$socket};
            if (!sysread $socket, my $bytes, 65_536) { $close->($socket) }
            elsif (!$is_server{$socket} || $mode !~ /^(?:slow|reset)$/) {
                syswrite $to, $bytes;
            }
            elsif ($mode eq 'slow') { push @late, [time + LATE, $to, $bytes] }
            else {
                setsockopt $to, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
                $close->($socket);
            }
        }
    }
}

sub new {
    my($class, $redis) = @_;
    my $file = $redis->dir . '/proxy-' . ++$count;
    spew($file, 'pass');
    my $port = $redis->port;
    return $class->server('proxy', sub {
        $SIG{PIPE} = 'IGNORE';
        serve($_[0], $file, $port);
    }, 600)->with(file => $file);
}

sub with {
    my($self, %more) = @_;
    @$self{keys %more} = values %more;
    return $self;
}

1;
