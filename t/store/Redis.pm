package Redis;

# A redis-server of a test's own, and a client; Store.pm describes them.

use strict;
use warnings;

use File::Path qw(mkpath);
use IO::Socket::INET ();
use POSIX ();

use Child ();
use ExpectTest ();
use Foreign ();

my $count = 0;

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

sub new {
    my($class, %options) = @_;
    my $dir = ExpectTest::conf_var('t_logs') . '/own-redis-' . $$ . '-'
        . ++$count;
    mkpath($dir);
    my $self = bless { dir => $dir, port => free_port(), options => \%options,
        password => $options{requirepass} }, $class;
    return $self->start;
}

sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }
sub url  { return "redis://127.0.0.1:$_[0]{port}/" . ($_[1] // 0) }

sub start {
    my($self) = @_;
    my $dir = $self->{dir};
    my %o = (port => $self->{port}, bind => '127.0.0.1', save => '',
        appendonly => 'no', dir => $dir, pidfile => "$dir/httpd.pid",
        unixsocket => "$dir/socket", %{ $self->{options} });
    my @command = (Foreign::program('redis-server'),
        map { ("--$_", ref $o{$_} ? @{ $o{$_} } : $o{$_}) } sort keys %o);
    $self->{child} = Child->spawn(0, sub {
        POSIX::setpgid(0, 0);
        open STDOUT, '>>', "$dir/log";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    });
    Store::comes_true(sub {
        ($self->call('PING') // '') =~ /^PONG$|^-NOAUTH|^-NOPERM/;
    }) or die "redis-server did not start, see $dir/log\n";
    return $self;
}

sub signal {
    my($self, $name) = @_;
    kill $name => $self->{child}{pid};
    return $self;
}

sub stop {
    my($self) = @_;
    my $child = delete $self->{child} or return;
    kill KILL => $child->{pid};
    waitpid $child->{pid}, 0;
    delete $self->{socket};
    return $self;
}

sub as {
    my($self, $password) = @_;
    $self->{password} = $password;
    delete $self->{socket};
    return $self;
}

sub read_answer {
    my($socket) = @_;
    my $line = <$socket> // return;
    $line =~ s/\r\n$//;
    my($type, $rest) = $line =~ /^(.)(.*)$/;
    return $rest if $type =~ /[+:]/;
    return $line if $type eq '-';
    return undef if $rest < 0;
    return [ map { read_answer($socket) } 1 .. $rest ] if $type eq '*';
    read $socket, my $bytes, $rest + 2;
    return substr $bytes, 0, $rest;
}

sub ask {
    my($socket, @words) = @_;
    print {$socket} '*' . @words . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @words;
    return read_answer($socket);
}

sub call {
    my($self, @words) = @_;
    local $SIG{PIPE} = 'IGNORE';
    if (!$self->{socket} || !defined $self->{socket}->connected) {
        $self->{socket} = IO::Socket::INET->new(Timeout => 5,
            PeerAddr => "127.0.0.1:$self->{port}") or return;
        ask($self->{socket}, 'AUTH', $self->{password})
            if defined $self->{password};
    }
    my $answer = ask($self->{socket}, @words);
    delete $self->{socket} unless defined $answer;
    return $answer;
}

# What is in flight, of all items: places.
sub places {
    my($self) = @_;
    my $keys = $self->call('KEYS', '*:f');
    return map { @{ $self->call('ZRANGE', $_, 0, -1) // [] } } @{ $keys // [] };
}

# The connections of httpds.
sub clients {
    my($self) = @_;
    my $me = $self->call('CLIENT', 'ID');
    return grep { !/^id=$me / } split /\n/, $self->call('CLIENT', 'LIST');
}

1;
