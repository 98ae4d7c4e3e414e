#!/usr/bin/perl
# ExpectExplain on an administrator's terminal, where an .htaccess runs
# scripts: none of them types into the terminal, reads from it, prints on it,
# or delays the answer. -D DUMP_EXPECT escapes all that it prints. The
# terminal is a real one, and httpd's controlling terminal.

use strict;
use warnings;

use Errno ();
use Fcntl qw(F_GETFL F_SETFL F_SETFD O_NONBLOCK);
use File::Path qw(mkpath);
use IO::Pty ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use File;

# seconds for a question, see src/explain/explain.c
use constant LIMIT => 10;
use constant PATIENCE => 60;        # seconds until a run is given up
use constant TYPED => "typed by root\n";

my $root = conf_var('documentroot') . '/tenant/terminal';
my $modules = module_dir();
my $conf = <<"CONF";
LoadModule perl_module "$modules/mod_perl.so"
LoadModule lua_module "$modules/mod_lua.so"
# mod_perl begins here, not when a server starts
<Perl>
use Apache2::RequestRec ();
</Perl>
<Directory "$root">
    AllowOverride All
    ExpectRequire content-length max=10
</Directory>
Alias /up "$root"
CONF
my $after = '/up/quiet/x PUT length=11';
my $answered = qr/^  asks: refused 417: .*\n  does not ask: refused 413: /m;
mkpath("$root/quiet");

# Runs httpd on a terminal of its own, on which a line has been typed.
sub on_terminal {
    my($text, $questions, %o) = @_;
    my $dir = ExpectTest::private_dir();
    spew("$dir/httpd.conf",
        ExpectTest::private_conf($dir, 'inherit.load', 1024) . $text);
    my $pty = IO::Pty->new or die "no terminal: $!\n";
    my $slave = $pty->slave;
    $slave->set_raw;
    # Ctrl-C is a signal all the same
    my $term = POSIX::Termios->new;
    $term->getattr(fileno $slave);
    $term->setlflag($term->getlflag | POSIX::ISIG());
    $term->setattr(fileno $slave, POSIX::TCSANOW());
    syswrite $pty, TYPED;
    my $start = time;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $pty->make_slave_controlling_terminal;
        # a shell may have left some more
        POSIX::dup2(fileno $slave, $_) for 0 .. 2, 9;
        exec ExpectTest::httpd_command('-t', '-f', "$dir/httpd.conf",
            '-D', 'DUMP_EXPECT', map { ('-c', "ExpectExplain $_") } @$questions)
            or POSIX::_exit(127);
    }
    my %run = (bytes => '');
    fcntl $pty, F_SETFL, O_NONBLOCK;
    my $ended = 0;
    until ($ended) {
        $ended = waitpid $pid, POSIX::WNOHANG();
        $run{exit} = $? if $ended;
        # what was printed before the end is there by now
        while (sysread $pty, my $chunk, 65536) { $run{bytes} .= $chunk }
        $o{meanwhile}->($pty) if $o{meanwhile};
        if (!$ended && time - $start > PATIENCE) {
            $run{late} = 1;
            kill KILL => -$pid, $pid;
        }
        select undef, undef, undef, 0.02 unless $ended;
    }
    $run{seconds} = time - $start;
    fcntl $slave, F_SETFL, O_NONBLOCK;
    sysread $slave, $run{input}, 65536;
    $run{input} //= '';
    $run{answers} = [grep { /^ExpectExplain / }
        split /^(?=ExpectExplain )/m, $run{bytes}];
    return \%run;
}

# What no run may show.
sub is_safe {
    my($run, $name, @questions) = @_;
    ok !$run->{late}, "$name: it ends";
    unlike $run->{bytes} =~ s/[\x{c3}][\x{a0}-\x{bf}]//gr,
        qr/[^\n -~]/, "$name: nothing raw" or diag explain $run->{bytes};
    is $run->{input}, TYPED, "$name: nothing was typed, and nothing read";
    is_deeply [$run->{bytes} =~ /^ExpectExplain (.*)$/mg], \@questions,
        "$name: an answer to each question, and to no other" if @questions;
}

my $n = 0;

# A place of a tenant's: (its path, its folder); hook: a line of Perl.
sub tenant {
    my($perl, @htaccess) = @_;
    my $dir = "$root/" . ++$n;
    mkpath($dir);
    if (defined $perl) {
        spew("$dir/hook.pl", "use POSIX ();\n$perl\n;1;\n");
        push @htaccess,
            qq{PerlAccessHandler 'sub { do "$dir/hook.pl"; return -1 }'};
    }
    write_htaccess("tenant/terminal/$n", join '', map { "$_\n" } @htaccess);
    return ("/up/$n/x PUT length=9", $dir);
}

# Whether a process has not ended; a zombie has.
sub lives {
    my $stat = slurp("/proc/$_[0]/stat");
    return $stat =~ /\) [^ZX] / ? 1 : 0;
}

# All that have begun: a question may run a hook more than once.
sub is_gone {
    my($file, $name) = @_;
    my @pids = slurp($file) =~ /^(\d+)$/mg
        or return fail("$name: it has begun");
    my $end = time + PATIENCE;
    select undef, undef, undef, 0.02 while time < $end && grep lives($_), @pids;
    my @left = grep lives($_), @pids;
    is "@left", '', "$name is gone" or kill KILL => @left;
}

# --- typing, reading, printing ---------------------------------------------

my $print = '"\e[2J\e]0;PWNED\a\x9b31mPWNED\r\n'
    . 'ExpectExplain /forged PUT\n  asks: admitted\n"';
my($attack, $attack_dir) = tenant(<<"PERL");
use constant TIOCSTI => 0x5412;
my \@way;
my \$type = sub {
    ioctl \$_[0], TIOCSTI, my \$char = \$_ for split //, "PWNED";
};
if (open my \$tty, '+<', '/dev/tty') {
    push \@way, 'tty';
    \$type->(\$tty);
    syswrite \$tty, $print;
}
for my \$fd (0 .. 255) {
    if (open my \$in, '<&', \$fd) {
        push \@way, "terminal \$fd" if -t \$in;
        \$type->(\$in);
    }
    # to whatever it leads, the pipe of the answer included
    POSIX::write(\$fd, \$_, length) for $print;
}
push \@way, 'input' if POSIX::read(0, my \$line, 100) > 0;
open my \$report, '>', __FILE__ . '.report';
print \$report "ran \@way\n";
close \$report;
PERL
{
    my $run = on_terminal($conf, [$attack, $after]);
    is_safe($run, 'Perl', $attack, $after);
    is slurp("$attack_dir/hook.pl.report"), "ran \n", 'Perl: no way is found';
    my($answer, $next) = @{ $run->{answers} };
    like $answer, qr/^    printed by a module or a script: \\x1b\[2J/m,
        'Perl: what it prints is shown';
    like $answer, qr/^  asks: admitted; goes to/m, 'Perl: and what it asks for';
    like $next, $answered, 'Perl: the next question is answered';
}
{
    my($question, $dir) = tenant(undef, 'LuaHookAccessChecker hook.lua check');
    write_htaccess("tenant/terminal/$n",
        "LuaHookAccessChecker \"$dir/hook.lua\" check\n");
    spew("$dir/hook.lua", <<"LUA");
function check(r)
    local way = "ran"
    local tty = io.open("/dev/tty", "r+")
    if tty then
        way = way .. " tty"
        tty:write("\\27[2JPWNED\\n")
        tty:close()
    end
    if io.stdin:read(1) then way = way .. " input" end
    io.stdout:write("\\27[2JPWNED\\155\\n")
    io.stdout:flush()
    io.stderr:write("\\27[2JPWNED\\155\\n")
    os.execute("printf '\\\\033[2J' ; cat")
    local report = io.open("$dir/report", "w")
    report:write(way)
    report:close()
    return apache2.DECLINED
end
LUA
    my $run = on_terminal($conf, [$question, $after]);
    is_safe($run, 'Lua', $question, $after);
    is slurp("$dir/report"), 'ran', 'Lua: no way is found';
    like $run->{answers}[0], qr/^  asks: admitted; goes to/m, 'Lua: answered';
    like $run->{answers}[1], $answered, 'Lua: the next question is answered';
}

# --- time and bounds -------------------------------------------------------

sub begun {
    return qq{open my \$pid, '>>', "$_[0]"; print \$pid "\$\$\\n";
        close \$pid;};
}

{
    my $dir = "$root/" . ($n + 1);
    my($question) = tenant(<<"PERL");
\$SIG{\$_} = 'IGNORE' for qw(TERM HUP INT ALRM);
@{[begun("$dir/hook.pid")]}
if (!fork) { @{[begun("$dir/fork.pid")]} }
POSIX::close(\$_) for 0 .. 255;
sleep 1 while 1;
PERL
    my $run = on_terminal($conf, [$question, $after]);
    is_safe($run, 'for ever', $question, $after);
    cmp_ok $run->{seconds}, '>=', LIMIT, 'for ever: it had its time';
    cmp_ok $run->{seconds}, '<', 2 * LIMIT, 'for ever: and no more';
    like $run->{answers}[0], qr/^\ \ not\ known:\ this\ took\ longer\ than\ 10
        \ seconds\ and\ was\ ended\ during\ access\ control$/mx,
        'for ever: the answer says so';
    like $run->{answers}[1], $answered, 'for ever: the next is answered';
    is_gone("$dir/hook.pid", 'for ever: the process');
    is_gone("$dir/fork.pid", 'for ever: its child');
}

# Ctrl-C ends both: the process apart is not on the terminal.
{
    my $dir = "$root/" . ($n + 1);
    my($question) = tenant(begun("$dir/hook.pid") . 'sleep 1 while 1;');
    my $sent;
    my $run = on_terminal($conf, [$question], meanwhile => sub {
        syswrite $_[0], "\003" if !$sent && -s "$dir/hook.pid" && ++$sent;
    });
    is $run->{exit} & 127, POSIX::SIGINT(), 'Ctrl-C: httpd ends of it';
    cmp_ok $run->{seconds}, '<', LIMIT, 'Ctrl-C: at once';
    is_gone("$dir/hook.pid", 'Ctrl-C: the process');
}

# A child that goes on is not waited for; one in another session is not even
# found, but it has no way to the terminal either.
{
    my $dir = "$root/" . ($n + 1);
    my($stays) = tenant(qq{if (!fork) {
            @{[begun("$dir/fork.pid")]} sleep 1 while 1 }
        select undef, undef, undef, 0.02 until -s "$dir/fork.pid"});
    my $other = "$root/" . ($n + 1);
    my($leaves) = tenant(qq{if (!fork) {
            POSIX::setsid(); @{[begun("$other/fork.pid")]}
            for (1 .. 600) {
                POSIX::write(\$_, "\\e[2J", 4) for 1 .. 64; sleep 1;
            } POSIX::_exit(0) }
        select undef, undef, undef, 0.02 until -s "$other/fork.pid"});
    my $run = on_terminal($conf, [$stays, $leaves, $after]);
    is_safe($run, 'left behind', $stays, $leaves, $after);
    cmp_ok $run->{seconds}, '<', LIMIT, 'left behind: at once';
    like $_, qr/^  asks: admitted; goes to/m, 'left behind: answered'
        for @{ $run->{answers} }[0, 1];
    like $run->{answers}[2], $answered, 'left behind: the next is answered';
    is_gone("$dir/fork.pid", 'left behind: the child');
    kill KILL => split ' ', slurp("$other/fork.pid");
    is_gone("$other/fork.pid", 'left behind: the other');
}

# Megabytes: printed, and in place of the answer.
{
    my($prints) = tenant('POSIX::write(1, "\e" x 65536, 65536) for 1 .. 128');
    my($floods) = tenant('while (1) '
        . '{ POSIX::write($_, "\e" x 65536, 65536) for 3 .. 64 }');
    my $run = on_terminal($conf, [$prints, $floods, $after]);
    is_safe($run, 'megabytes', $prints, $floods, $after);
    cmp_ok length $run->{bytes}, '<', 20_000, 'megabytes: few are shown';
    like $run->{answers}[0], qr/^\ \ asks:\ admitted;\ goes\ to.*^\ {4}more
        \ was\ printed\ than\ the\ first\ 1024\ bytes,\ which\ are
        \ shown$/msx,
        'megabytes: printed';
    like $run->{answers}[1], qr/^\ \ not\ known:\ a\ module\ or\ a\ script
        \ made\ the\ answer\ longer\ than\ 1048576\ bytes$/mx,
        'megabytes: for an answer';
    like $run->{answers}[2], $answered, 'megabytes: the next is answered';
}

# No answer is none: it goes as far as that.
{
    my($closes) = tenant('POSIX::close($_) for 0 .. 255;');
    my($exits) = tenant('POSIX::_exit(0)');
    my $run = on_terminal($conf, [$closes, $exits, $after]);
    is_safe($run, 'no answer', $closes, $exits, $after);
    like $_, qr/^\ \ asks:\ admitted\n.*\n\ {4}not\ known:\ the\ result\ of
        \ access\ control\ and\ of\ all\ that\ follows;\ /mx,
        'no answer: as far as it came' for @{ $run->{answers} }[0, 1];
    like $run->{answers}[2], $answered, 'no answer: the next is answered';
}

# --- what is printed of names and words ------------------------------------

my $raw = "\ec\x9b31m\xc2\x9b\x7f\x01\xff\xe2\x80\xae\xc3\xa9";
my $shown = qr/\\x1bc\\x9b31m\\xc2\\x9b\\x7f\\x01\\xff
    \\xe2\\x80\\xae(?:\xc3\xa9|\\xc3\\xa9)/x;
{
    my($broken) = tenant(undef, "ExpectRequire $raw");
    my($words) = tenant(undef, "ErrorDocument 413 \"$raw\"",
        "ErrorDocument 417 \"$raw\"", "ExpectRequire header X-A \"$raw\"",
        'ExpectRequire content-length max=5');
    my($handler) = tenant(undef, "SetHandler \"$raw\"");
    my($login) = tenant(undef, "AuthType \"$raw\"", 'AuthName x',
        'Require valid-user', 'ExpectRequire auth');
    my $escaped = $raw =~ s/([^A-Za-z])/sprintf '%%%02x', ord $1/ger;
    my $name = "/up/quiet/$escaped%0a%20%20asks:%20admitted PUT length=9";
    my $folder = "$root/folder $raw";
    mkpath($folder);
    spew("$folder/.htaccess", "ExpectRequire header X-A\n");
    my $in = "/up/folder%20$escaped/x PUT length=9";
    my $field = '/up/quiet/x PUT length=9 header="Expect: ' . "\x9b\xff\"";
    my @questions = ($broken, $words, $handler, $login, $name, $in, $field);
    my $run = on_terminal($conf, \@questions);
    is_safe($run, 'words', map { s/\x9b\xff/\\x9b\\xff/r } @questions);
    like $run->{bytes}, $_, "words: $_" for
        qr/^    httpd logs: .*ExpectRequire: $shown: unknown rule/m,
        qr/^    the client gets ErrorDocument "$shown"$/m,
        qr/^ +header X-A "$shown" +head .*\n/m,
        qr/^  asks: admitted; goes to $shown$/m,
        qr/^    authentication \(AuthType $shown\) is not performed/m,
        qr/^\ \ target:\ \S+\/quiet\/$shown\\n\ \ asks:\ admitted,\ which\ does
            \ not\ exist$/mx,
        qr/^  \.htaccess: .*\/folder $shown\/\.htaccess$/m,
        qr/^  Expect: \\x9b\\xff: /m;
}
{
    my $run = on_terminal(<<"CONF", []);
<Directory "$root/$raw">
    ExpectRequire header X-A "$raw"
    ExpectRequire content-length max=10 
    <Files "$raw">
        ExpectRequire content-length max=20
    </Files>
</Directory>
<VirtualHost *:1>
    ServerName "$raw"
    <Location "/$raw">
        ExpectRequire header X-B
    </Location>
</VirtualHost>
CONF
    is_safe($run, 'the rules of all sections');
    like $run->{bytes}, $_, "the rules of all sections: $_" for
        qr/^  <Directory \S+\/$shown\/>: engine On/m,
        qr/^      header X-A "$shown" +head /m,
        qr/^  <Directory \S+\/$shown\/> <Files $shown>: /m,
        qr/^  <Location \/$shown>, joined /m,
        qr/^VirtualHost $shown:1 /m;
}

done_testing();
