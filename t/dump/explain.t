#!/usr/bin/perl
# httpd -t -D DUMP_EXPECT -c 'ExpectExplain ...' gives for an upload the same
# status, sentence and verdict as a server with the same configuration, for
# clients that ask and clients that do not.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;

my $root = conf_var('documentroot');
my $main = conf_var('serverroot') . '/conf/httpd.conf';

# --- asking ----------------------------------------------------------------

# What httpd says: (exit status, output, log).
sub httpd_t {
    my($conf, @arguments) = @_;
    my $log = conf_var('t_logs') . "/explain-$$";
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>', $log;
        exec ExpectTest::httpd_command('-t', '-d', conf_var('serverroot'),
            '-f', $conf, @arguments) or POSIX::_exit(127);
    }
    my $text = join '', <$out>;
    close $out;
    my $exit = $?;
    open my $fh, '<', $log or die "$log: $!\n";
    return ($exit, $text, join '', <$fh>);
}

# The answers to questions about the main server, in their order.
sub explained_by_main {
    my @questions = @_;
    my($exit, $text, $log) = httpd_t($main, '-D', 'DUMP_EXPECT',
        map { ('-c', "ExpectExplain $_") } @questions);
    is $exit, 0, 'httpd -t takes the questions' or diag $log;
    my @answers = split /^(?=ExpectExplain )/m, $text;
    is scalar @answers, @questions, 'an answer to each';
    return @answers;
}

sub quoted { return '"' . $_[0] =~ s/(["\\])/\\$1/gr . '"' }

# The question that an upload is.
sub question {
    my %o = @_;
    my @words = (($o{url} // '') . $o{path}, $o{method} // 'PUT');
    push @words, 'chunked' if $o{chunked};
    my $length = $o{length} // $o{content};
    push @words, "length=$length" if !$o{chunked} && length $length;
    for (@{ $o{headers} // [] }) {
        push @words, s/^Content-Type: //r eq $_
            ? s/^Content-Encoding: //r eq $_ ? 'header=' . quoted($_)
            : 'encoding=' . quoted(s/^.*?: //r)
            : 'type=' . quoted(s/^.*?: //r);
    }
    push @words, "user=$o{login}" if $o{login};
    return join ' ', @words;
}

# --- the cases -------------------------------------------------------------

my $n = 0;

# A place with an .htaccess, where LogLevel expect:debug shows each rule.
sub place { return section_in('response/debug', @_) }

sub type { "Content-Type: $_[0]" }

my @BASIC = ('AuthType Basic', 'AuthName realm', 'AuthBasicProvider witness');
my @USER  = (@BASIC, 'Require user alice');
my @ANY   = ('<ExpectRequireAny>', 'ExpectRequire content-length max=10',
    'ExpectRequire header X-Big', '</ExpectRequireAny>');
my @NONE  = ('<ExpectRequireNone>', 'ExpectRequire header X-Bad',
    'ExpectRequire content-length max=10', '</ExpectRequireNone>');

my $stored = 'static/explain';
write_htaccess($stored, "ExpectRequire precondition\n");
spew("$root/$stored/here", 'here');

# A tenant's file that only others may read, and one that says nonsense.
my $unreadable = place('ExpectRequire header X-Never');
chmod 0, $root . $unreadable =~ s/x$/.htaccess/r;
my $denied = place('Require all denied');
my $broken = place('ExpectRequire nonsense');

# Front controllers: what the redirect leads to takes the content.
sub front {
    my $dir = 'front/explain-' . ++$n;
    write_htaccess($dir, join '', map { "$_\n" } @_);
    link "$root/static/file.txt", "$root/$dir/index.html"
        or die "$dir/index.html: $!\n";
    return "/$dir/some/where";
}
my @rewrite = ('ExpectRequire handler', 'ExpectRequire content-length max=10',
    'RewriteEngine On', 'RewriteCond %{REQUEST_FILENAME} !-f');

# what it shows; the upload; the status of what is admitted, if not 200
my @cases = (
    # the head
    ['under max', { path => place('ExpectRequire content-length max=10'),
        content => 10 }],
    ['over max', { path => place('ExpectRequire content-length max=10'),
        content => 11 }],
    ['far over max', { path => place('ExpectRequire content-length max=5G'),
        content => '', length => 5 * 2 ** 30 + 1 }],
    ['under min', { path => place('ExpectRequire content-length min=10'),
        content => 9 }],
    ['chunked under max', { content => 9, chunked => 1,
        path => place('ExpectRequire content-length max=10') }],
    ['chunked, known', { content => 9, chunked => 1,
        path => place('ExpectRequire content-length max=10 known') }],
    ['a type', { content => 9, headers => [type('Image/PNG')],
        path => place('ExpectRequire content-type image/*') }],
    ['another type', { content => 9, headers => [type('text/html; q="a b"')],
        path => place('ExpectRequire content-type image/* text/plain') }],
    ['no type', { content => 9,
        path => place('ExpectRequire content-type image/*') }],
    ['a type that is none', { content => 9, headers => [type('<&')],
        path => place('ExpectRequire not content-type image/*') }],
    ['a coding', { content => 9, headers => ['Content-Encoding: gzip'],
        path => place('ExpectRequire content-encoding gzip br') }],
    ['another coding', { content => 9, headers => ['Content-Encoding: zstd'],
        path => place('ExpectRequire content-encoding gzip br') }],
    ['a header', { content => 9, headers => ['X-Key: a "b" \\c'],
        path => place('ExpectRequire header X-Key "b. .c$"') }],
    ['another header', { content => 9, headers => ['X-Key: c'],
        path => place('ExpectRequire header X-Key b') }],
    ['a header twice', { content => 9, headers => ['X-Key: a', 'X-Key: b'],
        path => place('ExpectRequire header X-Key "^a, b$"') }],
    ['no header', { content => 9,
        path => place('ExpectRequire header If-Match') }],
    ['an address', { content => 9,
        path => place('ExpectRequire ip 127.0.0.0/8') }],
    ['another address', { content => 9,
        path => place('ExpectRequire not ip 127.0.0.0/8') }],
    ['a method', { content => 9, method => 'PATCH',
        path => place('ExpectRequire method PUT POST') }],

    # trees
    ['any, one', { path => place(@ANY), content => 10 }],
    ['any, the other', { path => place(@ANY), content => 11,
        headers => ['X-Big: 1'] }],
    ['any, neither', { path => place(@ANY), content => 11 }],
    ['none, one', { path => place(@NONE), content => 10 }],
    ['none, neither', { path => place(@NONE), content => 11 }],
    ['the rule\'s own status', { content => 11, path => place(
        'ExpectStatus specific', 'ExpectRequire content-length max=10') }],
    ['<Limit>, in', { content => 9, method => 'POST', path => place(
        '<Limit POST>', 'ExpectRequire header X-No', '</Limit>') }],
    ['<Limit>, out', { content => 9, path => place(
        '<Limit POST>', 'ExpectRequire header X-No', '</Limit>') }],
    ['<If>, in', { content => 11, path => place(
        '<If "%{HTTP:Content-Length} -gt 10">', 'ExpectRequire header X-No',
        '</If>') }],
    ['<If>, out', { content => 10, path => place(
        '<If "%{HTTP:Content-Length} -gt 10">', 'ExpectRequire header X-No',
        '</If>') }],
    ['<If>, only for clients that ask', { content => 10, path => place(
        '<If "-n %{HTTP:Expect}">', 'ExpectRequire header X-No', '</If>') }],

    # the target
    ['precondition', { path => "/$stored/new", content => 9,
        headers => ['If-None-Match: *'] }, 405],
    ['precondition, missed', { path => "/$stored/here", content => 9,
        headers => ['If-None-Match: *'] }],
    ['free-space', { content => 9,
        path => place('ExpectRequire free-space 99%') }],
    ['free-space, of more than there is', { content => '', length => 1 << 60,
        path => place('ExpectRequire free-space 1K') }],
    ['a query', { path => '/sections/if/x?a=bad', content => 9 }],
    ['an encoded path', { path => '/sections/if/%6Eame', content => 9 }],
    ['a path with dots', { path => '/sections/./x/../dir/x', content => 11 }],
    ['an alias', { path => '/sections-alias/x', content => 11 }],
    ['rewritten', { path => '/sections-rewrite/x', content => 11 }],
    ['passed on', { path => '/sections-pass/x', content => 11 }],
    ['<DirectoryMatch>', { path => '/sections/match-1/x', content => 11 }],
    ['<Files>', { path => '/sections/sections-1.bin', content => 11 }],
    ['<Location>', { path => '/virtual/x', content => 11 }],
    ['<LocationMatch>', { path => '/sections/two/x', content => 11 }],
    ['proxied', { path => '/response-proxy/x', content => 9,
        headers => [type('image/png')] }],
    ['proxied, refused', { path => '/response-proxy/x', content => 9 }],
    ['by the origin\'s section', { path => '/proxy/section/x',
        content => 11 }],
    ['DAV', { path => '/dav/explain', content => 9 }, 201],
    ['.htaccess that must not speak', { path => '/override/explain/x',
        content => 9 }],

    # environment
    ['env', { content => 9, headers => ['X-Key: 1'], path => place(
        'SetEnvIf X-Key 1 key', 'ExpectRequire env key') }],
    ['env, missing', { content => 9, path => place(
        'SetEnvIf X-Key 1 key', 'ExpectRequire env key') }],
    ['expr', { content => 11, path => place(
        'ExpectRequire expr "%{HTTP:Content-Length} -lt 10"') }],
    ['an alias of a provider', { content => 9, headers => ['X-Key: wrong'],
        path => place('ExpectRequire alias-key') }],

    # access control
    ['no login', { path => place(@USER, 'ExpectRequire auth'),
        content => 9 }],
    ['a login', { path => place(@USER, 'ExpectRequire auth'), content => 9,
        login => 'alice' }],
    ['another\'s login', { path => place(@USER, 'ExpectRequire auth'),
        content => 9, login => 'bob' }],
    ['no login, its own status', { content => 9, path => place(@USER,
        'ExpectStatus specific', 'ExpectRequire auth') }],
    ['no login and no rule for it', { content => 9, path => place(@USER,
        'ExpectRequire content-length max=10') }],
    ['a rule for a user', { content => 9, login => 'bob', path => place(
        @BASIC, 'Require valid-user', 'ExpectRequire user alice') }],
    ['a rule for no user', { content => 9, path => place(
        'ExpectRequire not user alice') }],
    ['denied to all', { content => 9, path => place('Require all denied',
        'ExpectRequire auth') }],
    ['denied to all, without a rule', { content => 9, path => place(
        'Require all denied', 'ExpectRequire content-length max=10') }],
    ['denied by Order', { content => 9, path => place('Order allow,deny',
        'Deny from all', 'ExpectRequire auth') }],
    ['Satisfy Any', { content => 9, path => place('Order deny,allow',
        'Deny from all', @USER, 'Satisfy Any', 'ExpectRequire auth') }],
    ['Satisfy Any, by the address', { content => 9, path => place(
        'Order allow,deny', 'Allow from 127.0.0.1', @USER, 'Satisfy Any',
        'ExpectRequire auth') }],
    ['a rule in Require', { content => 11, path => place(
        'Require content-length max=10', 'ExpectRequire auth') }],
    ['no AuthType', { content => 9, path => place('Require user alice',
        'ExpectRequire auth') }],

    # the handler
    ['the file handler', { path => '/static/x', content => 9 }, 405],
    ['a file', { content => 9, path => place('ExpectRequire handler',
        'SetHandler default-handler') }],
    ['no file', { content => 9, path => place('ExpectRequire handler') }],
    ['a front controller that is a file', { content => 9, method => 'POST',
        path => front(@rewrite, 'RewriteRule ^ index.html [L]') }],
    ['a front controller', { content => 9, method => 'POST',
        path => front(@rewrite, 'RewriteRule ^ /witness/x [L]') }],
    ['a front controller, over max', { content => 11, method => 'POST',
        path => front(@rewrite, 'RewriteRule ^ /witness/x [L]') }],

    ['a front controller that is denied', { content => 9, method => 'POST',
        path => front(@rewrite, "RewriteRule ^ $denied [L]") }],

    # what remembers: as if nothing else were in flight
    ['in-flight', { path => place('ExpectRequire in-flight uploads=4 key=ip'),
        content => 9 }],
    ['in-flight, too large', { content => 11,
        path => place('ExpectRequire in-flight bytes=10 key=ip') }],
    ['quota', { content => 9, path => place(
        'ExpectRequire quota uploads=9 bytes=1M per=hour key=directory') }],
    ['quota, too large', { content => 11, path => place(
        'ExpectRequire quota uploads=9 bytes=10 per=hour key=user') }],
    ['quota, refused by another', { content => 11, path => place(
        'ExpectRequire content-length max=10',
        'ExpectRequire quota uploads=9 per=hour key=ip') }],

    # settings
    ['DetectionOnly', { path => '/response/detect/x', content => 11,
        htaccess => 'response/detect' }],
    ['DetectionOnly, admitted', { path => '/response/detect/x', content => 9,
        htaccess => 'response/detect' }],
    ['ExpectEngine Off', { path => '/response/off/x', content => 11,
        htaccess => 'response/off' }],
    ['ExpectScope expectation', { path => '/response/asked/x', content => 11,
        htaccess => 'response/asked' }],
    ['ExpectMerging And', { path => '/merge/and/explain/x', content => 9,
        htaccess => 'merge/and/explain' }],
    ['ExpectMerging Or', { path => '/merge/or/explain/x', content => 11,
        htaccess => 'merge/or/explain' }],
    ['ExpectMerging Off', { path => '/merge/off/explain/x', content => 1001,
        htaccess => 'merge/off/explain' }],

    # what httpd answers itself
    ['no content', { path => place('ExpectRequire header X-No'),
        content => '' }],
    ['an unreadable .htaccess', { path => $unreadable, content => 9 }],
    ['a broken .htaccess', { path => $broken, content => 9 }],
    ['Redirect', { content => 9,
        path => place('Redirect /response http://elsewhere.example/') }],
    ['an ErrorDocument', { content => 11, path => place(
        'ErrorDocument 413 "too big"', 'ErrorDocument 417 "too big"',
        'ExpectRequire content-length max=10') }],
    ['above the root', { path => '/../x', content => 9 }],
    ['an encoded slash', { path => '/response%2fx', content => 9 }],
    ['a path that is not encoded', { path => '/response/%zz', content => 9 }],
);

write_htaccess($_, "ExpectRequire content-length max=10\n")
    for qw(response/detect response/off response/asked merge/and/explain
        merge/or/explain
           merge/off/explain override/explain);

# The places of t/sections that their sections speak of.
mkpath("$root/sections/$_") for qw(dir if match-1);

# --- comparing -------------------------------------------------------------

# The answer of each rule that was evaluated.
sub rules_of {
    my($answer) = @_;
    my(%said, $rule);
    for (split /\n/, $answer) {
        if (/^\ {6,}(\S.*?)\ +[a-z\/]+(?:,\ last)?\ +(\S+:\d+)(?:\ \ \(in
            \ <Limit(?:Except)?(?:\ [A-Z]+)+>\))?$/x) {
            $rule = "$1 at $2";
        }
        elsif (/^\ {8,}(granted|denied|not\ known\ yet|error)\b(?!.*\(not
            \ needed)/x) {
            $said{$rule} = $1;
        }
    }
    return \%said;
}

# A line of the explanation.
sub parsed {
    my($answer, $client) = @_;
    my($before, $line) = $answer =~ /\A(.*?)^  $client: ([^\n]*)$/ms
        or return { answer => $answer };
    # what is not the same for both clients stands before each
    my %got = (line => $line, answer => $answer,
        rules => rules_of($before =~ s/.*^  client: //msr));
    if ($line =~ /^refused (\d+): (.*)/) {
        @got{qw(verdict status reason answers)} = ('refuse', $1, $2, $1);
    }
    elsif ($line =~ /^would refuse (\d+): (.*) \(DetectionOnly\); goes to /) {
        @got{qw(verdict status reason)} = ('detect', $1, $2);
    }
    elsif ($line =~ /^admitted\b/)   { $got{verdict} = 'continue' }
    elsif ($line =~ /^not judged: /) { $got{verdict} = '-' }
    elsif ($line =~ /^httpd answers/) { $got{verdict} = '-' }
    $got{answers} = $1 if $line =~ /\bhttpd answers (\d+)/;
    return \%got;
}

# The same by the server's log.
sub rules_logged {
    my %said;
    for (@_) {
        $said{"$1 at $3"} = $2 if /expect:\ at\ \w+:\ (.*?)(?:\ saw\ .*)?:
            \ ([\w\ ]+)\ \(ExpectRequire\ at\ (\S+:\d+)\)$/x;
    }
    return \%said;
}

sub same {
    my($name, $got, $o, $status) = @_;
    my $mark = log_mark();
    my $r = upload(eager => !$o->{asks}, %$o);
    my $w = $r->{witness};
    my $logged = rules_logged(error_log_since($mark));
    my $ok = is $got->{verdict}, $w->{verdict}, "$name: verdict";
    $ok &= is $r->{status}, $got->{answers} // $status, "$name: status";
    if (defined $got->{status}) {
        $ok &= is $got->{status}, $w->{nstatus}, "$name: the status noted";
        $ok &= is $got->{reason}, $w->{reason}, "$name: the sentence";
    }
    $ok &= is_deeply $got->{rules}, $logged, "$name: each rule"
        if $o->{path} =~ m{^/response/debug/};
    diag explain [$got, $r] unless $ok;
    return $r;
}

my @answers = explained_by_main(map { question(%{ $_->[1] }) } @cases);
for my $case (@cases) {
    my($name, $o, $status) = @$case;
    my $answer = shift @answers;
    is scalar(() = $answer =~ /^\ {4}this\ holds\ if\ nothing\ else\ is\ in
            \ flight,.*;\ nothing\ is\ taken\ here$/xmg),
        $name =~ /^(?:in-flight|quota)$/ ? 1 : 0, "$name: what may differ";
    my @login = $o->{login}
        ? basic_auth($o->{login})
        : ();
    my %o = (%$o, headers => [@{ $o->{headers} // [] }, @login]);
    delete @o{qw(login htaccess)};
    for my $asks (1, 0) {
        unlink "$root/dav/explain";
        same($name . ($asks ? ', asks' : ', does not ask'),
            parsed($answer, $asks ? 'asks' : 'does not ask'),
            { %o, asks => $asks }, $status // 200);
    }
}

done_testing();
