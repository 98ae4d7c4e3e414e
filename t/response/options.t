#!/usr/bin/perl
# The answer to OPTIONS says, before anything is sent, what holds for every
# upload: Upload-Limit, Accept-Post, Accept-Patch. It has no more than that:
# nothing that another rule could admit, no negation, no rule of one method.

use strict;
use warnings;

use lib 't/response';
use Test::More;
use ExpectTest;
use Response;

my @BASIC = ('AuthType Basic', 'AuthName realm', 'AuthBasicProvider witness',
    'Require valid-user');
my $ALICE = basic_auth('alice');

sub container {
    my($kind, @lines) = @_;
    return ("<ExpectRequire$kind>", (map { s/^(?=[a-z])/ExpectRequire /r }
        @lines), "</ExpectRequire$kind>");
}

# Checks the answer to OPTIONS of the path: the bounds, the media types. undef:
# the field is not there.
sub options_ok {
    my($name, $path, $limit, $types, %o) = @_;
    for my $h2 (exists $o{h2} ? $o{h2} : (0, has_h2() ? 1 : ())) {
        my $label = "$name, " . ($h2 ? 'HTTP/2' : 'HTTP/1.1');
        my $r = upload(method => 'OPTIONS', path => $path, h2 => $h2,
            headers => $o{headers} // [], content => $o{content} // '',
            asks => $o{asks}, eager => !$o{asks});
        my $h = $r->{headers};
        is $r->{status}, $o{status} // 200, "$label: status";
        is_deeply parse_dictionary($h->{'upload-limit'}), $limit,
            "$label: Upload-Limit" or diag $h->{'upload-limit'} // 'none';
        for my $field (qw(accept-post accept-patch)) {
            is_deeply defined $h->{$field}
                ? [sort split /[ \t]*,[ \t]*/, $h->{$field}, -1] : undef,
                $types && [sort @$types], "$label: $field"
                or diag $h->{$field} // 'none';
        }
        is $h->{accept}, undef, "$label: no Accept";
        return $r if $o{once};
    }
}

sub size { return { 'max-size' => $_[0] } }

# what it shows, rules, bounds, types; the folder's kind
my $n = 0;
for (
    ['no rules',      [], undef, undef],
    ['max',           ['content-length max=10'], size(10), undef],
    ['min',           ['content-length min=3'], { 'min-size' => 3 }, undef],
    ['both',          ['content-length min=3 max=1K'],
        { 'max-size' => 1024, 'min-size' => 3 }, undef],
    ['known only',    ['content-length known'], undef, undef],
    ['max=0',         ['content-length max=0'], size(0), undef],
    ['16 digits',     ['content-length max=910T'], undef, undef],
    ['types',         ['content-type image/* application/*+json'], undef,
        ['image/*', 'application/*+json']],
    ['more types than are listed', ['content-type '
        . join ' ', map { "application/x-type-$_" } 1 .. 60], undef, undef],
    ['and another that is listed as a whole', ['content-type image/*',
        'content-type ' . join ' ', 'image/png',
        map { "application/x-type-$_" } 1 .. 60], undef, ['image/*']],
    ['length and types', ['content-length max=10', 'content-type image/png'],
        size(10), ['image/png']],
    ['rules that say nothing', ['content-encoding gzip', 'header X-A',
        'ip 192.0.2.1', 'free-space 8000T', 'expr false'], undef, undef],

    # Several: the tightest.
    ['two maxima',    ['content-length max=20', 'content-length max=10'],
        size(10), undef],
    ['two maxima, in reverse order', ['content-length max=10',
        'content-length max=20'],
        size(10), undef],
    ['two minima',    ['content-length min=2', 'content-length min=5'],
        { 'min-size' => 5 }, undef],
    ['one of each',   ['content-length min=2', 'content-length max=5',
        'header X-A'], { 'max-size' => 5, 'min-size' => 2 }, undef],
    ['in All in All', [container('All', 'content-length max=9',
        container('All', 'content-length max=5', 'content-type a/b'))],
        size(5), ['a/b']],

    # Types: what each of them takes.
    ['a range and one of it', ['content-type image/*',
        'content-type image/png text/plain'], undef, ['image/png']],
    ['in reverse order',        ['content-type image/png text/plain',
        'content-type image/*'], undef, ['image/png']],
    ['*/* and one',   ['content-type */*', 'content-type a/b'], undef,
        ['a/b']],
    ['*/* alone',     ['content-type */*'], undef, ['*/*']],
    ['a suffix and one of it', ['content-type application/*+json',
        'content-type application/vnd.a+json application/json'], undef,
        ['application/vnd.a+json']],
    ['a range and a suffix', ['content-type application/*',
        'content-type application/*+json text/*'], undef,
        ['application/*+json']],
    ['case',          ['content-type Image/PNG', 'content-type image/png a/b'],
        undef, 'image/png'],
    ['three',         ['content-type a/* b/*', 'content-type a/x b/x c/x',
        'content-type b/* c/*'], undef, ['b/x']],

    # Any: the widest of its alternatives, nothing where one says nothing.
    ['Any of maxima', [container('Any', 'content-length max=10',
        'content-length max=20')], size(20), undef],
    ['Any, in reverse order',   [container('Any', 'content-length max=20',
        'content-length max=10')], size(20), undef],
    ['Any of minima', [container('Any', 'content-length min=2',
        'content-length min=5')], { 'min-size' => 2 }, undef],
    ['Any of minima, in reverse order', [container('Any',
        'content-length min=5',
        'content-length min=2')], { 'min-size' => 2 }, undef],
    ['Any, one without', [container('Any', 'content-length max=10',
        'header X-A')], undef, undef],
    ['Any, one without, in reverse order', [container('Any', 'header X-A',
        'content-length max=10')], undef, undef],
    ['Any, one with min only', [container('Any', 'content-length max=10',
        'content-length min=5')], undef, undef],
    ['Any of types',  [container('Any', 'content-type a/b',
        'content-type c/d')],
        undef, ['a/b', 'c/d']],
    ['Any of a type and a length', [container('Any', 'content-type a/b',
        'content-length max=10')], undef, undef],
    ['Any of two All', [container('Any',
        container('All', 'content-length max=10', 'content-type a/b'),
        container('All', 'content-length max=20', 'header X-A',
            'content-type c/d'))], size(20), ['a/b', 'c/d']],
    ['Any of two All, one without a type', [container('Any',
        container('All', 'content-length max=10', 'content-type a/b'),
        container('All', 'content-length max=20', 'header X-A'))], size(20),
        undef],
    ['Any of three, one without', [container('Any', 'content-length max=10',
        'content-length max=20', 'ip 127.0.0.1')], undef, undef],
    ['Any beside a rule', ['content-length max=30', container('Any',
        'content-length max=20', 'content-length max=40')], size(30), undef],
    ['Any beside a wider rule', ['content-length max=50', container('Any',
        'content-length max=20', 'content-length max=40')], size(40), undef],
    ['a rule with an auth in Any', [container('Any', 'content-length max=10',
        container('All', 'auth', 'content-length max=50'))], size(50), undef],

    # Negations.
    ['not',           ['not content-length max=10', 'not content-type a/b'],
        undef, undef],
    ['not min',       ['not content-length min=10'], undef, undef],
    ['None',          [container('None', 'content-length max=10',
        'content-type a/b')], undef, undef],
    ['None beside a rule', ['content-length max=20',
        container('None', 'content-length max=10')], size(20), undef],
    ['Any in None',   [container('None', container('Any',
        'content-length max=9',
        'content-length max=8'))], undef, undef],
    ['not in Any',    [container('Any', 'not content-length max=10',
        'content-length max=20')], undef, undef],
    ['a rule beside not', ['content-type a/b c/d', 'not content-type a/b'],
        undef, undef, 'beside'],

    # Methods.
    ['Limit',         ['<Limit PUT POST>', 'content-length max=10',
        'content-type a/b', '</Limit>'], undef, undef],
    ['LimitExcept',   ['<LimitExcept GET>', 'content-length max=10',
        '</LimitExcept>'], undef, undef],
    ['Limit beside a rule', ['content-length max=20', '<Limit PUT>',
        'content-length max=10', '</Limit>'], size(20), undef],
    ['Limit OPTIONS', ['<Limit OPTIONS>', 'content-length max=10',
        '</Limit>'], undef, undef],
    # Where it does not apply the other alternative is alone.
    ['Limit in Any',  ['<ExpectRequireAny>', 'content-length max=10',
        '<Limit PUT>', 'header X-A', '</Limit>', '</ExpectRequireAny>'],
        undef, undef, 'limit-any'],

    # What waits for a login, a directory or a handler hides nothing.
    ['auth first',    [@BASIC, 'auth', 'content-length max=10',
        'content-type a/b'], size(10), ['a/b'], '', [$ALICE]],
    ['user first',    [@BASIC, 'user bob', 'content-length max=10'], size(10),
        undef, '', [$ALICE]],
    ['handler, space, precondition', ['handler', 'free-space 1%',
        'precondition', 'content-length max=10'], size(10), undef],
    ['a rule that refuses at once', ['ip 192.0.2.1', 'content-length max=10'],
        size(10), undef],
) {
    my($name, $rules, $limit, $types, $kind, $headers) = @$_;
    my @lines = map { s/^(?=[a-z])(?!auth[a-z])/ExpectRequire /r } @$rules;
    $kind //= '';
    my $dir = 'options-' . ++$n;
    if ($kind eq 'limit-any') {
        # <Limit> is not allowed there, so there is nothing to answer.
        my($exit, $message) = config_error(join "\n", '<Location />', @lines,
            '</Location>', '');
        isnt $exit, 0, "$name: refused at configuration time";
        like $message, qr/Limit/, "$name: says what";
        next;
    }
    my $path = place($dir, @lines);
    if ($kind eq 'beside') {
        # Either is true of a/b and c/d, but c/d must be there.
        my $r = upload(method => 'OPTIONS', path => $path);
        is $r->{status}, 200, "$name: status";
        like $r->{headers}{'accept-post'} // '', qr{(?:^|, )c/d$},
            "$name: what is listed is admitted";
        next;
    }
    if ($types && !ref $types) {
        my $r = upload(method => 'OPTIONS', path => $path);
        is lc($r->{headers}{'accept-post'} // ''), $types,
            "$name: Accept-Post";
        is lc($r->{headers}{'accept-patch'} // ''), $types,
            "$name: Accept-Patch";
        next;
    }
    options_ok($name, $path, $limit, $types, headers => $headers);
}

# --- engines, scopes -------------------------------------------------------

my @both = ('ExpectRequire content-length max=10',
    'ExpectRequire content-type a/b');
for my $kind (qw(detect off asked)) {
    options_ok($kind, place("$kind/options", @both), undef, undef);
}

# --- merging ---------------------------------------------------------------

my @types = ('image/*', 'text/plain');
place('ceiling/open', '');
place('ceiling/or', '');
for (
    ['the ceiling',        'ceiling/a', [], size(1000), \@types],
    ['a tighter tenant',   'ceiling/b', ['content-length max=100',
        'content-type image/png'], size(100), ['image/png']],
    ['a looser tenant',    'ceiling/c', ['content-length max=9999',
        'content-type */*'], size(1000), \@types],
    ['a tenant with min',  'ceiling/d', ['content-length min=5'],
        { 'max-size' => 1000, 'min-size' => 5 }, \@types],
    ['a tenant with not',  'ceiling/e', ['not header X-A'], size(1000),
        \@types],
    ['Off, no rules',      'ceiling/open', [], size(1000), \@types],
    ['Off, with rules',    'ceiling/open/a', ['content-length max=2000'],
        size(2000), undef],
    ['Or',                 'ceiling/or/a', ['content-length max=2000'],
        size(2000), undef],
    ['Or, one without',    'ceiling/or/b', ['header X-A'], undef, undef],
) {
    my($name, $dir, $rules, $limit, $types) = @$_;
    options_ok($name, place($dir, map { "ExpectRequire $_" } @$rules), $limit,
        $types);
}

# --- many rules ------------------------------------------------------------

# Joining the lists of thousands of rules would take seconds: the first of them
# count, and what they accept is listed at the most. Bounds cost nothing.
{
    my $path = place('options-many', 'ExpectRequire content-length max=20',
        (map { my $i = $_; 'ExpectRequire content-type a/b a/c '
            . join ' ', map { "a/t$i-$_" } 1 .. 60 } 1 .. 2000),
        'ExpectRequire content-type a/b ' . join(' ', map { "a/$_" } 1 .. 9),
        'ExpectRequire content-length max=10');
    options_ok('thousands of lists', $path, size(10), ['a/b', 'a/c']);
    my $r = upload(path => $path, content => 5, asks => 1,
        headers => ['Content-Type: a/c']);
    is $r->{status}, 417, 'thousands of lists: all of them are rules';
}

# --- for clients that are kept out -----------------------------------------

for (['401', [@BASIC], 401], ['403', ['Require all denied'], 403],
     ['401, with its document', [@BASIC,
         'ErrorDocument 401 /static/file.txt'], 401],
     ['403, with its document', ['Require all denied',
         'ErrorDocument 403 /static/file.txt'], 403],
     ['403, with a script', ['Require all denied',
         'ErrorDocument 403 /cgi/read.cgi'], 403],
     ['403 of mod_rewrite', ['RewriteEngine On', 'RewriteRule . - [F]'], 403],
     ['403 of SSLRequireSSL', ['SSLRequireSSL'], 403],
     ['401 of a rule as well', [@BASIC, 'ExpectRequire auth'], 401]) {
    my($name, $lines, $status) = @$_;
    options_ok("kept out: $name", place('options-out-' . ++$n, @$lines,
        @both), size(10), ['a/b'], status => $status);
}

# --- places ----------------------------------------------------------------

# Static files: httpd's own Allow is there, too.
{
    my $path = place('file/options', @both);
    open my $fh, '>', conf_var('documentroot') . '/response/file/options/x'
        or die $!;
    close $fh;
    options_ok('a file', $path, size(10), ['a/b']);
    my $r = upload(method => 'OPTIONS', path => $path);
    like $r->{headers}{allow} // '', qr/\bGET\b/, 'a file: Allow';
    options_ok('no file there', '/response/file/options/y', size(10), ['a/b']);
    options_ok('a folder', '/response/file/options/', size(10), ['a/b']);
}

# DAV: as without the module, and in addition.
{
    my $path = place('dav/options', @both);
    my $other = place('dav/options-none', '');
    for my $h2 (0, has_h2() ? 1 : ()) {
        my $with = upload(method => 'OPTIONS', path => $path, h2 => $h2);
        my $without = upload(method => 'OPTIONS', path => $other, h2 => $h2);
        for my $field (qw(dav ms-author-via allow content-length)) {
            is $with->{headers}{$field}, $without->{headers}{$field},
                "DAV, h2 $h2: $field";
        }
        like $with->{headers}{dav}, qr/^1,2/, "DAV, h2 $h2: DAV is there";
        like $with->{headers}{allow}, qr/\bPUT\b/, "DAV, h2 $h2: PUT allowed";
        is $without->{headers}{'upload-limit'}, undef,
            "DAV, h2 $h2: nothing without rules";
    }
    options_ok('DAV', $path, size(10), ['a/b']);
    options_ok('DAV, the collection', '/response/dav/options/', size(10),
        ['a/b']);
}

# Proxied: the edge's rules.
options_ok('proxied', '/response-proxy/x', size(10), ['image/png']);

# Behind a login: the 401 has no more than before, the answer has the bounds.
{
    my $path = place('options-login', @BASIC, @both, 'ExpectRequire auth');
    my $r = upload(method => 'OPTIONS', path => $path);
    is $r->{status}, 401, 'login: 401';
    like $r->{headers}{'www-authenticate'}, qr/^Basic/, 'login: challenge';
    options_ok('logged in', $path, size(10), ['a/b'], headers => [$ALICE]);
}

# The answers to other methods have no bounds.
for my $method (qw(GET HEAD PROPFIND DELETE)) {
    my $r = upload(method => $method, path => place('options-get', @both));
    is_deeply [grep { /^(?:upload-limit|accept-p)/ } keys %{ $r->{headers} }],
        [], "$method: nothing";
    is $r->{status}, 200, "$method: answered";
}

# OPTIONS * has no target.
{
    my $r = upload(method => 'OPTIONS', path => '*');
    is $r->{status}, 200, 'OPTIONS *: status';
    is_deeply [grep { /^(?:upload-limit|accept-p)/ } keys %{ $r->{headers} }],
        [], 'OPTIONS *: nothing';
}

# An absolute target is the same target.
options_ok('absolute-form', 'http://localhost/response/options-get/x', size(10),
    ['a/b'], h2 => 0);

# OPTIONS with content is an upload itself; it is judged, and answered.
{
    my $path = '/response/options-get/x';
    options_ok('with content', $path, size(10), ['a/b'], content => 9,
        headers => ['Content-Type: a/b']);
    options_ok('with content, asked', $path, size(10), ['a/b'], content => 9,
        asks => 1, headers => ['Content-Type: a/b']);
    refused_ok('OPTIONS with too much content', { method => 'OPTIONS',
        path => $path, content => 11, headers => ['Content-Type: a/b'] },
        status => 413, asked_status => 417, rule => 'content-length',
        headers => { 'upload-limit' => 'max-size=10' });
}

# It is not judged, not counted and not logged.
{
    my $mark = log_mark();
    my $r = upload(method => 'OPTIONS', path => '/response/options-get/x');
    is $r->{status}, 200, 'no verdict: status';
    is $r->{witness}{verdict}, '-', 'no verdict';
    is join('', grep { /expect:/ } error_log_since($mark)), '',
        'no verdict: no line';
}

# Lists that together are too long are left out, and cost next to nothing.
# The other rules' bounds are there.
{
    my @any = ('<ExpectRequireAny>', (map {
        "ExpectRequire content-type a/$_ b/$_" } 1 .. 5000),
        '</ExpectRequireAny>');
    my $short = 'ExpectRequire content-type a/*';
    my $long = 'ExpectRequire content-type '
        . join ' ', map { "a/$_" } 1 .. 500;
    for (['too long', [@any], undef],
         ['too long, and a short one', [@any, $short], ['a/*']],
         ['a short one, and too long', [$short, @any], ['a/*']],
         ['a rule too long, and a short one', [$long, $short], ['a/*']],
         ['a short one, or too long',
             ['<ExpectRequireAny>', $short, $long, '</ExpectRequireAny>'],
             undef],
         ['too long, or a short one',
             ['<ExpectRequireAny>', $long, $short, '</ExpectRequireAny>'],
             undef]) {
        my($name, $rules, $types) = @$_;
        my $path = place('options-long', @$rules);
        options_ok($name, $path, undef, $types);
    }
}

# Conditional rules: <If> knows an OPTIONS from a PUT.
{
    my $path = place('options-if', '<If "%{REQUEST_METHOD} == \'PUT\'">',
        @both, '</If>', 'ExpectRequire content-length max=99');
    options_ok('<If>', $path, size(99), undef);
}

# Another target that a rewrite leads to is not the one that was asked about.
{
    my $other = place('options-other', 'ExpectRequire content-length max=99',
        'ExpectRequire content-type text/plain');
    my $path = place('options-moved', @both, 'RewriteEngine On',
        "RewriteRule ^ $other");
    options_ok('rewritten in the directory', $path, size(10), ['a/b']);
}

done_testing();
