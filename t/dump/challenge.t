#!/usr/bin/perl
# httpd -t -D DUMP_EXPECT warns where ExpectStatus specific would answer 401
# for the rule auth without a challenge, because no AuthType is in force.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $root = conf_var('documentroot') . '/challenge';
my $LOGIN = "AuthType Basic\nAuthName x\nAuthBasicProvider witness";
my $RULES = "ExpectStatus specific\nExpectRequire auth";

sub directory { return join "\n", "<Directory \"$root/$_[0]\">", @_[1 .. $#_],
    '</Directory>', '' }

# The sections that are warned of, by the name that they begin with.
sub warned_of {
    my($name, $conf) = @_;
    my($exit, $out) = config_error($conf, '-D', 'DUMP_EXPECT');
    is $exit, 0, "$name: httpd -t takes it" or diag $out;
    my($section, @found);
    for (split /\n/, $out) {
        $section = $1 if /^  (\S.*?)(?:, joined.*)?: engine/;
        push @found, $section
            if /^\ {4}warning:\ auth\ \(\S+:\d+\):\ ExpectStatus\ is
                \ specific,\ but\ no/x;
    }
    s{\Q$root\E/}{}, s{/>}{>} for @found;
    return \@found;
}

# what it shows, configuration, sections that are warned of
for (
    ['no AuthType', directory('a', $RULES), '<Directory a>'],
    ['an AuthType', directory('a', $RULES, $LOGIN)],
    ['an outer one', directory('', $LOGIN) . directory('a', $RULES)],
    ['an inner one', directory('a', $RULES) . directory('a/b', $LOGIN,
        'ExpectRequire method PUT'), '<Directory a>'],
    ['one beside', directory('b', $LOGIN) . directory('a', $RULES),
        '<Directory a>'],
    ['AuthType None', directory('', $LOGIN) . directory('a', $RULES,
        'AuthType None'), '<Directory a>'],
    ['an expression', directory('a', $RULES, $LOGIN =~
        s/Basic/%{REMOTE_PORT}%{HTTPS}%{HTTP:X-A}/r)],
    ['.htaccess may', directory('a', 'AllowOverride AuthConfig', $RULES)],
    ['.htaccess may not', directory('a', 'AllowOverride FileInfo', $RULES),
        '<Directory a>'],
    ['status 417', directory('a', 'ExpectRequire auth')],
    ['417 within', directory('a', $RULES) . directory('a/b', 'ExpectStatus 417',
        'ExpectRequire method PUT'), '<Directory a>'],
    ['only watched', directory('a', $RULES, 'ExpectEngine DetectionOnly')],
    ['off', directory('a', $RULES, 'ExpectEngine Off')],
    ['no auth', directory('a', 'ExpectStatus specific',
        'ExpectRequire user bob')],
    ['not auth', directory('a', 'ExpectStatus specific',
        'ExpectRequire not auth')],
    ['among others', directory('a', 'ExpectStatus specific',
        '<ExpectRequireAny>', 'ExpectRequire auth',
        'ExpectRequire content-length max=1', '</ExpectRequireAny>'),
        '<Directory a>'],
    ['Files', directory('a', '<Files x>', $RULES, '</Files>'),
        '<Directory a> <Files x>'],
    ['Files with one', directory('a', '<Files x>', $RULES, $LOGIN, '</Files>')],
    ['Files of a folder with one', directory('a', $LOGIN, '<Files x>', $RULES,
        '</Files>')],
    ['a Location with one', directory('a', $RULES) . "<Location /a>\n"
        . "$LOGIN\n</Location>\n"],
    ['everywhere', "$RULES\n", 'everywhere'],
    ['everywhere, with one somewhere', "$RULES\n" . directory('a', $LOGIN)],
    ['Location', "<Location /x>\n$RULES\n</Location>\n", '<Location /x>'],
    ['Location with one', "<Location /x>\n$RULES\n$LOGIN\n</Location>\n"],
    ['Location, and a folder with one', "<Location /x>\n$RULES\n</Location>\n"
        . directory('a', $LOGIN)],
    ['a virtual host, the main server\'s', directory('a', $LOGIN)
        . "<VirtualHost 127.0.0.1:1>\n" . directory('a', $RULES)
        . "</VirtualHost>\n"],
    ['a virtual host with one', directory('a', $RULES)
        . "<VirtualHost 127.0.0.1:1>\n" . directory('a', $LOGIN)
        . "</VirtualHost>\n", '<Directory a>'],
) {
    my($name, $conf, @sections) = @$_;
    is_deeply warned_of($name, $conf), \@sections, $name;
}

done_testing();
