#!/usr/bin/perl
# Patterns that backtrack until the regex engine gives up: one of them costs a
# fifth of a second, and a tenant can write hundreds. After the first of a
# request the others are not tried, wherever they stand, and count as if the
# engine had given up on them.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $ALTERNATIVES = 500;
# with what each pattern ends in, or it is not even begun
my $VALUE = 'X-A: ' . 'a' x 60 . '!0123456789';
sub alternatives {
    my($kind, $rule) = @_;
    return ("<${kind}Any>", (map { my $i = $_; "$kind " . $rule =~ s/N/$i/r }
        1 .. $ALTERNATIVES), "</${kind}Any>");
}

# An answer within the time that a test waits (tens of seconds are needed to try
# them all), and which.
sub answer_is {
    my($name, $path, $status, %o) = @_;
    my $r = upload(path => $path, content => 5, asks => 1,
        headers => [$VALUE], %o);
    is $r->{status}, $status, $name;
    is $r->{witness}{read}, 0, "$name: unread" if $status != 200;
}

answer_is('header', section(alternatives('ExpectRequire',
    'header X-A ^(a+)+N$')), 417);
answer_is('Require', section(alternatives('Require', 'header X-A ^(a+)+N$')),
    403);
answer_is('both', section(alternatives('ExpectRequire', 'header X-A ^(a+)+N$'),
    'ExpectRequire auth', alternatives('Require', 'header X-A ^(a+)+N$')),
    417);
answer_is('expr', section(alternatives('ExpectRequire',
    'expr "%{HTTP:X-A} =~ /^(a+)+N$/"')), 417);
# Almost giving up, again and again, costs as much.
answer_is('none gives up', section(alternatives('ExpectRequire',
    'header X-A ^(a+)+N$')), 417,
    headers => ['X-A: ' . 'a' x 20 . '!0123456789']);

# What is not tried has given up: `not` and None make no grant of it, and what
# needs no pattern holds as before.
for (['not',  'ExpectRequire header X-A ^(a+)+9$',
    'ExpectRequire not header X-B y'],
     ['None', '<ExpectRequireNone>', 'ExpectRequire header X-A ^(a+)+9$',
         'ExpectRequire header X-B y', '</ExpectRequireNone>'],
     ['Any of not', '<ExpectRequireAny>', 'ExpectRequire header X-A ^(a+)+9$',
         'ExpectRequire not header X-B y', '</ExpectRequireAny>'],
     ['Any of expr', '<ExpectRequireAny>', 'ExpectRequire header X-A ^(a+)+9$',
         'ExpectRequire expr true', '</ExpectRequireAny>'])
{
    my($name, @rules) = @$_;
    answer_is("$name: refused", section(@rules), 417,
        headers => [$VALUE, 'X-B: z']);
}
answer_is('no pattern: admitted', section('<ExpectRequireAny>',
    'ExpectRequire header X-A ^(a+)+9$', 'ExpectRequire header X-B',
    '</ExpectRequireAny>'), 200, headers => [$VALUE, 'X-B: z']);
answer_is('before it: admitted', section('<ExpectRequireAny>',
    'ExpectRequire header X-B z', 'ExpectRequire header X-A ^(a+)+9$',
    '</ExpectRequireAny>'), 200, headers => [$VALUE, 'X-B: z']);

# It is one request's matter: on the same connection the next one is judged
# afresh.
{
    my $path = section('<ExpectRequireAny>',
        'ExpectRequire header X-A ^(a+)+9$', 'ExpectRequire header X-B ^z$',
        'ExpectRequire header X-C', '</ExpectRequireAny>');
    my $put = "PUT $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Length: 3\r\n";
    my $t = talk('main', "$put$VALUE\r\nX-C: 1\r\n\r\nabc",
        qr/ 200 .*?\r\n\r\n/s, "${put}X-A: a!9\r\nX-B: z\r\n"
            . "Connection: close\r\n\r\nabc", qr/ 200 /, 'eof');
    is $t->{missed}, undef, 'two requests on one connection'
        or diag $t->{bytes};
}

done_testing();
