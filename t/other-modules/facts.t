#!/usr/bin/perl
# As t/auth/facts.t, for third-party modules that read: mod_perl's handlers in
# each hook, and mod_security2, which reads content after access control. What
# they set counts when they are done, and not when they begin to read.

use strict;
use warnings;

use lib 't/auth', 't/other-modules';
use Test::More;
use ExpectTest;
use Facts;
use OtherModules;

my %directives = (access => 'Access', authen => 'Authen', authz => 'Authz',
    type => 'Type', fixup => 'Fixup');
my %hooks = map { my $hook = $_; ($hook => sub {
    my $package = join '', map { ucfirst } split /-/, $_[0];
    return "Perl$directives{$hook}Handler Expect::$package\n";
}) } keys %directives;

my $server = h2_httpd(load('perl') . <<'CONF' . facts_conf(\%hooks));
<Perl>
package Expect::Facts;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
use Apache2::Access ();
use APR::Table ();
use Apache2::Const -compile => qw(OK DECLINED FORBIDDEN);

sub get {
    my($r) = @_;
    eval { 1 while $r->read(my $buffer, 8000) };
}

sub set {
    my($r) = @_;
    $r->subprocess_env->set(FACT => 'yes');
    $r->notes->set(fact => 'yes');
    return Apache2::Const::DECLINED unless $r->auth_type
        && $r->auth_type eq 'Other';
    return Apache2::Const::OK if defined $r->user;
    $r->user('alice');
    return Apache2::Const::OK;
}
$INC{'Expect/Facts.pm'} = 1;

sub Expect::Set::handler { return Expect::Facts::set(@_) }
sub Expect::ReadSet::handler {
    Expect::Facts::get(@_);
    return Expect::Facts::set(@_);
}
sub Expect::Deny::handler { return Apache2::Const::FORBIDDEN }
sub Expect::ReadDeny::handler {
    Expect::Facts::get(@_);
    return Apache2::Const::FORBIDDEN;
}
$INC{"Expect/$_.pm"} = 1 for qw(Set ReadSet Deny ReadDeny);
1;
</Perl>
CONF
facts_ok($server, \%hooks, chunked => 1);

# mod_security2 sets a variable in phase 2, when it has the content: that is
# behind the rules, whether it reads or not, and whether the client asks or not.
my $rules = join '', map { my $body = $_; map { <<"CONF" }
<Location /witness/$body-$_>
    SecRuleEngine On
    SecRequestBodyAccess $body
    SecAction "id:900001,phase:2,pass,nolog,setenv:FACT=yes"
    ExpectRequire $_ FACT
</Location>
CONF
    ('env', 'not env') } 'On', 'Off';
$rules =~ s{(<Location /witness/\w+-)not env}{$1not}g;
my $modsec = h2_httpd(load('unique_id', 'security2') . $rules);
for my $reads ('On', 'Off') {
    for my $chunked (0, 1) {
        refused_on("mod_security2, $reads, env, chunked $chunked", $modsec,
            { path => "/witness/$reads-env/x", content => 50,
                chunked => $chunked }, status => 403, asked_status => 417,
            rule => 'env');
        admitted_on("mod_security2, $reads, not env, chunked $chunked",
            $modsec, { path => "/witness/$reads-not/x", content => 50,
                chunked => $chunked }, status => 200);
    }
}

is join('', map { $_->crashes } $server, $modsec), '', 'no child has crashed';

done_testing();
