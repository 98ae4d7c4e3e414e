package Server;

=head1 NAME

Server - the httpd of a soak: its folder, its processes, its log

=head1 SYNOPSIS

    my $server = Server->new(work => $dir, mpm => 'event', so => $file);
    $server->start;
    $server->graceful;
    for my $pid ($server->children) { ... }
    $server->read_log;
    $server->stop;

It runs as the caller, on a free port of 127.0.0.1, with the places that
t/soak/client.c uploads to.

=cut

use strict;
use warnings;

use IO::Socket::INET ();
use POSIX ();
use Time::HiRes qw(time sleep);

use File;
use HttpdConf qw(find_httpd load_module documents);
use Idle ();

use constant PATIENCE => 60;        # seconds for httpd to start, restart, stop
use constant THREADS => 32;         # of a child

# What Debian enables, less what no request here meets, and DAV, proxy, HTTP/2.
my @MODULES = qw(
    unixd log_config logio authn_core authn_file authz_core authz_host
    authz_user auth_basic reqtimeout alias autoindex deflate dir env filter
    headers mime negotiation setenvif status dav dav_fs proxy proxy_http http2
);

# The folders below htdocs, and the rules of each.
my %PLACES = (
    files => "ExpectRequire handler\n",
    dav => <<'END',
Dav On
ExpectRequire content-length max=64K
ExpectRequire content-type image/* application/octet-stream
ExpectRequire content-encoding identity gzip
END
    h2 => "Dav On\nExpectRequire content-length max=64K\n",
    keyed => <<'END',
Dav On
ExpectRequire header X-Key "^[0-9]+$"
END
    auth => <<'END',
Dav On
AuthType Basic
AuthName soak
AuthBasicProvider file
AuthUserFile users
Require valid-user
ExpectStatus specific
ExpectRequire auth
END
    trial => <<'END',
Dav On
ExpectEngine DetectionOnly
ExpectRequire content-length max=1000
END
    tenant => <<'END',
Dav On
AllowOverride AuthConfig
ExpectRequire content-length max=1M
END
    origin => "Dav On\n",
    flight => <<'END',
Dav On
ExpectRequire in-flight uploads=4 bytes=200000
ExpectRequire in-flight uploads=2 "key=expr=%{HTTP:X-Key}"
END
    quota => "Dav On\nExpectRequire quota bytes=1M per=5s\n",
    'small/ruled' => "Dav On\nExpectRequire free-space 2M\n",
    'small/free' => "Dav On\nExpectRequire content-length max=64K\n",
);

# By the state of the board, see t/soak/client.c.
our @HTACCESS = (
    "ExpectRequire content-length max=1000\n",
    "ExpectRequire content-length max=65536\n"
        . "ExpectRequire content-type image/*\n",
);

sub new {
    my($class, %o) = @_;
    my($httpd, $modules, $builtin) = find_httpd();
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "t/soak/run: no free port: $!\n";
    return bless { %o, httpd => $httpd, port => $socket->sockport,
        modules => $modules, builtin => $builtin, at => 0,
        seen => {} }, $class;
}

sub version { return qx($_[0]{httpd} -v) =~ m{Apache/(\S+)} ? $1 : '?' }

# Threads of a child.
sub threads { return $_[0]{mpm} eq 'prefork' ? 1 : THREADS }

# HTTP/2 needs threads.
sub has_h2 { return $_[0]{mpm} ne 'prefork' }

# mod_reqtimeout answers 400 to a head that is coming in when prefork restarts
# gracefully: the signal interrupts its apr_poll().
sub is_left_out {
    my($self, $module) = @_;
    return $self->{mpm} eq 'prefork' && $module =~ /^(?:http2|reqtimeout)$/;
}

sub load_modules {
    my($self) = @_;
    return join '', map { load_module(@$self{qw(modules builtin)}, $_) }
        "mpm_$self->{mpm}", grep { !$self->is_left_out($_) } @MODULES;
}

sub places {
    my($self) = @_;
    my @have = grep { $self->{small} || !/^small/ } sort keys %PLACES;
    return join '', map {
        qq(<Directory "$self->{work}/htdocs/$_">\n$PLACES{$_}</Directory>\n)
    } @have;
}

sub write_conf {
    my($self) = @_;
    my($work, $port) = @$self{qw(work port)};
    my $load = $self->load_modules;
    my $documents = documents("$work/htdocs");
    my $places = $self->places;
    my $threads = THREADS;
    my $h2 = $self->has_h2 ? "Protocols h2c http/1.1\nH2Direct on\n" : '';
    spew("$work/httpd.conf", <<"END");
$load
LoadModule expect_module "$self->{so}"
ServerRoot "$work"
ServerName soak
Listen 127.0.0.1:$port
PidFile httpd.pid
DefaultRuntimeDir "$work/run"
TypesConfig /dev/null
ErrorLog logs/error_log
LogLevel warn mpm_$self->{mpm}:notice core:notice expect:info
CustomLog logs/access_log "%h %t \\"%r\\" %>s %O"
LogFormat "%{expect-verdict}n %{expect-rule}n %{expect-reason}n" verdict
CustomLog logs/verdict_log verdict env=EXPECT_VERDICT
DavLockDB state/davlock

# More children are allowed than there are: at a graceful restart event tells as
# many to end as MaxRequestWorkers allows, and now and then there are more of
# them where some were killed. And a child has more threads than there are
# connections: event ends those that are kept alive when its threads are busy.
<IfModule mpm_prefork_module>
    ServerLimit 100
    StartServers 24
    MinSpareServers 5
    MaxSpareServers 100
    MaxRequestWorkers 100
</IfModule>
<IfModule !mpm_prefork_module>
    ServerLimit 24
    StartServers 3
    ThreadsPerChild $threads
    MinSpareThreads $threads
    MaxSpareThreads 256
    MaxRequestWorkers 256
</IfModule>
MaxMemFree 128
Timeout 30
KeepAlive On
KeepAliveTimeout 15
MaxKeepAliveRequests 0
$h2
$documents$places
ProxyPass "/proxy/" "http://127.0.0.1:$port/origin/" disablereuse=on retry=0
<Location "/proxy/">
    Proxy100Continue Off
    ExpectRequire content-length max=64K
</Location>
<Location "/expect-status">
    SetHandler expect-status
</Location>
END
}

# $clients: how many have folders of their own.
sub make_folders {
    my($self, $clients) = @_;
    my $work = $self->{work};
    mkdir "$work/$_" for qw(run state logs htdocs ledger);
    for my $place (grep { $self->{small} || !/^small/ } keys %PLACES) {
        mkdir "$work/htdocs/$place";
        mkdir "$work/htdocs/$place/$_" for 0 .. $clients - 1;
    }
    for my $length (100, 1000, 10_000, 50_000) {
        spew("$work/htdocs/files/0-0-$length", content("0-0-$length"));
    }
    spew("$work/users", "alice:{SHA}ieSV55Qc+eQOaYDRSha/AjzNTJE=\n");
    spew("$work/htdocs/tenant/.htaccess", $HTACCESS[0]);
}

# Where uploads arrive and stay until the end.
sub upload_folders {
    my($self) = @_;
    return map { "$self->{work}/htdocs/$_" }
        grep { !/^(?:files|small)/ } sort keys %PLACES;
}

# The content that belongs to a name: see t/soak/client.c.
sub content {
    my($name) = @_;
    my($length) = $name =~ /-(\d+)$/ or die "$name has no length\n";
    my $lines = int($length / (length($name) + 10)) + 1;
    return substr join('', map { sprintf "%s %08x\n", $name, $_ }
        0 .. $lines - 1), 0, $length;
}

# --- processes -----------------------------------------------------------

sub start {
    my($self) = @_;
    my $work = $self->{work};
    $self->write_conf;
    defined($self->{pid} = fork) or die "fork: $!\n";
    if (!$self->{pid}) {
        # httpd stops by a signal to its whole process group
        POSIX::setpgid(0, 0);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', "$work/logs/start_log";
        open STDERR, '>&', \*STDOUT;
        # what each thread keeps for itself would look like a leak for long
        $ENV{MALLOC_ARENA_MAX} = 1;
        exec $self->{httpd}, '-DFOREGROUND', '-f', "$work/httpd.conf"
            or POSIX::_exit(127);
    }
    $self->wait_for(sub { -s "$work/httpd.pid" && $self->is_restarted })
        or die "httpd did not start:\n", slurp("$work/logs/start_log"),
            slurp("$work/logs/error_log");
}

sub wait_for {
    my($self, $condition) = @_;
    my $until = time + PATIENCE;
    while (time < $until) {
        return 1 if $condition->();
        return 0 unless $self->is_alive;
        sleep 0.02;
    }
    return 0;
}

sub is_alive {
    my($self) = @_;
    return $self->{pid} && waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
}

sub children {
    my($self) = @_;
    return split ' ', slurp("/proc/$self->{pid}/task/$self->{pid}/children");
}

sub graceful {
    my($self) = @_;
    $self->{wanted} = ($self->{wanted} // 0) + 1;
    kill USR1 => $self->{pid};
}

# Whether as many generations have begun as were wanted.
sub is_restarted {
    my($self) = @_;
    $self->read_log;
    return ($self->{seen}{generations} // 0) > ($self->{wanted} // 0);
}

# Nothing is left of a process but its entry: its connections are gone.
sub is_gone {
    my($pid) = @_;
    my @threads = glob "/proc/$pid/task/*";
    return !@threads
        || @threads == 1 && slurp("/proc/$pid/stat") =~ /\) Z /;
}

sub stop {
    my($self) = @_;
    my $pid = $self->{pid} or return 1;
    Idle::wait_until($self->{port});
    kill TERM => $pid;
    my $ended = 0;
    for (my $until = time + PATIENCE; !$ended && time < $until; sleep 0.02) {
        $ended = waitpid($pid, POSIX::WNOHANG()) != 0;
    }
    if (!$ended) {
        kill KILL => $pid, $self->children;
        waitpid $pid, 0;
    }
    delete $self->{pid};
    $self->read_log;
    return $ended;
}

# --- the log -------------------------------------------------------------

my %COUNTED = (
    generations => qr/resuming normal operations/,
    refused => qr/ expect: refused \d/,
    would => qr/ expect: would refuse \d/,
    killed => qr/exit signal Killed \(9\)/,
);

# What no line may say. Whoever breaks off an upload is told of as an error by
# mod_dav, and a killed origin by mod_proxy.
my $BAD = qr/exit\ signal\ (?!Killed\ \(9\)) | segmentation\ fault | assertion
    | \[[a-z0-9_]*:(?:crit|alert|emerg)\] | \[expect:(?:error|warn)\]
    | AddressSanitizer | runtime\ error: | scoreboard\ is\ full
    | still\ did\ not\ exit | double\ free | corrupt/xi;

# Takes what is new, whole lines only.
sub read_log {
    my($self) = @_;
    my $seen = $self->{seen};
    open my $fh, '<', "$self->{work}/logs/error_log" or return;
    seek $fh, $self->{at}, 0;
    while (my $line = <$fh>) {
        last if $line !~ /\n\z/;
        $self->{at} += length $line;
        $line =~ $COUNTED{$_} and $seen->{$_}++ for keys %COUNTED;
        next unless $line =~ $BAD;
        push @{ $self->{bad} }, $line if @{ $self->{bad} // [] } < 20;
        $seen->{bad}++;
    }
}

# The requests that were logged with a verdict, by the names of their counters.
# Content that was cut off was admitted before.
sub logged {
    my($self) = @_;
    my %n;
    open my $fh, '<', "$self->{work}/logs/verdict_log" or return \%n;
    while (<$fh>) {
        my($verdict, $rule, $reason) = /^(\S+) (\S+) (.*)/ or next;
        my $is_cut = $reason
            =~ /of unknown length exceeded|nothing was left after/;
        $n{continue}++ if $is_cut || $verdict eq 'continue';
        $n{($is_cut ? 'cut_off' : $verdict) . " $rule"}++
            if $verdict ne 'continue';
    }
    return \%n;
}

1;
