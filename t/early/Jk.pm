package Jk;

=head1 NAME

Jk - configuration for mod_jk in front of a Responder

=head1 SYNOPSIS

    my $server = own_httpd(conf => jk_conf($responder, '/x/*', '/y/*'));

=cut

use strict;
use warnings;

use Exporter qw(import);

use ExpectTest;
use OtherModules;

our @EXPORT = qw(jk_conf);

my $count = 0;

sub jk_conf {
    my($responder, @places) = @_;
    my $logs = conf_var('t_logs') . "/jk-$$-" . ++$count;
    my $port = $responder->port;
    return load('jk') . <<"CONF" . join '', map { "JkMount $_ ajp\n" } @places;
JkWorkerProperty worker.list=ajp
JkWorkerProperty worker.ajp.type=ajp13
JkWorkerProperty worker.ajp.host=127.0.0.1
JkWorkerProperty worker.ajp.port=$port
JkWorkerProperty worker.ajp.retries=1
JkWorkerProperty worker.ajp.recovery_options=7
JkShmFile "$logs.shm"
JkLogFile "$logs.log"
CONF
}

1;
