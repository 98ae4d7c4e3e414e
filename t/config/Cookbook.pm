package Cookbook;

=head1 NAME

Cookbook - the recipes of docs/COOKBOOK, in a private httpd

=head1 SYNOPSIS

    use lib 't/config', 't/other-modules';
    use Cookbook;

    cook('WebDAV', sub {
        my($server) = @_;
        refused_ok('too large', { vhost => $server, path => '/uploads/x',
            length => 30 << 20 }, status => 413);
    }, prepare => sub { mkpath(place('/srv/uploads')) });

=head1 DESCRIPTION

A recipe is a chapter with a paragraph that begins with "Configuration, with"
and names modules; the indented block behind it is the configuration. A block
behind "The file PATH:" is that file. A block that begins with C<$ > shows
commands and lines of what they print.

In all of these, places below /srv, /etc/apache2, /var and /run stand for
folders of the test.

=head1 FUNCTIONS

=over

=item cook($name, $code, %o)

One subtest: the configuration loads with the modules that the recipe names and
no others; the commands, run with a private httpd that has it, print what is
shown (of a status line, the status); then $code is called with that httpd.
Optional: prepare (called before it starts), load (LoadModule lines), before and
after (configuration around the recipe's), replace (a hash of strings, for the
configuration and the commands; each has to be there).

=item place($path), files()

The test's path for one of the recipe's; the folder with the examples' files, in
which the commands run.

=item recipes()

The names of the chapters with a configuration.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(mkpath rmtree);
use Test::More;

use Alone;
use ExpectTest;
use File;

our @EXPORT = qw(cook place files recipes chapters listed);

my $work = conf_var('t_logs') . "/own-cookbook-$$";
my %chapter;
my @order;
my @listed;

# --- the text -----------------------------------------------------------------

# The indented blocks of a chapter, each with the paragraph that leads to it.
sub blocks_of {
    my($text) = @_;
    my(@blocks, $lead, $open);
    for my $paragraph (split /\n\n+/, $text) {
        if ($paragraph !~ /^    /) {
            ($lead, $open) = ($paragraph =~ s/\s+/ /gr, 0);
            next;
        }
        $paragraph =~ s/^    //mg;
        if ($open && $paragraph !~ /^\$ /) {
            $blocks[-1]{text} .= "\n$paragraph\n";
        }
        else {
            push @blocks, { lead => $lead, text => "$paragraph\n" };
        }
        $open = 1;
    }
    return @blocks;
}

# [command, [lines it prints]] for each.
sub commands_of {
    my($text) = @_;
    my @commands;
    for my $line (split /\n/, $text =~ s/\\\n\s*//gr) {
        if ($line =~ s/^\$ //) { push @commands, [$line, []] }
        else { push @{ $commands[-1][1] }, $line }
    }
    return @commands;
}

sub read_chapter {
    my($text) = @_;
    my %chapter = (commands => [], files => {}, conf => '', modules => []);
    for my $block (blocks_of($text)) {
        if ($block->{text} =~ /^\$ /) {
            push @{ $chapter{commands} }, commands_of($block->{text});
        }
        elsif ($block->{lead} =~ /^Configuration, with (.*)/) {
            # the test has to load mod_expect_redis: it is not httpd's
            $chapter{modules} = [grep { $_ ne 'expect_redis' }
                $1 =~ /\bmod_(\w+)/g];
            $chapter{conf} = $block->{text};
        }
        elsif ($block->{lead} =~ /^The file (\S+):$/) {
            $chapter{files}{$1} = $block->{text};
        }
    }
    return \%chapter;
}

sub read_cookbook {
    my $file = conf_var('top_dir') . '/docs/COOKBOOK';
    open my $fh, '<', $file or die "$file: $!\n";
    my($head, @parts) = split /^(\S.*)\n-{3,}\n/m, join '', <$fh>;
    @listed = $head =~ /^ {4}(.+)$/mg;
    while (my($name, $text) = splice @parts, 0, 2) {
        push @order, $name;
        $chapter{$name} = read_chapter($text);
    }
}

sub listed   { return @listed }
sub chapters { return @order }
sub recipes  { return grep { $chapter{$_}{conf} ne '' } @order }

# --- the places ---------------------------------------------------------------

sub place { return "$work$_[0]" }
sub files { return "$work/files" }

sub placed {
    my($text, %replace) = @_;
    for my $from (sort { length $b <=> length $a } keys %replace) {
        $text =~ s/\Q$from\E/$replace{$from}/g;
    }
    return $text =~ s{(?<![\w/.])(?=/(?:srv|etc/apache2|var|run)/)}{$work}gr;
}

sub put_file {
    my($path, $text) = @_;
    mkpath(dirname($path));
    spew($path, $text);
}

# What the first chapter says to make.
sub make_files {
    mkpath(files());
    for (@{ $chapter{'Before you begin'}{commands} }) {
        system('sh', '-c', 'cd "$1" && ' . $_->[0], 'sh', files()) == 0
            or die "$_->[0] failed\n";
    }
}

# Empty, and where logs and locks go.
sub make_places {
    rmtree(place('/srv'));
    mkpath([map { place($_) }
        qw(/srv /etc/apache2 /var/log/apache2 /var/lock/apache2)]);
}

# --- the commands -------------------------------------------------------------

# What has been printed, with line breaks and other space as one blank.
sub printed_by {
    my($command, $dir) = @_;
    open my $out, '-|', 'sh', '-c', 'cd "$1" && exec 2>&1 && '
        . $command, 'sh', $dir or die "sh: $!\n";
    my $text = join '', <$out>;
    close $out;
    return $text;
}

sub statuses { return map { m{^HTTP/[\d.]+ (\d+)} } split /\n/, $_[0] }

sub command_ok {
    my($server, $command, $lines, %o) = @_;
    my $port = $server->port;
    my %replace = %{ $o{replace} || {} };
    my $run = placed($command, %replace, localhost => "127.0.0.1:$port");
    $run =~ s/^curl /curl -q --noproxy '*' -m 30 /;
    my $text = printed_by($run, files());
    my @heads = grep { m{^HTTP/} } @$lines;
    my @others = grep { !m{^HTTP/} } @$lines;
    my $before = Test::More->builder->is_passing;

    is join(' ', statuses($text)), join(' ', statuses(join "\n", @heads)),
        "$command: the statuses";
    like $text =~ s/\s+/ /gr, qr/\Q$_\E/, "$command: $_" for @others;
    diag(substr $text, 0, 2000)
        if $before && !Test::More->builder->is_passing;
}

# --- a recipe -----------------------------------------------------------------

sub cook {
    my($name, $code, %o) = @_;
    my $recipe = $chapter{$name} or die "there is no recipe $name\n";
    my $text = join "\n", $recipe->{conf}, map { $_->[0] }
        @{ $recipe->{commands} };
    index($text, $_) >= 0 or die "$name has nothing to replace: $_\n"
        for keys %{ $o{replace} || {} };
    my $conf = placed($recipe->{conf}, %{ $o{replace} || {} });

    make_places();
    subtest $name => sub {
        is load_error($recipe->{modules}, $conf, $o{load}), '',
            "it loads with @{ $recipe->{modules} }";
        $o{prepare}->() if $o{prepare};
        put_file(placed($_), placed($recipe->{files}{$_}))
            for keys %{ $recipe->{files} };
        my $server = own_httpd(conf => join "\n", $o{load} // '',
            $o{before} // '', $conf, $o{after} // '');
        command_ok($server, @$_, %o) for @{ $recipe->{commands} };
        $code->($server) if $code;
    };
}

read_cookbook();
make_files();

1;
