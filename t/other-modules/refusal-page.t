#!/usr/bin/perl
# conf-sample/refusal.shtml shows the sentence of a refusal in a page of the
# site. Whatever bytes the sentence contains, it stays text.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my $samples = conf_var('top_dir') . '/conf-sample';
my $root    = conf_var('documentroot') . '/tenant/refused';
my $ALICE   = basic_auth('alice');

# The sentence names the rule: this name is markup, and a directive of
# mod_include.
my $hostile = q(<script>alert('1')</script>&amp;"<!--#printenv -->");
(my $quoted = $hostile) =~ s/(["\\])/\\$1/g;

write_htaccess('tenant/refused', '');
# Over HTTP/1.1 a server that speaks both says `Connection: Upgrade` as well.
my $conf = <<"CONF";
Define UPLOADS $root
Define EXPECT_PAGES $samples
Include "$samples/refusal.conf"
<AuthzProviderAlias ip "$quoted" 192.0.2.1>
</AuthzProviderAlias>
CONF
my $server = own_httpd(conf => $conf);
my @where  = ({ vhost => $server },
    has_h2() ? { vhost => h2_httpd($conf), h2 => 1 } : ());

sub place { return section_in('tenant/refused', @_) }

# What a page says, tags and white space apart; undef if it is another page.
sub text_of {
    my($r) = @_;
    my($main) = $r->{body} =~ m{<main>\n(.*)</main>\n</body>\n</html>\n\z}s
        or return undef;
    return undef if $r->{headers}{'content-type'} ne 'text/html; charset=utf-8';
    $main =~ s/<[^>]*>/ /g;
    $main =~ s/&lt;/</g, $main =~ s/&gt;/>/g, $main =~ s/&quot;/"/g;
    $main =~ s/&#39;/'/g, $main =~ s/&amp;/&/g;
    return join ' ', split ' ', $main;
}

my $HEAD = 'This upload is not accepted The server says:';
my @basic = ('AuthType Basic', 'AuthName x', 'AuthBasicProvider witness',
    'Require valid-user', 'ExpectRequire auth');

# what it shows, rules, upload, status, what the page says
for (
    ['too long', ['ExpectRequire content-length max=10'], { content => 11 },
        413, 'content-length 11 is over max=10. Files that are too large, or '
            . 'too small, are not taken here.'],
    ['too short', ['ExpectRequire content-length min=10'], { content => 9 },
        400, 'content-length 9 is under min=10. Files that are too large, or '
            . 'too small, are not taken here.'],
    ['a type', ['ExpectRequire content-type image/*'], { content => 9,
            headers => ['Content-Type: text/plain'] },
        415, 'content-type text/plain is not one of: image/*. Files of this '
            . 'kind are not taken here.'],
    ['a type of entities', ['ExpectRequire content-type image/*'],
        { content => 9, headers => [q(Content-Type: &lt'/&#60&amp)] },
        415, q(content-type &lt'/&#60&amp is not one of: image/*. Files of )
            . 'this kind are not taken here.'],
    ['a type that is markup', ['ExpectRequire content-type image/*'],
        { content => 9, headers => ['Content-Type: <script>/<b>'] },
        415, 'content-type is not a media type. Files of this kind are not '
            . 'taken here.'],
    ['a coding that is markup', ['ExpectRequire content-encoding gzip'],
        { content => 9, headers => ['Content-Encoding: <b>"&lt;'] },
        415, 'content-encoding is not a list of codings.'],
    ['a rule whose name is markup', [qq(ExpectRequire "$quoted")],
        { content => 9 }, 403, "the rule $hostile is not met."],
    ['no login', \@basic, { content => 9 }, 401,
        qr/^auth: .*\. Please log in, and send it again\.$/],
    ['a header', ['ExpectRequire header X-Never'], { content => 9 }, 400,
        'header X-Never is missing.'],
    ['no length', ['ExpectRequire content-length known'],
        { content => 9, chunked => 1 }, 411,
        qr/^content-length is required\..*/],
    ['space', ['ExpectRequire free-space 8000T'], { content => 9 }, 507,
        qr/^free-space .*/],
) {
    my($name, $rules, $upload, $status, $said) = @$_;
    my $path = place(@$rules);
    for my $r (map { refused_ok($name, { %$upload, %$_, path => $path },
                status => $status, asked_status => 417) } @where) {
        my $label  = "$name, $r->{status}";
        my $text   = text_of($r) // 'another page';
        # with 417 there is no challenge
        my $says   = $r->{status} == 417 && $name eq 'no login'
            ? qr/^auth: [^.]*\.$/ : $said;
        ok $text =~ s/^\Q$HEAD\E (.*) Status $r->{status}$/$1/,
            "$label: head and status" or diag $text;
        if (ref $says) { like $text, $says, "$label: the sentence" }
        else           { is $text, $says, "$label: the sentence" }
        is_deeply [grep { !m{^/?(?:html|head|meta|title|style|body|main|h1|p)\b
                            |^!DOCTYPE\ html$}x }
            $r->{body} =~ /<([^>]*)>?/g], [], "$label: no other markup";
        unlike $r->{body}, qr/DOCUMENT_ROOT|\Q$root\E/, "$label: nothing else";
    }
}

# What is cut off, and what httpd itself does not know.
{
    my $path = place('ExpectRequire content-length max=10');
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => $path, chunked => 1,
            content => 11, asks => $asks, eager => !$asks);
        is $r->{status}, 413, "cut off, asks $asks: status";
        like text_of($r) // '', qr/^\Q$HEAD\E\ content\ of\ unknown\ length
            \ exceeded\ max=10\.\ /x,
            "cut off, asks $asks: the sentence";
    }
    my($r) = refused_ok('another expectation', { vhost => $server,
            path => place(''), content => 9, asks => 0,
            headers => ['Expect: <b>'] }, status => 417,
        rule => 'expectation');
    like $r->{body}, qr/the\ only\ expectation\ supported\ is\ a\ single
        \ 100-continue/x,
        'another expectation: the sentence';
}

# Programs read a problem.
for my $accept ('application/problem+json', 'text/plain, application/json') {
    my($r) = refused_ok($accept, { vhost => $server, content => 11,
            path => place('ExpectRequire content-length max=10'),
            headers => ["Accept: $accept"] }, status => 413,
        asked_status => 417, body => qr/"detail": "content-length 11 is over/);
    like $r->{headers}{'content-type'}, qr{^application/(?:problem\+)?json$},
        "$accept: its type";
}

# A client with a login uploads; the page of a GET does not call it an upload.
admitted_ok('logged in', { vhost => $server, path => place(@basic),
    content => 9, headers => [$ALICE] }, status => 200);
{
    my $path = place('Require all denied');
    my $r = upload(vhost => $server, method => 'GET', path => $path);
    is $r->{status}, 403, 'no upload: the status';
    is text_of($r), 'This is not possible Status 403', 'no upload';
    $r = upload(vhost => $server, method => 'GET', path => '/upload-refused');
    is $r->{status}, 200, 'the page itself';
    is text_of($r), 'This is not possible', 'the page itself';
}

done_testing();
