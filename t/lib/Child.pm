package Child;

=head1 NAME

Child - a process beside a test, which ends with the test

=head1 SYNOPSIS

    package Echo;
    use parent 'Child';

    sub start {
        return $_[0]->server('echo', sub { my($listener, $log) = @_; ... });
    }

=head1 METHODS

=over

=item spawn($seconds, $code, %members)

Runs the code in a process of its own and returns an object with these members
and C<pid>. The process is ended with the object, and in any case after so many
seconds (0: never), because a test that dies does not end it.

=item server($name, $code, $seconds)

spawn() for a server: the code gets a socket that listens on a free port, and
the file handle of a new log. C<port> and C<log> (its path) are members; C<port>
is a method, too. It ends after C<$seconds> (120).

=item program($name, $command)

Runs a program in t/logs/own-$name and waits until it listens on the UNIX socket
C<socket> there. The code in $command gets that folder and returns the command,
which has to write the file httpd.pid: by that, t/run ends what is left of a
test that died. C<dir> is a method.

=back

=cut

use strict;
use warnings;

use File::Path qw(mkpath);
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use POSIX ();

use ExpectTest ();

use constant PATIENCE => 10;        # seconds for a program to listen

sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }

sub spawn {
    my($class, $seconds, $code, %members) = @_;
    my $self = bless { %members, owner => $$ }, $class;
    defined($self->{pid} = fork) or die "fork: $!\n";
    return $self if $self->{pid};
    alarm $seconds;
    $code->();
    POSIX::_exit(0);
}

sub server {
    my($class, $name, $code, $seconds) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        Listen => 64) or die "listen: $!\n";
    my $port = $listener->sockport;
    my $file = ExpectTest::conf_var('t_logs') . "/$name-$port";
    unlink $file;
    open my $log, '>>', $file or die "$file: $!\n";
    return $class->spawn($seconds // 120, sub { $code->($listener, $log) },
        port => $port, log => $file);
}

sub program {
    my($class, $name, $command) = @_;
    my $dir = ExpectTest::conf_var('t_logs') . "/own-$name";
    mkpath($dir);
    my @command = $command->($dir);
    my $self = $class->spawn(0, sub {
        POSIX::setpgid(0, 0);
        open STDOUT, '>', "$dir/start_log";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }, dir => $dir);
    my $until = time + PATIENCE;
    until (IO::Socket::UNIX->new(Peer => "$dir/socket")) {
        die "$name did not start, see $dir\n" if time > $until;
        select undef, undef, undef, 0.02;
    }
    return $self;
}

sub DESTROY {
    my($self) = @_;
    return if $self->{owner} != $$;
    local $?;
    kill TERM => $self->{pid};
    waitpid $self->{pid}, 0;
}

1;
