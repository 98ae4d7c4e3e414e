#!/usr/bin/perl
# mod_qos: its own limit keeps its status, and the slots that it counts are
# free again after an early refusal.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

write_htaccess('tenant/qos',
    if_expect("ExpectRequire content-length max=500\n"));
write_htaccess('tenant/qos-open', '');
write_htaccess('tenant/qos-handler', if_expect("ExpectRequire handler "
    . "cgi-script\n"));
write_htaccess('tenant/qos-slot', if_expect("ExpectRequire content-length "
    . "max=500\nExpectRequire auth\n"));

sub conf {
    my $logs = conf_var('t_logs');
    return load("qos") . <<"CONF";
QS_SemMemFile "$logs"
QS_LimitRequestBody 1000
QS_LocRequestLimitMatch "^/tenant/qos-(?:slot|handler)/.*\$" 1
QS_ErrorResponseCode 503
CONF
}

my $server = h2_httpd(conf());
my $stock  = h2_stock(conf());

refused_on('over our max', $server, { path => '/tenant/qos/x',
        content => 501 }, status => 413, asked_status => 417);
refused_on('over both', $server, { path => '/tenant/qos/x',
        content => 2000 }, status => 413, asked_status => 417);
admitted_on('under both', $server, { path => '/tenant/qos/x',
        content => 500 }, status => 200);
for ([$server, 'here'], [$stock, 'stock']) {
    my($where, $name) = @$_;
    my $r = upload(vhost => $where, path => '/tenant/qos-open/x', asks => 1,
        content => 2000);
    is_deeply [@$r{qw(status interim sent)}], [413, [], 0],
        "mod_qos' own limit, $name";
    isnt $r->{witness}{verdict}, 'refuse',
        "mod_qos' own limit, $name: not ours";
}

# A location with one slot: after each refusal it is free again.
for my $place ('qos-slot', 'qos-handler') {
    for my $asks (1, 0) {
        for my $h2 (0, has_h2() ? 1 : ()) {
            my @got = map { upload(vhost => $server, asks => $asks, h2 => $h2,
                path => "/tenant/$place/x", content => 501)->{status} } 1 .. 5;
            my $own = $place =~ /slot/ ? 413 : 405;
            is "@got", join(' ', ($asks ? 417 : $own) x 5),
                "$place, asks $asks, h2 $h2: refused";
            is upload(vhost => $server, path => "/tenant/$place/x",
                method => 'GET')->{status}, 200,
                "$place, asks $asks, h2 $h2: the slot is free";
        }
    }
}
# It is a slot: while one client holds it no other is served.
{
    my $r;
    my $wire = ExpectTest::open_wire($server);
    ExpectTest::send_bytes($wire, "PUT /tenant/qos-slot/x HTTP/1.1\r\n"
        . "Host: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"
        . "\r\n");
    ok ExpectTest::read_until($wire, 5, sub { $wire->{bytes} =~ / 100 / }),
        'an admitted upload is under way';
    $r = upload(vhost => $server, path => '/tenant/qos-slot/x', content => 5,
        asks => 1);
    is $r->{status}, 503, 'the slot is taken';
    is_deeply [@$r{qw(interim sent)}], [[], 0], 'the slot is taken: no 100';
    $r = upload(vhost => $server, path => '/tenant/qos-slot/x', asks => 1,
        content => 501);
    is $r->{status}, 417, 'the slot is taken: our refusal needs none';
    ExpectTest::send_bytes($wire, 'hello');
    ok ExpectTest::read_until($wire, 5, sub { $wire->{bytes} =~ /read=5/ }),
        'the first one ends well';
}

done_testing();
