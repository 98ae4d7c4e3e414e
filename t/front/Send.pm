package Send;

=head1 NAME

Send - curl sends uploads through a front, and a request behind each

=head1 SYNOPSIS

    my $r = send_upload($front, $origin, place => 'size', mb => 50, asks => 1);
    is $r->{status}, $r->{noted}[0];
    is $r->{behind}, '';

=head1 FUNCTIONS

=over

=item send_upload($front, $origin, %o)

To /front/$place/ or, with C<specific>, /specific/$place/; C<path> in their
place. place: one of size, type, login, cut (chunked), free. Behind it curl
sends a GET, over the same connection if it was kept, and then another GET over
a new one. Each has to be answered by what the origin says to it and to nobody
else.

Returns what curl's user sees: status (000 if none), exit and message; sent: how
many bytes; noted: the statuses that the origin logged for this upload, in their
order, and refusals: those that mod_expect noted; read: how much of its content
anybody in the origin read; behind: what is wrong with what came after, or ''.

=item refusal_ok($label, $place, $r)

Such a result is that of a refusal by the module: curl tells the status that the
origin noted, nobody read content, or no more than max of what was cut off, and
what came after was answered rightly.

=item crowd_ok($label, $front, $origin)

Several clients at once, refused and admitted: each gets its own answers.

=item stored_ok($label, $front, $origin, $mb, [asks => 1], ...)

A file that is uploaded is stored as it was sent: by those clients, or by one
that asks, one that does not, and one that sends chunks.

=item front_ok($name, specific => [...])

All of it through that front, and that no content was taken for a request.
specific: for [0, 1], those that ask send to both kinds of places.

=item content_file($mb)

A file of so many megabytes. It is made of requests: where content is taken for
one, the origin's log has it.

=item strays($origin)

The lines of its log that come from there.

=back

=cut

use strict;
use warnings;

use Digest::MD5 ();
use Exporter qw(import);
use POSIX ();
use Test::More;

use ExpectTest;
use lib 't/cutoff';
use CutOff ();
use lib 't/front';
use Front;

our @EXPORT = qw(send_upload refusal_ok crowd_ok stored_ok front_ok strays);

use constant { MB => 1_048_576, SECONDS => 120 };

my %TYPES = (type => 'text/plain');
my $count = 0;

sub content_file {
    my($mb) = @_;
    my $file = conf_var('t_logs') . "/content-$mb";
    return $file if -s $file && -s $file == $mb * MB;
    open my $fh, '>', $file or die "$file: $!\n";
    my $left = $mb * MB;
    for (my $n = 0; $left > 0; ++$n) {
        my $line = sprintf "GET /stray/%09d HTTP/1.1\r\nHost: stray\r\n\r\n",
            $n;
        $left -= length $line;
        print $fh $left < 0 ? substr($line, 0, $left) : $line;
    }
    close $fh or die "$file: $!\n";
    return $file;
}

sub log_lines {
    my($origin, $pattern) = @_;
    open my $fh, '<', $origin->dir . '/front_log' or return;
    return grep { $_ =~ $pattern } <$fh>;
}

sub strays { return log_lines($_[0], qr{ /stray/}) }

sub curl {
    my(@arguments) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec 'curl', '-q', @arguments or POSIX::_exit(127);
    }
    my $text = join '', <$out>;
    close $out;
    return ($? >> 8, $text);
}

# What a GET with this token should have brought.
sub wrong_with {
    my($what, $text, $token) = @_;
    my($status) = $text =~ /^$what=(\d+) /m;
    my($answers) = $text =~ /^$what=\d+ (.*)$/m;
    return () if ($status // '') eq '200' && $answers eq "GET $token";
    return ("$what: " . ($status // 'none') . ', answers '
        . ($answers // 'nothing'));
}

# What each transfer needs; --next forgets it.
sub transfer { return ('-sS', '--noproxy', '*', '--max-time', SECONDS, '-o',
    '/dev/null', '-w', "\n$_[0]\n") }

# Not all curls have %header{}: a file of the answer's head has to do.
sub get {
    my($what, $front, $token, $head) = @_;
    return (transfer("$what=%{http_code}"), '-D', $head,
        'http://127.0.0.1:' . $front->port . "/front/free/after?$token");
}

sub answers {
    my($text, $what, $head) = @_;
    open my $fh, '<', $head or return $text;
    my($answers) = map { /^X-Answers: (.*?)\r?$/i ? $1 : () } <$fh>;
    unlink $head;
    return $text =~ s/^($what=\d+)$/"$1 " . ($answers \/\/ '')/emr;
}

sub send_upload {
    my($front, $origin, %o) = @_;
    my $id    = join '-', 'front', $$, ++$count;
    my $place = $o{place} // 'free';
    my $path  = $o{path}
        // ($o{specific} ? '/specific' : '/front') . "/$place/x";
    my $head  = conf_var('t_logs') . "/$id";
    my($exit, $text) = curl(
        transfer('upload=%{http_code} %{exitcode} %{size_upload} %{errormsg}'),
        # it sends nothing by itself before it is answered
        '--expect100-timeout', SECONDS, '-T', content_file($o{mb}),
        '-H', "X-Witness: $id",
        '-H', 'Content-Type: ' . ($TYPES{$place} // 'image/png'),
        '-H', $o{asks} ? 'Expect: 100-continue' : 'Expect:',
        $place eq 'cut' ? ('-H', 'Transfer-Encoding: chunked') : (),
        'http://127.0.0.1:' . $front->port . "$path?$id",
        '--next', get('behind', $front, "$id-behind", "$head-1"));
    $text = answers($text, 'behind', "$head-1");
    my(undef, $later) = curl(get('new', $front, "$id-new", "$head-2"));
    $later = answers($later, 'new', "$head-2");

    my %r = (id => $id, text => $text . $later,
        may_be_417 => $o{asks} && !$o{specific});
    @r{qw(status exit sent message)} =
        $text =~ /^upload=(\d+) (\d+) (\d+) (.*)$/m;
    $r{behind} = join '; ', wrong_with('behind', $text, "$id-behind"),
        wrong_with('new', $later, "$id-new");
    CutOff::eventually(sub {
        log_lines($origin, qr/^\Q$id\E /);
    });
    my @lines = log_lines($origin, qr/^\Q$id\E /);
    $r{noted} = [map { (split)[3] } @lines];
    $r{refusals} = [grep { $_ ne '-' } map { (split)[4] } @lines];
    $r{read} = witness_of($id, $origin)->{read};
    return \%r;
}

# --- assertions --------------------------------------------------------------

my %OWN = (size => 413, type => 415, login => 401, cut => 413);

sub refusal_ok {
    my($label, $place, $r) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $noted = $r->{refusals}[0] // '';
    # a front that does not hand Expect on makes it one that did not ask
    my $status = $r->{may_be_417} && $noted eq '417' ? 417 : $OWN{$place};
    my $max = $place eq 'cut' ? MB + 1 : 0;
    my $read = $r->{read} // 'nobody knows';
    is_deeply({ %$r{qw(status exit behind refusals)},
            read => $read =~ /^\d+$/ && $read <= $max ? 'little' : $read },
        { status => $status, exit => 0, behind => '', refusals => [$status],
            read => 'little' }, $label) or diag $r->{text};
}

# In a child: exits with how many were wrong.
sub crowd_member {
    my($front, $origin) = @_;
    my $wrong = 0;
    for my $place (qw(size free type cut free login)) {
        my $r = send_upload($front, $origin, place => $place, mb => 3);
        my $right = $r->{status} eq ($OWN{$place} // 200)
            && $r->{exit} == 0 && $r->{behind} eq '';
        next if $right;
        ++$wrong;
        print STDERR "# $place: $r->{text}";
    }
    POSIX::_exit($wrong);
}

sub crowd_ok {
    my($label, $front, $origin) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    content_file(3);
    my @pids = map {
        my $pid = fork // die "fork: $!\n";
        crowd_member($front, $origin) if !$pid;
        $pid;
    } 1 .. 3;
    local $?;
    my $wrong = 0;
    for (@pids) {
        waitpid $_, 0;
        $wrong ||= $?;
    }
    is($wrong, 0, "$label: several at once");
}

my %md5;                            # of a content_file()

sub md5 {
    my($file) = @_;
    open my $fh, '<', $file or return "no $file";
    return Digest::MD5->new->addfile($fh)->hexdigest;
}

sub stored_ok {
    my($label, $front, $origin, $mb, @hows) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    @hows = ([asks => 1], [asks => 0], [asks => 0, place => 'cut']) if !@hows;
    for my $how (@hows) {
        my $name = join '-', $$, ++$count;
        my $r = send_upload($front, $origin, @$how, mb => $mb,
            path => "/dav/front/$name");
        my $file = stored_file($name);
        is_deeply([@$r{qw(status exit behind)}, md5($file)],
            [201, 0, '', $md5{$mb} //= md5(content_file($mb))],
            "$label, @$how, $mb MB: stored") or diag $r->{text};
        unlink $file;
    }
}

sub front_ok {
    my($name, %o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $origin = origin_httpd();
    my $front = start_front($name, $origin);
    my @how = ([asks => 0], map { [asks => 1, specific => $_] }
        @{ $o{specific} // [0, 1] });
    for my $how (@how) {
        refusal_ok("$name, @$how, $_", $_, send_upload($front, $origin, @$how,
            place => $_, mb => 3)) for sort keys %OWN;
    }
    # more than what buffers hold
    refusal_ok("$name, does not ask, 50 MB", 'size', send_upload($front,
        $origin, place => 'size', mb => 50));
    crowd_ok($name, $front, $origin);
    stored_ok($name, $front, $origin, 3);
    is(join('', strays($origin)), '', "$name: no content was a request");
}

1;
