package ExpectTest;

=head1 NAME

ExpectTest - raw uploads to the test server, and checks of their results

=head1 SYNOPSIS

    use Test::More;
    use ExpectTest;

    write_htaccess('tenant/small', "ExpectRequire content-length max=10\n");
    refused_ok('over the limit', { path => '/tenant/small/x', content => 11 },
        status => 413, asked_status => 417, rule => 'content-length',
        like => qr/is over max=10/);
    admitted_ok('at the limit', { path => '/tenant/small/x', content => 10 },
        status => 200);
    done_testing();

Requests go to 127.0.0.1 over plain sockets, so that interim responses, closed
connections and unsent content can be seen. Nothing sleeps: every wait ends
with the event it waits for, or after WAIT seconds.

=head1 FUNCTIONS

=over

=item talk($where, @steps)

    my $t = talk('main', "GET / HTTP/1.1\r\nHost: x\r\n\r\n", qr/200 OK/);
    ok !$t->{missed} or diag $t->{bytes};

Sends the strings, waits for the patterns (each looks behind the match of the
one before) and, at C<'eof'>, for the connection's end. Returns C<{bytes, eof,
missed}>; missed is the first step that did not come true. C<$where> is
C<main>, a vhost's name, a port, or a server from own_httpd().

=item upload(%o)

    my $r = upload(path => '/witness/x', content => 1000, asks => 1);
    is $r->{status}, 200;
    is_deeply $r->{interim}, [100];
    is $r->{witness}{read}, 1000;

method (PUT), path (/witness/), headers (list of "Name: value"), content (a
string, or all digits: that many bytes), length (what Content-Length says, if
not the truth), chunked, http ('1.1'), host, vhost (where, as for talk), h2 (1:
HTTP/2 to the vhost h2c).

C<< on => connection($where) >> sends it over a connection that is there, and
that the next one may use again.

C<asks> sends C<Expect: 100-continue> and holds the content back until 100 or
a final status. A client that does not ask sends the head and waits C<silence>
(SILENCE) seconds for an early answer before the content; with C<eager> it sends
both at once. C<unwitnessed> does not wait for the witness's record.

Returns C<{status, line, interim, headers, body, closed, sent, early, id,
witness}>: line is the status line of HTTP/1.x; headers by lower-case name; sent
counts content bytes; closed says that the connection (over HTTP/2: the stream,
by RST_STREAM) ended after the response; witness is the record that
t/c-modules/witness wrote. Over HTTP/2 there are C<reset>, C<ended> and
C<goaway> as well, see H2Client.

=item refused_ok($name, \%upload, status => N, ...)

    refused_ok('wrong type', { path => '/tenant/x', content => 'x',
        headers => ['Content-Type: text/plain'] }, status => 415,
        rule => 'content-type', headers => { accept => 'image/*' });

One subtest: no interim response, the status, no content sent or read, the
connection closed, verdict, rule, status and reason in the notes, one line
C<expect: refused N: > in error_log. It runs for clients that ask and that do
not (only one of them if the upload says C<asks>), over HTTP/1.1 and, where the
MPM has it, HTTP/2 (C<< h2 => 0 >> leaves that out). Optional: asked_status,
rule, like (the reason), log (0: no line is expected; a pattern for the line),
headers (name => string or pattern), body (pattern). Returns the responses.

=item admitted_ok($name, \%upload, status => N, ...)

    admitted_ok('a DAV PUT', { path => '/dav/x', content => 9 }, status => 201);

The same for what is let through: exactly one 100 if asked, the content sent
and read as a whole, verdict C<continue> (or the one given, C<'-'> for none),
no refusal in error_log. status may be a list, for a PUT that is repeated; log
is a pattern that one line must match.

=item write_htaccess($dir, $text)

    write_htaccess('tenant/a', "ExpectStatus specific\n");

Writes htdocs/$dir/.htaccess, making the directory; undef removes the file.
Returns the file's path.

=item section(@lines), section_in($dir, @lines), section_at($dir, @lines)

    my $path = section('ExpectRequire content-length max=10');

section() writes the lines into the .htaccess of a new folder below
htdocs/tenant, named after the test file, and returns the URL path of something
in it. section_in() does so below htdocs/$dir; section_at() writes those of
htdocs/$dir itself.

=item basic_auth($user, $password)

The header field C<Authorization>, for C<headers>; the password is C<secret>
unless one is given.

=item if_expect($text)

The text in C<< <IfModule expect_module> >>, for configuration that stock httpd
reads as well.

=item one_process()

Configuration for a single process (with threads, where the MPM has them), so
that what a module counts per process is counted.

=item log_mark($where), error_log_since($mark)

    my $mark = log_mark();
    ...
    my @lines = error_log_since($mark);

=item config_error($text, @arguments)

    my($exit, $message) = config_error("ExpectRequire nonsense\n");
    isnt $exit, 0;
    like $message, qr/^ExpectRequire: nonsense: /m;

What C<httpd -t> says of a server with the test's modules and this text. The
arguments go to httpd, such as C<< '-D', 'DUMP_EXPECT' >>.

=item explained($text, @questions)

    my($answer) = explained($text, '/x PUT length=11');
    like $answer, qr/^  asks: refused 417: /m;

What ExpectExplain answers, for such a server, to each question.

=item with_library($name, $variable, $code)

    my $server = with_library('deny', 'DENY=json_dumps', sub { own_httpd() });

Runs the code with t/lib/$name.c preloaded to each httpd that it starts.

=item own_httpd(expect => 1, conf => $text), stock_httpd(conf => $text)

    my $stock = stock_httpd();
    my $r = upload(vhost => $stock, path => '/witness/', asks => 1);

A private server with the endpoints of t/conf/endpoints.inc.in, with or without
mod_expect, on a port of its own (${OWN_DIR} is its folder). With C<< only =>
[qw(dav dav_fs)] >> it has just these modules, mod_expect, and neither endpoints
nor witness. It ends with the object. Methods: port; dir (its error_log and
witness_log); pid; graceful; stop; crashes (the lines of its error_log about
crashes); and wait_for($condition, $seconds), which returns whether the
condition came true while the server ran.

=item has_h2(), conf_var($name), witness_of($id, $where)

Whether this MPM serves HTTP/2; a variable of Apache::Test's configuration,
such as C<documentroot>; the witness's record of a request made by hand with
the header C<X-Witness: $id>.

=item module_dir()

The folder of httpd's modules, which has third parties' modules as well.

=item keep_expect()

The lines that keep an expectation from the origin, as docs/INTEROPERABILITY
describes them.

=item httpd_at_least('2.4.54')

Whether httpd is of this version or later: only for what httpd itself does
differently, with the reason beside it.

=item no_retry()

The parameter of a proxy that tries an origin again at once.

=item restarts_once()

Whether SIGHUP restarts this httpd once. Prefork of 2.5-dev begins again and
again, and serves nobody meanwhile.

=back

=cut

use strict;
use warnings;

use Cwd ();
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(mkpath);
use IO::Socket::INET ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Socket ();
use Test::More;
use Time::HiRes qw(time);
use version ();

use File;
use H2Client ();
use Unprivileged ();

our @EXPORT = qw(talk upload connection refused_ok admitted_ok write_htaccess
    section section_in section_at basic_auth if_expect one_process log_mark
    error_log_since config_error explained with_library own_httpd stock_httpd
    has_h2 conf_var module_dir witness_of keep_expect httpd_at_least
    restarts_once no_retry);

# TEST_SLOWNESS: by how much httpd is slower than usual (valgrind).
use constant SLOWNESS => $ENV{TEST_SLOWNESS} || 1;

use constant WAIT    => 5 * SLOWNESS;   # seconds for what must happen
use constant SILENCE => 0.3;    # seconds after which a server waits for content
use constant PIECE   => 8192;   # bytes of content in one chunk

my $count = 0;

# --- where -------------------------------------------------------------

my $conf;

sub conf_var {
    my($name) = @_;
    if (!$conf) {
        require(Cwd::cwd() . '/t/conf/apache_test_config.pm');
        $conf = apache_test_config->new->{vars};
    }
    return $conf->{$name};
}

my $version;

sub httpd_at_least {
    my($wanted) = @_;
    if (!$version) {
        my $httpd = conf_var('httpd');
        my($is) = qx('$httpd' -v) =~ m{Apache/([\d.]+)}
            or die "$httpd does not print its version\n";
        $version = version->declare($is);
    }
    return $version >= version->declare($wanted);
}

sub restarts_once {
    return ($ENV{TEST_MPM} // '') !~ /^(?:prefork|itk)$/
        || !httpd_at_least('2.5');
}

# httpd 2.5 wants a millisecond, 2.4 takes seconds only.
sub no_retry { return httpd_at_least('2.5') ? 'retry=1ms' : 'retry=0' }

# httpd before 2.4.54 hands Expect on with Off as well; before 2.4.40 there was
# no such directive.
sub keep_expect {
    return "Proxy100Continue Off\n" if httpd_at_least('2.4.54');
    return "<IfDirective Proxy100Continue>\nProxy100Continue Off\n"
        . "</IfDirective>\nRequestHeader unset Expect\n";
}

sub module_dir {
    my($dir) = slurp(conf_var('serverroot') . '/conf/modules.load')
        =~ m{"(.*)/mod_authz_core\.so"} or die "where are the modules?\n";
    return $dir;
}

sub has_h2 { return ($ENV{TEST_MPM} || '') !~ /^(?:prefork|itk)$/ }

sub port_of {
    my($where) = @_;
    $where ||= 'main';
    return $where->port if ref $where;
    return $where if $where =~ /^\d+$/;
    my $port = conf_var($where eq 'main' ? 'port' : "${where}_port");
    return $port || die "no such vhost: $where\n";
}

sub logs_of {
    my($where) = @_;
    return ref $where ? $where->dir : conf_var('t_logs');
}

# --- the wire ----------------------------------------------------------

sub open_wire {
    my($where) = @_;
    my $port = port_of($where);
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
        Timeout => WAIT) or die "cannot connect to port $port: $!\n";
    # the small writes of a test are not to wait for each other
    setsockopt $socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1;
    $socket->blocking(0);
    return { socket => $socket, bytes => '', eof => 0 };
}

# Waits for the socket to be readable (and writable, if asked) until then.
sub ready {
    my($wire, $until, $write) = @_;
    my($in, $out) = ('', '');
    vec($in, fileno $wire->{socket}, 1) = 1;
    vec($out, fileno $wire->{socket}, 1) = 1 if $write;
    my $left = $until - time;
    select $in, $out, undef, $left > 0 ? $left : 0;
    return (vec($in, fileno $wire->{socket}, 1),
        $write && vec($out, fileno $wire->{socket}, 1));
}

sub receive {
    my($wire) = @_;
    my $n = sysread $wire->{socket}, $wire->{bytes}, 65_536,
        length $wire->{bytes};
    return if !defined $n && ($!{EAGAIN} || $!{EINTR});
    $wire->{eof} = 1 unless $n;
}

# Reads until the condition holds, the connection ends or time runs out;
# returns whether the condition holds.
sub read_until {
    my($wire, $seconds, $condition) = @_;
    my $until = time + $seconds;
    until ($condition->()) {
        return 0 if $wire->{eof};
        my($readable) = ready($wire, $until);
        return 0 unless $readable;
        receive($wire);
    }
    return 1;
}

# Sends the bytes, reading meanwhile; stops when the condition holds. Returns
# how many were sent.
sub send_bytes {
    my($wire, $bytes, $stop) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent  = 0;
    my $until = time + WAIT;
    while ($sent < length $bytes && !$wire->{eof} && !($stop && $stop->())) {
        my($readable, $writable) = ready($wire, $until, 1);
        receive($wire) if $readable;
        if ($writable) {
            my $n = syswrite $wire->{socket}, $bytes, 65_536, $sent;
            last if !defined $n && !$!{EAGAIN};
            $sent += $n || 0;
            $until = time + WAIT if $n;
        }
        last if time > $until;
    }
    return $sent;
}

sub connection { return open_wire(@_) }

sub talk {
    my($where, @steps) = @_;
    my $wire = open_wire($where);
    my $from = 0;
    for my $step (@steps) {
        my $ok;
        if (ref $step) {
            $ok = read_until($wire, WAIT, sub {
                return 0 unless substr($wire->{bytes}, $from) =~ $step;
                $from += $+[0];
                return 1;
            });
        }
        elsif ($step eq 'eof') {
            read_until($wire, WAIT, sub { 0 });
            $ok = $wire->{eof};
        }
        else {
            $ok = send_bytes($wire, $step) == length $step;
        }
        $wire->{missed} = $step, last unless $ok;
    }
    delete $wire->{socket};
    return $wire;
}

# --- responses ---------------------------------------------------------

# Takes complete heads off the front of the bytes into the response.
sub parse_heads {
    my($wire, $r) = @_;
    while (!defined $r->{status}
           && $wire->{bytes} =~ s{^(HTTP/1\.[01]\ (\d+)[^\r\n]*)\r\n
                                  ((?:[^\r\n]+\r\n)*)\r\n}{}x) {
        my($line, $status, $lines) = ($1, $2 + 0, $3);
        if ($status < 200) {
            push @{ $r->{interim} }, $status;
            next;
        }
        @$r{qw(status line)} = ($status, $line);
        for (split /\r\n/, $lines) {
            my($name, $value) = /^([^:]+):\s*(.*?)\s*$/ or next;
            $name = lc $name;
            $r->{headers}{$name} = exists $r->{headers}{$name}
                ? "$r->{headers}{$name}, $value" : $value;
        }
    }
    return defined $r->{status};
}

# Takes the body if it is all there, as its framing says.
sub parse_body {
    my($wire, $r, $method) = @_;
    my $length = $r->{headers}{'content-length'};
    return 1 if $method eq 'HEAD' || $r->{status} =~ /^(?:204|304)$/;
    if (($r->{headers}{'transfer-encoding'} || '') =~ /chunked/i) {
        my($rest, $body) = ($wire->{bytes}, '');
        while ($rest =~ s/^([0-9a-f]+)[^\r\n]*\r\n//i) {
            my $n = hex $1;
            return 0 if length $rest < $n + 2;
            $body .= substr $rest, 0, $n, '';
            $rest =~ s/^\r\n//;
            next if $n;
            $r->{body} = $body;
            $wire->{bytes} = $rest;
            return 1;
        }
        return 0;
    }
    return 0 if defined $length ? length $wire->{bytes} < $length
                                : !$wire->{eof};
    $r->{body} = substr $wire->{bytes}, 0, $length // length $wire->{bytes},
        '';
    return 1;
}

# --- the witness and the logs -------------------------------------------

sub log_mark {
    my($where) = @_;
    my $file = logs_of($where) . '/error_log';
    return { file => $file, at => -s $file || 0 };
}

sub error_log_since {
    my($mark) = @_;
    open my $fh, '<', $mark->{file} or return;
    seek $fh, $mark->{at}, 0;
    return <$fh>;
}

sub parse_record {
    my($line) = @_;
    my %record = $line =~ /(\w+)=("(?:[^"\\]|\\.)*"|\S+)/g;
    for (values %record) {
        s/^"(.*)"$/$1/;
        s/\\(?:x([0-9a-fA-F]{2})|(.))/defined $1 ? chr hex $1 : $2/ge;
    }
    return \%record;
}

sub witness_of {
    my($id, $where, $seconds) = @_;
    my $file  = logs_of($where) . '/witness_log';
    my $until = time + ($seconds // WAIT);
    while (1) {
        if (open my $fh, '<', $file) {
            my($line) = grep { /^id=\Q$id\E .*\n/ } <$fh>;
            return parse_record($line) if $line;
        }
        return {} if time > $until;
        select undef, undef, undef, 0.01;
    }
}

# --- upload --------------------------------------------------------------

sub complete_options {
    my %o = (method => 'PUT', path => '/witness/', http => '1.1',
        host => 'localhost', content => '', headers => [], @_);
    $o{content} = 'x' x $o{content} if $o{content} =~ /^\d+$/;
    $o{id} = join '-', $$, $^T, ++$count;
    $o{vhost} ||= 'h2c' if $o{h2};
    return %o;
}

sub announces { return $_[0]{chunked} || length $_[0]{content}
    || defined $_[0]{length} }

sub head_of {
    my %o = @_;
    my @lines = ("$o{method} $o{path} HTTP/$o{http}", "Host: $o{host}",
        "X-Witness: $o{id}", @{ $o{headers} });
    push @lines, 'Expect: 100-continue' if $o{asks};
    push @lines, 'Transfer-Encoding: chunked' if $o{chunked};
    push @lines, 'Content-Length: ' . ($o{length} // length $o{content})
        if announces(\%o) && !$o{chunked};
    return join("\r\n", @lines) . "\r\n\r\n";
}

# The content as it goes over the wire.
sub framed {
    my %o = @_;
    return $o{content} unless $o{chunked};
    my $bytes = '';
    for (my $at = 0; $at < length $o{content}; $at += PIECE) {
        my $piece = substr $o{content}, $at, PIECE;
        $bytes .= sprintf "%x\r\n%s\r\n", length $piece, $piece;
    }
    return $bytes . "0\r\n\r\n";
}

sub h2_head {
    my %o = @_;
    my @head = ([':method', $o{method}], [':scheme', 'http'],
        [':authority', $o{host}], [':path', $o{path}],
        ['x-witness', $o{id}],
        map { my($n, $v) = split /:\s*/, $_, 2; [lc $n, $v] }
            @{ $o{headers} });
    push @head, ['expect', '100-continue'] if $o{asks};
    push @head, ['content-length', $o{length} // length $o{content}]
        if announces(\%o) && !$o{chunked};
    return \@head;
}

sub upload_h2 {
    my %o = @_;
    my $wire = open_wire($o{vhost});
    $wire->{socket}->blocking(1);
    return H2Client->new($wire->{socket})->request(head => h2_head(%o),
        content => $o{content}, bare => !announces(\%o), asks => $o{asks},
        eager => $o{eager}, wait => WAIT, silence => $o{silence} // SILENCE);
}

sub upload_h1 {
    my %o = @_;
    my $wire  = $o{on} || open_wire($o{vhost});
    my $r     = { interim => [], headers => {}, body => '', sent => 0,
        closed => 0 };
    my $final = sub { parse_heads($wire, $r) };
    my $bytes = framed(%o);

    send_bytes($wire, head_of(%o));
    if (announces(\%o)) {
        my $waits = $o{asks} && $o{http} ne '1.0';
        read_until($wire, $waits ? WAIT : $o{silence} // SILENCE,
            sub { $final->() || $waits && @{ $r->{interim} } })
            unless $o{eager};
        $r->{early} = defined $r->{status} ? 1 : 0;
        $r->{sent} = send_bytes($wire, $bytes, $final)
            if !defined $r->{status}
               && (!$waits || $o{eager} || grep { $_ == 100 }
                                           @{ $r->{interim} });
    }
    read_until($wire, WAIT, $final);
    if (defined $r->{status}) {
        my $whole = sub { parse_body($wire, $r, $o{method}) };
        read_until($wire, WAIT, $whole) or $whole->();
        my $ends = ($r->{headers}{connection} || '') =~ /close/i
            || $o{http} eq '1.0';
        read_until($wire, $ends ? WAIT : 0, sub { 0 });
    }
    $r->{closed} = $wire->{eof};
    $r->{sent} = length $o{content} if $r->{sent} == length $bytes;
    return $r;
}

sub upload {
    my %o = complete_options(@_);
    my $r = $o{h2} ? upload_h2(%o) : upload_h1(%o);
    $r->{id} = $o{id};
    return $r if $o{unwitnessed};
    # A server that did not answer has hardly logged the request either.
    $r->{witness} = witness_of($o{id}, $o{vhost},
        defined $r->{status} ? WAIT : 1);
    return $r;
}

# --- assertions ------------------------------------------------------------

# The uploads that one case stands for: [label, options, asked].
sub variants {
    my($upload, $want) = @_;
    my @asks = exists $upload->{asks} ? $upload->{asks} : (1, 0);
    my $h1_only = !has_h2() || exists $want->{h2} && !$want->{h2}
        || ($upload->{http} || '1.1') ne '1.1' || $upload->{vhost};
    my @h2 = exists $upload->{h2} ? $upload->{h2} : $h1_only ? 0 : (0, 1);
    return map {
        my $h2 = $_;
        map { [join(', ', $h2 ? 'HTTP/2' : 'HTTP/' . ($upload->{http} || '1.1'),
                    $_ ? 'asked' : 'not asked'),
               { %$upload, asks => $_, h2 => $h2 }, $_] } @asks;
    } @h2;
}

sub check_response {
    my($label, $r, $want) = @_;
    for my $name (sort keys %{ $want->{headers} || {} }) {
        my $value = $want->{headers}{$name};
        my $got = $r->{headers}{ lc $name };
        if (ref $value) { like($got, $value, "$label: $name") }
        else            { is($got, $value, "$label: $name") }
    }
    like($r->{body}, $want->{body}, "$label: body") if $want->{body};
}

sub check_refusal {
    my($label, $o, $status, $want) = @_;
    my $mark = log_mark($o->{vhost});
    # the answer has to come without content, however long it takes
    my $r = upload(silence => WAIT, %$o);
    my $w = $r->{witness};
    my @lines = grep { /expect: refused/ } error_log_since($mark);
    my $before = Test::More->builder->is_passing;

    is_deeply($r->{interim}, [], "$label: no interim response");
    is($r->{status}, $status, "$label: status");
    is($r->{sent}, 0, "$label: nothing sent") unless $o->{eager};
    is($w->{read}, 0, "$label: content unread");
    ok($r->{closed}, "$label: " . ($o->{h2} ? 'stream reset' : 'closed'));
    like($r->{headers}{connection}, qr/^close$/i, "$label: Connection: close")
        unless $o->{h2};
    is($w->{verdict}, 'refuse', "$label: verdict");
    is($w->{rule}, $want->{rule}, "$label: rule") if defined $want->{rule};
    is($w->{nstatus}, $status, "$label: status noted");
    like($w->{reason}, $want->{like}, "$label: reason") if $want->{like};
    if (!exists $want->{log} || $want->{log}) {
        my $line = ref $want->{log} ? $want->{log}
                                    : qr/expect: refused $status: /;
        is(scalar @lines, 1, "$label: one log line");
        like($lines[0], $line, "$label: log line");
    }
    else {
        is("@lines", '', "$label: no log line");
    }
    check_response($label, $r, $want);
    diag(explain($r, \@lines))
        if $before && !Test::More->builder->is_passing;
    return $r;
}

sub refused_ok {
    my($name, $upload, %want) = @_;
    my @got;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest $name => sub {
        for (variants($upload, \%want)) {
            my($label, $o, $asked) = @$_;
            my $status = $asked && $want{asked_status} || $want{status};
            push @got, check_refusal($label, $o, $status, \%want);
        }
    };
    return @got;
}

sub check_admission {
    my($label, $o, $want) = @_;
    my $mark = log_mark($o->{vhost});
    my $r = upload(eager => !$o->{asks}, %$o);
    my $w = $r->{witness};
    my @lines = error_log_since($mark);
    my $waits = $o->{asks} && ($o->{http} || '1.1') ne '1.0';
    my %o = complete_options(%$o);
    my @statuses = ref $want->{status} ? @{ $want->{status} }
                                       : $want->{status};
    my $before = Test::More->builder->is_passing;

    is_deeply($r->{interim}, $waits ? [100] : [], "$label: "
        . ($waits ? 'one 100' : 'no interim response'));
    ok((grep { $_ eq ($r->{status} // '') } @statuses), "$label: status")
        or diag('status ' . ($r->{status} // 'none') . ", not @statuses");
    is($r->{sent}, length $o{content}, "$label: all sent");
    is($w->{read}, length $o{content}, "$label: all read");
    is($w->{verdict}, $want->{verdict} // 'continue', "$label: verdict");
    is($w->{rule}, $want->{rule}, "$label: rule") if defined $want->{rule};
    is(join('', grep { /expect: refused/ } @lines), '', "$label: no refusal");
    is(scalar(grep { $_ =~ $want->{log} } @lines), 1, "$label: one log line")
        if $want->{log};
    check_response($label, $r, $want);
    diag(explain($r, \@lines))
        if $before && !Test::More->builder->is_passing;
    return $r;
}

sub admitted_ok {
    my($name, $upload, %want) = @_;
    my @got;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest $name => sub {
        for (variants($upload, \%want)) {
            my($label, $o) = @$_;
            push @got, check_admission($label, $o, \%want);
        }
    };
    return @got;
}

# --- files and other servers -----------------------------------------------

sub write_htaccess {
    my($dir, $text) = @_;
    my $file = conf_var('documentroot') . "/$dir/.htaccess";
    mkpath(dirname($file));
    if (defined $text) { spew($file, $text) }
    else               { unlink $file }
    return $file;
}

my $sections = 0;

sub section_at {
    my($dir, @lines) = @_;
    write_htaccess($dir, join '', map { "$_\n" } @lines);
    return "/$dir/x";
}

sub section_in {
    my($where, @lines) = @_;
    my $name = $0 =~ s{^.*?\bt/}{}r =~ s{\.t$}{}r =~ tr{/}{-}r;
    return section_at("$where/$name-" . ++$sections, @lines);
}

sub section { return section_in('tenant', @_) }

sub basic_auth {
    my($user, $password) = @_;
    return 'Authorization: Basic '
        . encode_base64("$user:" . ($password // 'secret'), '');
}

sub if_expect { return "<IfModule expect_module>\n$_[0]</IfModule>\n" }

sub one_process {
    return <<'CONF';
<IfModule mpm_prefork_module>
    StartServers 1
    MinSpareServers 1
    MaxSpareServers 1
    MaxRequestWorkers 1
</IfModule>
<IfModule !mpm_prefork_module>
    StartServers 1
    ServerLimit 1
    ThreadsPerChild 16
    MaxRequestWorkers 16
    MinSpareThreads 1
    MaxSpareThreads 16
</IfModule>
CONF
}

# Whom a server's children are: mpm_itk becomes that user even where it is.
sub server_user {
    my($name, undef, $gid) = Unprivileged::user();
    $name //= getpwuid($>) // "#$>";
    $gid  //= (split ' ', $))[0];
    return qq(User "$name"\nGroup "#$gid"\n);
}

# The start of a private server's configuration, logs in $dir.
sub private_conf {
    my($dir, $load, $port) = @_;
    my $t = conf_var('serverroot');
    $load = "$t/conf/$load" unless $load =~ m{^/};
    my $user = server_user();
    return <<"CONF";
ServerRoot "$t"
DocumentRoot "$t/htdocs"
ServerName localhost:$port
Listen 127.0.0.1:$port
Include "$load"
DefaultRuntimeDir "$dir"
PidFile "$dir/httpd.pid"
ErrorLog "$dir/error_log"
LogLevel info
TypesConfig "$t/conf/mime.types"
DavLockDB "$dir/davlock"
<IfModule mod_cgid.c>
    ScriptSock "$dir/cgisock"
</IfModule>
<IfModule mod_unixd.c>
$user</IfModule>
CONF
}

# The LoadModule lines of these modules, the MPM and mod_expect; their file.
sub load_only {
    my($dir, @names) = @_;
    my $names = join '|', 'mpm_\w+', 'expect', @names;
    open my $fh, '<', conf_var('serverroot') . '/conf/inherit.load'
        or die "inherit.load: $!\n";
    spew("$dir/only.load",
        join '', grep { /^LoadModule (?:$names)_module / } <$fh>);
    return "$dir/only.load";
}

# TEST_PRELOAD: lines that stand before httpd in the arguments of env.
sub httpd_command {
    return ('env', split(/\n/, $ENV{TEST_PRELOAD} // ''), conf_var('httpd'),
        @_);
}

sub private_dir {
    my $dir = conf_var('t_logs') . '/own-' . join '-', $$, ++$count;
    mkpath($dir);
    return $dir;
}

sub config_error {
    my($text, @arguments) = @_;
    my $dir  = private_dir();
    my $conf = "$dir/httpd.conf";
    spew($conf, private_conf($dir, 'inherit.load', 1024) . $text);
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec httpd_command('-t', '-f', $conf, @arguments)
            or POSIX::_exit(127);
    }
    my $message = join '', <$out>;
    close $out;
    return ($? >> 8 || $?, $message);
}

sub explained {
    my($text, @questions) = @_;
    my($exit, $out) = config_error($text, '-D', 'DUMP_EXPECT',
        map { ('-c', "ExpectExplain $_") } @questions);
    die "httpd -t does not take it: $out" if $exit;
    $out =~ s/^Syntax OK\n//m;
    return grep { /^ExpectExplain / } split /^(?=ExpectExplain )/m, $out;
}

sub with_library {
    my($name, $variable, $code) = @_;
    my $so = conf_var('t_logs') . "/$name.so";
    -e $so or system($ENV{CC} // 'gcc', '-shared', '-fPIC', '-o', $so,
        "t/lib/$name.c", '-ldl') == 0 or die "$name.c: the compiler failed\n";
    my $before = $ENV{TEST_PRELOAD} // '';
    # before the sanitizers', which have some of its functions themselves
    $before =~ s/^LD_PRELOAD=/LD_PRELOAD=$so /m
        or $before = "LD_PRELOAD=$so\n$before";
    local $ENV{TEST_PRELOAD} = "$variable\n$before";
    return $code->();
}

sub own_httpd { return ExpectTest::Server->start(expect => 1, @_) }
sub stock_httpd { return ExpectTest::Server->start(expect => 0, @_) }

package ExpectTest::Server;

use File qw(slurp spew);
use Idle ();
use Time::HiRes qw(time);

use constant PORT_TRIES => 3;

sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }
sub pid  { return $_[0]{pid} }

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

# Another process may take the free port before httpd does.
sub start {
    my($class, %o) = @_;
    my $tries = PORT_TRIES;
    while (1) {
        my $self = eval { $class->start_once(%o) };
        return $self if $self;
        my $why = $@;
        my($dir) = $why =~ /^the server in (\S+) did not start/;
        die $why unless $dir && --$tries
            && slurp("$dir/start_log") =~ /could not bind to address/;
    }
}

sub start_once {
    my($class, %o) = @_;
    my $dir  = ExpectTest::private_dir();
    my $port = free_port();
    my $t    = ExpectTest::conf_var('serverroot');
    my $self = bless { dir => $dir, port => $port, owner => $$ }, $class;

    my $load = $o{only}   ? ExpectTest::load_only($dir, @{ $o{only} })
             : $o{expect} ? 'inherit.load' : 'modules.load';
    my $places = $o{only} ? ''
        : "Define ORIGIN_PORT $port\nDefine OWN_DIR \"$dir\"\n"
          . "Include \"$t/conf/endpoints.inc\"\n";

    spew("$dir/httpd.conf",
        ExpectTest::private_conf($dir, $load, $port) . $places
        . ($o{expect} && $ENV{STORE_CONF} ? "$ENV{STORE_CONF} prefix=p$port\n"
                                          : '')
        . ($o{conf} // ''));
    $self->launch(ExpectTest::httpd_command('-DFOREGROUND', '-f',
        "$dir/httpd.conf"));
    # Children may serve before httpd says that it has begun; who restarts it
    # waits for the next such line.
    $self->has_begun({ file => "$dir/error_log", at => 0 })
        or die "the server in $dir did not begin\n";
    return $self;
}

# Whether httpd says that a generation has begun, after this mark of its log.
sub has_begun {
    my($self, $mark, $seconds) = @_;
    return $self->wait_for(sub {
        grep { /resuming normal operations/ } ExpectTest::error_log_since($mark)
    }, $seconds);
}

# Runs the command, which becomes the server, and waits until it listens.
sub launch {
    my($self, @command) = @_;
    my $dir = $self->{dir};
    defined($self->{pid} = fork) or die "fork: $!\n";
    if (!$self->{pid}) {
        POSIX::setpgid(0, 0);
        open STDOUT, '>', "$dir/start_log";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }
    $self->wait_for(sub {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}");
    }) or die "the server in $dir did not start\n";
    return $self;
}

# Waits for a condition, while the server runs.
sub wait_for {
    my($self, $condition, $seconds) = @_;
    my $until = time + ($seconds // 2 * ExpectTest::WAIT);
    while (time < $until) {
        return 1 if $condition->();
        return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
        select undef, undef, undef, 0.02;
    }
    return 0;
}

sub crashes {
    my($self) = @_;
    return grep { /exit signal/ } ExpectTest::error_log_since(
        { file => "$self->{dir}/error_log", at => 0 });
}

# Restarts gracefully and waits until the new generation runs.
sub graceful {
    my($self) = @_;
    my $mark = { file => "$self->{dir}/error_log",
        at => -s "$self->{dir}/error_log" };
    kill USR1 => $self->{pid};
    return $self->has_begun($mark);
}

sub stop {
    my($self) = @_;
    my $pid = delete $self->{pid} or return;
    local $?;
    Idle::wait_until($self->{port});
    kill TERM => $pid;
    my $until = time + 2 * ExpectTest::WAIT;
    while (time < $until) {
        return if waitpid($pid, POSIX::WNOHANG()) != 0;
        select undef, undef, undef, 0.02;
    }
    kill KILL => $pid;
    waitpid $pid, 0;
}

sub DESTROY {
    my($self) = @_;
    $self->stop if $self->{owner} == $$;
}

1;
