#!/usr/bin/perl
# ExpectExplain, where a module needs a running server and its process
# crashes: the answer has all that was known before. The module is one in
# Perl, by mod_perl.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $modules = module_dir();

# A module that needs what is not there may take its process with it.
sub crash {
    my($when, $code) = @_;
    return <<"CONF";
LoadModule perl_module "$modules/mod_perl.so"
<Perl>
use Apache2::RequestRec ();
use Apache2::RequestIO ();
</Perl>
<Location /witness>
    SetHandler witness
    ExpectRequire content-length max=10
    ExpectRequire handler
    AuthType Basic
    Require all granted
    $when 'sub { $code; return -1 }'
</Location>
CONF
}

for (['PerlAccessHandler', 'access control'],
     ['PerlTypeHandler', 'the choice of type and handler'],
     ['PerlFixupHandler', 'the fixups']) {
    my($hook, $phase) = @$_;
    my($open, $refused) = explained(crash($hook, 'kill KILL => $$'),
        '/witness/x PUT length=9', '/witness/x PUT length=11');
    like $open, qr/^  asks: not decided\n  does not ask: not decided$/m,
        "$hook: open";
    like $open, qr/^\ {4}not\ known:\ the\ result\ of\ \Q$phase\E\ and\ of\ all
        \ that\ follows;\ a\ module\ that\ needs\ a\ running\ server
        \ crashed\ there$/mx,
        "$hook: says where";
    like $open, qr/max=10 .*\n +granted, saw 9$/m, "$hook: what the head said";
    like $refused, qr/^  asks: refused 417: .*\n  does not ask: refused 413: /m,
        "$hook: what does not come so far is known";
    unlike $refused, qr/not known/, "$hook: and for sure";
}
{
    my $answer = join '', explained(
        "LoadModule perl_module \"$modules/mod_perl.so\"\n"
        . "<Perl>\n1;\n</Perl>\nPerlTransHandler 'sub { kill KILL => \$\$ }'\n",
        '/x PUT length=9', '/y PUT length=9');
    is(() = $answer =~ /^ExpectExplain\ .*\n\ \ not\ known:\ a\ module\ that
        \ needs\ a\ running\ server\ crashed\ before\ the\ section\ was
        \ determined$/mgx,
        2, 'crashed before the section is known');
}

# Nor is a provider asked that would not have been.
{
    my $answer = join '', explained(<<"CONF", '/witness/x PUT length=9');
LoadModule perl_module "$modules/mod_perl.so"
<Perl>
sub Expect::TestCrash::check { kill KILL => \$\$ }
</Perl>
PerlAddAuthzProvider crash Expect::TestCrash::check
<Location /witness>
    ExpectRequire env NONE
    ExpectRequire crash
</Location>
CONF
    like $answer, qr/^\ \ asks:\ refused\ 417:\ the\ rule\ env\ is\ not\ met\n
        \ \ does\ not\ ask:\ refused\ 403:\ the\ rule\ env\ is\ not\ met$/mx,
        'the certain part is printed';
    like $answer, qr/^\ +crash\ +env\/user\ .*\n\ +not\ evaluated:\ the\ result
        \ was\ already\ certain$/mx,
        'and there is no other answer';
}

# A module that has answered by itself: no handler gets it.
{
    my $answer = join '', explained(crash('PerlFixupHandler', 'return -2'),
        '/witness/x PUT length=9');
    like $answer, qr/^  asks: httpd answers the request itself$/m,
        'answered before the handler' or diag $answer;
}

# Content that somebody reads before the handler is not there to be read.
{
    my $answer = join '', explained(crash('PerlFixupHandler',
        'my $b; $_[0]->read($b, 10)'), '/witness/x PUT length=9');
    like $answer, qr/^  asks: admitted; goes to witness$/m, 'read early';
    like $answer, qr/^\ {4}not\ known:\ the\ effect\ of\ a\ module\ that\ reads
        \ the\ content\ before\ the\ handler;\ there\ is\ none\ here$/mx,
        'and what comes of it is not known';
}

done_testing();
