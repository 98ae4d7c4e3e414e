#!/usr/bin/perl
# The fields of a refusal that say what to change: Upload-Limit, Accept,
# Accept-Encoding, Allow, Retry-After, WWW-Authenticate. They are sent with
# each status, with the directory's ErrorDocument, and over HTTP/2.

use strict;
use warnings;

use lib 't/response';
use Test::More;
use ExpectTest;
use Response;

my @BASIC = ('AuthType Basic', 'AuthName realm', 'AuthBasicProvider witness',
    'Require valid-user');
my @FIELDS = qw(upload-limit accept accept-encoding allow retry-after
    www-authenticate accept-post accept-patch);

# --- the parser of this test -----------------------------------------------

for (
    ['max-size=10',               { 'max-size' => 10 }],
    ['max-size=10, min-size=2',   { 'max-size' => 10, 'min-size' => 2 }],
    ["a=-1 ,\tb=0",               { a => -1, b => 0 }],
    ['*a.b-c_d=999999999999999',  { '*a.b-c_d' => 999_999_999_999_999 }],
    ['',                          {}],
    ['max-size=1000000000000000', undef],       # 16 digits
    ['max-size=10;',              undef],
    ['max-size=10,',              undef],
    ['max-size="10"',             undef],
    ['max-size=1.5',              undef],
    ['max-size',                  undef],
    ['Max-Size=10',               undef],
    ['max-size = 10',             undef],
    ['max-size=10 min-size=2',    undef],
    ['max-size=10; min-size=2',   undef],
    ['max-size=+10',              undef],
    ['1=1',                       undef],
) {
    is_deeply parse_dictionary($_->[0]), $_->[1], "the parser: '$_->[0]'";
}

# --- what comes with which rule --------------------------------------------

# A list, by the letter of RFC 9110, 5.6.1, without empty members.
sub list {
    my($value) = @_;
    return undef unless defined $value;
    return [split /[ \t]*,[ \t]*/, $value, -1];
}

my %check = (
    'upload-limit' => sub { is_deeply parse_dictionary($_[0]), $_[1], $_[2] },
    (map { $_ => sub { is_deeply list($_[0]), $_[1], $_[2] } }
        qw(accept accept-encoding)),
    allow => sub {
        my %has = map { $_ => 1 } @{ list($_[0]) // [] };
        ok $has{GET} && $has{OPTIONS} && !$has{PUT} && !$has{POST}
            && !grep({ !/^[A-Z]+$/ } keys %has), $_[2]
            or diag $_[0] // 'none';
    },
    'retry-after' => sub {
        my($value, $want, $name) = @_;
        like $value // '', qr/^[1-9][0-9]{0,5}$/, $name;
    },
    'www-authenticate' => sub { like $_[0] // '', $_[1], $_[2] },
);

# Checks that of @FIELDS those are there that are wanted, and say it.
sub fields_ok {
    my($label, $r, $want) = @_;
    my @got = grep { defined $r->{headers}{$_} } @FIELDS;
    is "@got", join(' ', grep { $want->{$_} } @FIELDS), "$label: which fields";
    $check{$_}->($r->{headers}{$_}, $want->{$_}, "$label: $_")
        for sort keys %$want;
}

my $any = ['Content-Type: text/plain'];

# what it shows, rules, upload, own status, fields; the folder's kind
my %scripted;
my $n = 0;
for (
    ['over max', ['content-length max=10'], { content => 11 }, 413,
        { 'upload-limit' => { 'max-size' => 10 } }],
    ['over max, with min', ['content-length min=2 max=1K'],
        { content => 1025 }, 413,
        { 'upload-limit' => { 'max-size' => 1024, 'min-size' => 2 } }],
    ['under min', ['content-length min=10'], { content => 9 }, 400,
        { 'upload-limit' => { 'min-size' => 10 } }],
    ['under min, with max', ['content-length min=10 max=1M'],
        { content => 9 }, 400,
        { 'upload-limit' => { 'max-size' => 1_048_576, 'min-size' => 10 } }],
    ['min=0', ['content-length min=0 max=10'], { content => 11 }, 413,
        { 'upload-limit' => { 'max-size' => 10 } }],
    ['max=0', ['content-length max=0'], { content => 1 }, 413,
        { 'upload-limit' => { 'max-size' => 0 } }],
    ['15 digits', ['content-length max=909T'], { length => 1e15 + 1,
        content => 'x' }, 413,
        { 'upload-limit' => { 'max-size' => 909 * 2 ** 40 } }],
    # No Integer has more digits; nothing is better than what does not parse.
    ['16 digits', ['content-length max=910T'],
        { length => '1000000000000000000', content => 'x' }, 413, {}],
    ['411 with max', ['content-length known max=10'],
        { content => 9, chunked => 1 }, 411,
        { 'upload-limit' => { 'max-size' => 10 } }],
    ['411 for min', ['content-length min=5'], { content => 9, chunked => 1 },
        411, { 'upload-limit' => { 'min-size' => 5 } }],
    # What is in force, not what one of the rules says.
    ['over the wider of two', ['content-length max=20', 'content-length max=10',
        'content-length min=3'], { content => 21 }, 413,
        { 'upload-limit' => { 'max-size' => 10, 'min-size' => 3 } }],
    ['411 without a bound', ['content-length known'],
        { content => 9, chunked => 1 }, 411, {}],
    ['two maxima', ['content-length max=10', 'content-length max=5'],
        { content => 11 }, 413,
        { 'upload-limit' => { 'max-size' => 5 } }],
    ['negated length', ['not content-length max=10'], { content => 9 }, 400,
        {}],
    ['type', ['content-type image/* application/*+json text/plain'],
        { content => 9, headers => ['Content-Type: text/html'] }, 415,
        { accept => ['image/*', 'application/*+json', 'text/plain'] }],
    ['type, where two lists meet', ['content-type image/* application/pdf',
        'content-type image/png'], { content => 9, headers => $any }, 415,
        { accept => ['image/png'] }],
    # If all is too long, the field has the beginning of the one rule's list.
    ['type, where one list is long', ['content-type image/*', 'content-type '
        . join ' ', map { "image/x-$_" } 1 .. 150], { content => 9,
            headers => ['Content-Type: image/png'] }, 415,
        { accept => [map { "image/x-$_" } 1 .. 92] }],
    ['type, none sent', ['content-type image/png'], { content => 9 }, 415,
        { accept => ['image/png'] }],
    ['negated type', ['not content-type text/*'],
        { content => 9, headers => $any }, 415, {}],
    ['type where a length holds', ['content-length max=10',
        'content-type image/png'], { content => 9 }, 415,
        { accept => ['image/png'] }],
    ['length where a type holds', ['content-type text/*',
        'content-length max=8'], { content => 9, headers => $any }, 413,
        { 'upload-limit' => { 'max-size' => 8 } }],
    ['coding', ['content-encoding gzip br'],
        { content => 9, headers => ['Content-Encoding: zstd'] }, 415,
        { 'accept-encoding' => ['gzip', 'br'] }],
    ['coding, none sent', ['content-encoding gzip'], { content => 9 }, 415,
        { 'accept-encoding' => ['gzip'] }],
    ['negated coding', ['not content-encoding gzip'],
        { content => 9, headers => ['Content-Encoding: gzip'] }, 415, {}],
    ['header', ['header X-Key'], { content => 9 }, 400, {}],
    ['428', ['header If-Match'], { content => 9 }, 428, {}],
    ['handler', ['handler'], { content => 9 }, 405, { allow => 1 }, 'file/'],
    ['free space', ['free-space 8000T'], { content => 9 }, 507,
        { 'retry-after' => 1 }],
    ['ip', ['content-length max=10', 'ip 192.0.2.1'], { content => 9 }, 403,
        {}],
    ['expr', ['content-length max=10', 'content-type */*', 'expr false'],
        { content => 9 }, 403, {}],
    ['auth', ['content-length max=10', 'auth'], { content => 9 }, 401,
        { 'www-authenticate' => qr/^Basic realm="realm"/ }, '', @BASIC],
    ['closed', ['auth'], { content => 9 }, 403, {}, '', 'Require all denied'],
) {
    my($name, $rules, $o, $own, $want, $kind, @more) = @$_;
    my @rules = map { "ExpectRequire $_" } @$rules;
    my $dir = ($kind // '') . 'fields-' . ++$n;
    my $path = place($dir, @more, @rules);
    my $documents = place("$dir/document",
        map { qq(ErrorDocument $_ "A page.") } $own, 417);
    my $script = place("$dir/script", map { "ErrorDocument $_ /cgi/read.cgi" }
        $own, 417);
    my $cause = place("$dir/cause", 'ExpectStatus specific');
    # A script takes time: for one of each field it has to do.
    my $new = !$scripted{ join ' ', sort keys %$want }++;
    for (['', $path, 417], [', specific', $cause, $own, 1],
         [', ErrorDocument', $documents, 417],
         $new ? [', ErrorDocument script', $script, 417] : ())
    {
        my($how, $where, $asked, $asks) = @$_;
        answers({ %$o, path => $where, $asks ? (asks => 1) : () }, sub {
            my($label, $r) = @_;
            my $status = $label =~ /not asked/ ? $own : $asked;
            my %want = %$want;
            # A challenge may stand beside another status (RFC 9110, 11.6.1).
            delete @{ $r->{headers} }{'www-authenticate'},
                delete $want{'www-authenticate'} if $status != 401;
            is $r->{status}, $status, "$name$how, $label: status";
            fields_ok("$name$how, $label", $r, \%want);
            like $r->{body}, qr/^(?:A page\.|read=0\n)$/,
                "$name$how, $label: the page" if $how =~ /Document/;
        });
    }

    # Each stands there once.
    my $r = raw($path, @{ $o->{headers} // [] }, 'Expect: 100-continue',
        $o->{chunked} ? 'Transfer-Encoding: chunked' : 'Content-Length: '
        . ($o->{length} // $o->{content}));
    for my $field (sort keys %$want) {
        next if $field eq 'www-authenticate';
        is scalar(() = $r->{head} =~ /^\Q$field\E:/mgi), 1,
            "$name: one $field";
    }
}

# --- cut off ---------------------------------------------------------------

place('fields-cut', 'ExpectRequire content-length max=10');
place('fields-cut/document', 'ErrorDocument 413 "A page."');
place('fields-cut/script', 'ErrorDocument 413 /cgi/read.cgi');
place('dav/fields-cut', 'ExpectRequire content-length max=10');
for my $where ('/response/fields-cut/x', '/response/fields-cut/document/x',
    '/response/fields-cut/script/x', '/response/dav/fields-cut/x',
    '/response-proxy/x')
{
    answers({ path => $where, content => 11, chunked => 1, silence => 0.05,
        headers => ['Content-Type: image/png'] }, sub {
        my($label, $r) = @_;
        is $r->{status}, 413, "cut off, $where, $label: status";
        fields_ok("cut off, $where, $label", $r,
            { 'upload-limit' => { 'max-size' => 10 } });
    });
}

# --- admitted and unknown --------------------------------------------------

# Nothing is refused: nothing is said.
answers({ path => '/response/fields-cut/x', content => 10, eager => 0,
    silence => 0.05 }, sub {
    my($label, $r) = @_;
    is $r->{status}, 200, "admitted, $label: status";
    fields_ok("admitted, $label", $r, {});
});

# An expectation that httpd does not know is not about the length.
for my $path ('/response/fields-cut/x', '/response/fields-1/x') {
    my $r = raw($path, 'Content-Length: 11', 'Expect: foo');
    is $r->{status}, 417, "unknown expectation, $path: status";
    unlike $r->{head}, qr/^(?:Upload-Limit|Accept|Allow|Retry-After)/mi,
        "unknown expectation, $path: no fields";
}

# With DetectionOnly no field is sent.
place('detect/fields', 'ExpectRequire content-length max=10',
    'ExpectRequire content-type image/png', 'ExpectRequire free-space 8000T');
answers({ path => '/response/detect/fields/x', content => 11, silence => 0.05 },
    sub {
    my($label, $r) = @_;
    is $r->{status}, 200, "DetectionOnly, $label: status";
    fields_ok("DetectionOnly, $label", $r, {});
});

done_testing();
