package Tls;

=head1 NAME

Tls - a socket to a server that speaks TLS

=head1 SYNOPSIS

    use Tls;

    my $bytes = over_tls($port, 'http/1.1', sub {
        my($socket) = @_;
        syswrite $socket, "GET / HTTP/1.1\r\n...";
        ...
    });

=head1 FUNCTIONS

=over

=item over_tls($port, $protocol, $do, @options)

Calls a function with a socket behind which openssl s_client speaks TLS, with
this ALPN protocol and more of its options; returns what the function does. It
is all over in 10 seconds.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use IO::Handle ();
use IO::Socket ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);

our @EXPORT = qw(over_tls);

sub over_tls {
    my($port, $protocol, $do, @options) = @_;
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!\n";
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        close $ours;
        open STDIN,  '<&', $theirs or die "stdin: $!\n";
        open STDOUT, '>&', $theirs or die "stdout: $!\n";
        open STDERR, '>', '/dev/null';
        exec qw(openssl s_client -quiet -no_ign_eof -alpn), $protocol,
            '-connect', "127.0.0.1:$port", @options;
        die "openssl: $!\n";
    }
    close $theirs;
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { kill KILL => $pid };
    alarm 10;
    my $result = $do->($ours);
    close $ours;
    waitpid $pid, 0;
    alarm 0;
    return $result;
}

1;
