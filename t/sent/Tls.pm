package Tls;

=head1 NAME

Tls - a private server that speaks TLS as well, and a client for it

=head1 SYNOPSIS

    use lib 't/sent', 't/other-modules';
    use Tls;

    my($server, $port) = tls_httpd($conf);
    my $bytes = talk_tls($port, ['-tls1_2'], "GET / ...", qr/ 200 /, ...);

=head1 FUNCTIONS

=over

=item tls_httpd($conf)

A h2_httpd() and a port of it where the same is served over TLS.

=item talk_tls($port, \@options, @steps)

Sends texts and waits for patterns, each behind the one before, by openssl
s_client with these options; then reads until the server ends the connection.
Returns what came, and the first pattern that did not come, or undef.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);

use ExpectTest;
use OtherModules;

our @EXPORT = qw(tls_httpd talk_tls);

use constant WAIT => 2 * ExpectTest::WAIT;

my $NEVER = qr/(?!)/;

sub tls_httpd {
    my($conf) = @_;
    my $port = ExpectTest::Server::free_port();
    my $keys = conf_var('t_conf');
    my $logs = conf_var('t_logs');
    return (h2_httpd(<<"CONF"), $port);
Listen 127.0.0.1:$port
SSLSessionCache "shmcb:$logs/ssl_cache-$port(64000)"
$conf
<VirtualHost 127.0.0.1:$port>
    SSLEngine on
    SSLCertificateFile "$keys/tls.crt"
    SSLCertificateKeyFile "$keys/tls.key"
    SSLCACertificateFile "$keys/tls.crt"
</VirtualHost>
CONF
}

sub become_client {
    my($socket, $port, @options) = @_;
    open STDIN,  '<&', $socket or die "stdin: $!\n";
    open STDOUT, '>&', $socket or die "stdout: $!\n";
    open STDERR, '>', '/dev/null';
    # -quiet: what begins a read with k or Q is no command
    exec qw(openssl s_client -quiet -alpn http/1.1 -connect),
        "127.0.0.1:$port", @options;
    die "openssl: $!\n";
}

sub talk_tls {
    my($port, $options, @steps) = @_;
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!\n";
    defined(my $pid = fork) or die "fork: $!\n";
    become_client($theirs, $port, @$options) if !$pid;
    close $theirs;
    local $SIG{PIPE} = 'IGNORE';
    local $SIG{ALRM} = sub { kill KILL => $pid };
    alarm WAIT;
    my($bytes, $from, $missed) = ('', 0);
    STEP: for my $step (@steps, $NEVER) {
        syswrite($ours, $step), next unless ref $step;
        while (1) {
            $from += $+[0], next STEP if substr($bytes, $from) =~ $step;
            last if !sysread $ours, $bytes, 65_536, length $bytes;
        }
        $missed = $step if $step ne $NEVER;
        last;
    }
    close $ours;
    kill KILL => $pid;
    waitpid $pid, 0;
    alarm 0;
    return ($bytes, $missed);
}

1;
