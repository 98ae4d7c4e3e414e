#!/usr/bin/perl
# Origins, SCGI and AJP back ends that answer before they have read all
# content, and then close the connection or keep it.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use OtherModules;
use RawOrigin;
use Responder;

my %backend = (http => RawOrigin->start,
    map { $_ => Responder->start($_) } qw(scgi ajp));
my $conf = load(qw(proxy_scgi proxy_ajp)) . one_process();
my $retry = no_retry();
for (sort keys %backend) {
    my $url = "$_://127.0.0.1:" . $backend{$_}->port;
    $conf .= "<Proxy \"$url/\">\nProxySet $retry\n</Proxy>\n"
        . "ProxyPassMatch \"^/\\w+/$_/([\\w/]+)\$\" \"$url/\$1\"\n";
}

my $server = early_httpd($conf);
early_ok("an origin, $_", $server, "http/$_/x")
    for qw(continue keep close early naive);
# These have httpd wait for 100 Continue, and the client for httpd.
early_ok("an origin, $_", $server, "http/$_/x", asks => [0])
    for qw(silent http10);
for my $protocol (qw(scgi ajp)) {
    early_ok("$protocol, $_", $server, "$protocol/x/$_",
        breaks => $_ eq 'closes') for qw(stays closes reads);
    # httpd sends no 100 Continue once it has begun to answer.
    early_ok("$protocol, $_", $server, "$protocol/x/$_", breaks => 1,
        asks => [0]) for qw(breaks begins);
}
early_log_ok($server);

done_testing();
