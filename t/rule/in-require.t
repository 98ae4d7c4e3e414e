#!/usr/bin/perl
# mod_expect's rules in httpd's own Require grant, deny with 403, and are
# neutral for requests without content.

use strict;
use warnings;

use Test::More;
use ExpectTest;

# A place with this access control. The result for an upload, for clients that
# ask and clients that do not. mod_expect has no rules there: no verdict of
# its own, and httpd's way to refuse.
sub says {
    my($name, $path, $status, %upload) = @_;
    for my $asks (1, 0) {
        for my $h2 (0, has_h2() ? 1 : ()) {
            my $r = upload(path => $path, content => 5, asks => $asks,
                eager => !$asks, h2 => $h2, %upload);
            my $continues = $asks && $status == 200 ? [100] : [];
            is_deeply [@$r{qw(status interim)}, $r->{witness}{verdict}],
                [$status, $continues, '-'],
                join ', ', $name, $asks ? 'asked' : 'not asked',
                    $h2 ? 'HTTP/2' : () or diag explain $r;
        }
    }
}

# the rule; an upload that it grants, one that it denies
my $png  = { headers => ['Content-Type: image/png'] };
my $text = { headers => ['Content-Type: text/plain'] };
my @rules = (
    ['content-length max=5', { content => 5 }, { content => 6 }],
    ['content-length min=5', { content => 5 }, { content => 4 }],
    ['content-length known', {}, { chunked => 1 }],
    ['content-type image/*', $png, $text],
    ['content-type "image/png" image/gif', $png, $text],
    ['content-type image/*', { headers => ['Content-Type: IMAGE/gif;x=y'] },
        { headers => ['Content-Type: image/png, image/png'] }],
    ['content-encoding gzip', { headers => ['Content-Encoding: x-gzip'] }, {}],
    ['content-encoding identity', {},
        { headers => ['Content-Encoding: gzip'] }],
    ['header X-A ^1$', { headers => ['X-A: 1'] }, { headers => ['X-A: 2'] }],
    ['header X-A "^a b$"', { headers => ['X-A: a b'] }, {}],
    ['header If-Match', { headers => ['If-Match: *'] }, {}],
    ['precondition', { headers => ['If-None-Match: *'] },
        { headers => ['If-Match: *'] }],
);

for (@rules) {
    my($rule, $good, $bad) = @$_;
    my $path = section("Require $rule");
    says("Require $rule: grants", $path, 200, %$good);
    says("Require $rule: denies", $path, 403, %$bad);
}
says('Require free-space 1: grants', section('Require free-space 1'), 200);
says('Require free-space 8388607T: denies',
    section('Require free-space 8388607T'), 403);

# DirectoryIndex asks by a subrequest, which has no content: what counts is the
# upload that will be handed to the file.
for my $rule ('content-type image/*', 'content-length max=5') {
    my $dir = section();
    $dir =~ s/x$//;
    write_htaccess($dir, "DirectoryIndex index.x\n<Files index.x>\n"
        . "SetHandler witness\nRequire $rule\n</Files>\n");
    my $file = conf_var('documentroot') . "${dir}index.x";
    open my $fh, '>', $file or die "$file: $!\n";
    close $fh;
    for my $path ($dir, "${dir}index.x") {
        says("$path, Require $rule: grants", $path, 200, method => 'POST',
            %$png);
        says("$path, Require $rule: denies", $path, 403, method => 'POST',
            content => 'longer', %$text);
    }
}

# not, and the containers.
{
    my $path = section('<RequireAll>', 'Require all granted',
        'Require not content-type text/html', '</RequireAll>');
    says('Require not: grants', $path, 200, %$png);
    says('Require not: denies', $path, 403,
        headers => ['Content-Type: text/html']);

    $path = section('<RequireAny>', 'Require content-type image/*',
        'Require header X-A', '</RequireAny>');
    says('RequireAny: the first', $path, 200, %$png);
    says('RequireAny: the second', $path, 200, headers => ['X-A: 1']);
    says('RequireAny: neither', $path, 403, %$text);
}

# A rule that cannot be evaluated is no grant, with or without `not`.
for (['content-type text/html', headers => ['Content-Type: text html']],
     ['content-encoding gzip', headers => ['Content-Encoding: gz ip']],
     ['content-encoding gzip', headers => ['Content-Encoding: gzip, br']],
     ['content-length max=5', chunked => 1],
     ['content-length min=50', chunked => 1]) {
    my($rule, %upload) = @$_;
    my $name = join ' ', $rule, map { ref ? @$_ : $_ } %upload;
    says("$name: denied", section("Require $rule"), 403, %upload);
    says("$name: denied by not", section('<RequireAll>', 'Require all granted',
        "Require not $rule", '</RequireAll>'), 403, %upload);
    says("$name: denied in RequireNone", section('<RequireAll>',
        'Require all granted', '<RequireNone>', "Require $rule",
        '</RequireNone>', '</RequireAll>'), 403, %upload);
    # It is how the others decide.
    says("$name: an alternative", section('<RequireAny>', 'Require all granted',
        "Require $rule", '</RequireAny>'), 200, %upload);
}

# A rule that an alias uses does not see a `not` before the alias: what it
# cannot evaluate is an error there. httpd reads the rule after the directives
# within the alias. (Not AuthName: with mod_auth_digest, httpd up to 2.4.62 dies
# of it.)
for my $within ('', 'AuthUserFile "not content-type"') {
    my $server = own_httpd(conf =>
        "<AuthzProviderAlias content-length small \"min=10\">\n$within\n"
        . "</AuthzProviderAlias>\n");
    for (['Require small'], ['ExpectRequire not small'],
         ['<RequireAll>', 'Require all granted', 'Require not small',
             '</RequireAll>'],
         ['<ExpectRequireNone>', 'ExpectRequire small',
             '</ExpectRequireNone>']) {
        my $path = section(@$_);
        my $r = upload(vhost => $server, path => $path, chunked => 1,
            content => 5, eager => 1);
        is $r->{status}, 500, "@$_: unknown, $within";
        $r = upload(vhost => $server, path => $path, eager => 1,
            content => "@$_" =~ /not|None/ ? 9 : 10);
        is $r->{status}, 200, "@$_: known, $within";
    }
}

# Together with mod_expect's own: both must hold, and a denial by Require is
# httpd's 403.
{
    my $path = section('ExpectRequire content-length max=5',
        'Require content-type image/*');
    admitted_ok('both hold', { path => $path, content => 5, %$png },
        status => 200);
    refused_ok('ExpectRequire does not', { path => $path, content => 6, %$png },
        status => 413, asked_status => 417, rule => 'content-length');
    for my $asks (1, 0) {
        my $r = upload(path => $path, content => 5, asks => $asks,
            eager => !$asks, %$text);
        is_deeply [@$r{qw(status interim)}], [403, []],
            'Require does not, ' . ($asks ? 'asked' : 'not asked')
            or diag explain $r;
    }
}

# Requests without content: neutral, so that the others decide.
for my $rule ('content-length min=5', 'content-type image/*',
              'content-encoding gzip', 'header X-A', 'precondition',
              'free-space 8388607T') {
    my @with = (
        [200, '<RequireAll>', 'Require all granted', "Require $rule",
            '</RequireAll>'],
        [200, '<RequireAll>', 'Require all granted', "Require not $rule",
            '</RequireAll>'],
        [403, '<RequireAll>', 'Require all denied', "Require $rule",
            '</RequireAll>'],
        [200, '<RequireAny>', 'Require all granted', "Require $rule",
            '</RequireAny>'],
        [403, '<RequireAny>', 'Require ip 192.0.2.1', "Require $rule",
            '</RequireAny>'],
        # Nobody grants.
        [403, "Require $rule"],
    );
    for (@with) {
        my($status, @lines) = @$_;
        my $path = section(@lines);
        my $name = join ' ', @lines;
        for (['GET', method => 'GET', headers => ['If-Match: *']],
             ['PUT of nothing', length => 0, headers => ['If-Match: *']]) {
            my($label, %upload) = @$_;
            my $r = upload(path => $path, %upload);
            is $r->{status}, $status, "$label: $name" or diag explain $r;
        }
    }
}

done_testing();
