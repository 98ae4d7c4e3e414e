#!/usr/bin/perl
# ExpectMerging is compared with a small model: many configurations, drawn at
# random (but always the same), with rules and values of ExpectMerging in all
# kinds of sections at once, from the server down to <If> in an .htaccess.
# httpd merges such sections in groups, inner ones with each other first. The
# rules in force must be as if the sections had been read one by one from the
# outside in, folder by folder, each with the value of the section above it: the
# folder for sections of a folder, the virtual host for all others.
#
# Each rule wants one header field, so that an upload chooses which rules
# hold.

use strict;
use warnings;

use Test::More;
use ExpectTest;

use constant { SEED => 20_240_917, VHOSTS => 30, UPLOADS => 6 };

# The sections in the order in which httpd merges them, each with what stands
# above it; Tenants (ht1 and ht2 are .htaccess files) may not write
# ExpectMerging.
my $DIR1 = '<Directory "DOCROOT/model/VHOST">';
my $DIR2 = '<Directory "DOCROOT/model/VHOST/d">';
my @SECTIONS = (
    # name,      start, end, where, above
    [server   => '', '', 'server', ''],
    [vhost    => '', '', 'vhost', 'server'],
    [dir1     => $DIR1, '</Directory>', 'vhost', 'vhost'],
    [ht1      => '', '', 'ht1', 'dir1'],
    [dir2     => $DIR2, '</Directory>', 'vhost', 'dir1'],
    [ht2      => '', '', 'ht2', 'dir2'],
    [dirmatch => '<DirectoryMatch "/model/VHOST/d/">', '</DirectoryMatch>',
        'vhost', 'dir2'],
    [files    => '<Files "x*">', '</Files>', 'vhost', 'vhost'],
    [files2   => '<Files "x.bin">', '</Files>', 'vhost', 'vhost'],
    [ht1files => '<FilesMatch "\.bin$">', '</FilesMatch>', 'ht1', 'dir1'],
    [dirfiles => "$DIR2\n<Files x.bin>", "</Files>\n</Directory>", 'vhost',
        'dir2'],
    [htfiles  => '<FilesMatch "\.bin$">', '</FilesMatch>', 'ht2', 'dir2'],
    [loc1     => '<Location "/model/VHOST">', '</Location>', 'vhost', 'vhost'],
    [loc2     => '<Location "/model/VHOST/d">', '</Location>', 'vhost',
        'vhost'],
    [locmatch => '<LocationMatch "^/model/[^/]+/d/x">', '</LocationMatch>',
        'vhost', 'vhost'],
    [if       => '<If "true">', '</If>', 'vhost', 'vhost'],
    [ht1if    => '<If "true">', '</If>', 'ht1', 'dir1'],
    [dirif    => "$DIR2\n<If true>", "</If>\n</Directory>", 'vhost', 'dir2'],
    [htif     => '<If "%{REQUEST_METHOD} == \'PUT\'">', '</If>', 'ht2',
        'dir2'],
    # within a section that says what loc2 says
    [locif    => "<Location \"/model/VHOST/d\">\n<If true>",
        "</If>\nLOC2\n</Location>", 'vhost', 'loc2'],
);
# The tree: the folder that a section belongs to, from the outside in.
my %FOLDER = (server => 0, vhost => 0,
    map({ $_ => 1 } qw(dir1 ht1 ht1files ht1if)),
    map({ $_ => 2 } qw(dir2 ht2 dirfiles htfiles dirif htif)), dirmatch => 3);
# httpd merges these after all folders.
my %NESTED = map { $_ => 1 } qw(ht1files dirfiles htfiles ht1if dirif htif);

srand SEED;
sub draw { return $_[rand @_] }

# A value of ExpectMerging and a rule for some of the sections.
sub draw_sections {
    my %drawn;
    for (@SECTIONS) {
        my($name, undef, undef, $where) = @$_;
        next if $name eq 'server';
        my $tenant = $where =~ /^ht/;
        $drawn{$name} = {
            merging => $tenant ? '' : draw(('') x 5, qw(And Or Off)),
            rule => rand() < 0.4,
        };
    }
    return \%drawn;
}

sub section_text {
    my($section, $all, $vhost) = @_;
    my($name, $start, $end) = @$section;
    my $drawn = $all->{$name};
    my $loc2  = $all->{loc2}{merging};
    my $text = join '', $drawn->{merging} ? "ExpectMerging $drawn->{merging}\n"
                                          : '',
        $drawn->{rule} ? "ExpectRequire header X-$name\n" : '';
    return '' unless length $text;
    my $docroot = conf_var('documentroot');
    $start =~ s/DOCROOT/$docroot/;
    $start =~ s/VHOST/$vhost/;
    $end =~ s/LOC2/$loc2 ? "ExpectMerging $loc2" : ''/e;
    return "$start\n$text$end\n";
}

sub texts {
    my($drawn, $vhost) = @_;
    my %text = map { $_ => '' } qw(vhost ht1 ht2);
    $text{ $_->[3] } .= section_text($_, $drawn, $vhost)
        for grep { $_->[0] ne 'server' } @SECTIONS;
    return \%text;
}

# The model: whether an upload with these fields is let through.
sub merging_of {
    my($drawn, $name) = @_;
    my($section) = grep { $_->[0] eq $name } @SECTIONS;
    return $drawn->{$name}{merging} if $drawn->{$name}{merging};
    return $section->[4] ? merging_of($drawn, $section->[4]) : 'And';
}

sub join_verdicts {
    my($verdict, $merging, $holds) = @_;
    return !defined $verdict || $merging eq 'Off' ? $holds
        : $merging eq 'And' ? $verdict && $holds : $verdict || $holds;
}

# What loosens a folder loosens nothing of the folders within.
sub add_to_tree {
    my($tree, $name, @join) = @_;
    my $at = @$tree;
    if ($NESTED{$name} && $join[0] ne 'And') {
        my @within = grep { $tree->[$_][0] > $FOLDER{$name} } 0 .. $#$tree;
        $at = $within[0] if @within;
    }
    splice @$tree, $at, 0, [$FOLDER{$name}, @join];
}

sub admits {
    my($drawn, $fields) = @_;
    my(@tree, @others, $admits);
    for my $name (grep { $drawn->{$_}{rule} } map { $_->[0] } @SECTIONS) {
        my @join = (merging_of($drawn, $name), $fields->{$name} ? 1 : 0);
        # what loosens a tree loosens nothing else; what tightens it holds for
        # all that is let through so far
        if (defined $FOLDER{$name}
            && ($join[0] ne 'And' || !grep { $_->[0] ne 'And' } @others)) {
            add_to_tree(\@tree, $name, @join);
        }
        else {
            push @others, \@join;
        }
    }
    $admits = join_verdicts($admits, @$_[1, 2]) for @tree;
    $admits = join_verdicts($admits, @$_) for @others;
    return $admits // 1;
}

# The status of an upload with these fields.
sub verdict_of {
    my($server, $vhost, $fields, $asks) = @_;
    my @lines = ("PUT /model/$vhost/d/x.bin HTTP/1.1", "Host: $vhost",
        'Content-Length: 3', 'Connection: close',
        $asks ? 'Expect: 100-continue' : (),
        map { "X-$_: 1" } sort keys %$fields);
    my $t = talk($server, join("\r\n", @lines, '', $asks ? '' : 'abc'),
        qr/^HTTP\/1\.1 (?:100|200|4\d\d) /);
    return (split ' ', $t->{bytes})[1] // 'none';
}

my $made = 0;
for my $main ({ merging => '', rule => 0 }, { merging => '', rule => 1 },
              { merging => 'Off', rule => 1 }, { merging => 'Or', rule => 1 }) {
    my $conf = "UseCanonicalName Off\nSetHandler witness\n<Directory \""
        . conf_var('documentroot') . "/model\">\nAllowOverride All\n"
        . "</Directory>\n" . section_text($SECTIONS[0], { server => $main },
        '');
    my @vhosts;
    for (1 .. VHOSTS) {
        my $name  = 'm' . ++$made;
        my $drawn = draw_sections();
        my $text  = texts($drawn, $name);
        $drawn->{server} = $main;
        push @vhosts, [$name, $drawn, $text];
        write_htaccess("model/$name", $text->{ht1});
        write_htaccess("model/$name/d", $text->{ht2});
        $conf .= "<VirtualHost *>\nServerName $name\n$text->{vhost}"
            . "</VirtualHost>\n";
    }
    my $server = own_httpd(conf => $conf);
    my %seen;

    for (@vhosts) {
        my($name, $drawn, $text) = @$_;
        my @rules = grep { $drawn->{$_}{rule} } map { $_->[0] } @SECTIONS;
        my @wrong;
        for my $n (1 .. UPLOADS) {
            # none, all, all but one, and anything between
            my %fields = map { $_ => 1 } $n == 1 ? () : $n == 2 ? @rules
                : grep { rand() < $n / (UPLOADS + 1) } @rules;
            my $asks = $n % 2;
            my $want = admits($drawn, \%fields);
            my $got = verdict_of($server, $name, \%fields, $asks);
            my $expected = $want ? $asks ? 100 : 200 : $asks ? 417 : 400;
            $seen{$want}++;
            push @wrong, "with " . join(' ', sort keys %fields)
                . ": $got, not $expected" if $got ne $expected;
        }
        is "@wrong", '', "server [$main->{merging} $main->{rule}], $name: "
            . join ' ', map { "$_\[$drawn->{$_}{merging}"
                . ($drawn->{$_}{rule} ? ' rule]' : ']') }
            grep { $drawn->{$_}{rule} || $drawn->{$_}{merging} }
            map { $_->[0] } @SECTIONS;
    }
    # The draw is worth something only if both verdicts occur.
    cmp_ok $seen{$_} // 0, '>', VHOSTS, "verdict $_ occurs often" for 0, 1;
}

done_testing();
