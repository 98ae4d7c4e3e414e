package Prometheus;

=head1 NAME

Prometheus - a Prometheus of the test's own, which reads expect-status

=head1 SYNOPSIS

    my $prometheus = Prometheus->start($server, $rules);
    my $found = $prometheus->query('expect_counting');

=head1 METHODS

=over

=item start($server, $rules)

Starts it on a free port, with this file of rules, and waits until it has read
the page /expect-status of the server three times. It ends with the object.

=item get($path, %parameters)

What the API answers below /api/v1/: the member C<data>. Dies of an error, with
its text.

=item query($expression)

The result of an expression now: a list of C<{metric, value}>.

=back

=cut

use strict;
use warnings;

use File::Path qw(mkpath);
use HTTP::Tiny ();
use JSON::PP ();
use POSIX ();
use parent 'Child';
use Time::HiRes qw(time);

use ExpectTest;
use File;

use constant PATIENCE => 60;        # seconds for it to start and to read

sub configure {
    my($dir, $server, $rules) = @_;
    spew("$dir/prometheus.yml", <<"CONF");
global: { scrape_interval: 500ms, scrape_timeout: 500ms,
    evaluation_interval: 500ms }
rule_files: ['$rules']
scrape_configs:
  - job_name: mod_expect
    metrics_path: /expect-status
    params: { format: [openmetrics] }
    static_configs: [{ targets: ['127.0.0.1:@{[$server->port]}'] }]
CONF
}

sub start {
    my($class, $server, $rules) = @_;
    my $dir = conf_var('t_logs') . "/own-prometheus-$$";
    my $port = ExpectTest::Server::free_port();
    mkpath($dir);
    configure($dir, $server, $rules);
    my $self = $class->spawn(0, sub {
        POSIX::setpgid(0, 0);
        open STDOUT, '>', "$dir/start_log";
        open STDERR, '>&', \*STDOUT;
        # t/run ends it if this test dies
        spew("$dir/httpd.pid", "$$\n");
        exec 'prometheus', "--config.file=$dir/prometheus.yml",
            "--storage.tsdb.path=$dir/data",
            "--web.listen-address=127.0.0.1:$port" or POSIX::_exit(127);
    }, dir => $dir, port => $port);
    my $until = time + PATIENCE;
    until (eval { ($self->query('count_over_time(expect_counting[5m])'))[0]
                ->{value}[1] >= 3 }) {
        die "Prometheus does not start: $@" . slurp("$dir/start_log")
            if time > $until || waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
        select undef, undef, undef, 0.1;
    }
    return $self;
}

sub get {
    my($self, $path, %o) = @_;
    my $http = HTTP::Tiny->new(timeout => 10, proxy => undef,
        http_proxy => undef);
    my $r = $http->get("http://127.0.0.1:$self->{port}/api/v1/$path?"
        . $http->www_form_urlencode(\%o));
    my $answer = eval { JSON::PP::decode_json($r->{content}) }
        or die "$path: $r->{status} $r->{content}\n";
    $answer->{status} eq 'success' or die "$path: $answer->{error}\n";
    return $answer->{data};
}

sub query {
    my($self, $expression) = @_;
    return @{ $self->get('query', query => $expression)->{result} };
}

1;
