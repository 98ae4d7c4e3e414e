package Foreign;

# Servers that are not httpd: where their programs are, how they run in the
# foreground with a configuration of their own, and what of an nginx
# configuration is the same everywhere. $dir is a folder of theirs.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(foreign_command nginx_conf);

my %ARGUMENTS = (
    nginx    => sub { ('-p', $_[1], '-e', "$_[1]/error_log", '-c', $_[0]) },
    haproxy  => sub { ('-db', '-f', $_[0]) },
    lighttpd => sub { ('-D', '-f', $_[0]) },
    varnishd => sub { ('-F', '-n', "$_[1]/work", '-f', $_[0],
                       '-s', 'malloc,64m') },
    squid    => sub { ('-N', '-f', $_[0]) },
    caddy    => sub { ('run', '--adapter', 'caddyfile', '--config', $_[0]) },
    h2o      => sub { ('-c', $_[0]) },
);

# Debian has them where an ordinary user does not look.
sub program {
    my($name) = @_;
    my($file) = grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}),
        qw(/usr/local/sbin /usr/sbin /sbin);
    return $file // die "$name is not installed: t/setup\n";
}

sub foreign_command {
    my($name, $conf, $dir, @more) = @_;
    return (program($name), $ARGUMENTS{$name}->($conf, $dir), @more);
}

sub nginx_conf {
    my($dir, $main, $http) = @_;
    my $temp = join '', map { "    ${_}_temp_path $dir/$_;\n" }
        qw(client_body proxy fastcgi uwsgi scgi);
    return <<"END";
daemon off;
pid $dir/pid;
$main
http {
$temp$http}
END
}

1;
