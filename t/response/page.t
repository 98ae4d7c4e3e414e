#!/usr/bin/perl
# The page of a refusal: httpd's own, with the sentence in it, or the
# directory's ErrorDocument. It never contains a false statement.

use strict;
use warnings;

use lib 't/response';
use Test::More;
use ExpectTest;
use File;
use Response;

# What httpd itself says with 417; of a rule's refusal all of it is false.
my $CORE = qr/only\s+the\s+100-continue|could\s+not\s+be\s+met
             |The\s+client\s+sent|Expect\s+request-header
             |media\s+type\s+not|exceeds|could\s+not\s+verify
             |don.t\s+have\s+permission|precondition\s+on/xi;
my @BASIC = ('AuthType Basic', 'AuthName realm', 'AuthBasicProvider witness');
my $ALICE = basic_auth('alice');

my $title = qr{<title>([^<]*)</title>};
my $h1    = qr{<h1>([^<]*)</h1>};

# Files to be in the way of a precondition, and a script as an ErrorDocument.
sub write_file {
    my($name, $text, $mode) = @_;
    my $file = conf_var('documentroot') . "/response/$name";
    spew($file, $text);
    chmod $mode, $file if $mode;
}

place('page-there', 'ExpectRequire precondition');
write_file('page-there/x', 'here');

# what it shows, where, rules, upload, status, sentence
my @rules = (
    ['over max', 'page-max', ['ExpectRequire content-length max=10'],
        { content => 11 }, 413, 'content-length 11 is over max=10'],
    ['under min', 'page-min', ['ExpectRequire content-length min=10'],
        { content => 9 }, 400, 'content-length 9 is under min=10'],
    ['no length', 'page-known', ['ExpectRequire content-length known'],
        { content => 9, chunked => 1 }, 411, 'content-length is required'],
    ['no length under min', 'page-min-known',
        ['ExpectRequire content-length min=1'],
        { content => 9, chunked => 1 }, 411, 'content-length is required'],
    ['type', 'page-type', ['ExpectRequire content-type image/* text/x'],
        { content => 9, headers => ['Content-Type: text/html'] }, 415,
        'content-type text/html is not one of: image/* text/x'],
    ['no type', 'page-type', undef, { content => 9 }, 415,
        'content-type application/octet-stream (none was sent) is not one of: '
            . 'image/* text/x'],
    ['coding', 'page-coding', ['ExpectRequire content-encoding gzip br'],
        { content => 9, headers => ['Content-Encoding: zstd'] }, 415,
        'content-encoding zstd is not one of: gzip br'],
    ['header for a precondition', 'page-428', ['ExpectRequire header If-Match'],
        { content => 9 }, 428, 'header If-Match is missing'],
    ['header', 'page-400', ['ExpectRequire header X-Key'],
        { content => 9 }, 400, 'header X-Key is missing'],
    ['header that does not match', 'page-pattern',
        ['ExpectRequire header X-Key "^s3cr[e]t"'],
        { content => 9, headers => ['X-Key: no'] }, 400, qr/^header X-Key /],
    ['precondition', 'page-there', undef,
        { content => 9, headers => ['If-None-Match: *'] }, 412,
        qr/If-None-Match/],
    ['free space', 'page-space', ['ExpectRequire free-space 8000T'],
        { content => 9 }, 507, qr/^free-space/],
    ['handler', 'file/page', ['ExpectRequire handler'],
        { content => 9 }, 405,
        'handler: nothing at this URL accepts content'],
    ['no login', 'page-401', [@BASIC, 'Require valid-user',
        'ExpectRequire auth'], { content => 9 }, 401, qr/^auth\b/],
    ['closed', 'page-403', ['Require all denied', 'ExpectRequire auth'],
        { content => 9 }, 403, qr/^auth\b/],
    ['address', 'page-ip', ['ExpectRequire ip 192.0.2.1'],
        { content => 9 }, 403, 'the rule ip is not met'],
    ['user', 'page-user', [@BASIC, 'Require valid-user',
        'ExpectRequire user bob'],
        { content => 9, headers => [$ALICE] }, 403,
        'the rule user is not met'],
    ['expression', 'page-expr', ['ExpectRequire expr "%{HTTP:X-A} == \'b\'"'],
        { content => 9 }, 403, 'the rule expr is not met'],
    ['negated', 'page-not', ['ExpectRequire not content-type text/x'],
        { content => 9, headers => ['Content-Type: text/x'] }, 415,
        qr{^content-type text/x }],
);

sub sentence_of {
    my($body) = @_;
    my($sentence) = $body =~
        m{<p>This upload is not accepted: ([^<]*)\.</p>};
    $sentence //= '';
    s/&lt;/</g, s/&gt;/>/g, s/&quot;/"/g, s/&amp;/&/g for $sentence;
    return $sentence;
}

my $n = 0;
for (@rules) {
    my($name, $where, $lines, $o, $own, $sentence) = @$_;
    my $path = $lines ? place($where, @$lines) : "/response/$where/x";
    my %seen;
    for (refused_ok($name, { %$o, path => $path }, status => $own,
            asked_status => 417)) {
        my $label = "$name, $_->{status}";
        my($status) = $_->{body} =~ $title;
        my $sentence_shown = sentence_of($_->{body});
        like $_->{headers}{'content-type'}, qr{^text/html\b}, "$label: HTML";
        like $status // '', qr/^$_->{status} \S/, "$label: the title's status";
        if (ref $sentence) { like $sentence_shown, $sentence,
            "$label: the sentence" }
        else               { is $sentence_shown, $sentence,
            "$label: the sentence" }
        is $sentence_shown, $_->{witness}{reason}, "$label: as in the notes";
        unlike $_->{body}, $CORE, "$label: nothing of httpd's own text";
        is scalar(() = $_->{body} =~ /<p>/g), 1, "$label: one paragraph";
        $seen{ $_->{status} }++;
    }
    is_deeply [sort keys %seen], [sort $own, 417], "$name: both statuses seen";

    # The status line, which must say what the page's title says.
    my @framing = $o->{chunked} ? 'Transfer-Encoding: chunked'
                                : "Content-Length: $o->{content}";
    for my $expect ([], ['Expect: 100-continue']) {
        my $r = raw($path, @{ $o->{headers} // [] }, @framing, @$expect);
        is $r->{status}, @$expect ? 417 : $own, "$name: the status line";
        is +($r->{body} =~ $title)[0], "$r->{status} $r->{phrase}",
            "$name: title and status line agree";
        is +($r->{body} =~ $h1)[0], $r->{phrase},
            "$name: heading and status line agree";
    }

    # With ExpectStatus specific.
    write_htaccess("response/$where/cause", "ExpectStatus specific\n");
    (my $cause = $path) =~ s{/x$}{/cause/x};
    write_file("$where/cause/x", 'here') if $own == 412;
    answers({ %$o, path => $cause, asks => 1 }, sub {
        my($label, $r) = @_;
        is $r->{status}, $own, "$name, specific: $label: status";
        is sentence_of($r->{body}), $r->{witness}{reason},
            "$name, specific: $label: the sentence";
        isnt $r->{witness}{reason}, '', "$name, specific: $label: is there";
    });

    # A response to HEAD has the fields and no page.
    my $r = upload(%$o, method => 'HEAD', path => $path, asks => 1);
    is $r->{status}, 417, "$name: HEAD";
    like $r->{headers}{'content-type'}, qr{^text/html}, "$name: HEAD: HTML";
    my $raw = raw(['HEAD', $path], @{ $o->{headers} // [] }, @framing,
        'Expect: 100-continue');
    is $raw->{body}, '', "$name: HEAD: no body";
}

# --- cut off ---------------------------------------------------------------

for my $h2 (0, has_h2() ? 1 : ()) {
    for my $asks (0, 1) {
        my $label = 'cut off, ' . ($h2 ? 'HTTP/2' : 'HTTP/1.1')
            . ", asks $asks";
        my $r = upload(path => '/response/page-max/x', content => 11,
            chunked => 1,
            asks => $asks, eager => !$asks, h2 => $h2);
        is $r->{status}, 413, "$label: status";
        like sentence_of($r->{body}), qr/^content\ of\ unknown\ length
            \ exceeded\ max=10$/x,
            "$label: the sentence";
        is sentence_of($r->{body}), $r->{witness}{reason},
            "$label: as in the notes";
        like $r->{body}, qr/<title>413 /, "$label: the title";
        unlike $r->{body}, $CORE, "$label: nothing of httpd's own text";
    }
}

# --- expectations that httpd does not know ---------------------------------

# The lines; what comes is the same with rules, without, and for a static file.
for my $expect (['Expect: foo'], ['Expect: 100-continue=1'],
    ['Expect: 100-continue', 'Expect: 100-continue'],
    ['Expect: 100-continue, foo'], ['Expect: "><script>alert(1)</script>'])
{
    for my $path ('/response/page-max/x', '/witness/x', '/static/file.txt',
        '/response/page-401/x')
    {
        my $name = "@$expect, $path";
        my $r = raw($path, 'Content-Length: 5', @$expect);
        my $sentence_shown = sentence_of($r->{body});
        is $r->{status}, 417, "$name: status";
        like $sentence_shown,
            qr/^the\ only\ expectation\ supported\ is\ a\ single
            \ 100-continue;/x,
            "$name: what is supported";
        like $sentence_shown, qr/remove the Expect field/,
            "$name: what to change";
        is +($r->{body} =~ $title)[0], "417 $r->{phrase}", "$name: the title";
        unlike $r->{body}, qr/script|foo|=1/, "$name: nothing is echoed";
        ok $r->{eof}, "$name: closed";
    }
}

# --- ErrorDocument ---------------------------------------------------------

place('cgi', '');
write_file('cgi/page.cgi', <<'CGI', 0755);
#!/usr/bin/perl
print "Content-Type: text/plain\n\n", map { "$_=" . ($ENV{$_} // '-') . "\n" }
    qw(REDIRECT_EXPECT_VERDICT REDIRECT_STATUS REDIRECT_URL REQUEST_METHOD
       REDIRECT_ERROR_NOTES REDIRECT_REQUEST_METHOD CONTENT_LENGTH);
CGI
write_file('cgi/page.txt', "A page.\n");

my $limit = 'ExpectRequire content-length max=10';
my @late = (@BASIC, 'Require valid-user', 'ExpectRequire user bob');

# what it shows, ErrorDocument, other lines; the body, given the status
for (
    ['text', '"It is too much."', sub { qr/^It is too much\.$/ }],
    ['text with notes', '"%{note:expect-rule} %{reqenv:EXPECT_VERDICT}"',
        sub { qr/^$_[1] refuse$/ }],
    ['file', '/static/file.txt', sub { qr/^A plain file/ }],
    ['script', '/response/cgi/page.cgi', sub {
        my($status, $rule, $path) = @_;
        return qr{^REDIRECT_EXPECT_VERDICT=refuse\n
            REDIRECT_STATUS=$status\nREDIRECT_URL=\Q$path\E\n
            REQUEST_METHOD=GET\nREDIRECT_ERROR_NOTES=.*\n
            REDIRECT_REQUEST_METHOD=PUT\nCONTENT_LENGTH=-$}x;
    }],
) {
    my($name, $document, $body) = @$_;
    for (['early', $limit, { content => 11 }, 413, 'content-length'],
         ['late', join("\n", @late), { content => 9, headers => [$ALICE] },
            403, 'user'])
    {
        my($when, $rules, $o, $own, $rule) = @$_;
        my $dir = 'page-doc-' . ++$n;
        # What stands above is for other places.
        place($dir, map { qq(ErrorDocument $_ "wrong") } 417, $own);
        my $path = place("$dir/in", "ErrorDocument 417 $document",
            "ErrorDocument $own $document", $rules);
        my @got = refused_ok("ErrorDocument: $name, $when",
            { %$o, path => $path }, status => $own, asked_status => 417,
            rule => $rule);
        for (@got) {
            like $_->{body}, $body->($_->{status}, $rule, $path),
                "ErrorDocument: $name, $when: $_->{status}: it stands there";
            unlike $_->{body}, $CORE, "ErrorDocument: $name, $when: no more";
        }
        # It goes before the problem for programs.
        answers({ %$o, path => $path, headers => [@{ $o->{headers} // [] },
            'Accept: application/problem+json'] }, sub {
            my($label, $r) = @_;
            like $r->{body}, $body->($r->{status}, $rule, $path),
                "ErrorDocument: $name, $when: $label: not the problem";
            unlike $r->{headers}{'content-type'}, qr/json/,
                "ErrorDocument: $name, $when: $label: nor its media type";
        });
    }
}

# Of another directory, of another status: not for this refusal.
{
    my $path = place('page-other', $limit, 'ErrorDocument 415 "wrong"',
        'ErrorDocument 403 "wrong"');
    answers({ path => $path, content => 11 }, sub {
        my($label, $r) = @_;
        is sentence_of($r->{body}), 'content-length 11 is over max=10',
            "ErrorDocument of another status: $label";
    });
}

# `default` takes an outer one away.
{
    place('page-default', 'ErrorDocument 417 "wrong"',
        'ErrorDocument 413 "wrong"');
    my $path = place('page-default/in', $limit, 'ErrorDocument 417 default',
        'ErrorDocument 413 default');
    answers({ path => $path, content => 11 }, sub {
        my($label, $r) = @_;
        is sentence_of($r->{body}), 'content-length 11 is over max=10',
            "ErrorDocument default: $label";
    });
}

# An external one is a redirect.
{
    my $there = 'http://example.org/too-large';
    my $path = place('page-away', $limit, "ErrorDocument 417 $there",
        "ErrorDocument 413 $there");
    answers({ path => $path, content => 11 }, sub {
        my($label, $r) = @_;
        is $r->{status}, 302, "external ErrorDocument: $label: status";
        is $r->{headers}{location}, $there,
            "external ErrorDocument: $label: where";
        is_deeply $r->{interim}, [],
            "external ErrorDocument: $label: no interim response";
        is $r->{sent}, 0, "external ErrorDocument: $label: nothing sent";
        is $r->{witness}{read}, 0, "external ErrorDocument: $label: unread";
        is $r->{witness}{verdict}, 'refuse',
            "external ErrorDocument: $label: verdict";
        ok $r->{closed}, "external ErrorDocument: $label: closed";
        unlike $r->{body}, $CORE, "external ErrorDocument: $label: the page";
    });
}

# One that cannot be had: nothing that is false, but the sentence.
place('page-closed', 'Require all denied');
write_file('cgi/broken.cgi', "#!/nowhere\n", 0755);
for (
    ['not there', '/nowhere'],
    ['closed', '/response/page-closed/x'],
    ['broken', '/response/cgi/broken.cgi'],
) {
    my($name, $document) = @$_;
    for (['early', [$limit], { content => 11 }, 413,
            'content-length 11 is over max=10'],
         ['late', \@late, { content => 9, headers => [$ALICE] }, 403,
            'the rule user is not met'])
    {
        my($when, $rules, $o, $own, $sentence) = @$_;
        my $path = place('page-lost-' . ++$n, @$rules,
            map { "ErrorDocument $_ $document" } $own, 417);
        answers({ %$o, path => $path }, sub {
            my($label, $r) = @_;
            $label = "ErrorDocument $name, $when, $label";
            is $r->{status}, $label =~ /not asked/ ? $own : 417,
                "$label: status";
            unlike $r->{body}, $CORE, "$label: nothing of httpd's own text";
            is sentence_of($r->{body}), $sentence, "$label: the sentence";
            is +($r->{body} =~ $title)[0] =~ /^(\d+)/ ? $1 : '', $r->{status},
                "$label: the title";
        });
    }
}

# An unknown expectation is answered by httpd's page: its section is not known.
{
    my $path = place('page-unknown', 'ErrorDocument 417 "wrong"');
    my $r = raw($path, 'Content-Length: 5', 'Expect: foo');
    is $r->{status}, 417, 'unknown expectation with an ErrorDocument: status';
    like sentence_of($r->{body}), qr/100-continue/,
        'unknown expectation with an ErrorDocument: the page';
}

done_testing();
