#!/usr/bin/perl
# ExpectExplain: the syntax of a query and of its answer; mistakes in a query;
# and where no answer is given.

use strict;
use warnings;

use lib 't/linger';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;
use Lingering;

my $root = conf_var('documentroot');
# --- how an answer reads ---------------------------------------------------

my $folder = "$root/tenant/question";
write_htaccess('tenant/question', "ExpectRequire content-type image/*\n");
my $in = <<"CONF";
<Directory "$folder">
    AllowOverride AuthConfig
    ExpectRequire content-length max=1K
    <ExpectRequireAny>
        ExpectRequire header X-A
        ExpectRequire handler
    </ExpectRequireAny>
    ExpectRequire precondition
    ExpectRequire env X
    <Limit POST>
        ExpectRequire auth
    </Limit>
</Directory>
Alias /up "$folder"
CONF

{
    my $answer = join '', explained($in,
        '/up/new PUT length=2K type=text/html');
    my @places = $answer =~ /\ (\S+:\d+)(?:\ \ \(in\ <Limit(?:Except)?(?:
        \ [A-Z]+)+>\))?$/mgx;
    $answer =~ s/(?<=\S) +(head|directory|env|auth|user|handler) +/ $1 /g;
    $answer =~ s/ +\S+:\d+(?=\n|  \(in)/ HERE/g;
    is $answer, <<"TEXT", 'an answer as a whole';
ExpectExplain /up/new PUT length=2K type=text/html
  client: 127.0.0.1, without a login
  server: Server
  target: $folder/new, which does not exist
  .htaccess: $folder/.htaccess
  engine On, status 417, scope content
    all of
      content-length max=1K head HERE
        denied: content-length 2048 is over max=1024
      any of HERE
        header X-A head HERE
          denied: header X-A is missing (not needed: the result was already certain)
        handler handler HERE
          not evaluated: the result was already certain
      precondition user HERE
        not evaluated: the result was already certain
      env X env HERE
        not evaluated: the result was already certain
      auth auth HERE  (in <Limit POST>)
        does not apply to PUT
      content-type image/* head HERE
        denied: content-type text/html is not one of: image/* (not needed: the result was already certain)
  asks: refused 417: content-length 2048 is over max=1024
  does not ask: refused 413: content-length 2048 is over max=1024
TEXT
    is $places[-1], "$folder/.htaccess:1", 'the tenant\'s file and line';

    write_htaccess('tenant/question/closed/deep', "ExpectRequire auth\n");
    $answer = join '', explained(<<"CONF", '/up/closed/deep/x PUT length=1');
$in<Directory "$folder/closed">
    AllowOverride None
</Directory>
CONF
    my $other = join '', explained($in, '/up PUT length=1',
        '/up/ PUT length=1');
    is(() = $other =~ m{^\ \ target:\ \Q$folder\E/?,\ a\ folder\n
        \ \ \.htaccess:\ \Q$folder\E/\.htaccess\n\ \ engine}mgx,
        2, 'a folder\'s own .htaccess');
    like $answer, qr{^\ \ \.htaccess:\ \Q$folder\E/\.htaccess\n\ \ \.htaccess:
        \ \Q$folder\E/closed/deep/\.htaccess,\ not\ read:\ AllowOverride
        \ None$}mx,
        'an .htaccess that is not read';
}

# --- what can be said in a question ----------------------------------------

my $by = <<"CONF";
<Location /witness>
    SetHandler witness
</Location>
<Location /witness/ip>
    ExpectRequire ip 192.0.2.1 2001:db8::/32
</Location>
<Location /witness/type>
    ExpectRequire content-type text/plain
    ExpectRequire content-encoding br
</Location>
<Location /witness/user>
    AuthType Basic
    AuthName realm
    AuthBasicProvider witness
    Require valid-user
    ExpectRequire user alice "bob b"
</Location>
<Location /witness/header>
    ExpectRequire header X-A "^a \\"b\\", c\$"
    ExpectRequire header X-Empty "^\$"
</Location>
<Location /witness/host>
    ExpectRequire expr "%{HTTP_HOST} == 'files.example:1024'"
</Location>
<Location /witness/max>
    ExpectRequire content-length max=10
</Location>
<Location /witness/limit>
    LimitRequestBody 5
    ExpectRequire method PUT
</Location>
<Location /witness/off>
    ExpectEngine Off
    ExpectRequire content-length max=10
</Location>
<Location /witness/waits>
    ExpectScope expectation
    ExpectRequire content-length max=10
</Location>
<Location /witness/query>
    ExpectRequire expr "%{QUERY_STRING} == 'a=b&c'"
</Location>
CONF

# question, what must be in the answer
my @asked = (
    ['/witness/ip PUT length=1 ip=192.0.2.1', qr/^  client: 192\.0\.2\.1, /m,
        qr/^  asks: admitted; goes to witness$/m,
        qr/^  does not ask: admitted; goes to witness$/m],
    ['/witness/ip PUT length=1 ip=2001:db8::7', qr/^  asks: admitted;/m],
    ['/witness/ip PUT length=1 ip=::1', qr/^\ \ asks:\ refused\ 417:\ the\ rule
        \ ip\ is/mx],
    ['/witness/type PUT length=1 type="text/plain; a=b" encoding=br',
        qr/^  asks: admitted;/m],
    ["/witness/type PUT length=1 'type=text/plain; a=b' ENCODING='x, br'",
        qr/^\ \ does\ not\ ask:\ refused\ 415:\ content-encoding\ x\ is\ not
            \ one\ of:\ br$/mx],
    ['/witness/user PUT length=1 user="bob b"', qr/^  asks: admitted;/m,
        qr/^  client: 127\.0\.0\.1, logged in as bob b$/m,
        qr/^\ {4}authentication\ \(AuthType\ Basic\)\ is\ not\ performed;\ it
            \ is\ assumed\ to\ have\ succeeded$/mx],
    ['/witness/user PUT length=1', qr/^  does not ask: httpd answers 401$/m,
        qr/^\ {4}authentication\ \(AuthType\ Basic\)\ is\ not\ performed;\ it
            \ is\ assumed\ to\ have\ failed\ with\ 401\ \(user=NAME
            \ assumes\ success\)$/mx],
    ['/witness/header PUT length=1 header="X-A: a \\"b\\"" header="X-A:c" '
        . 'header=X-Empty:', qr/^  asks: admitted;/m],
    ['http://files.example:1024/witness/host PUT length=1',
        qr/^  asks: admitted;/m],
    ['http://files.example/witness/host PUT length=1',
        qr/^  asks: refused 417: the rule expr is not met$/m,
        qr/^  note: httpd does not listen on port 80$/m],
    ['HTTPS://127.0.0.1:1024/witness/host PUT length=1',
        qr/^  note: TLS is not simulated: /m],
    ['/witness/query?a=b&c#d PUT length=1', qr/^  asks: admitted;/m],
    ['/witness/max PUT chunked', qr/^  asks: admitted; goes to witness$/m,
        qr/^\ {4}content\ of\ unknown\ length\ is\ cut\ off\ with\ 413\ at\ the
            \ first\ byte\ over\ 10$/mx],
    ['/witness/max PUT length=10k', qr/^  asks: refused 417: .* 10240 is/m],
    ['/witness/limit PUT length=6', qr/^  asks: admitted;/m,
        qr/^\ {4}LimitRequestBody\ 5\ refuses\ the\ content\ with\ 413\ when
            \ it\ is\ read$/mx],
    ['/witness/max PUT length=11 expect=no',
        qr/^ +denied: .*\n  does not ask: refused 413: .*\n\z/m],
    ['/witness/max PUT length=11 expect=YES',
        qr/^ +denied: .*\n  asks: refused 417: .*\n\z/m],
    ['/witness/max PUT length=9 header="Expect: 100-Continue"',
        qr/^  Expect: 100-Continue: admitted; goes to witness\n\z/m],
    ['/witness/max PUT length=9 header=Expect:foo',
        qr/^\ \ Expect:\ foo:\ refused\ 417:\ the\ only\ expectation\ supported
            \ is\ a\ single\ 100-continue;\ /mx],
    ['/witness/max PUT', qr/^  asks: not judged: no content is announced$/m],
    ['/witness/max PUT length=0', qr/^  does not ask: not judged: no /m],
    ['/witness/off PUT length=99',
        qr/^  engine Off, .*\n    all of\n      content-length max=10 /m,
        qr/^  asks: not judged: ExpectEngine Off; goes to witness$/m],
    ['/witness/waits PUT length=99', qr/^  asks: refused 417: /m,
        qr/^  engine On, status 417, scope expectation$/m,
        qr/^  does not ask: not judged: ExpectScope expectation; /m],
    ['/dav/ PUT length=1', qr/^  target: \Q$root\E\/dav\/, a folder$/m,
        qr/^  \.htaccess: none$/m,
        qr/^  asks: not judged: there are no rules; goes to httpd's file /m],
);
{
    my @answers = explained($by, map { $_->[0] } @asked);
    is scalar @answers, @asked, 'an answer to each question';
    for my $case (@asked) {
        my($question, @like) = @$case;
        my $answer = shift @answers;
        like $answer, qr/\AExpectExplain \Q$question\E\n/, "$question: shown";
        like $answer, $_, "$question: $_" for @like;
    }
}

# The URL picks the server, as a request does.
{
    my $hosts = <<'CONF';
Listen 127.0.0.2:1025
<VirtualHost *:1024>
    ServerName a.example
    ExpectRequire header X-A
</VirtualHost>
<VirtualHost *:1024>
    ServerName b.example
    ServerAlias *.b.example
    ExpectRequire header X-B
</VirtualHost>
<VirtualHost 127.0.0.2:1025>
    ServerName c.example
    ExpectRequire header X-C
</VirtualHost>
CONF
    # two addresses: the name says which, as DNS would
    $hosts .= <<'CONF';
Listen 1026
<VirtualHost 127.0.0.1:1026>
    ServerName d.example
    ExpectRequire header X-D
</VirtualHost>
<VirtualHost 127.0.0.2:1026 [::1]:1026>
    ServerName e.example
    ExpectRequire header X-E
</VirtualHost>
CONF
    my @which = (['http://d.example:1026/', 'D'],
        ['http://e.example:1026/', 'E'], ['http://[::1]:1026/', 'E'],
        ['http://127.0.0.2:1026/', 'E'], ['http://999.1.1.1:1024/', 'A'],
        ['/', 'A'], ['http://a.example:1024/', 'A'],
        ['http://b.example:1024', 'B'], ['http://x.B.example:1024/', 'B'],
        ['http://other.example:1024/', 'A'], ['http://c.example:1025/', 'C'],
        ['http://127.0.0.2:1025/', 'C'], ['http://other.example:1025/', 'C']);
    my @answers = explained($hosts, map { "$_->[0] PUT length=1" } @which);
    for (@which) {
        my($url, $host) = @$_;
        my $answer = shift @answers;
        like $answer, qr/^  asks: refused 417: header X-$host is missing$/m,
            "$url: its rules";
        like $answer, qr/^\ \ server:\ VirtualHost\ \l$host\.example:\d+
            \ \(\S+:\d+\)$/mx,
            "$url: its server";
    }
}

# The sample of questions, about the sample that it is for.
{
    my $sample = conf_var('top_dir') . '/conf-sample';
    mkpath("$root/tenant/uploads/$_") for qw(shared office);
    my($exit, $out) = config_error(<<"CONF", '-D', 'DUMP_EXPECT');
Define UPLOADS "$root/tenant/uploads"
Include "$sample/uploads.conf"
Include "$sample/uploads.questions"
CONF
    is $exit, 0, 'the sample of questions is taken' or diag $out;
    my @said = $out =~ /^  asks: (.*)$/mg;
    my @like = (qr/^admitted; goes to dav-handler$/, qr/^refused 401: auth/,
        qr/^refused 413: /, qr/^refused 415: .*text\/html/,
        qr/^refused 415: content-encoding gzip/, qr/^refused 428: /,
        qr/^admitted/, qr/^refused 403: the rule ip is not met$/,
        qr/^admitted/);
    is scalar @said, @like, 'each is answered';
    like $said[$_], $like[$_], "sample $_" for 0 .. $#like;
}

# --- what is wrong in one --------------------------------------------------

my $USAGE = qr/ExpectExplain takes URL METHOD \[length=SIZE\|chunked\]/;
my $URL   = qr/a URL is a path that begins with \/, or http:/;
my $SIZE  = qr/a SIZE is a number of bytes/;

# the question, the word, what is wrong, what is accepted
my @wrong = (
    ['', 'no URL', qr/not a URL/, $URL],
    ['x PUT', 'x', qr/not a URL/, $URL],
    ['ftp://a/x PUT', 'ftp://a/x', qr/not a URL/, $URL],
    ['http:///x PUT', 'http:///x', qr/not a URL/, $URL],
    ['http:x PUT', 'http:x', qr/not a URL/, $URL],
    ['http://a:99999/x PUT', 'http://a:99999/x', qr/not a URL/, $URL],
    ['"/a b" PUT', '/a b', qr/percent-encode/, $URL],
    ["/\xc3\xa4 PUT", "/\xc3\xa4", qr/percent-encode/, $URL],
    ['http://bob@a/x PUT', 'http://bob@a/x', qr/contains a user/,
        qr/user=NAME/],
    ['/x', 'no method', qr/not a method/, $USAGE],
    ['/x length=1', 'length=1', qr/not a method/, $USAGE],
    ['/x P(T length=1', 'P(T', qr/not a method/, $USAGE],
    ['/x PUT length=1X', 'length=1X', qr/not a SIZE/, $SIZE],
    ['/x PUT length=-1', 'length=-1', qr/not a SIZE/, $SIZE],
    ['/x PUT length=8388608T', 'length=8388608T', qr/too large/, $SIZE],
    ['/x PUT length=', 'length=', qr/value is missing/, $USAGE],
    ['/x PUT length', 'length', qr/unknown argument/, $USAGE],
    ['/x PUT length=1 length=2', 'length=2', qr/given twice/, $USAGE],
    ['/x PUT length=1 chunked', 'chunked', qr/length is given twice/, $USAGE],
    ['/x PUT chunked=1', 'chunked=1', qr/unknown argument/, $USAGE],
    ['/x PUT type=a/b type=a/b', 'type=a/b', qr/given twice/, $USAGE],
    ['/x PUT encoding=""', 'encoding=', qr/value is missing/, $USAGE],
    ['/x PUT expect=maybe', 'expect=maybe', qr/unknown value/, qr/yes and no/],
    ['/x PUT expect=yes header="Expect: a"', 'expect=', qr/a header Expect/,
        qr/one of the two/],
    ['/x PUT ip=localhost', 'ip=localhost', qr/not an address/, qr/192\.0\.2/],
    ['/x PUT ip=10.0.0', 'ip=10.0.0', qr/not an address/, qr/2001:db8::1/],
    ['/x PUT ip=10.0.0.0/8', 'ip=10.0.0.0/8', qr/not an address/, qr/ADDR/],
    ['/x PUT header=X-A', 'header=X-A', qr/not a header field/,
        qr/NAME: VALUE/],
    ['/x PUT "header=X A: b"', 'header=X A: b', qr/not a header field/,
        qr/NAME: VALUE/],
    ['/x PUT header=:b', 'header=:b', qr/not a header field/, qr/NAME/],
    ["/x PUT \"header=X-A: b\cAc\"", "header=X-A: b\cAc",
        qr/control character/, $USAGE],
    ["/x PUT \"user=b\cBob\"", "user=b\cBob", qr/control character/, $USAGE],
    (map { ["/x PUT header=$_->[0]:1", "header=$_->[0]:1",
            qr/another argument sets this field/, qr/\Q$_->[1]\E is accepted/] }
        ['host', 'the URL'], ['Content-Length', 'length='],
        ['transfer-encoding', 'chunked'], ['CONTENT-TYPE', 'type='],
        ['Content-Encoding', 'encoding=']),
    ['/x PUT lenght=1', 'lenght=1', qr/unknown argument/, $USAGE],
    ['/x PUT POST', 'POST', qr/unknown argument/, $USAGE],
    ['/x PUT ""', '', qr/unknown argument/, $USAGE],
);

# httpd with next to no modules says it in a fraction of the time.
my $small = conf_var('t_logs') . '/question.conf';
spew($small, 'ServerRoot "' . conf_var('serverroot') . "\"\n",
    grep { /^LoadModule (?:mpm_\w+|unixd|authz_core|expect)_module / }
        split /^/, slurp(conf_var('t_conf') . '/inherit.load'));
sub complaint {
    my($question) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec ExpectTest::httpd_command('-t', '-f', $small, '-D',
            'DUMP_EXPECT', '-c', "ExpectExplain $question")
            or POSIX::_exit(127);
    }
    my $text = join '', <$out>;
    close $out;
    return ($?, $text);
}
for (@wrong) {
    my($question, $word, $wrong, $accepted) = @$_;
    my($exit, $out) = complaint($question);
    my $shown = length $word ? $word : '""';
    $shown =~ s/[^ -~]/sprintf '\\x%02x', ord $&/ge;
    my($message) = $out =~ /^ExpectExplain: \Q$shown\E: (.*)$/m;
    isnt $exit, 0, "'$question' is refused";
    like $message, qr/$wrong.*; .*$accepted/, "'$question': how" or diag $out;
}

# It is no section's directive.
for ("<Directory />\nExpectExplain / PUT\n</Directory>",
    "<VirtualHost *:1>\nServerName a\nExpectExplain / PUT\n</VirtualHost>") {
    my($exit, $out) = config_error("$_\n", '-D', 'DUMP_EXPECT');
    isnt $exit, 0, 'refused in a section';
    like $out, qr/ExpectExplain not allowed|ExpectExplain cannot occur/,
        'and httpd says so';
}

# --- where it is not answered ----------------------------------------------

my $left = qr/expect:\ ExpectExplain\ at\ \S+:\d+\ is\ ignored:\ only\ httpd
    \ -t\ -D\ DUMP_EXPECT\ answers\ it/x;
{
    my($exit, $out) = config_error("ExpectExplain / PUT length=1\n");
    is $exit, 0, 'configtest with a question left behind';
    like $out, $left, 'and without an answer, but with a word';
    unlike $out, qr/^ExpectExplain/m, 'no answer';

    my $question = "ExpectExplain /witness/ PUT length=1\n";
    my $linger   = "ExpectLinger time=600 idle=600\n";
    for (['alone', $question], ['behind ExpectLinger', $linger . $question],
         ['before ExpectLinger', $question . $linger]) {
        my($where, $conf) = @$_;
        my $server = linger_httpd(conf => $conf);
        my $r = upload(vhost => $server, path => "/lazy/x", content => 9,
            asks => 1);
        is $r->{status}, 200, "a question left behind, $where: httpd serves"
            or diag explain $r;
        my $client = refused($server);
        is $client->{status}, 413, "$where: it refuses";
        ok $server->wait_for(sub { lingering($server) == 1 }),
            "$where: a refused client lingers";
        $server->stop;
        my %said = map {
            $_ => scalar(() = slurp($server->dir . "/$_") =~ /$left/g)
        } qw(start_log error_log);
        is_deeply \%said, { start_log => 0, error_log => 1 },
            "$where: the log says once that it is ignored";

        ($exit, $out) = config_error($conf, '-D', 'DUMP_EXPECT');
        is $exit, 0, "$where: it can be asked";
        like $out, qr{^ExpectExplain\ /witness/\ PUT\ length=1\n
            (?:\ \ .*\n)+\ \ does\ not\ ask:\ not\ judged}mx,
            "$where: it is answered";
    }
    ($exit, $out) = config_error($linger, '-D', 'DUMP_EXPECT');
    like $out, qr/: the rules in force, /, 'ExpectLinger alone is dumped';
}

# --- what is not known -----------------------------------------------------

# Programs of RewriteMap are not started.
{
    my $answer = join '', explained(
        "RewriteEngine On\nRewriteMap p prg:/bin/cat\n"
        . 'RewriteRule ^/x/(.*) /${p:$1|none} [PT]', '/x/y PUT length=1');
    like $answer, qr/^\ \ note:\ the\ program\ of\ RewriteMap\ \(\S+:\d+\)\ is
        \ not\ run:\ its\ lookups\ find\ nothing$/mx,
        'a RewriteMap that is a program';
}

# https: as %{HTTPS} has it, which knows mod_ssl alone before 2.4.47.
{
    my $tls = "ExpectRequire expr \"%{HTTPS} == 'on'\"\n";
    my($with, $without) = explained($tls, 'https://localhost/x PUT length=1',
        'http://localhost/x PUT length=1');
    my $verdict = httpd_at_least('2.4.47') ? 'admitted'
        : 'refused 417: the rule expr';
    like $with, qr/^  asks: $verdict/m, 'https';
    like $without, qr/^  asks: refused 417: the rule expr is not met$/m, 'http';
}

# Files that this process may see, and the server's user not, or the other way.
{
    my $answer = join '', explained("User daemon\n", '/x PUT length=1');
    like $answer, qr/^\ \ note:\ files\ that\ only\ User\ daemon\ may\ read
        \ are\ not\ seen$/mx,
        'another User';
}

# What httpd answers itself, and what it would log of it.
{
    write_htaccess('tenant/question/bad', "ExpectRequire nonsense\n");
    my $answer = join '', explained($in . "Redirect /old http://new.example\n",
        '/up/bad/x PUT length=1', '/old/x PUT length=1');
    like $answer, qr/^\ \ target:\ not\ known\n\ \ asks:\ httpd\ answers\ 500\n
        \ \ does\ not\ ask:\ httpd\ answers\ 500\n\ {4}httpd\ logs:
        \ \S+bad\/\.htaccess:\ ExpectRequire:\ nonsense:\ unknown\ rule;
        \ .*\ \(line\ 1\)$/mx,
        'a broken .htaccess';
    like $answer, qr/^  asks: httpd answers 302, to http:\/\/new\.example\/x$/m,
        'a redirect';
    write_htaccess('tenant/question/bad', undef);
}

# The directory's own page.
{
    my $answer = join '', explained("ErrorDocument 413 /too-big\n"
        . "ErrorDocument 417 \"too big\"\nExpectRequire content-length max=1\n",
        '/x PUT length=2');
    like $answer, qr/^\ \ asks:\ refused\ 417:\ .*\n\ {4}the\ client\ gets
        \ ErrorDocument\ "too\ big"\n\ \ does\ not\ ask:\ refused\ 413:
        \ .*\n\ {4}the\ client\ gets\ ErrorDocument\ \/too-big$/mx,
        'an ErrorDocument each';
}

# The answer has the target of a GET as well, which is not judged.
{
    write_htaccess('tenant/question/led', "RewriteEngine On\n"
        . "RewriteRule ^in /cgi/read.cgi\n"
        . "RewriteRule ^out http://away.example/ [R,L]\n");
    my $conf = "<Directory \"$folder\">\nAllowOverride All\n"
        . "Options FollowSymLinks\n</Directory>\nAlias /up \"$folder\"\n";
    like join('', explained($conf, '/up/led/in GET')),
        qr{^  target: /cgi/read\.cgi, by an internal redirect$}m,
        'GET: where a rewrite leads';
    like join('', explained($conf, '/up/led/out PUT length=1 type=image/png')),
        qr{^  target: http://away\.example/$}m, 'a redirect';
}

done_testing();
