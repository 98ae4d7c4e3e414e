package CutOff;

=head1 NAME

CutOff - content of unknown length that goes over its max

=head1 SYNOPSIS

    use lib 't/cutoff';
    use CutOff;

    cut_off_ok('a DAV PUT', '/dav/x', 100);
    within_ok('a DAV PUT', '/dav/x', 100, status => 201);

=head1 FUNCTIONS

=over

=item cut_off_ok($name, $path, $max, %o)

One subtest: content of one byte over $max, and of ten times as much, is
answered 413 and the connection (over HTTP/2 the stream) ends; no handler read
more than that one byte, or saw the content's end; verdict, rule, status and
reason in the notes, one line C<expect: refused 413: >. For clients that ask
(one 100) and that do not, over HTTP/1.1 and HTTP/2.

Optional: where (as for upload()), upload (more of its options), asks (instead
of [1, 0]), h2 (0 leaves HTTP/2 out), sizes (instead of the two), after (called
after each, with a label and the response).

=item within_ok($name, $path, $max, status => N, %o)

The same for what is admitted: $max bytes, and one byte. Also optional: body
(a pattern for the answer, as a function of the size), verdict, log (a pattern
for one line), read (if not the size).

=item stepwise($where, $head, @steps)

A connection on which the test decides what comes next: strings are sent,
functions are called with what was received until they return true.
Returns what was received and whether the connection ended, C<{bytes, eof}>;
C<missed> is the number of the first step that did not come true.

=item eventually($condition)

Waits for it to be true; false after PATIENCE seconds.

=item handed($token, $suffix)

What t/htdocs/cgi/record.cgi and its like wrote down about the request with
this token: its bytes, or with the suffix C<.end>, C<.pid> or C<.env> the rest.

=item ended_ok($token, $label)

The script that records for this token does not run any longer.

=item php_fpm()

A private PHP-FPM, behind /fpm-match/ and, by .htaccess, C<SetHandler proxy:>
and its method C<url>. It ends with the object.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET ();
use Test::More;
use Time::HiRes qw(time);

use Child ();
use ExpectTest;
use File;

our @EXPORT = qw(cut_off_ok within_ok stepwise eventually handed ended_ok
    token chunk php_fpm);

use constant PATIENCE => 5;

# --- waiting ---------------------------------------------------------------

sub eventually {
    my($condition) = @_;
    my $until = time + PATIENCE;
    until ($condition->()) {
        return 0 if time > $until;
        select undef, undef, undef, 0.005;
    }
    return 1;
}

sub chunk { return sprintf "%x\r\n%s\r\n", length $_[0], $_[0] }

sub receive_for {
    my($wire, $seconds) = @_;
    my $bits = '';
    vec($bits, fileno $wire->{socket}, 1) = 1;
    return unless select $bits, undef, undef, $seconds;
    my $n = sysread $wire->{socket}, $wire->{bytes}, 65_536,
        length $wire->{bytes};
    $wire->{eof} = 1 unless $n;
}

sub stepwise {
    my($where, @steps) = @_;
    my $port = ref $where ? $where->port
        : conf_var($where eq 'main' ? 'port' : "${where}_port");
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
        or die "cannot connect to port $port: $!\n";
    my $wire = { socket => $socket, bytes => '', eof => 0 };
    local $SIG{PIPE} = 'IGNORE';
    for my $nth (0 .. $#steps) {
        my $step = $steps[$nth];
        if (!ref $step) {
            syswrite $socket, $step;
            next;
        }
        my $until = time + PATIENCE;
        my $ok;
        until ($ok = $step->($wire)) {
            last if $wire->{eof} || time > $until;
            receive_for($wire, 0.005);
        }
        $wire->{missed} = $nth, last unless $ok || $step->($wire);
    }
    delete $wire->{socket};
    return $wire;
}

# --- scripts that record ---------------------------------------------------

my $tokens = 0;

sub token { return join '-', 'token', $$, $^T, ++$tokens }

sub handed {
    my($token, $suffix) = @_;
    my $file = conf_var('t_logs') . "/handed-$token" . ($suffix // '');
    open my $fh, '<', $file or return '';
    local $/;
    return scalar(<$fh>) // '';
}

sub ended_ok {
    my($token, $label) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(eventually(sub {
        handed($token, '.end') ne '' || !kill 0, handed($token, '.pid') || 0;
    }), "$label: the script has ended");
}

# --- assertions ------------------------------------------------------------

# [label, options for upload()] for each kind of client.
sub variants {
    my($path, $o) = @_;
    my $h2 = has_h2() && ($o->{h2} // 1);
    return map {
        my $h2 = $_;
        map { [join(', ', $h2 ? 'HTTP/2' : 'HTTP/1.1',
                    $_ ? 'asked' : 'not asked'),
               { path => $path, chunked => 1, asks => $_, eager => !$_,
                 h2 => $h2, $o->{where} ? (vhost => $o->{where}) : (),
                 %{ $o->{upload} || {} } }] } @{ $o->{asks} || [1, 0] };
    } 0, $h2 ? 1 : ();
}

# The response to an upload, and what mod_expect logged of it.
sub look_at {
    my($label, $upload) = @_;
    my $mark = log_mark($upload->{vhost});
    my $r = upload(%$upload);
    my @lines = grep { /expect: / } error_log_since($mark);

    is_deeply($r->{interim}, $upload->{asks} ? [100] : [],
        "$label: interim responses");
    return ($r, @lines);
}

sub check_cut_off {
    my($label, $upload, $max) = @_;
    my $before = Test::More->builder->is_passing;
    my($r, @lines) = look_at($label, $upload);
    my $w = $r->{witness};

    is($r->{status}, 413, "$label: status");
    if ($upload->{h2}) {
        ok($r->{ended} || $r->{closed}, "$label: the stream ended");
    }
    else {
        ok($r->{closed}, "$label: closed");
        like($r->{headers}{connection}, qr/^close$/i,
            "$label: Connection: close");
    }
    is(scalar(() = $r->{body} =~ /<title>|^HTTP/mg), 1,
        "$label: one answer");
    cmp_ok($w->{read} // $max + 2, '<=', $max + 1, "$label: read");
    is($w->{eos}, 0, "$label: no handler saw an end");
    is_deeply([@$w{qw(status verdict rule nstatus env)}],
        [413, 'refuse', 'content-length', 413, 'refuse'],
        "$label: the notes");
    like($w->{reason}, qr/^content of unknown length exceeded max=$max$/,
        "$label: reason");
    is(scalar @lines, 1, "$label: one log line");
    like($lines[0], qr/expect:\ refused\ 413:\ content\ of\ unknown
        \ length\ exceeded\ max=$max\ \(ExpectRequire\ at\ .+:\d+\)/x,
        "$label: log line");
    diag(explain($r, \@lines))
        if $before && !Test::More->builder->is_passing;
    return $r;
}

# One subtest: an upload of each size by each kind of client, checked.
sub each_upload {
    my($name, $path, $sizes, $o, $check) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    subtest $name => sub {
        for my $size (@$sizes) {
            for (variants($path, $o)) {
                my($label, $upload) = @$_;
                $label = "$size bytes, $label";
                my $r = $check->($label, { content => 'x' x $size, %$upload });
                $o->{after}->($label, $r) if $o->{after};
            }
        }
    };
}

sub cut_off_ok {
    my($name, $path, $max, %o) = @_;
    each_upload("cut off: $name", $path,
        $o{sizes} || [$max + 1, 10 * $max + 10], \%o,
        sub { check_cut_off(@_, $max) });
}

sub check_within {
    my($label, $upload, $o) = @_;
    my $size = length $upload->{content};
    my $before = Test::More->builder->is_passing;
    my($r, @lines) = look_at($label, $upload);
    my $w = $r->{witness};

    ok((grep { $_ eq ($r->{status} // 0) }
        ref $o->{status} ? @{ $o->{status} } : $o->{status}),
        "$label: status");
    is_deeply([@$w{qw(eos read)}], [1, $o->{read} // $size],
        "$label: read to its end");
    is($w->{verdict}, $o->{verdict} // 'continue', "$label: verdict");
    if (my $log = $o->{log}) {
        is(scalar @lines, 1, "$label: one log line");
        like($lines[0], $log, "$label: log line");
    }
    else {
        is("@lines", '', "$label: no log line");
    }
    like($r->{body}, $o->{body}->($size), "$label: the answer")
        if $o->{body};
    diag(explain($r, \@lines))
        if $before && !Test::More->builder->is_passing;
    return $r;
}

sub within_ok {
    my($name, $path, $max, %o) = @_;
    each_upload("admitted: $name", $path, $o{sizes} || [$max, 1], \%o,
        sub { check_within(@_, \%o) });
}

# --- other servers ---------------------------------------------------------

sub php_fpm { return CutOff::Fpm->start }

package CutOff::Fpm;

use parent -norequire, 'Child';

sub start {
    my($class) = @_;
    my($fpm) = grep { -x } glob '/usr/{,local/}sbin/php-fpm*'
        or die "no php-fpm\n";

    return $class->program('fpm', sub {
        my($dir) = @_;
        File::spew("$dir/fpm.conf", <<"CONF");
[global]
pid = $dir/httpd.pid
error_log = $dir/error_log
daemonize = no
[test]
listen = $dir/socket
pm = static
pm.max_children = 3
CONF
        return ($fpm, '-n', '-F', '-y', "$dir/fpm.conf", '-p', $dir);
    });
}

# What t/conf/cutoff.conf.in names as well.
sub url { return "unix:$_[0]{dir}/socket|fcgi://localhost" }

1;
