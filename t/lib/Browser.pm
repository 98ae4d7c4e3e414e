package Browser;

=head1 NAME

Browser - a headless Chromium, for what a person sees and a page does

=head1 SYNOPSIS

    use Browser;

    my $page = Browser->new->page('http://127.0.0.1:8080/upload');
    $page->choose('#file', '/tmp/photo.png');
    $page->wait_for("document.querySelector('#message').textContent");
    is $page->value("document.title"), 'Upload';
    is_deeply [$page->complaints], [];

The browser is driven by the DevTools protocol through two pipes, by messages
that end in a zero byte. It ends with the object. CHROMIUM names another than
the first that is found in PATH.

=head1 FUNCTIONS

=over

=item Browser->new, $browser->page($url)

Starts one; a new tab of it, whose page is loaded. Name and password in the URL
are what a person would type into the login dialog.

=item $page->value($javascript)

What the expression is worth in the page; a promise is waited for.

=item $page->wait_for($javascript)

Waits until the expression is true, and returns it; dies after WAIT seconds.

=item $page->choose($selector, @files)

Chooses files in an C<< <input type=file> >>.

=item $page->call($method, %params)

Any other command of the protocol.

=item $page->look(width => 375, dark => 1)

How the page is shown from now on.

=item $page->too_pale, $page->cut_off

What people with weaker eyes could not read: texts whose contrast is below that
of WCAG 2.2, AA; elements that are wider than what is around them.

=item $page->complaints

What the browser has complained of in this page: errors of scripts, what a
policy has blocked, responses that are errors.

=back

=cut

use strict;
use warnings;

use Cwd ();
use File::Path ();
use File::Temp ();
use IO::Handle ();
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

use constant WAIT => 20;        # seconds for anything that must happen
use constant NAMES => qw(chromium chromium-headless-shell google-chrome
    chromium-browser);

# There is no sandbox for root, nor in many containers: only pages of the test's
# own server are shown.
my @OPTIONS = qw(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage
    --no-first-run --no-default-browser-check --disable-background-networking
    --disable-component-update --disable-sync --disable-breakpad
    --disable-extensions --no-proxy-server --remote-debugging-pipe);

sub find_chromium {
    return $ENV{CHROMIUM} if $ENV{CHROMIUM};
    my($found) = grep { -x } map { my $name = $_;
        map { "$_/$name" } split /:/, $ENV{PATH} } NAMES;
    return $found // die "chromium is not installed: t/setup\n";
}

# In a child: the protocol is spoken on descriptors 3 and 4.
sub become_chromium {
    my($in, $out, $home, $tmp) = @_;
    POSIX::setpgid(0, 0);
    # 3 may be the other's: by way of two that are nobody's
    POSIX::dup2(fileno $in, 100);
    POSIX::dup2(fileno $out, 101);
    POSIX::dup2($_, $_ - 97), POSIX::close($_) for 100, 101;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', "$home/log";
    open STDERR, '>&', \*STDOUT;
    $ENV{HOME} = $home;
    $ENV{TMPDIR} = $tmp;
    exec find_chromium(), @OPTIONS, "--user-data-dir=$home/profile"
        or POSIX::_exit(127);
}

sub new {
    my($class) = @_;
    my $home = File::Temp::tempdir('chromium-XXXXXX',
        DIR => Cwd::abs_path('t/logs'));
    # of its own, as it leaves something behind; a socket's path has to be short
    my $tmp = File::Temp->newdir(TMPDIR => 1);
    pipe(my $in, my $to) or die "pipe: $!\n";
    pipe(my $from, my $out) or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    become_chromium($in, $out, $home, $tmp->dirname) if !$pid;
    $to->autoflush(1);
    return bless { pid => $pid, owner => $$, home => $home,
        tmp => $tmp, to => $to,
        from => $from, bytes => '', last => 0, heard => [] }, $class;
}

# The next message, or undef if there is none in time.
sub next_message {
    my($self, $until) = @_;
    my $end;
    while (($end = index $self->{bytes}, "\0") < 0) {
        my $bits = '';
        vec($bits, fileno $self->{from}, 1) = 1;
        my $left = $until - time;
        return undef if $left <= 0 || select($bits, undef, undef, $left) <= 0;
        sysread $self->{from}, $self->{bytes}, 65_536, length $self->{bytes}
            or die 'chromium has ended: ', $self->last_words;
    }
    my $message = substr $self->{bytes}, 0, $end + 1, '';
    chop $message;
    return JSON::PP->new->utf8->decode($message);
}

sub last_words {
    my($self) = @_;
    open my $fh, '<', "$self->{home}/log" or return '';
    return join '', <$fh>;
}

sub command {
    my($self, $method, $params, $session) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $id = ++$self->{last};
    my %message = (id => $id, method => $method, params => $params);
    $message{sessionId} = $session if $session;
    print { $self->{to} } JSON::PP->new->utf8->encode(\%message), "\0";

    my $until = time + WAIT;
    while (my $answer = $self->next_message($until)) {
        push @{ $self->{heard} }, $answer and next if !$answer->{id};
        next if $answer->{id} != $id;
        die "$method: $answer->{error}{message}\n" if $answer->{error};
        return $answer->{result};
    }
    die "$method: no answer\n", $self->last_words;
}

sub page {
    my($self, $url) = @_;
    my $target = $self->command('Target.createTarget',
        { url => 'about:blank' })->{targetId};
    my $session = $self->command('Target.attachToTarget',
        { targetId => $target, flatten => JSON::PP::true })->{sessionId};
    my $page = bless { browser => $self, session => $session },
        'Browser::Page';
    $page->call("$_.enable") for qw(Page Runtime Log);
    return $page->visit($url);
}

sub DESTROY {
    my($self) = @_;
    return if $self->{owner} != $$;
    local($?, $@);
    kill TERM => -$self->{pid};
    my $until = time + WAIT;
    while (waitpid($self->{pid}, POSIX::WNOHANG()) == 0) {
        kill KILL => -$self->{pid} if time > $until;
        select undef, undef, undef, 0.01;
    }
    kill KILL => -$self->{pid};     # its helpers, should they live on
    File::Path::remove_tree($self->{home}, { error => \my $error });
}

package Browser::Page;

sub call {
    my($self, $method, %params) = @_;
    return $self->{browser}->command($method, \%params, $self->{session});
}

sub visit {
    my($self, $url) = @_;
    my $went = $self->call('Page.navigate', url => $url);
    die "$url: $went->{errorText}\n" if $went->{errorText};
    $self->wait_for("location.protocol !== 'about:'"
        . " && document.readyState === 'complete'");
    return $self;
}

sub value {
    my($self, $javascript) = @_;
    my $answer = $self->call('Runtime.evaluate', expression => $javascript,
        awaitPromise => JSON::PP::true, returnByValue => JSON::PP::true,
        userGesture => JSON::PP::true);
    die "$javascript: $answer->{exceptionDetails}{exception}{description}\n"
        if $answer->{exceptionDetails};
    return $answer->{result}{value};
}

sub wait_for {
    my($self, $javascript) = @_;
    my $until = Time::HiRes::time() + Browser::WAIT;
    while (Time::HiRes::time() < $until) {
        my $value = $self->value($javascript);
        return $value if $value;
        select undef, undef, undef, 0.02;
    }
    die "waited in vain for $javascript\n", map { "$_\n" }
        $self->value('document.body.innerText'), $self->complaints;
}

sub choose {
    my($self, $selector, @files) = @_;
    utf8::decode($_) for @files;
    my $input = $self->call('Runtime.evaluate',
        expression => "document.querySelector('$selector')");
    $self->call('DOM.setFileInputFiles', files => \@files,
        objectId => $input->{result}{objectId});
}

sub look {
    my($self, %o) = @_;
    $self->call('Emulation.setDeviceMetricsOverride', width => $o{width},
        height => 800, deviceScaleFactor => 1, mobile => JSON::PP::false);
    $self->call('Emulation.setEmulatedMedia', features => [
        { name => 'prefers-color-scheme', value => $o{dark} ? 'dark'
                                                            : 'light' }]);
}

# Relative luminance and contrast ratio: WCAG 2.2, definitions.
my $TOO_PALE = <<'JAVASCRIPT';
(() => {
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = (colour) => numbers(colour).slice(0, 3)
        .map((c) => c / 255)
        .map((c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const behind = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return numbers(colour)[3] === 0 ? behind(element.parentElement)
                                        : colour;
    };
    const found = [];
    const texts = document.createTreeWalker(document.body,
                                            NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const style = getComputedStyle(element);
        if (!texts.currentNode.data.trim() || element.closest(':disabled')
            || !element.getClientRects().length) {
            continue;
        }
        const [less, more] = [style.color, behind(element)].map(light)
            .sort((a, b) => a - b);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
        const ratio = (more + .05) / (less + .05);
        if (ratio < (large ? 3 : 4.5)) {
            found.push(`${texts.currentNode.data}: ${ratio.toFixed(2)}`);
        }
    }
    return found;
})()
JAVASCRIPT

my $CUT_OFF = <<'JAVASCRIPT';
[...document.querySelectorAll('html, body *')]
    .filter((element) => element.scrollWidth > element.clientWidth
            && getComputedStyle(element).display !== 'inline'
            && !element.closest('svg, input'))
    .map((element) => `${element.tagName} ${element.className}: ` +
         `${element.scrollWidth} in ${element.clientWidth}`)
JAVASCRIPT

sub too_pale { return @{ $_[0]->value($TOO_PALE) } }
sub cut_off  { return @{ $_[0]->value($CUT_OFF) } }

sub complaints {
    my($self) = @_;
    $self->value('1');          # all that came before it is heard by then
    return map {
        $_->{method} eq 'Log.entryAdded'
            ? "$_->{params}{entry}{text}"
            : $_->{params}{exceptionDetails}{exception}{description}
    } grep { ($_->{sessionId} // '') eq $self->{session}
        && $_->{method} =~ /^(?:Log\.entryAdded|Runtime\.exceptionThrown)$/
    } @{ $self->{browser}{heard} };
}

1;
