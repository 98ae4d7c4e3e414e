#!/usr/bin/perl
# The sample jail, under a private fail2ban-server: an address is banned by as
# many refusals as the jail says, no other address is, and the ban ends. The
# firewall is a file.

use strict;
use warnings;

use lib 't/operations';
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use Fail2ban;
use File;

use constant PATIENCE => 30;        # seconds for fail2ban to look at the log

my($maxretry) = slurp(samples() . '/fail2ban.jail') =~ /^maxretry = (\d+)$/m;
ok $maxretry, 'the jail has a maxretry';

my $httpd = own_httpd(conf => ADDRESSES . <<'CONF');
<Location /witness>
    ExpectRequire content-length max=10
</Location>
CONF

sub refuse {
    my($address, $times) = @_;
    for (1 .. $times) {
        my $r = upload(vhost => $httpd, path => '/witness/x', content => 11,
            headers => ["X-Forwarded-For: $address"]);
        die "not refused: $r->{status}\n" unless $r->{status} == 413;
    }
}

sub waited {
    my($condition) = @_;
    my $until = time + PATIENCE;
    until ($condition->()) {
        return 0 if time > $until;
        select undef, undef, undef, 0.05;
    }
    return 1;
}

# fail2ban does not ban an address whose refusals are older than that
my $bantime = 15;
my %file = (error => 'error_log', access => 'expect_log');
my %jail = map { $_ => fail2ban($httpd->dir . "/$file{$_}",
        bantime => $bantime,
        $_ eq 'access' ? (filter => "mod_expect[log=$_]") : ()) } keys %file;

sub failed {
    my($jail) = @_;
    my($n) = $jail->status =~ /Total failed:\s*(\d+)/;
    return $n // -1;
}

for my $log (sort keys %jail) {
    ok waited(sub { failed($jail{$log}) >= 0 }), "$log: the jail runs"
        or diag slurp($jail{$log}->dir . '/start_log');
}

my @refused = ('192.0.2.1', '2001:db8::1');
refuse($_, $maxretry - 1) for @refused, '192.0.2.250';
for my $log (sort keys %jail) {
    ok waited(sub { failed($jail{$log}) >= 3 * ($maxretry - 1) }),
        "$log: all refusals are seen" or diag $jail{$log}->status;
    is_deeply [$jail{$log}->bans], [], "$log: not banned yet";
}

refuse($_, 1) for @refused;
for my $log (sort keys %jail) {
    my $all = sub { my $what = shift; [map { "$what $_" } @refused] };
    ok waited(sub { $jail{$log}->bans >= 2 }), "$log: banned"
        or diag $jail{$log}->status;
    is_deeply [sort(($jail{$log}->bans)[0, 1])], $all->('ban'),
        "$log: who was refused once more";
    ok waited(sub { $jail{$log}->bans >= 4 }), "$log: unbanned";
    is_deeply [sort(($jail{$log}->bans)[2, 3])], $all->('unban'),
        "$log: both of them";
    is scalar(() = $jail{$log}->bans), 4, "$log: and nobody else";
}

done_testing();
