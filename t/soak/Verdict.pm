package Verdict;

=head1 NAME

Verdict - what came of a run: each part of the report, and what is wrong

=head1 SYNOPSIS

    my @lines = Verdict::report($soak);
    exit @{ $soak->{wrong} } ? 1 : 0;

=cut

use strict;
use warnings;

use File;
use Server ();
use Soak ();
use Watch ();

use constant { WIDTH => 78, ROW => '%-22s' . ' %13s' x 4 };

# What may look like growth of a process, in kB, and what may come on top of it
# for each thousand requests of a child, or for each restart of the parent; and
# what a child may grow by once.
use constant { NOISE => 100, PER_THOUSAND => 4, ONCE => 400 };
use constant { PARENT_NOISE => 300, PER_RESTART => 1 };

# Of the calm, until the memory of all threads has met every kind of request;
# and a calm of fewer seconds cannot tell.
use constant { WARM => 1 / 3, CALM => 180 };

# A paragraph under a word.
sub para {
    my($word, @text) = @_;
    my @lines = (sprintf '%-14s', $word);
    for (map { split / / } @text) {
        push @lines, ' ' x 14 if length($lines[-1]) + length($_) >= WIDTH;
        $lines[-1] .= length($lines[-1]) > 14 ? " $_" : $_;
    }
    return @lines;
}

# The sums of what the clients printed: name => number.
sub sums {
    my($soak) = @_;
    my %sum;
    for my $file (glob "$soak->{work}/logs/*.out") {
        for (split /\n/, slurp($file)) {
            my($name, $n) = /^(.+) (\d+)$/ or next;
            $sum{$name} += $n;
        }
    }
    return \%sum;
}

# The same of what httpd counted.
sub counted {
    my($status) = @_;
    my %n = %{ $status->{totals} };
    delete @n{qw(refuse detect cut_off)};
    for my $rule (@{ $status->{rules} }) {
        $n{"$_ $rule->{rule}"} = $rule->{$_}
            for grep { $rule->{$_} } qw(refuse detect cut_off would_cut_off);
    }
    delete $n{bytes_cut_off};
    return { map { $n{$_} ? ($_ => $n{$_}) : () } keys %n };
}

# --- what was sent, and what happened ------------------------------------

sub general {
    my($soak, $sum) = @_;
    my $seconds = $soak->{ended} - $soak->{began};
    my @kinds = map { "$_ " . $sum->{"kind $_"} }
        sort { $sum->{"kind $b"} <=> $sum->{"kind $a"} || $a cmp $b }
        map { /^kind (.*)/ ? $1 : () } keys %$sum;
    my $calm = $soak->{calm} ? $soak->{ended} - $soak->{calm}{time} : 0;
    return (
        para(requests => sprintf('%d in %.0f s, %.0f a second; seed %d',
            $soak->{total}, $seconds, $soak->{total} / $seconds,
            $soak->{seed})),
        para(clients => Soak::FAST . ' at full speed, ' . Soak::SLOW
            . ' that drip what they send, '
            . ($soak->{http2} ? "$soak->{http2} of HTTP/2 (H2Client, curl, "
                . 'h2load)' : 'none of HTTP/2: it needs threads')),
        para(happened => "$soak->{restarts} graceful restarts, $soak->{kills} "
            . "children killed by SIGKILL, .htaccess changed $soak->{turns} "
            . 'times, ' . ($soak->{small} ? "a small disk filled "
                . "$soak->{fills} times" : 'no disk filled: that needs root')
            . sprintf('. The last %.0f s had neither restarts nor kills',
                $calm)),
        para(sent => join ', ', @kinds));
}

# --- counters ------------------------------------------------------------

sub counters {
    my($soak, $sum) = @_;
    my $counted = counted($soak->{status});
    my $logged = $soak->{server}->logged;
    my %names = map { $_ => 1 } keys %$counted, keys %$logged,
        map { /^(?:sure|maybe) (.*)/ ? $1 : () } keys %$sum;
    my $missing = 0;
    my @lines = sprintf ROW, '', qw(sure maybe logged counted);
    for my $name (sort keys %names) {
        my($sure, $maybe) = map { $sum->{"$_ $name"} // 0 } qw(sure maybe);
        my($n, $log) = map { $_->{$name} // 0 } $counted, $logged;
        push @lines, sprintf ROW, $name, $sure, $maybe,
            $name =~ /^bytes/ ? '-' : $log, $n;
        $soak->wrong("$name: counted $n, but the clients know of $sure to "
            . ($sure + $maybe)) if $n < $sure || $n > $sure + $maybe;
        next if $name =~ /^bytes/;
        $soak->wrong("$name: logged $log, and counted $n") if $log > $n;
        $missing += $n - $log;
    }
    return (@lines, '', explained($soak, $sum, $missing));
}

# What httpd has not logged, because it was killed, is what a client lost, or
# has just been answered.
sub explained {
    my($soak, $sum, $missing) = @_;
    my $lost = ($sum->{losses} // 0) + ($sum->{'h2-losses'} // 0);
    my $most = $lost + $soak->{kills}
        * (Soak::FAST + Soak::SLOW + $soak->{http2});
    $soak->wrong("$missing requests were counted and not logged")
        if $missing > $most;
    return para('', '"Sure" was answered. "Maybe" is what a client broke off '
        . 'itself, or whose answer it lost with a killed child: httpd may have '
        . 'read it or not. "Logged" is what CustomLog wrote with a verdict, '
        . 'when the request was over. No count is lost: it is one atomic add, '
        . 'before the answer, to memory that no child owns. So "counted" is at '
        . 'least "sure" and at most "sure" and "maybe"; and at least "logged", '
        . "$missing more in all: at most $most, the answers lost ($lost), and "
        . 'one for each client and kill that was answered and not yet logged');
}

# A killed child may have written the line and not counted it.
sub log_lines {
    my($soak) = @_;
    my($seen, $totals) = ($soak->{server}{seen}, $soak->{status}{totals});
    my $refused = $seen->{refused} // 0;
    my $counted = $totals->{refuse} + $totals->{cut_off};
    my $most = $soak->{kills} * $soak->{server}->threads;
    $soak->wrong("$refused lines of refusals in the log, $counted counted")
        if $refused < $counted || $refused > $counted + $most;
    $soak->wrong("httpd's log: $_") for @{ $soak->{server}{bad} // [] };
    return para('error log' => "$refused lines \"expect: refused\", $counted "
        . "refused or cut off by the counters (up to $most lines more: each "
        . "thread of a killed child may have written and not counted)");
}

# --- rules that remember -------------------------------------------------

# What was reserved and not refunded is what was received.
sub remembered {
    my($soak, $sum) = @_;
    my $status = $soak->{status};
    my $kept = $status->{reserved_bytes} - $status->{refunded_bytes};
    my($sure, $maybe) = map { $sum->{"received $_"} } qw(sure maybe);
    my $seconds = $soak->{idle}{time} - $soak->{began};
    my $most = int(Soak::QUOTA * (1 + $seconds / Soak::QUOTA_PER));
    my $text = "$status->{reserved_bytes} bytes were reserved and "
        . "$status->{refunded_bytes} refunded";
    $soak->wrong("$text: $kept, but the clients know of $sure to "
        . ($sure + $maybe)) if $kept < $sure || $kept > $sure + $maybe;
    $soak->wrong("$sum->{'spent sure'} bytes were received under a quota of "
        . "$most") if $sum->{'spent sure'} > $most;
    return para('in flight' => join(', ', @{ $soak->{settled} })
        . ", when nobody sent any; at most $sum->{held} at once for sure "
        . "(granted, and the last byte not sent). $text: $kept remain. "
        . "The clients know of $sure that were received, and of $maybe that "
        . 'may have been: all that was announced to killed children, and what '
        . 'was sent before a reset. Under the quota '
        . "$sum->{'spent sure'} were received of $most that it gives in "
        . sprintf('%.0f s', $seconds));
}

# --- answers and files ---------------------------------------------------

sub answers {
    my($soak, $sum) = @_;
    my($losses, $h2, $kept) = map { $sum->{$_} // 0 }
        qw(losses h2-losses stale);
    my $most = $soak->{kills} * (Soak::FAST + Soak::SLOW);
    $soak->wrong("$losses answers lost, $soak->{kills} children killed")
        if $losses > $most;
    for my $file (sort glob "$soak->{work}/logs/*.err") {
        $soak->wrong($_) for split /\n/, slurp($file);
    }
    return para(lost => "$losses connections with a killed child (at most "
        . "$most: each client has one), and $h2 answers of HTTP/2 with a "
        . "killed child or the end of a generation; $kept kept alive were "
        . 'closed by a generation that ended, before it read a request');
}

# path => have or maybe
sub ledger {
    my($soak) = @_;
    my %ledger;
    for my $file (glob "$soak->{work}/ledger/*") {
        for (split /\n/, slurp($file)) {
            my($word, $path) = split / /;
            $ledger{$path} = $word if ($ledger{$path} // '') ne 'have';
        }
    }
    return \%ledger;
}

# What lies on the disk in the end.
sub files {
    my($soak, $sum) = @_;
    my($work, $ledger) = ($soak->{work}, ledger($soak));
    my %n = (have => 0, maybe => 0);
    for (qx($work/client -v @{[ $soak->{server}->upload_folders ]})) {
        my($state, $path) = m{^(\S+) \Q$work\E/(.*)} or die "client -v: $_";
        next if $path =~ m{/\.[^/]*$};
        my $word = delete $ledger->{$path} // 'unknown';
        $n{$word}++;
        $soak->wrong("$path is not whole") if $state ne 'whole';
        $soak->wrong("$path is there, and no response said so")
            if $word eq 'unknown';
    }
    $soak->wrong("$_ was reported as stored, and is not there")
        for grep { $ledger->{$_} eq 'have' } sort keys %$ledger;
    return para(uploads => "$sum->{verified} that were answered with 2xx were "
        . "read back whole, byte for byte, after others had come, and "
        . "removed; $n{have} more were there in the end. Of those whose answer "
        . "was lost $n{maybe} were there, whole; of those refused, cut off or "
        . 'broken off none');
}

# What a killed child was writing stays. Nobody else leaves such a file.
sub temporary {
    my($soak) = @_;
    my %left = $soak->temporary;
    $soak->wrong("$_ was left behind, and no child was killed")
        for grep { !$soak->{calm}{temporary}{$_} } sort keys %left;
    return para('', keys(%left) . ' temporary files of mod_dav are left from '
        . 'the storm, of killed children, and none from the time after it');
}

# --- processes -----------------------------------------------------------

sub parent {
    my($soak) = @_;
    my @seen = $soak->{watch}->since($soak->{began});
    my $fresh = $soak->{fresh}{parent};
    for my $what (qw(fds shared segments)) {
        my($most) = sort { $b <=> $a } map { $_->{parent}{$what} } @seen;
        $soak->wrong("the parent's $what grew from $fresh->{$what} to $most")
            if $soak->{idle}{parent}{$what} > $fresh->{$what};
    }
    my $growth = Watch::growth('restarts', sub { $_[0]{parent}{own} },
        grep { $_->{restarts} > 2 } @seen);
    my $all = sub { my($what) = @_;
        Watch::range(map { $_->{parent}{$what} } @seen) };
    my $own = 'too few restarts to tell a trend';
    if ($growth) {
        $own = "$growth->{from} kB at first, $growth->{to} kB $growth->{way} "
            . 'restarts later';
        $soak->wrong("the parent's memory grows: $own")
            if $growth->{to} > $growth->{from} + PARENT_NOISE
                + PER_RESTART * $growth->{way};
    }
    return para(parent => 'descriptors ' . $all->('fds') . ', shared mappings '
        . $all->('shared') . ', System V segments ' . $all->('segments')
        . ', memory of its own ' . $all->('own') . " kB: $own");
}

# The generation of the calm.
sub children {
    my($soak) = @_;
    my($calm, $idle) = @$soak{qw(calm idle)};
    my $length = $soak->{ended} - $calm->{time};
    my @seen = grep { $_->{time} <= $soak->{ended} }
        $soak->{watch}->since($calm->{time} + $length * WARM);
    my($fresh, $most) = map { Watch::most($_) } @$soak{qw(fresh idle)};
    $soak->wrong("a child has $most descriptors when nobody is there, a fresh "
        . "one $fresh") if $most > $fresh;

    my @all = map { values %{ $_->{children} } } @seen;
    my @lines = para(children => 'in the calm: descriptors '
        . Watch::range(map { $_->{fds} } @all) . ', in the end, with no '
        . 'client, ' . Watch::range(map { $_->{fds} }
            values %{ $idle->{children} }) . " (a fresh one: $fresh); "
        . 'share of memory (Pss) ' . Watch::range(map { $_->{pss} } @all)
        . ' kB each');
    return (@lines, para('', memory($soak, $length, @seen)));
}

# Of the children that were there all the time; none is to end. A child grows
# once when it does something for the first time: by some 320 kB when it answers
# the soak's request for expect-status. A leak is in all children, so it is seen
# in the child in the middle; and no child may grow by much more than once.
sub memory {
    my($soak, $length, @seen) = @_;
    my %times;
    $times{$_}++ for map { keys %{ $_->{children} } } @seen;
    $soak->wrong("child $_ ended in the calm")
        for grep { !$soak->{idle}{children}{$_} } sort keys %times;
    my @lasting = grep { $times{$_} == @seen } keys %times;
    my @growth = sort { $a->{to} - $a->{from} <=> $b->{to} - $b->{from} }
        grep { $_ } map { my $pid = $_; Watch::growth('requests',
            sub { $_[0]{children}{$pid}{own} }, @seen) } @lasting;
    return sprintf 'too short to tell a trend of memory: %.0f s', $length
        if $length < CALM || !@growth;
    my $middle = $growth[@growth / 2];
    my $each = $middle->{way} / @growth;
    my $most = NOISE + PER_THOUSAND * $each / 1000;
    my $text = @growth . ' were there all the time, and answered '
        . "$middle->{way} requests in two thirds of that time. Memory of its "
        . "own of the child in the middle: $middle->{from} kB at first, "
        . sprintf("$middle->{to} kB in the end (a leak is %.0f kB more). ",
            $most)
        . 'The least and the greatest growth of a child, in kB: '
        . Watch::range(map { $_->{to} - $_->{from} } @growth);
    $soak->wrong("the children's memory grows: $text")
        if $middle->{to} > $middle->{from} + $most
            || $growth[-1]{to} > $growth[-1]{from} + $most + ONCE;
    return $text;
}

# -------------------------------------------------------------------------

sub report {
    my($soak) = @_;
    my $server = $soak->{server};
    my $sum = sums($soak);
    my @lines = ("mod_expect under load: httpd " . $server->version
        . ", $soak->{mpm}", '', general($soak, $sum), answers($soak, $sum));
    if ($soak->{idle} && $soak->{status}) {
        push @lines, files($soak, $sum), temporary($soak), log_lines($soak),
            parent($soak), children($soak), remembered($soak, $sum), '',
            counters($soak, $sum);
    }
    else {
        $soak->wrong("httpd's log: $_") for @{ $server->{bad} // [] };
    }
    my @wrong = @{ $soak->{wrong} };
    return (@lines, '', @wrong ? ('VIOLATIONS', map { "  $_" } @wrong)
        : 'No violation.');
}

1;
