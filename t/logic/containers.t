#!/usr/bin/perl
# All, Any, None and `not`, nested, are compared with a model of Kleene's
# three values: rules on the head are known at once, rules on the user only
# after httpd's own authentication. If the head alone denies, the upload is
# refused before the password is checked; everything else is decided
# afterwards. The trees are drawn at random, but always the same.

use strict;
use warnings;

use Test::More;
use ExpectTest;

use constant { SEED => 31_415, TREES => 60, DEPTH => 3, FIELDS => 3 };

srand SEED;
sub draw { return $_[rand @_] }

# --- the model -------------------------------------------------------------

# A tree is [kind, child...] or a leaf [rule, not, name].
sub draw_tree {
    my($depth) = @_;
    if ($depth == 0 || rand() < 0.25) {
        return [rule => draw(0, 0, 1),
            draw('user', map { "field$_" } 1 .. FIELDS)];
    }
    my $kind = draw(qw(All Any None));
    return [$kind, map { draw_tree($depth - 1) }
        1 .. ($kind eq 'Any' ? 2 : 1) + int rand 2];
}

sub text_of {
    my($tree) = @_;
    my($kind, @rest) = @$tree;
    if ($kind eq 'rule') {
        my($not, $name) = @rest;
        return 'ExpectRequire ' . ($not ? 'not ' : '')
            . ($name eq 'user' ? 'user alice' : "header X-$name") . "\n";
    }
    return "<ExpectRequire$kind>\n" . join('', map { text_of($_) } @rest)
        . "</ExpectRequire$kind>\n";
}

# 1 or 0, or undef where the user decides and is not known.
sub value_of {
    my($tree, $known) = @_;
    my($kind, @rest) = @$tree;
    if ($kind eq 'rule') {
        my($not, $name) = @rest;
        my $value = $known->{$name};
        return defined $value && $not ? 1 - $value : $value;
    }
    my @values = map { value_of($_, $known) } @rest;
    my $decides = $kind eq 'All' ? 0 : 1;
    my $value = (grep { defined && $_ == $decides } @values) ? $decides
        : (grep { !defined } @values) ? undef : 1 - $decides;
    return $kind eq 'None' && defined $value ? 1 - $value : $value;
}

# --- the trees -------------------------------------------------------------

my %seen;
for my $n (1 .. TREES) {
    my $tree = draw_tree(DEPTH);
    my $text = text_of($tree);
    write_htaccess('tenant/logic', "AuthType Basic\nAuthName realm\n"
        . "AuthBasicProvider witness\nRequire valid-user\n$text");
    my @wrong;
    for my $upload (1 .. 4) {
        my $user = draw(qw(alice bob));
        my %known = map { ("field$_" => draw(0, 1)) } 1 .. FIELDS;
        my $early = value_of($tree, \%known);
        my $last = value_of($tree, { %known, user => $user eq 'alice' || 0 });
        my $asks = $upload % 2;

        # An early grant is no licence to go without httpd's access control.
        my $r = upload(path => '/tenant/logic/x', content => 3,
            asks => $asks, eager => $last && !$asks,
            headers => [basic_auth($user),
            map { "X-$_: 1" } grep { $known{$_} } sort keys %known]);
        my $kind = defined $early ? $early ? 'early grant' : 'early denial'
            : $last ? 'late grant' : 'late denial';
        my $got = join ' ', $r->{witness}{verdict}, @{ $r->{interim} },
            "read=$r->{witness}{read}", "asked=$r->{witness}{authn}";
        my $want = $last ? 'continue' . ($asks ? ' 100' : '')
            . ' read=3 asked=1'
            : 'refuse read=0 asked=' . ($kind eq 'early denial' ? 0 : 1);
        $seen{$kind}++;
        push @wrong, "$kind for $user, "
            . join(' ', grep { $known{$_} } sort keys %known)
            . ": $got, not $want" if $got ne $want;
        push @wrong, "status $r->{status}"
            if $last ? $r->{status} != 200 : $asks ? $r->{status} != 417
            : $r->{status} !~ /^40[03]$/;
    }
    is "@wrong", '', "tree $n" or diag $text;
}

# The draw is worth something only if every case occurs.
cmp_ok $seen{$_} // 0, '>', 15, "$_ occurs often"
    for 'early grant', 'early denial', 'late grant', 'late denial';

# --- the rule in the log ---------------------------------------------------

# Several rules in one section must all hold; the log has the first that fails.
write_htaccess('tenant/blame', "ExpectRequire header X-One\n"
    . "ExpectRequire content-type image/png\n"
    . "ExpectRequire content-length max=10\n");
my $png = 'Content-Type: image/png';
for (['nothing holds',    [], 11, 400, 'header'],
     ['all but the first', [$png], 10, 400, 'header'],
     ['all but the second', ['X-One: 1'], 10, 415, 'content-type'],
     ['all but the third', ['X-One: 1', $png], 11, 413, 'content-length']) {
    my($name, $headers, $content, $status, $rule) = @$_;
    refused_ok("implicit All: $name", { path => '/tenant/blame/x',
            content => $content, headers => $headers }, status => $status,
        asked_status => 417, rule => $rule);
}
admitted_ok('implicit All: all hold', { path => '/tenant/blame/x',
        content => 10, headers => ['X-One: 1', $png] }, status => 200);

done_testing();
