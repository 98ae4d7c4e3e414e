package Watch;

=head1 NAME

Watch - what httpd's processes hold, over time, and whether it grows

=head1 SYNOPSIS

    my $watch = Watch->new($server);
    my $look = $watch->look($requests, $restarts);      # again and again
    my @seen = $watch->since($time);
    my $growth = Watch::growth('requests', sub { ... }, @seen);

Of each process: descriptors (fds) less the pipe of the thread that lingers,
shared mappings (shared), and memory in kB:
its share of all (pss), and what is on no file's behalf (own); of the parent the
System V segments that it has made (segments), too.

=cut

use strict;
use warnings;

use Time::HiRes qw(time);

use File;
use Server ();

sub new {
    my($class, $server) = @_;
    return bless { server => $server, seen => [] }, $class;
}

# Nothing if it has ended meanwhile.
sub process {
    my($pid) = @_;
    my $memory = slurp("/proc/$pid/smaps_rollup");
    my($pss) = $memory =~ /^Pss:\s+(\d+)/m or return;
    my($own) = $memory =~ /^Anonymous:\s+(\d+)/m;
    my @fds = descriptors($pid) or return;
    my $shared = () = slurp("/proc/$pid/maps") =~ /^\S+ ...s /mg;
    return { pss => $pss + 0, own => $own + 0, shared => $shared,
        fds => @fds - (2 * lingering($pid, @fds)) };
}

sub descriptors {
    my($pid) = @_;
    opendir my $fds, "/proc/$pid/fd" or return;
    return grep { !/^\./ } readdir $fds;
}

# Whether the process has the pipe of the thread that lingers, which comes with
# the first refusal (src/answer/lingerer.c): both ends, neither blocking nor
# inherited. A second one would count as what it is, a leak.
sub lingering {
    my($pid, @fds) = @_;
    my %ends;
    for my $fd (@fds) {
        my $pipe = readlink("/proc/$pid/fd/$fd") // '';
        next if $pipe !~ /^pipe:/;
        my($flags) = slurp("/proc/$pid/fdinfo/$fd") =~ /^flags:\s+(\d+)/m
            or next;
        # reading or writing, O_NONBLOCK, O_CLOEXEC
        $ends{$pipe} .= oct($flags) & 3
            if (oct($flags) & 02004000) == 02004000;
    }
    return scalar(grep { /^(?:01|10)$/ } values %ends) ? 1 : 0;
}

sub segments {
    my($pid) = @_;
    my(undef, @rows) = split /\n/, slurp('/proc/sysvipc/shm');
    return scalar grep { (split)[4] == $pid } @rows;
}

sub look {
    my($self, $requests, $restarts) = @_;
    my $pid = $self->{server}{pid};
    my $parent = process($pid) or return;
    $parent->{segments} = segments($pid);
    my %children = map { my $is = process($_); $is ? ($_ => $is) : () }
        $self->{server}->children;
    push @{ $self->{seen} }, { time => time, requests => $requests,
        restarts => $restarts, parent => $parent, children => \%children };
    return $self->{seen}[-1];
}

# For who keeps the folder: a line for each process and look.
sub write {
    my($self, $file) = @_;
    my @lines;
    for my $seen (@{ $self->{seen} }) {
        my %all = (parent => $seen->{parent}, %{ $seen->{children} });
        push @lines, map {
            my $is = $all{$_};
            sprintf "%.1f requests=%d restarts=%d %s %s\n",
                @$seen{qw(time requests restarts)}, $_,
                join ' ', map { "$_=$is->{$_}" } sort keys %$is;
        } sort keys %all;
    }
    spew($file, @lines);
}

sub since {
    my($self, $time) = @_;
    return grep { $_->{time} >= $time } @{ $self->{seen} };
}

# The most descriptors that a child holds.
sub most {
    my($look) = @_;
    my($most) = sort { $b <=> $a } map { $_->{fds} }
        values %{ $look->{children} };
    return $most // 0;
}

# A quarter of them are below it: what comes and goes is above.
sub lower {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[@sorted / 4] // 0;
}

sub range {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted ? $sorted[0] == $sorted[-1] ? $sorted[0]
        : "$sorted[0] to $sorted[-1]" : 'none';
}

# How a figure has grown from the first third of what was seen to the last, and
# how far that is, by another measure.
sub growth {
    my($measure, $figure, @seen) = @_;
    my $third = int(@seen / 3) or return;
    my @part = ([@seen[0 .. $third - 1]], [@seen[-$third .. -1]]);
    my @figure = map { lower(map { $figure->($_) } @$_) } @part;
    my @middle = map { $_->[@$_ / 2]{$measure} } @part;
    return { from => $figure[0], to => $figure[1],
        way => $middle[1] - $middle[0] };
}

1;
