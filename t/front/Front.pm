package Front;

=head1 NAME

Front - real reverse proxies before a private httpd

=head1 SYNOPSIS

    use lib 't/front';
    use Front;

    my $origin = origin_httpd();            # origin_stock(): without the module
    my $front = start_front('nginx', $origin);
    my $url = 'http://127.0.0.1:' . $front->port . '/front/size/x';

=head1 FUNCTIONS

=over

=item start_front($name, $origin)

One of @FRONTS, on a port of its own. It ends with the object, which has the
methods of a server from own_httpd(). front_title($name) is what it is called,
front_setting($name) what makes it different from others of its kind.

=item origin_httpd($conf), origin_stock($conf)

A private httpd with the places below. X-Answers, in each of its answers, is the
method and the query of the request that is answered; front_log, in its folder,
has a line for each request: X-Witness, method, path, status, and the status
that mod_expect noted.

    /front/size/    up to 1 MB
    /front/type/    images
    /front/login/   a login for PUT
    /front/cut/     as size, for content of unknown length
    /front/free/    nothing is refused
    /dav/front/     files are stored, up to 1 GB

Below /specific/ there is the same with ExpectStatus specific. The one without
the module has LimitRequestBody and Require in place of the rules.

=item stored_file($name)

Where /dav/front/$name is stored.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use File::Path qw(mkpath);

use ExpectTest;
use File;
use Foreign qw(foreign_command nginx_conf);

our @ISA = ('ExpectTest::Server');
our @EXPORT = qw(@FRONTS start_front front_title front_setting origin_httpd
    origin_stock stored_file);

# name, title, program, configuration, and what is set in it beyond that
my @ROWS = (
    ['nginx', 'nginx', nginx => \&nginx_front, ''],
    ['nginx-streaming', 'nginx, streaming', nginx => \&nginx_front,
        'proxy_request_buffering off;'],
    ['haproxy', 'HAProxy', haproxy => \&haproxy_conf, ''],
    ['haproxy-status', 'HAProxy, set-status', haproxy => \&haproxy_conf,
        'http-response set-status 413 if { status 417 }'],
    ['haproxy-buffer', 'HAProxy, buffered', haproxy => \&haproxy_conf,
        'option http-buffer-request'],
    ['varnish', 'Varnish', varnishd => \&varnish_conf, 'return (pass);'],
    ['varnish-pipe', 'Varnish, pipe', varnishd => \&varnish_conf,
        'return (pipe);'],
    ['varnish-late', 'Varnish, late pipe', varnishd => \&varnish_conf,
        'std.late_100_continue(true); return (pipe);'],
    ['squid', 'Squid', squid => \&squid_conf, ''],
    ['squid-expect', 'Squid, no Expect', squid => \&squid_conf,
        "force_request_body_continuation allow all\n"
        . 'request_header_access Expect deny all'],
    ['caddy', 'Caddy', caddy => \&caddy_conf, ''],
    ['caddy-waits', 'Caddy, waits', caddy => \&caddy_conf,
        "transport http {\nexpect_continue_timeout 30s\n}"],
    ['lighttpd', 'lighttpd', lighttpd => \&lighttpd_conf, ''],
    ['lighttpd-streaming', 'lighttpd, streaming', lighttpd => \&lighttpd_conf,
        'server.stream-request-body = 2'],
    ['h2o', 'h2o', h2o => \&h2o_conf, ''],
    ['httpd', 'httpd', httpd => undef, ''],
    ['httpd-off', 'httpd, no Expect', httpd => undef, keep_expect()],
);
my %ROWS = map { $_->[0] => $_ } @ROWS;
our @FRONTS = map { $_->[0] } @ROWS;

sub front_title { return $ROWS{ $_[0] }[1] }

sub front_setting {
    my($name) = @_;
    return join ' ', split ' ', $ROWS{$name}[4];
}

# --- the fronts --------------------------------------------------------------

sub nginx_front {
    my($dir, $port, $to, $more) = @_;
    return nginx_conf($dir, <<"MAIN", <<"HTTP");
worker_processes 1;
error_log $dir/error_log info;
events { }
MAIN
    access_log off;
    upstream origin { server 127.0.0.1:$to; keepalive 8; }
    server {
        listen 127.0.0.1:$port;
        client_max_body_size 0;
        location / {
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For \$remote_addr;
            $more
        }
    }
HTTP
}

sub haproxy_conf {
    my(undef, $port, $to, $more) = @_;
    return <<"END";
global
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen front
    bind 127.0.0.1:$port
    $more
    server origin 127.0.0.1:$to
END
}

sub varnish_conf {
    my(undef, undef, $to, $more) = @_;
    return <<"END";
vcl 4.1;
import std;
backend origin { .host = "127.0.0.1"; .port = "$to"; }
sub vcl_recv {
    if (req.method == "PUT") { $more }
    return (pass);
}
END
}

sub squid_conf {
    my($dir, $port, $to, $more) = @_;
    return <<"END";
$more
http_port 127.0.0.1:$port accel defaultsite=localhost no-vhost
cache_peer 127.0.0.1 parent $to 0 no-query no-digest originserver
never_direct allow all
http_access allow all
cache deny all
access_log stdio:$dir/access_log
cache_log $dir/error_log
pid_filename $dir/pid
coredump_dir $dir
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
END
}

sub caddy_conf {
    my($dir, $port, $to, $more) = @_;
    return <<"END";
{
    admin off
    auto_https off
    storage file_system $dir
}
http://:$port {
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:$to {
        $more
    }
}
END
}

sub lighttpd_conf {
    my($dir, $port, $to, $more) = @_;
    return <<"END";
server.modules = ("mod_proxy")
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$dir"
server.upload-dirs = ("$dir")
server.errorlog = "$dir/error_log"
$more
proxy.server = ("" => (("host" => "127.0.0.1", "port" => $to)))
END
}

sub h2o_conf {
    my($dir, $port, $to) = @_;
    return <<"END";
num-threads: 1
pid-file: $dir/pid
error-log: $dir/error_log
temp-buffer-path: $dir
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: $port
    paths:
      "/":
        proxy.reverse.url: http://127.0.0.1:$to/
        proxy.preserve-host: ON
END
}

sub start_front {
    my($name, $origin) = @_;
    my(undef, undef, $program, $conf, $more) = @{ $ROWS{$name} };
    my $to = $origin->port;
    return stock_httpd(conf => "ProxyPass / http://127.0.0.1:$to/\n$more")
        if $program eq 'httpd';

    my $dir  = ExpectTest::private_dir();
    my $port = ExpectTest::Server::free_port();
    my $self = bless { dir => $dir, port => $port, owner => $$ };
    spew("$dir/conf", $conf->($dir, $port, $to, $more));
    local $ENV{HOME} = $dir;
    $self->launch(foreign_command($program, "$dir/conf", $dir,
        $program eq 'varnishd' ? ('-a', "127.0.0.1:$port") : ()));
    # t/run ends what a test that died has left, by these files' names
    spew("$dir/httpd.pid", $self->pid);
    return $self;
}

# --- the origin --------------------------------------------------------------

my $LOGIN = <<'END';
AuthType Basic
AuthName front
AuthBasicProvider witness
<Limit PUT>
    Require valid-user
</Limit>
END

# place, with the module, without
my @PLACES = (
    [size  => 'ExpectRequire content-length max=1M',
              'LimitRequestBody 1048576'],
    [type  => 'ExpectRequire content-type image/*',
              'Require expr "%{HTTP:Content-Type} =~ m#^(image/.*)?$#"'],
    [login => "ExpectRequire auth\n$LOGIN", $LOGIN],
    [cut   => 'ExpectRequire content-length max=1M',
              'LimitRequestBody 1048576'],
    [free  => '', ''],
);

sub stored_file { return conf_var('documentroot') . "/dav/front/$_[0]" }

sub origin_conf {
    my($column, $conf) = @_;
    mkpath(stored_file(''));
    my $places = join '', map {
        qq(<LocationMatch "^/(front|specific)/$_->[0]/">\n$_->[$column]\n)
            . "</LocationMatch>\n" } @PLACES;
    return <<"END" . $places . ($conf // '');
LogFormat "%{X-Witness}i %m %U %>s %{expect-status}n" front
CustomLog "\${OWN_DIR}/front_log" front
# no front is to meet a connection that is just being closed for its age
KeepAliveTimeout 60
Header always set X-Answers "expr=%{REQUEST_METHOD} %{QUERY_STRING}"
<LocationMatch "^/(front|specific)/">
    SetHandler witness
</LocationMatch>
<IfModule mod_expect.c>
    <Location "/specific/">
        ExpectStatus specific
    </Location>
    <Location "/dav/front/">
        ExpectRequire content-length max=1G
    </Location>
</IfModule>
END
}

sub origin_httpd { return own_httpd(conf => origin_conf(1, @_)) }
sub origin_stock { return stock_httpd(conf => origin_conf(2, @_)) }

1;
