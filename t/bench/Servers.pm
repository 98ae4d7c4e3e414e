package Servers;

# The servers of the bench: private, on free loopback ports, in a folder that
# goes when the bench does. A server is a row that define() is given:
#
#     stock => { }                              httpd as it is
#     limit => { dir => { size => 'LimitRequestBody 1048576' } }
#     qos   => { load => ['qos'], main => 'QS_...', dir => { ... } }
#     nginx => { program => 'nginx', conf => sub { ... } }
#
# of httpd:   module  with mod_expect;  store  and mod_expect_redis;  load
#             further modules;  dir  what stands in the <Directory> of that
#             name;  main  what stands at its end;  workers  so many, and not 16
#             (with prefork: 1)
# of others:  conf->($dir, $port, $h2) is its configuration; command->($conf,
#             $dir) starts it in the foreground
# of all:     deny  a function that fails, see t/lib/deny.c

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use IO::Socket::INET ();
use POSIX ();
use Time::HiRes qw(time);

use File;
use HttpdConf qw(load_module documents);
use Util;

our @EXPORT = qw(find_httpd make_work place_in define serve start stop end
    stop_all $redis_so server_pid server_port cpu pss version_of $work);

use constant PATIENCE => 120;       # seconds for a server to start or stop

# The folders of content; httpd's have a <Directory> each.
use constant FOLDERS => qw(files size type auth in-flight quota put tenant few
    many deep);
my %DAV = map { $_ => 1 } qw(size type auth in-flight quota put tenant deep);

our $work;
our $redis_so = "$top/.libs/mod_expect_redis.so";
my($httpd, $modules, $builtin, @user);
my $owner = $$;                     # the process that cleans up
my %servers;
my %running;                        # pid => 1
my %started;                        # name => [pid, port]

# In this order; what httpd has built in or lacks is left out. About what
# Debian enables, and mod_dav.
my @MODULES = qw(
    unixd log_config logio version authn_core authn_file authz_core authz_host
    authz_user access_compat auth_basic reqtimeout alias autoindex deflate dir
    env filter headers mime negotiation reflector setenvif dav dav_fs
);

sub define {
    my(%rows) = @_;
    %servers = (%servers, %rows);
}

# --- httpd -----------------------------------------------------------

sub find_httpd { ($httpd, $modules, $builtin) = HttpdConf::find_httpd() }

sub version_of {
    my($program) = @_;
    my $said = $program eq 'httpd'   ? output($httpd, '-v')
             : $program eq 'nginx'   ? `nginx -v 2>&1`
             : output($program, '-v');
    return $said =~ m{(\d+\.\d+\.\d+)} ? $1 : '?';
}

# Of a server that has a number of workers of its own: the MPM's defaults hold
# for everything else.
my $WORKERS = <<'END';
StartServers 1
ServerLimit 1
MaxRequestWorkers %1$d
<IfModule mpm_prefork_module>
    StartServers %1$d
    ServerLimit %1$d
</IfModule>
<IfModule !mpm_prefork_module>
    ThreadsPerChild %1$d
    MaxSpareThreads %1$d
</IfModule>
END
my $PROCESSES = <<'END';
ServerLimit 1
StartServers 1
<IfModule mpm_prefork_module>
    MaxRequestWorkers 1
</IfModule>
<IfModule !mpm_prefork_module>
    ThreadsPerChild 16
    MaxRequestWorkers 16
    MinSpareThreads 1
    MaxSpareThreads 16
</IfModule>
<IfModule mpm_event_module>
    AsyncRequestWorkerFactor 100
</IfModule>
END

sub folder {
    my($name, $own) = @_;
    return join "\n    ", "<Directory \"$work/htdocs/$name\">",
        $DAV{$name} ? 'Dav On' : (),
        $name =~ /^(?:few|many)$/ ? 'SetHandler reflector' : (),
        $name =~ /^(?:tenant|deep)$/ ? 'AllowOverride All' : (),
        $name eq 'auth' ? ('AuthType Basic', 'AuthName bench',
            "AuthUserFile $work/users", 'Require valid-user') : (),
        ($own // '') . "\n</Directory>\n";
}

# The sections are the same on all, so that httpd's merging costs the same.
sub httpd_conf {
    my($own, $dir, $port, $h2, $mpm) = @_;
    my $load = join '', map { load_module($modules, $builtin, $_) }
        "mpm_$mpm", @MODULES, $h2 ? 'http2' : (), @{ $own->{load} // [] };
    my $folders = join '', map { folder($_, $own->{dir}{$_}) } FOLDERS;
    my $documents = documents("$work/htdocs");
    my $htaccess = $own->{module} ? '.ht-ours' : '.ht-core';
    my $processes = $own->{workers} ? sprintf($WORKERS, $own->{workers})
        : $PROCESSES;
    my $main = ref $own->{main} ? $own->{main}->($dir, $port)
        : $own->{main} // '';

    $load .= "LoadModule expect_module \"$work/mod_expect.so\"\n"
        if $own->{module};
    $load .= "LoadModule expect_redis_module \"$work/mod_expect_redis.so\"\n"
        if $own->{store};
    $load .= "Protocols h2c http/1.1\n" if $h2;
    return <<"END";
$load
ServerRoot "$work"
ServerName bench.example
Listen 127.0.0.1:$port
ListenBacklog 4096
PidFile "$dir/pid"
DefaultRuntimeDir "$dir"
TypesConfig /dev/null
ErrorLog "$dir/error_log"
LogFormat "%h %l %u %t \\"%r\\" %>s %O" common
CustomLog "$dir/access_log" common
${processes}KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
AccessFileName $htaccess
DavLockDB "$dir/davlock"

$documents$folders$main
END
}

# --- the folder ------------------------------------------------------

# In memory, if programs may run from there: disks are busy with others, too.
sub make_folder {
    my $shm = '/dev/shm';

    if (!$ENV{TMPDIR} && -w $shm) {
        my $dir = File::Temp::tempdir('expect-bench-XXXXXX', DIR => $shm);
        spew("$dir/try", "#!/bin/sh\n");
        chmod 0700, "$dir/try";
        return $dir if system("$dir/try 2>/dev/null") == 0;
        unlink "$dir/try";
        rmdir $dir;
    }
    return File::Temp::tempdir('expect-bench-XXXXXX', TMPDIR => 1);
}

# A folder that the servers' user can read, with the module in it: the tree
# itself may be root's alone.
sub make_work {
    $work = make_folder();
    for (qw(nobody www-data daemon apache)) {
        @user = (getpwnam $_)[0, 2, 3];
        last if @user && $user[1];
    }
    mkdir "$work/htdocs";
    for (FOLDERS) {
        mkdir "$work/htdocs/$_" or die "$work: $!\n";
    }
    spew("$work/htdocs/files/small.txt", 'x' x 100);
    spew("$work/users", "bench:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
    run_or_die('cp', $opt{so} // "$top/.libs/mod_expect.so",
               "$work/mod_expect.so");
    run_or_die('cp', $redis_so, $work) if -e $redis_so;
    run_or_die($ENV{CC} // 'gcc', '-O2', '-o', "$work/load",
               "$top/t/bench/load.c");
    run_or_die($ENV{CC} // 'gcc', '-shared', '-fPIC', '-o', "$work/deny.so",
               "$top/t/lib/deny.c");
    run_or_die('chmod', '-R', 'u+rwX,go+rX', $work);
    run_or_die('chown', '-R', "$user[1]:$user[2]", $work) if $> == 0;
}

# Writes a file of content, and the folders that it needs.
sub place_in {
    my($path, $text) = @_;
    my $at = "$work/htdocs";
    my @folders = split m{/}, $path;
    my $file = pop @folders;

    for (@folders) {
        $at .= "/$_";
        mkdir $at;
        chown $user[1], $user[2], $at if $> == 0;
    }
    spew("$at/$file", $text);
}

# --- start and stop --------------------------------------------------

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "t/bench/run: no free port: $!\n";
    return $socket->sockport;
}

# The servers run as an unprivileged user from the start: callgrind writes its
# counts as the user that httpd has become.
sub become_user {
    return if $> != 0;
    my($name, $uid, $gid) = @user;
    $) = "$gid $gid";
    $( = $gid;
    POSIX::setuid($uid) or die "t/bench/run: cannot become $name: $!\n";
}

sub wait_for {
    my($condition) = @_;
    my $end = time + PATIENCE;
    while (time < $end) {
        return 1 if $condition->();
        select undef, undef, undef, 0.02;
    }
    return 0;
}

sub launch {
    my($dir, $deny, @command) = @_;
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        $owner = 0;
        # httpd stops by a signal to its whole process group.
        POSIX::setpgid(0, 0);
        become_user();
        open STDOUT, '>', "$dir/start_log";
        open STDERR, '>&', \*STDOUT;
        if ($deny) {
            $ENV{LD_PRELOAD} = "$work/deny.so";
            $ENV{DENY} = $deny;
        }
        exec 'sh', '-c', 'ulimit -n 4096; exec "$@"', 'sh', @command
            or POSIX::_exit(127);
    }
    $running{$pid} = 1;
    return $pid;
}

# httpd listens early, and writes its pid when nothing can fail any more.
sub is_ready {
    my($own, $dir, $port) = @_;
    return -s "$dir/pid" unless $own->{program};
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
}

# Starts a server and waits until it listens. %how: h2, it speaks HTTP/2 in
# clear text; mpm, of httpd; under, a command that httpd is run by.
sub start {
    my($name, %how) = @_;
    my $own = $servers{$name} or die "t/bench/run: no server $name\n";
    my $port = free_port();
    my $mpm = $how{mpm} // 'event';
    my $dir = join '-', "$work/$name", $mpm, $how{h2} ? 'h2' : ();
    my @command = $own->{program} ? $own->{command}->("$dir.conf", $dir)
        : (@{ $how{under} // [] }, $httpd,
           $how{under} ? '-X' : '-DFOREGROUND', '-f', "$dir.conf");

    mkdir $dir;
    chown $user[1], $user[2], $dir if $> == 0;
    unlink "$dir/pid";
    spew("$dir.conf", $own->{program} ? $own->{conf}->($dir, $port, $how{h2})
         : httpd_conf($own, $dir, $port, $how{h2}, $mpm));
    my $pid = launch($dir, $own->{deny}, @command);
    wait_for(sub {
        if (waitpid($pid, POSIX::WNOHANG()) == $pid) {
            delete $running{$pid};
            die "t/bench/run: the server $name did not start:\n",
                slurp("$dir/start_log"), slurp("$dir/error_log");
        }
        return is_ready($own, $dir, $port);
    }) or die "t/bench/run: the server $name does not answer\n";
    return ($pid, $port);
}

sub stop {
    my($pid, $signal) = @_;
    kill $signal // 'TERM', $pid;
    if (!wait_for(sub { waitpid($pid, POSIX::WNOHANG()) != 0 })) {
        kill KILL => $pid;
        waitpid $pid, 0;
    }
    delete $running{$pid};
}

# The server that is up, or comes up now. "name/h2" is one that speaks HTTP/2,
# "name/worker" an httpd with that MPM.
sub serve {
    my($name) = @_;
    my($own, $how) = split m{/}, $name;
    $started{$name} //= [start($own, !$how ? () : $how eq 'h2' ? (h2 => 1)
                                                 : (mpm => $how))];
}

# Stops one that serve() started, so that the next serve() starts it anew.
sub end {
    my($name) = @_;
    my $is = delete $started{$name} or return;
    stop($is->[0]);
}

sub server_pid  { return $started{ $_[0] }[0] }
sub server_port { return $started{ $_[0] }[1] }

sub stop_all {
    stop($_->[0]) for values %started;
    %started = ();
}

END {
    my $status = $?;
    if ($$ == $owner) {
        stop($_) for keys %running;
        if ($work && $opt{keep}) { say_line("kept: $work") }
        elsif ($work)            { system 'rm', '-rf', $work }
    }
    $? = $status;
}

# --- what a server takes ---------------------------------------------

# A server's processes.
sub processes {
    my($pid) = @_;
    return ($pid, map { processes($_) } map { split ' ', slurp($_) }
            glob "/proc/$pid/task/*/children");
}

# Nanoseconds of processor time of a server's threads, undef if unknown.
sub cpu {
    my($pid) = @_;
    my $sum;

    for my $file (map { glob "/proc/$_/task/*/schedstat" } processes($pid)) {
        $sum += $1 if slurp($file) =~ /^(\d+)/;
    }
    return $sum;
}

# Bytes of memory: what processes share is counted in parts, so it adds up.
sub pss {
    my($name) = @_;
    my $sum = 0;

    for (processes(server_pid($name))) {
        $sum += $1 * 1024 if slurp("/proc/$_/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
    }
    return $sum;
}

1;
