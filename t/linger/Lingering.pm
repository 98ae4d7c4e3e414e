package Lingering;

=head1 NAME

Lingering - clients that stay when they have been refused

=head1 SYNOPSIS

    use ExpectTest;
    use lib 't/linger';
    use Lingering;

    my $server = linger_httpd(conf => '', vhosts => {
        short => 'ExpectLinger time=3 idle=1' });
    my $c = refused($server, host => 'short', does => 'trickle');
    follow(20, $c);
    print "$c->{status}: $c->{how} after ", $c->{ended} - $c->{answered};

=head1 FUNCTIONS

=over

=item linger_httpd(conf => $text, vhosts => { name => $text }, few => 1)

A private server: content to /witness is refused, /expect-status counts. few:
five workers in one process, or in five under prefork.

=item refused($server, host => $name, path => $path, does => $what, asks => 1)

Connects, sends a head that announces a lot, and reads the whole answer. does:
silent, trickle (a byte now and then) or flood.

=item send_all($client, $bytes)

Sends so many bytes, all of them.

=item follow($seconds, @clients)

Has them do it until each has seen the end of its connection. Of each: status,
begun (before it connected), answered, sent (behind the answer), ended and how,
"reset" or "open".

=item is_reset($client)

Whether the connection is gone.

=item lingering($server), drained($server)

What the server says.

=item ends($server)

Waits for the server itself to end; whether it has.

=item child_pids($server)

Its processes; mod_cgid's is among them. Or those of a process, by its pid.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_ERROR);
use Time::HiRes qw(time);

use ExpectTest;
use StatusTest;

our @EXPORT = qw(linger_httpd refused send_all follow is_reset lingering drained
    ends child_pids);

use constant { TRICKLE => 0.1, PATIENCE => 4 * ExpectTest::WAIT };

my $PIECE = 'x' x 65_536;

sub few_workers {
    return ($ENV{TEST_MPM} // '') eq 'prefork'
        ? "StartServers 5\nMinSpareServers 5\nMaxSpareServers 5\n"
          . "ServerLimit 5\nMaxRequestWorkers 5\n"
        : "ServerLimit 1\nStartServers 1\nThreadsPerChild 5\nThreadLimit 5\n"
          . "MinSpareThreads 1\nMaxSpareThreads 5\nMaxRequestWorkers 5\n";
}

sub linger_httpd {
    my %o = @_;
    my %vhosts = (plain => '', %{ $o{vhosts} // {} });
    return own_httpd(conf => join "\n", COUNTED,
        $o{few} ? few_workers() : (), $o{conf} // '', map {
            "<VirtualHost *>\nServerName $_\n$vhosts{$_}\n</VirtualHost>"
        } 'plain', grep { $_ ne 'plain' } sort keys %vhosts);
}

# --- clients -----------------------------------------------------------------

sub is_reset {
    my($c) = @_;
    my $error = getsockopt $c->{socket}, SOL_SOCKET, SO_ERROR;
    return defined $error && unpack('i', $error) != 0;
}

sub refused {
    my($server, %o) = @_;
    my $c = { does => $o{does} // 'silent', begun => time, sent => 0,
        next => 0, how => 'open', got => '' };
    $c->{socket} = IO::Socket::INET->new(PeerAddr => '127.0.0.1:'
        . $server->port) or die "connect: $!\n";
    syswrite $c->{socket}, join "\r\n",
        'PUT ' . ($o{path} // '/witness/x') . ' HTTP/1.1',
        'Host: ' . ($o{host} // 'plain'),
        $o{chunked} ? 'Transfer-Encoding: chunked'
                    : 'Content-Length: 1099511627776',
        $o{asks} ? 'Expect: 100-continue' : (), '', '';
    local $SIG{ALRM} = sub { die "no answer\n" };
    alarm PATIENCE;
    eval {
        1 while sysread $c->{socket}, $c->{got}, 65_536, length $c->{got};
    };
    alarm 0;
    ($c->{status}) = $c->{got} =~ m{\AHTTP/1\.1 (\d+) };
    $c->{answered} = time;
    $c->{socket}->blocking(0);
    return $c;
}

sub send_all {
    my($c, $bytes) = @_;
    $c->{socket}->blocking(1);
    while ($bytes > 0) {
        my $n = syswrite $c->{socket}, 'x' x $bytes or die "send: $!\n";
        $bytes -= $n;
    }
    $c->{socket}->blocking(0);
}

sub finish {
    my($c) = @_;
    $c->{how} = 'reset';
    $c->{ended} = time;
}

# One step, if there is room to send.
sub step {
    my($c, $has_room) = @_;
    return finish($c) if is_reset($c);
    return if $c->{does} eq 'silent' || !$has_room || time < $c->{next};
    $c->{next} = time + TRICKLE if $c->{does} eq 'trickle';
    my $n = syswrite $c->{socket}, $c->{does} eq 'trickle' ? 'x' : $PIECE;
    $c->{sent} += $n // 0;
    finish($c) if !defined $n && !$!{EAGAIN};
}

sub follow {
    my($seconds, @clients) = @_;
    my $until = time + $seconds;
    local $SIG{PIPE} = 'IGNORE';
    while (time < $until) {
        my @open = grep { !$_->{ended} } @clients or last;
        my @floods = grep { $_->{does} eq 'flood' } @open;
        my $out = '';
        vec($out, fileno $_->{socket}, 1) = 1 for @floods;
        # those that flood are to be served at once
        select undef, $out, undef, 0.02;
        step($_, $_->{does} ne 'flood' || vec $out, fileno $_->{socket}, 1)
            for @open;
    }
    return @clients;
}

# --- what the server says ----------------------------------------------------

sub lingering { return status($_[0])->{lingering} }
sub drained   { return status($_[0])->{bytes_drained} }

sub ends {
    my($server) = @_;
    my $until = time + 2 * PATIENCE;
    while (time < $until) {
        if (waitpid($server->pid, POSIX::WNOHANG()) != 0) {
            delete $server->{pid};
            return 1;
        }
        select undef, undef, undef, 0.02;
    }
    return 0;
}

sub child_pids {
    my($server) = @_;
    my $parent = ref $server ? $server->pid : $server;
    my @pids;
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $fh, '<', $stat or next;
        my($pid, $name, $state, $ppid) = (<$fh> // '')
            =~ /^(\d+) \((.*)\) (\S) (\d+)/s or next;
        push @pids, $pid if $ppid == $parent && $state ne 'Z';
    }
    return @pids;
}

1;
