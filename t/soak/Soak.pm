package Soak;

=head1 NAME

Soak - one run: an httpd, its clients, and what happens to them

=head1 SYNOPSIS

    my $soak = Soak->new(work => $dir, mpm => 'event', requests => 1000,
        seconds => 10, seed => 1, small => 0);
    $soak->run;
    $soak->wrong('...');            # what must not be
    print "$_\n" for @{ $soak->{wrong} };

=cut

use strict;
use warnings;

use IO::Socket::INET ();
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time sleep);

use File;
use Server ();
use Watch ();

# Places on the board: see board_t in client.c.
use constant { STOP => 0, KILLS => 1, HTACCESS => 2, SPACE => 3,
    RESTARTS => 4, HUSH => 5, REQUESTS => 16, BOARD => 80 };

use constant {
    FAST => 8, SLOW => 6, HTTP2 => 2,   # clients
    STORM => 2 / 3,                     # of the run
    LEFT => 1024 * 1024,                # on the small disk, when it is full
    PATIENCE => 120,                    # seconds
    QUOTA => 1024 * 1024, QUOTA_PER => 5,   # of quota/, see Server.pm
};

# Name, seconds between, seconds more at random.
my @CALM = ([turn_htaccess => 0.15, 0.1], [toggle_space => 1.5, 1],
    [look => 1, 0], [look_at_status => 5, 0]);
my @STORM = (@CALM, [kill_child => 3, 4], [restart => 2, 4]);

sub new {
    my($class, %o) = @_;
    my $self = bless { %o, kills => 0, restarts => 0, turns => 0, fills => 0,
        wrong => [] }, $class;
    spew("$self->{work}/board", "\0" x (8 * BOARD));
    open $self->{board}, '+<', "$self->{work}/board" or die "board: $!\n";
    $self->{server} = Server->new(work => $self->{work}, mpm => $self->{mpm},
        so => "$self->{work}/mod_expect.so", small => $self->{small});
    $self->{http2} = $self->{server}->has_h2 ? HTTP2 : 0;
    $self->{server}->make_folders(FAST + SLOW + $self->{http2});
    $self->{watch} = Watch->new($self->{server});
    srand $self->{seed};
    return $self;
}

sub wrong {
    my($self, @text) = @_;
    push @{ $self->{wrong} }, join '', @text;
}

# --- the board -----------------------------------------------------------

sub board {
    my($self, $index, $n) = @_;
    sysseek $self->{board}, 8 * $index, 0;
    sysread $self->{board}, my $bytes, 8 * ($n // 1);
    my @values = unpack 'Q*', $bytes;
    return $n ? @values : $values[0];
}

sub raise {
    my($self, $index) = @_;
    my $n = $self->board($index) + 1;
    sysseek $self->{board}, 8 * $index, 0;
    syswrite $self->{board}, pack 'Q', $n;
    return $n;
}

sub requests {
    my($self) = @_;
    my $sum = 0;
    $sum += $_ for $self->board(REQUESTS, BOARD - REQUESTS);
    return $sum;
}

# --- clients -------------------------------------------------------------

sub start_client {
    my($self, $name, @command) = @_;
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        $SIG{INT} = $SIG{TERM} = 'DEFAULT';
        open STDOUT, '>', "$self->{work}/logs/$name.out";
        open STDERR, '>', "$self->{work}/logs/$name.err";
        exec @command or POSIX::_exit(127);
    }
    $self->{clients}{$pid} = $name;
}

sub start_clients {
    my($self) = @_;
    my($work, $port) = ($self->{work}, $self->{server}{port});
    $self->start_client('client', "$work/client", '-p', $port, '-f', FAST,
        '-s', SLOW, '-r', $self->{seed}, $self->{small} ? '-e' : (), $work);
    $self->start_client("http2-$_", $^X, "$work/t/soak/http2", $port, $work,
        FAST + SLOW + $_) for 0 .. $self->{http2} - 1;
}

sub end_clients {
    my($self) = @_;
    my $clients = $self->{clients};
    my $until = time + PATIENCE;
    $self->raise(STOP);
    while (%$clients && time < $until) {
        sleep 0.05;
        for my $pid (keys %$clients) {
            next unless waitpid $pid, POSIX::WNOHANG();
            my $name = delete $clients->{$pid};
            $self->wrong("the clients of $name end with $?") if $?;
        }
    }
    for (keys %$clients) {
        $self->wrong("the clients of $clients->{$_} do not end");
        kill KILL => $_;
    }
}

# --- what happens --------------------------------------------------------

sub turn_htaccess {
    my($self) = @_;
    my $work = $self->{work};
    my $state = ($self->raise(HTACCESS) + 1) >> 1 & 1;
    spew("$work/htaccess", $Server::HTACCESS[$state]);
    rename "$work/htaccess", "$work/htdocs/tenant/.htaccess"
        or die "htaccess: $!\n";
    $self->raise(HTACCESS);
    $self->{turns}++;
}

sub toggle_space {
    my($self) = @_;
    my $file = "$self->{work}/htdocs/small/ballast";
    return unless $self->{small};
    if (($self->raise(SPACE) + 1) >> 1 & 1) {
        open my $fh, '>', $file or die "ballast: $!\n";
        my $block = "\0" x 65_536;
        1 while defined syswrite $fh, $block;
        truncate $fh, (-s $fh) - LEFT or die "ballast: $!\n";
        close $fh;
        $self->{fills}++;
    }
    else {
        unlink $file or die "ballast: $!\n";
    }
    $self->raise(SPACE);
}

sub kill_child {
    my($self) = @_;
    my @children = $self->{server}->children or return;
    my $pid = $children[rand @children];
    $self->raise(KILLS);
    kill KILL => $pid;
    sleep 0.001 until Server::is_gone($pid);
    $self->raise(KILLS);
    $self->{kills}++;
}

sub is_restarting { return $_[0]->board(RESTARTS) & 1 }

# Of the generation that is told to end: whoever is there before, and who was
# born before httpd has heard of it.
sub restart {
    my($self) = @_;
    return if $self->{pending};
    my $server = $self->{server};
    $self->raise(RESTARTS) unless $self->is_restarting;
    my @old = $server->children;
    $server->graceful;
    $self->{old}{$_} = 1 for @old, $server->children;
    $self->{pending} = time;
    $self->{restarts}++;
}

# Whether the generation before is still there.
sub follow_restart {
    my($self) = @_;
    my $old = $self->{old};
    return unless $self->is_restarting;
    delete $self->{pending}
        if $self->{pending} && $self->{server}->is_restarted;
    delete @$old{ grep { Server::is_gone($_) } keys %$old };
    $self->raise(RESTARTS) unless $self->{pending} || %$old;
}

sub look {
    my($self) = @_;
    return $self->{watch}->look($self->requests, $self->{restarts});
}

# expect-status, or nothing if a child was killed meanwhile.
sub status {
    my($self) = @_;
    my $socket = IO::Socket::INET->new(Timeout => PATIENCE,
        PeerAddr => "127.0.0.1:$self->{server}{port}") or return;
    print $socket "GET /expect-status?format=json HTTP/1.0\r\n\r\n";
    my $text = do { local $/; <$socket> } // '';
    my($json) = $text =~ m{^HTTP/1.1 200 .*?\r\n\r\n(.*\n)\z}s or return;
    return JSON::PP->new->utf8->decode($json);
}

# No count ever goes back.
sub look_at_status {
    my($self) = @_;
    my $now = $self->status or return;
    my $then = $self->{status} // $now;
    for (grep { $now->{totals}{$_} < $then->{totals}{$_} }
            keys %{ $now->{totals} }) {
        $self->wrong("the count of $_ went back from $then->{totals}{$_} to "
            . $now->{totals}{$_});
    }
    return $self->{status} = $now;
}

# --- the run -------------------------------------------------------------

# The part of it that is over, 0 to 1.
sub part {
    my($self) = @_;
    my @parts = sort { $a <=> $b } $self->requests / $self->{requests},
        $self->{seconds} ? (time - $self->{began}) / $self->{seconds} : 1;
    return $parts[0];
}

sub is_well {
    my($self) = @_;
    my($clients, $pending) = @$self{qw(clients pending)};
    for my $pid (keys %$clients) {
        next unless waitpid $pid, POSIX::WNOHANG();
        $self->wrong('the clients of ' . delete($clients->{$pid})
            . " ended early, with $?");
        return 0;
    }
    return 1 if $self->{server}->is_alive
        && (!$pending || time < $pending + PATIENCE);
    $self->wrong($pending ? 'httpd does not restart' : 'httpd has ended');
    return 0;
}

# Does these jobs until the condition holds.
sub go_on {
    my($self, $jobs, $condition) = @_;
    my %next = map { $_->[0] => time + $_->[1] } @$jobs;
    until ($condition->()) {
        sleep 0.02;
        $self->follow_restart;
        for (grep { time > $next{ $_->[0] } } @$jobs) {
            my($job, $every, $more) = @$_;
            $self->$job;
            $next{$job} = time + $every + rand $more;
        }
        $self->is_well or return 0;
    }
    return 1;
}

# Only one generation is left, and no process of earlier ones.
sub calm_down {
    my($self) = @_;
    $self->go_on(\@CALM, sub { !$self->{pending} }) or return 0;
    $self->restart;
    my $until = time + PATIENCE;
    $self->go_on(\@CALM, sub { !$self->is_restarting || time > $until })
        or return 0;
    $self->wrong('a child of an older generation does not end')
        if $self->is_restarting;
    $self->{calm} = { time => time, temporary => { $self->temporary } };
    return $self->hush;
}

# The uploads that are in flight by the ledger, and their bytes.
sub in_flight {
    my($self) = @_;
    my $status = $self->status or return;
    return map { $status->{$_} // 'none' } qw(in_flight in_flight_bytes);
}

sub is_settled {
    my($self) = @_;
    sleep 0.2;
    return join(' ', $self->in_flight) eq '0 0';
}

# For a moment no client sends under the rules that remember: then nothing is in
# flight. What a killed child held must be given back by then.
sub hush {
    my($self) = @_;
    my $until = time + PATIENCE / 2;
    $self->raise(HUSH);
    my $settled = 0;
    $self->go_on(\@CALM,
        sub { ($settled = $self->is_settled) || time > $until }) or return 0;
    # not read again: a head that was begun before may arrive late
    if ($settled) { push @{ $self->{settled} }, '0 when the calm began' }
    else          { $self->check_in_flight('when the calm began') }
    $self->raise(HUSH);
    return 1;
}

sub check_in_flight {
    my($self, $when) = @_;
    my($uploads, $bytes) = $self->in_flight;
    $uploads //= 'unknown';
    $bytes //= 'unknown';
    push @{ $self->{settled} }, "$uploads $when";
    $self->wrong("$when $uploads uploads and $bytes bytes were in flight, and "
        . 'nobody sent any') if "$uploads $bytes" ne '0 0';
}

# Files of mod_dav that are not, or never became, an upload.
sub temporary {
    my($self) = @_;
    my @found = qx(find $self->{work}/htdocs -name '.davfs.tmp*');
    return map { chomp; ($_ => 1) } @found;
}

# What a child holds that has answered one request.
sub look_fresh {
    my($self) = @_;
    $self->status or die "there is no status page\n";
    sleep 1;
    $self->{fresh} = $self->look;
}

# When all clients are gone, httpd needs a moment to see it.
sub look_idle {
    my($self) = @_;
    for my $pause (1 .. 5) {
        sleep $pause;
        $self->{idle} = $self->look;
        last if Watch::most($self->{idle}) <= Watch::most($self->{fresh});
    }
}

sub run {
    my($self) = @_;
    my $server = $self->{server};
    $server->start;
    $self->look_fresh;
    $self->{began} = time;
    $self->start_clients;
    my $well = $self->go_on(\@STORM, sub { $self->part >= STORM })
        && $self->calm_down
        && $self->go_on(\@CALM, sub { $self->part >= 1 });
    $self->{ended} = time;
    $self->{watch}->write("$self->{work}/looks");
    $self->{total} = $self->requests;
    $self->end_clients;
    if ($well) {
        $self->look_idle;
        $self->check_in_flight('in the end');
        $self->look_at_status or $self->wrong('there is no status page');
    }
    $server->stop or $self->wrong('httpd does not stop');
    return $well;
}

# When the run itself cannot go on.
sub break_off {
    my($self) = @_;
    kill KILL => keys %{ $self->{clients} };
    $self->{server}->stop;
}

1;
