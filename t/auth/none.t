#!/usr/bin/perl
# Access control needs a user, but no authentication is configured: httpd
# answers 500, as it does without mod_expect, and the content is not read. The
# second half is about `not auth`.

use strict;
use warnings;

use Test::More;
use ExpectTest;

write_htaccess('tenant/none', "Require valid-user\nExpectRequire auth\n");
for my $asks (1, 0) {
    my $client  = $asks ? 'asked' : 'not asked';
    my $mark = log_mark();
    my $r = upload(path => '/tenant/none/x', content => 5, asks => $asks);
    is $r->{status}, 500, "no AuthType, $client: status";
    is_deeply $r->{interim}, [], "no AuthType, $client: no interim response";
    is $r->{witness}{read}, 0, "no AuthType, $client: content unread";
    is scalar(grep { /\[expect:error\].*Require\ needs\ a\ user,\ but\ no
        \ authentication\ is/x }
        error_log_since($mark)), 1, "no AuthType, $client: one line";
}

write_htaccess('tenant/none/closed', <<'RULES');
Require all denied
ExpectRequire not auth
RULES
# What access control denies is denied, whatever a rule makes of it; with an
# auth rule there, in the status of refusals.
for my $asks (1, 0) {
    my $r = upload(path => '/tenant/none/closed/x', content => 5,
        asks => $asks);
    is $r->{status}, $asks ? 417 : 403, "not auth, closed, asks $asks";
    is $r->{witness}{read}, 0, "not auth, closed, asks $asks: unread";
}
write_htaccess('tenant/none/open', <<'RULES');
Require all granted
ExpectRequire not auth
RULES
refused_ok('not auth, open', { path => '/tenant/none/open/x', content => 5 },
    status => 403, asked_status => 417, rule => 'auth',
    like => qr/^auth: access control admits the request, which is not acc/);

done_testing();
