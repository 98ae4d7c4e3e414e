#!/usr/bin/perl
# <Limit> and <LimitExcept> around httpd's own access control, with the rule
# auth: it refuses for the methods that need a login, and for no others.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $login = "AuthType Basic\nAuthName limit\nAuthBasicProvider witness\n";
my @alice = (basic_auth('alice'));
my $server = h2_httpd('');

write_htaccess('tenant/limit-limit', "$login<Limit PUT>\n"
    . "Require valid-user\n</Limit>\nExpectRequire auth\n");
write_htaccess('tenant/limit-except', "$login<LimitExcept GET POST>\n"
    . "Require valid-user\n</LimitExcept>\nExpectRequire auth\n");
write_htaccess('tenant/limit-denied', "<Limit PUT DELETE>\nRequire all denied\n"
    . "</Limit>\n<LimitExcept PUT>\nExpectRequire content-length max=10\n"
    . "</LimitExcept>\nExpectRequire auth\n");

# where, method, login; the refusal's own status, or 0
for (['limit', 'PUT', 0, 401], ['limit', 'PUT', 1, 0], ['limit', 'POST', 0, 0],
     ['limit', 'PATCH', 0, 0],
     ['except', 'PUT', 0, 401], ['except', 'PUT', 1, 0],
     ['except', 'POST', 0, 0], ['except', 'PATCH', 0, 401],
     ['denied', 'PUT', 0, 403], ['denied', 'POST', 0, 413],
     ['denied', 'DELETE', 0, 413]) {
    my($where, $method, $knows, $status) = @$_;
    my $name = "$where, $method" . ($knows ? ', logged in' : '');
    my %o = (path => "/tenant/limit-$where/x", method => $method,
        content => 11, headers => [$knows ? @alice : ()]);
    if ($status) {
        refused_on($name, $server, \%o, status => $status,
            asked_status => 417);
    }
    else {
        admitted_on($name, $server, \%o, status => 200);
    }
}

done_testing();
