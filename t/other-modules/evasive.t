#!/usr/bin/perl
# mod_evasive counts requests in access control. mod_expect's early lookup of
# the target must not count a second time.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

use constant PAGE_COUNT => 3;

write_htaccess('tenant/evasive-yes', if_expect(
    "ExpectRequire content-length max=10\nExpectRequire handler\n"));
# Where `auth` is a rule, mod_evasive's verdict is ours, too.
write_htaccess('tenant/evasive-auth', if_expect(
    "ExpectRequire auth\n"));

sub conf {
    my($logs) = conf_var('t_logs');
    return load('evasive20') . one_process() . <<"CONF";
DOSHashTableSize 97
DOSPageCount @{[PAGE_COUNT]}
DOSPageInterval 600
DOSSiteCount 1000
DOSSiteInterval 600
DOSBlockingPeriod 600
DOSLogDir "$logs"
CONF
}

# It shuts out an address for good, so each series has a server of its own.
sub series {
    my($where, $path, $count, %o) = @_;
    return join ' ', map { upload(vhost => $where, path => $path, %o)
        ->{status} } 1 .. $count;
}

my @kinds = (
    ['asked',        'evasive-yes',  { content => 5, asks => 1 }],
    ['not asked',    'evasive-yes',  { content => 5, eager => 1 }],
    ['asked, auth',  'evasive-auth', { content => 5, asks => 1 }],
);
push @kinds, ['HTTP/2, asked', 'evasive-yes',
    { content => 5, asks => 1, h2 => 1 }] if has_h2();

for (@kinds) {
    my($name, $place, $o) = @$_;
    my @server = (h2_httpd(conf()), h2_stock(conf()));
    my @got = map { series($_, "/tenant/$place/x", PAGE_COUNT + 3, %$o) }
        @server;
    like $got[1], qr/^(?:200 ){2,4}403/, "$name: stock httpd ends it";
    $got[1] =~ s/403/417/g if $name =~ /auth/;
    is $got[0], $got[1], "$name: counted as by stock httpd";

    # A client that mod_evasive blocks gets nothing from mod_expect either.
    my $r = upload(vhost => $server[0], path => "/tenant/$place/x", asks => 1,
        content => 5);
    is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
        [$name =~ /auth/ ? 417 : 403, [], 0, 0],
        "$name: shut out, no 100, no content";
}

# Refused before access is checked: its own status, however often.
{
    my $server = h2_httpd(conf());
    my $path = '/tenant/evasive-yes/refused';
    is series($server, $path, PAGE_COUNT + 3, content => 11, asks => 1),
        join(' ', (417) x (PAGE_COUNT + 3)), 'refused: not counted';
    is series($server, $path, 1, method => 'GET'), 200,
        'refused: the client may come again';
}

done_testing();
