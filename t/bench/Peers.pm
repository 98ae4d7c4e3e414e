package Peers;

# Other ways to turn an upload away, each set up as well as it can be for the
# same jobs: further ways inside httpd, and other servers. All of them write an
# access log, and no error log of refusals. @CANNOT says which jobs are left
# out.

use strict;
use warnings;

use Client;
use Floor ();
use Foreign qw(foreign_command nginx_conf);
use Servers;
use Util;

use constant MAX => 1_048_576;
use constant PUT_MAX => 209_715_200;

# --- inside httpd ----------------------------------------------------

my $IF = <<'END';
<If "%%{HTTP:%s} %s">
        Require all denied
    </If>
END
my $PHASE1 = <<'END';
SecRule REQUEST_URI "@beginsWith /%s/" \
    "id:%d,phase:1,deny,nolog,status:%d,chain"
SecRule REQUEST_HEADERS:%s "%s"
END

define(
    if => { dir => {
        size => sprintf($IF, 'Content-Length', '-gt ' . MAX),
        type => sprintf($IF, 'Content-Type', '!~ m#^image/#'),
        put  => sprintf($IF, 'Content-Length', '-gt ' . PUT_MAX),
    } },
    expr => { dir => {
        size => 'Require expr "%{HTTP:Content-Length} -le ' . MAX . '"',
        type => 'Require expr "%{HTTP:Content-Type} =~ m#^image/#"',
        put  => 'Require expr "%{HTTP:Content-Length} -le ' . PUT_MAX . '"',
    } },
    rewrite => { load => ['rewrite'], main => 'RewriteEngine On' . "\n"
        . rewrite('/size/', '%{HTTP:Content-Length} "-gt ' . MAX . '"', 413)
        . rewrite('/type/', '%{HTTP:Content-Type} !^image/', 415)
        . rewrite('/put/', '%{HTTP:Content-Length} "-gt ' . PUT_MAX . '"',
                  413) },
    'rewrite-dir' => { load => ['rewrite'], dir => {
        size => "RewriteEngine On\n"
            . rewrite('', '%{HTTP:Content-Length} "-gt ' . MAX . '"', 413),
        type => "RewriteEngine On\n"
            . rewrite('', '%{HTTP:Content-Type} !^image/', 415),
        put  => "RewriteEngine On\n" . rewrite('',
            '%{HTTP:Content-Length} "-gt ' . PUT_MAX . '"', 413),
    } },
    qos => { load => ['qos'], main => \&qos_conf, dir => {
        size => 'QS_LimitRequestBody ' . MAX,
        type => 'QS_DenyEvent +T1 deny !image',
        put  => 'QS_LimitRequestBody ' . PUT_MAX,
    } },
    security2 => { load => [qw(unique_id security2)],
        main => "SecRuleEngine On\nSecRequestBodyAccess Off\n"
            . sprintf($PHASE1, 'size', 1, 413, 'Content-Length', '@gt ' . MAX)
            . sprintf($PHASE1, 'type', 2, 415, 'Content-Type', '!@rx ^image/')
            . sprintf($PHASE1, 'put', 3, 413, 'Content-Length',
                      '@gt ' . PUT_MAX) },
    # Apart, as mod_qos then keeps a record of each client for every request.
    'qos-remember' => { load => ['qos'], main => \&qos_remember_conf },
);

sub rewrite {
    my($path, $condition, $status) = @_;
    return "RewriteCond $condition\nRewriteRule ^$path - [R=$status]\n";
}

sub qos_conf {
    my($dir) = @_;
    return <<"END";
QS_SemMemFile "$dir"
LogLevel qos:crit
SetEnvIf Content-Type ^image/ image
END
}

# The second event in a day is denied, and all that follow.
sub qos_remember_conf {
    return qos_conf(@_) . <<'END';
QS_ErrorResponseCode 429
QS_LocRequestLimit /in-flight/ 1
QS_ClientEntries 1000
QS_ClientEventLimitCount 2 86400 QUOTA
SetEnvIf Request_URI ^/quota/ QUOTA
RequestReadTimeout body=0
Timeout 600
END
}

# --- other servers ---------------------------------------------------

define(map { my $name = $_->[0];
             ($name => { program => $name, conf => $_->[1],
                         command => sub { foreign_command($name, @_) } }) }
       [nginx => \&peer_nginx_conf], [haproxy => \&haproxy_conf],
       [lighttpd => \&lighttpd_conf]);

sub peer_nginx_conf {
    my($dir, $port, $h2) = @_;
    my $http2 = $h2 ? 'http2' : '';
    return nginx_conf($dir, <<"MAIN", <<"HTTP");
worker_processes auto;
worker_rlimit_nofile 4096;
error_log $dir/error_log crit;
events { worker_connections 2048; }
MAIN
    log_format common '\$remote_addr - \$remote_user [\$time_local] '
                      '"\$request" \$status \$bytes_sent';
    access_log $dir/access_log common;

    sendfile on;
    keepalive_requests 10000000;
    root $work/htdocs;
    client_body_timeout 600s;
    limit_conn_status 429;
    limit_conn_zone \$binary_remote_addr zone=flights:1m;
    map \$http_content_type \$is_other { default 1; ~^image/ ""; }
    server {
        listen 127.0.0.1:$port $http2 backlog=4096;
        client_max_body_size 200m;
        location /files/ { }
        location /put/   { dav_methods PUT; }
        location /size/  { dav_methods PUT; client_max_body_size 1m; }
        location /type/  { dav_methods PUT; if (\$is_other) { return 415; } }
        location /in-flight/ { dav_methods PUT; limit_conn flights 1; }
        location /auth/  { dav_methods PUT; auth_basic bench;
                           auth_basic_user_file $work/users; }
    }
HTTP
}

sub haproxy_conf {
    my($dir, $port, $h2) = @_;
    my $proto = $h2 ? 'proto h2' : '';
    my $max = MAX;
    return <<"END";
global
    log stdout format raw local0
    maxconn 2000
defaults
    mode http
    log global
    option httplog
    timeout client 600s
    timeout http-keep-alive 60s
backend flights
    stick-table type ip size 10k store conn_cur
backend quotas
    stick-table type ip size 10k expire 1d store http_req_rate(1d)
userlist bench
    user bench insecure-password bench
frontend bench
    bind 127.0.0.1:$port $proto backlog 4096
    acl is_large req.hdr_val(content-length) gt $max
    acl is_image req.hdr(content-type) -m beg image/
    acl is_known http_auth(bench)
    http-request deny deny_status 413 if { path_beg /size/ } is_large
    http-request return status 415 if { path_beg /type/ } !is_image
    http-request auth realm bench if { path_beg /auth/ } !is_known
    http-request track-sc0 src table flights if { path_beg /in-flight/ }
    http-request track-sc1 src table quotas if { path_beg /quota/ }
    http-request deny deny_status 429 if { sc_conn_cur(0,flights) gt 1 }
    http-request deny deny_status 429 if { sc_http_req_rate(1,quotas) gt 1 }
    http-request wait-for-body time 600s if { path_beg /in-flight/ /quota/ }
    http-request return status 404
END
}

sub lighttpd_conf {
    my($dir, $port) = @_;
    my $kilobytes = MAX / 1024;
    return <<"END";
server.modules = ("mod_access", "mod_accesslog", "mod_auth",
                  "mod_authn_file", "mod_webdav")
server.bind = "127.0.0.1"
server.port = $port
server.listen-backlog = 4096
server.max-fds = 4096
server.max-keep-alive-requests = 65535
server.document-root = "$work/htdocs"
server.upload-dirs = ("$dir")
server.errorlog = "$dir/error_log"
accesslog.filename = "$dir/access_log"
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "$work/users"
auth.require = ("/auth/" => ("method" => "basic", "realm" => "bench",
                             "require" => "valid-user"))
\$HTTP["url"] =~ "^/(size|type|auth|put)/" {
    webdav.activate = "enable"
}
\$HTTP["url"] =^ "/size/" {
    server.max-request-size = $kilobytes
}
\$HTTP["url"] =^ "/type/" {
    \$REQUEST_HEADER["content-type"] !~ "^image/" {
        url.access-deny = ("")
    }
}
END
}

# --- jobs ------------------------------------------------------------

my @INSIDE = qw(limit if expr rewrite rewrite-dir qos security2);
my @OTHERS = qw(nginx haproxy lighttpd);

sub is_inside {
    my($peer) = @_;
    return scalar grep { $_ eq $peer } @INSIDE;
}

our %TITLES = (
    expect => 'mod_expect', limit => 'httpd alone', if => '<If>',
    expr => 'Require expr', rewrite => 'mod_rewrite',
    'rewrite-dir' => 'mod_rewrite, dir', qos => 'mod_qos',
    security2 => 'mod_security2', nginx => 'nginx', haproxy => 'HAProxy',
    lighttpd => 'lighttpd',
);

# jobs, peers, why not
my @CANNOT = (
    ['type', 'limit', 'LimitRequestBody knows lengths only'],
    ['auth', join('|', grep { $_ ne 'limit' } @INSIDE),
     "httpd's own access control does it: see httpd alone"],
    ['put|get', 'haproxy', 'it stores and serves no files'],
    ['in-flight|quota', 'limit|if|expr|rewrite|rewrite-dir|lighttpd',
     'it remembers nothing of other requests, without a script'],
    ['in-flight|quota', 'security2',
     'its collections are files, and count no request that is under way'],
    ['quota', 'nginx', 'its limit_req gives back one request a minute'],
);
my %HUGE = (map({ $_ => 'image/png' } qw(size auth in-flight quota)),
            type => 'text/plain');
my %REFUSED = (size => [403, 413, 417], type => [403, 415, 417],
               auth => [401, 417],
               map({ $_ => [429] } qw(in-flight quota)));

# The servers that have rules that remember, where they are others.
my %REMEMBER = (expect => 'remember', qos => 'qos-remember');
my @STORED = (200, 201, 204);
my %SIZES = ('1k' => 1024, '1m' => 1_048_576, '100m' => 104_857_600);

sub huge {
    my($job) = @_;
    return (length_of(104_857_600), "Content-Type: $HUGE{$job}\r\n");
}

# name, request, statuses, and how it is measured
my @JOBS = (
    (map { { name => $_, statuses => $REFUSED{$_}, refusal => 1,
             shows => "refused by $_, asked first",
             request => request("PUT /$_/x", asks, huge($_)) } }
        qw(size type auth)),
    (map { { name => $_, statuses => $REFUSED{$_}, refusal => 1, held => 1,
             shows => "refused by $_, asked first",
             request => request("PUT /$_/x", asks, huge($_)) } }
        qw(in-flight quota)),
    (map { { name => "$_-unasked", statuses => $REFUSED{$_}, refusal => 1,
             shows => "refused by $_, did not ask",
             request => request("PUT /$_/x", huge($_)),
             clients => 1, n => 80, seconds => 0.25, paired => 0,
             rounds => 15 } } qw(size type auth)),
    put_job('1k'), put_job('1m', paired => 64, rounds => 7),
    put_job('100m', clients => 1, n => 2, seconds => 60, paired => 0,
            rounds => 5),
    { name => 'get', request => request('GET /files/small.txt'),
      statuses => [200], shows => 'GET, kept alive' },
    (map { { name => "h2-$_", statuses => $REFUSED{$_}, refusal => 1,
             shows => "HTTP/2: refused by $_", h2 => 1,
             request => request("PUT /$_/x", huge($_)) } }
        qw(size type auth)),
    put_job('1k', h2 => 1), put_job('1m', h2 => 1, rounds => 7),
    { name => 'h2-get', request => request('GET /files/small.txt'), h2 => 1,
      statuses => [200], shows => 'HTTP/2: GET' },
);

sub put_job {
    my($size, %how) = @_;
    my $name = ($how{h2} ? 'h2-' : '') . "put-$size";
    return { name => $name, statuses => \@STORED,
             shows => ($how{h2} ? 'HTTP/2: ' : '') . "stored, $size",
             request => request('PUT /put/{c}', $how{h2} ? () : asks,
                                typed($SIZES{$size})), %how };
}

sub why_not {
    my($job, $peer) = @_;
    my($kind) = $job =~ /^(?:h2-)?(in-flight|\w+)/;
    for my $i (0 .. $#CANNOT) {
        my($jobs, $peers, $why) = @{ $CANNOT[$i] };
        return $i + 1 if $kind =~ /^(?:$jobs)$/ && $peer =~ /^(?:$peers)$/;
    }
    return undef;
}

# What mod_expect's rows were, in two runs, while a worker threw away what a
# refused client sent on. Since then it is a thread of the process.
my $BEFORE = <<'END';
Before, when a worker threw away what a refused client sent on, a refusal of
size-unasked took 990 to 1570 us of processor time, at 0.52 to 0.88 of the rate
of mod_rewrite, 0.90 to 1.04 of mod_qos, 0.91 to 1.02 of mod_security2 (AMD
EPYC).
END

sub footnotes {
    return ((map { sprintf "(%d) %s", $_ + 1, $CANNOT[$_][2] } 0 .. $#CANNOT),
            '', split /\n/, $BEFORE);
}

sub one_case {
    my($job, $peer) = @_;
    my $h2 = $job->{h2} ? '/h2' : '';
    my($ours, $theirs) = map { $job->{held} && $REMEMBER{$_} || $_ }
        'expect', $peer;
    my @rest = ("job-$job->{name}", @{ $job->{statuses} });
    return { part => 'peers', name => $job->{name}, peer => $peer,
             shows => $job->{shows}, cannot => why_not($job->{name}, $peer),
             a => ["$ours$h2", @rest], b => ["$theirs$h2", @rest],
             counted => 0, wire => $job->{refusal},
             (map { exists $job->{$_} ? ($_ => $job->{$_}) : () }
                 qw(clients n seconds paired rounds held)),
             $h2 ? (anew => 1) : (),
             $job->{refusal} && is_inside($peer) ? (ratio => 1) : () };
}

sub cases {
    add_requests(map { ("job-$_->{name}" => $_->{request}) } @JOBS);
    return map { my $job = $_; map { one_case($job, $_) } @INSIDE, @OTHERS }
        @JOBS;
}

sub place { }

# --- what they take --------------------------------------------------

# Bytes of memory of each of them, after so many uploads were refused. One at a
# time: Pss shares out what httpd has in common with another.
sub memory {
    my($requests) = @_;
    return map {
        my $side = [$_, 'job-size', @{ $REFUSED{size} }];
        serve($_);
        load([$side], ['-c', $opt{clients}, '-n', $requests]);
        my $pss = pss($_);
        stop_all();
        [$_ => $pss];
    } 'expect', @INSIDE, @OTHERS;
}

1;
