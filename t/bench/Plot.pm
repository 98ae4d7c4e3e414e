package Plot;

# The plots: SVG by gnuplot, for light and dark surroundings.
#
#     refuse.svg  how fast refusals are     wire.svg    what crosses the network
#     store.svg   how fast uploads are      memory.svg  what the servers take
#     floor.svg   the module and the floor  growth.svg  how cost grows
#
# A plot is made of panels. In one of dots a line is [label, value, least,
# most, colour]; a curve is [name, colour, [x, y, least, most]...].

use strict;
use warnings;

use File;
use Peers ();
use Util;

# Each colour and what it is where it is dark.
my %DARK = (
    '#ffffff' => '#0d1117', '#24292f' => '#e6edf3', '#d0d7de' => '#30363d',
    '#0969da' => '#58a6ff', '#bc4c00' => '#f0883e', '#1a7f37' => '#3fb950',
);
my($PAPER, $INK, $GRID, $BLUE, $ORANGE, $GREEN)
    = map { "#$_" } qw(ffffff 24292f d0d7de 0969da bc4c00 1a7f37);

use constant { WIDTH => 330, LINE => 19, AROUND => 92,
               CURVE_WIDTH => 460, CURVE_HEIGHT => 270 };

# --- gnuplot ---------------------------------------------------------

# gnuplot writes rgb(1, 2, 3), in strokes with padding.
sub selectors {
    my($property, $colour) = @_;
    my @rgb = map { hex } $colour =~ /(\w\w)/g;
    return join ', ', map { qq([$property="$_"]) }
        sprintf('rgb(%d,%d,%d)', @rgb), sprintf('rgb(%3d, %3d, %3d)', @rgb);
}

sub style {
    my @rules = map {
        my $colour = $_;
        map { selectors($_, $colour) . " { $_: $DARK{$colour} }" }
            qw(stroke fill color);
    } sort keys %DARK;
    return join "\n", '<style>', "svg { background: $PAPER }",
        '@media (prefers-color-scheme: dark) {',
        "svg { background: $DARK{$PAPER} }", @rules, '}', '</style>', '';
}

sub gnuplot {
    my($file, $title, $width, $height, @commands) = @_;
    open my $out, '|-', 'gnuplot' or die "gnuplot: $!\n";
    print $out join "\n", 'set encoding utf8',
        "set terminal svg size $width,$height noenhanced font 'sans-serif,12'",
        "set output '$file'", "set border 3 lc rgb '$INK'",
        "set xtics nomirror tc rgb '$INK'", "set ytics nomirror tc rgb '$INK'",
        "set xlabel tc rgb '$INK'", "set key tc rgb '$INK'",
        "set title tc rgb '$INK'", "set grid xtics lc rgb '$GRID'", @commands,
        '';
    close $out or die "t/bench/run: gnuplot could not draw $file\n";
    my $svg = slurp($file);
    $svg =~ s{<title>Gnuplot</title>}{'<title>' . escaped($title)
              . "</title>\n" . style()}e;
    spew($file, $svg);
}

sub escaped {
    my($text) = @_;
    my %entity = ('<' => '&lt;', '>' => '&gt;', '&' => '&amp;');
    return $text =~ s/([<>&])/$entity{$1}/gr;
}

sub quoted { return "'" . $_[0] =~ s/'/''/gr . "'" }

# Panels in columns, under a common title, each of the same size.
sub sheet {
    my($file, $title, $columns, $width, $height, @panels) = @_;
    return unless @panels;
    $columns = @panels if @panels < $columns;
    my $rows = int((@panels + $columns - 1) / $columns);
    gnuplot($file, $title, $columns * $width, $rows * $height + 30,
        "set multiplot layout $rows,$columns title " . quoted($title)
        . " tc rgb '$INK'", @panels, 'unset multiplot');
}

# --- panels ----------------------------------------------------------

# For ratios: 1 is in sight, and there is room for the values at the dots.
sub range {
    my($least) = sort { $a <=> $b } 0.5, map { $_->[2] } @_;
    my($most) = sort { $b <=> $a } 2, map { $_->[3] } @_;
    my $marks = $most / $least > 40 ? 'autofreq'
        : '(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)';
    return (sprintf('set xrange [%g:%g]', $least / 1.2, $most * 1.6),
            "set xtics $marks");
}

# Each point with its interval, and its value in words.
sub dots {
    my($title, $words, @lines) = @_;
    my $name = '$d' . ++our $panel;
    my @data;

    for my $y (0 .. $#lines) {
        my($label, $value, $low, $high, $colour) = @{ $lines[$y] };
        push @data, join ' ', $value, -$y, $low, $high,
            $colour =~ s/#/0x/r, qq("$label"), '"' . $words->($value) . '"';
    }
    my $least = -@lines + 0.4;
    return ("$name << EOD", @data, 'EOD', 'set title ' . quoted($title),
        "set yrange [$least:0.6]", 'unset key',
        "plot $name using 1:2:3:4:5:ytic(6) with xerrorbars pt 7 ps 0.7 "
        . "lc rgb variable, $name using 1:2:7 with labels left "
        . "offset char 0.6,0.6 font ',10' tc rgb '$INK'");
}

sub curves {
    my($title, $is_log, @curves) = @_;
    my(@data, @plots);

    for my $curve (@curves) {
        my($label, $colour, @points) = @$curve;
        my $name = '$c' . ++our $panel;
        push @data, "$name << EOD", (map { "@$_" } @points), 'EOD';
        push @plots, "$name using 1:2 with linespoints pt 7 ps 0.5 lw 1.5 "
            . "lc rgb '$colour' title " . quoted($label),
            "$name using 1:2:3:4 with yerrorbars pt 7 ps 0.5 lc rgb '$colour' "
            . 'notitle';
    }
    return (@data, 'set title ' . quoted($title), 'set yrange [0:*<3]',
        $is_log ? "set logscale x; set xrange [0.7:15000]; set format x '%.0f'"
                : 'unset logscale x; set xrange [-1:31]',
        'set key below horizontal',
        'plot ' . join ', ', "1 lc rgb '$INK' dt 2 notitle", @plots);
}

# --- what is plotted -------------------------------------------------

sub spread {
    my(@values) = @_;
    return (median(@values), interval(@values));
}

sub three { return sprintf '%.3g', $_[0] }

sub ratio_dots {
    my($title, @lines) = @_;
    return join "\n", range(@lines), dots($title, \&three, @lines);
}

sub peer_colour { return Peers::is_inside($_[0]{peer}) ? $BLUE : $ORANGE }

# The peers of one job, by a list of the results.
sub peer_panel {
    my($job, $key, $results) = @_;
    my @lines = map {
        my($case, $got) = @$_;
        $case->{name} eq $job && !$case->{cannot}
            ? [$Peers::TITLES{ $case->{peer} }, spread(@{ $got->{$key} }),
               peer_colour($case)] : ();
    } @$results;
    my($shows) = map { $_->[0]{shows} } grep { $_->[0]{name} eq $job }
        @$results;
    return @lines ? ratio_dots($shows, @lines) : ();
}

my $RATIO = join "\n", 'set logscale x', "set format x '%g'",
    "set arrow 1 from first 1, graph 0 to first 1, graph 1 nohead dt 2 "
    . "lc rgb '$INK'", 'set lmargin 17', 'set rmargin 3';

sub with_setup {
    my($setup, @panels) = @_;
    return @panels ? ("$setup\n$panels[0]", @panels[1 .. $#panels]) : ();
}

sub draw_peers {
    my($dir, @results) = @_;
    my $height = LINE * 10 + AROUND;
    my @refuse = map { peer_panel($_, 'rate', \@results) }
        qw(size type auth size-unasked type-unasked auth-unasked
           h2-size h2-type h2-auth in-flight quota);
    my @store = map { peer_panel($_, 'rate', \@results) }
        qw(put-1k put-1m put-100m get h2-put-1k h2-put-1m h2-get);

    sheet("$dir/refuse.svg", 'How many times as fast mod_expect refuses an '
        . 'upload (blue: than other ways inside httpd)', 3, WIDTH, $height,
        with_setup($RATIO, @refuse));
    sheet("$dir/store.svg", 'How many times as fast as others httpd with '
        . 'mod_expect stores an upload, and serves a file', 4, WIDTH, $height,
        with_setup($RATIO, @store));
    draw_wire($dir, $height, @results);
}

# mod_expect's own is in every case of a job: one line for it.
sub wire_panel {
    my($job, @results) = @_;
    my @of_job = grep { $_->[0]{name} eq $job && $_->[1]{sent} } @results
        or return;
    my @ours = map { $_->[1]{sent}[0] } @of_job;
    my @lines = (['mod_expect', spread(@ours), $GREEN], map {
        my($case, $got) = @$_;
        [$Peers::TITLES{ $case->{peer} }, ($got->{sent}[1]) x 3,
         peer_colour($case)]
    } @of_job);
    return join "\n", dots($of_job[0][0]{shows}, sub {
        $_[0] < 1e6 ? sprintf '%.0f kB', $_[0] / 1e3
                    : sprintf '%.1f MB', $_[0] / 1e6
    }, map { [@$_[0], map({ $_ > 1000 ? $_ : 1000 } @$_[1 .. 3]), $_->[4]] }
        @lines);
}

sub draw_wire {
    my($dir, $height, @results) = @_;
    my @panels = map { wire_panel($_, @results) }
        qw(size-unasked type-unasked auth-unasked);
    my $setup = join "\n", 'set logscale x', 'set xrange [1e4:1e9]',
        "set xtics ('10 kB' 1e4, '1 MB' 1e6, '100 MB' 1e8)",
        'set lmargin 17', 'set rmargin 3';

    sheet("$dir/wire.svg", 'Content that crosses the network for an upload of '
        . '100 MB that is refused, from a client that did not ask (from one '
        . 'that asked: none)', 3, WIDTH, $height + LINE,
        with_setup($setup, @panels));
}

sub draw_memory {
    my($dir, @results) = @_;
    my @lines = map {
        my($of, $bytes) = @$_;
        [$Peers::TITLES{ $of->{peer} }, ($bytes / 1e6) x 3,
         $of->{peer} eq 'expect' ? $GREEN : peer_colour($of)]
    } @results or return;
    sheet("$dir/memory.svg", 'Memory of all processes of a server, MB', 1,
        WIDTH, LINE * @lines + AROUND, join "\n", 'set lmargin 17',
        'set rmargin 5', 'set xrange [0:*]', dots('', \&three, @lines));
}

sub floor_line {
    my($case, $values) = @_;
    my $is_under = defined $case->{ratio} && $case->{ratio} > median(@$values);
    return [$case->{shows}, spread(@$values), $is_under ? $ORANGE : $BLUE];
}

sub draw_floor {
    my($dir, @results) = @_;
    my @panels = map {
        my($key, $title) = @$_;
        ratio_dots($title, map { floor_line($_->[0], $_->[1]{$key}) } @results)
    } ['rate', 'rate, A/B'], ['p50', 'time, B/A'], ['cpu', 'cpu time, B/A'];
    sheet("$dir/floor.svg", 'What mod_expect costs, and the floor (orange: '
        . 'under the target)', 1, WIDTH * 2, LINE * @results + AROUND,
        with_setup("$RATIO\nset lmargin 46", @panels)) if @results;
}

sub growth_panel {
    my($name, @results) = @_;
    my $shows = $results[0][0]{shows};
    my @curves = map {
        my($key, $label, $colour) = @$_;
        [$label, $colour, map { [$_->[0]{at}, spread(@{ $_->[1]{$key} })] }
             @results];
    } ['rate', 'rate, A/B', $BLUE], ['p50', 'time, B/A', $ORANGE];
    my @instr = map { my $instr = $_->[1]{instr};
                      $instr ? [$_->[0]{at}, ($instr->[1] / $instr->[0]) x 3]
                             : () } @results;
    push @curves, ['instructions, B/A', $GREEN, @instr] if @instr;
    return join "\n", curves($shows, $results[-1][0]{at} > 100, @curves);
}

sub draw_growth {
    my($dir, @results) = @_;
    my(%of, @names);

    for (@results) {
        my $name = $_->[0]{name};
        push @names, $name unless $of{$name};
        push @{ $of{$name} }, $_;
    }
    sheet("$dir/growth.svg", 'How cost grows with N: over 1, A is the faster '
        . 'one', 2, CURVE_WIDTH, CURVE_HEIGHT,
        map { growth_panel($_, @{ $of{$_} }) } @names);
}

sub draw {
    my($dir, @results) = @_;
    my %of;

    push @{ $of{ $_->[0]{part} } }, $_ for @results;
    draw_floor($dir, @{ $of{floor} // [] });
    draw_peers($dir, grep { !$_->[0]{cannot} } @{ $of{peers} // [] });
    draw_memory($dir, @{ $of{memory} // [] });
    draw_growth($dir, @{ $of{growth} // [] });
}

1;
