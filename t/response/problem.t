#!/usr/bin/perl
# A program that prefers it in Accept gets an RFC 9457 problem. Neither a
# problem nor any other answer contains what the client sent unescaped or
# without bounds, nor what only the configuration knows.

use strict;
use warnings;

use lib 't/response';
use JSON::PP ();
use Test::More;
use ExpectTest;
use File;
use Response;

my $PROBLEM = 'application/problem+json';
my $JSON    = 'application/json';
my $HTML    = 'text/html';
my @BASIC = ('AuthType Basic', 'AuthName realm', 'AuthBasicProvider witness',
    'Require valid-user');
my $ALICE = basic_auth('alice');

my $json = JSON::PP->new->utf8->allow_nonref;

# number, string, array, as JSON::PP found it
sub type_of {
    my($value) = @_;
    return 'array'  if ref $value eq 'ARRAY';
    return 'object' if ref $value;
    return 'none'   unless defined $value;
    return $json->encode($value) =~ /^"/ ? 'string' : 'number';
}

# --- which form ------------------------------------------------------------

my $path = place('problem-max', 'ExpectRequire content-length max=10');
my $long = join ', ', map { sprintf 'application/x-%04d;q=0.%d', $_, $_ % 10 }
    1 .. 290;

# Accept => media type of the answer
for (
    [undef,                                             $HTML],
    ['',                                                $HTML],
    ['*/*',                                             $HTML],     # curl
    ['text/html',                                       $HTML],
    ['text/*',                                          $HTML],
    ['application/*',                                   $HTML],
    ['image/png',                                       $HTML],
    ['application/json',                                $JSON],
    ['application/problem+json',                        $PROBLEM],
    ['APPLICATION/Problem+JSON',                        $PROBLEM],
    ['application/json, application/problem+json',      $PROBLEM],
    ['application/problem+json, application/json',      $PROBLEM],
    ['application/problem+json;q=0.9, application/json;q=0.3', $PROBLEM],
    ['application/problem+json;q=0.3, application/json;q=0.9', $JSON],
    ['application/problem+json;q=0.1, application/json;q=0.9, text/html;q=0.5',
                                                        $JSON],
    ['application/problem+json;q=0, application/json',  $JSON],
    ['application/problem+json, application/json;q=0',  $PROBLEM],
    ['application/problem+json;q=0, application/json;q=0', $HTML],
    ['application/json;q=0',                            $HTML],
    ['application/json;q=0.000, */*',                   $HTML],
    ['application/json;q=0.001',                        $JSON],
    ['application/json;q=1.000',                        $JSON],
    ['application/json;Q=0',                            $HTML],
    ['application/json; q=0',                           $HTML],
    ['application/json ; q=0.5 , text/html ; q=0.8',    $HTML],
    ['application/json;q=0.8, text/html;q=0.5',         $JSON],
    ['text/html;q=0.5, application/json;q=0.8',         $JSON],
    ['text/html, application/json;q=0.9',               $HTML],
    ['text/html;q=0, application/json;q=0.1',           $JSON],
    ['application/json;charset=utf-8',                  $JSON],
    ['application/json;charset=utf-8;q=0',              $HTML],
    ['application/jsonp',                               $HTML],
    ['application/json-seq, application/problem+jsonx', $HTML],
    ['x-application/json',                              $HTML],
    ['application/vnd.api+json',                        $HTML],
    # Firefox, Chromium, Safari; fetch()
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,'
        . 'image/webp,image/png,image/svg+xml,*/*;q=0.8',           $HTML],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,'
        . 'image/webp,image/apng,*/*;q=0.8,'
        . 'application/signed-exchange;v=b3;q=0.7',                 $HTML],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', $HTML],
    # axios; angular; jQuery's getJSON
    ['application/json, text/plain, */*',               $JSON],
    ['application/json, text/javascript, */*; q=0.01',  $JSON],
    # not what RFC 9110 allows: anything but trouble
    [',,,',                                             $HTML],
    [';q=1',                                            $HTML],
    ['application/json;q=',                             undef],
    ['application/json;q=nan, text/html',               $HTML],
    ['application/json;q=-1, text/html',                $HTML],
    ['application/json;q="0.5',                         undef],
    ['application/json,' x 100,                         $JSON],
    ["\"application/json",                              $HTML],
    ['application/json' . ';' x 1000,                   $JSON],
    # 8 KB is what httpd takes in one field
    [$long,                                             $HTML],
    ["$long, application/json",                         $JSON],
    ["application/problem+json, $long",                 $PROBLEM],
) {
    my($accept, $type) = @$_;
    my $label = defined $accept ? length $accept > 90
        ? sprintf('%.60s ... of %d', $accept, length $accept) : "'$accept'"
        : 'none';
    my $r = upload(path => $path, content => 11, asks => 1,
        headers => defined $accept ? ["Accept: $accept"] : []);
    is $r->{status}, 417, "Accept $label: the refusal";
    my($got) = ($r->{headers}{'content-type'} // '') =~ /^([^;\s]+)/;
    is $got, $type, "Accept $label: the form" if $type;
    my $object = eval { $json->decode($r->{body}) };
    my $is = ($got // '') =~ /json/;
    is !!$object, !!$is, "Accept $label: the body is of that form";
    is !!($r->{body} =~ /<html>/i), !$is, "Accept $label: one form only";
}

# Two fields are one list.
{
    my $r = upload(path => $path, content => 11, asks => 0, silence => 5,
        headers => ['Accept: text/html;q=0.2', "Accept: $PROBLEM"]);
    is $r->{headers}{'content-type'}, $PROBLEM, 'Accept in two fields';
}

# --- the members -----------------------------------------------------------

place('problem-there', 'ExpectRequire precondition');
spew(conf_var('documentroot') . '/response/problem-there/x', '');

# rules, upload, own status; members beyond those that are always there
my $n = 0;
for (
    ['over max', ['ExpectRequire content-length min=2 max=10'],
        { content => 11 }, 413, 'content-length',
        { announced => 11, limit => 10 }],
    ['far over max', ['ExpectRequire content-length max=3G'],
        { length => 5_000_000_000, content => 'x' }, 413, 'content-length',
        { announced => 5_000_000_000, limit => 3_221_225_472 }],
    ['under min', ['ExpectRequire content-length min=10'], { content => 9 },
        400, 'content-length', { announced => 9, limit => 10 }],
    ['under min, and there is a max',
        ['ExpectRequire content-length min=10 max=20'], { content => 9 },
        400, 'content-length', { announced => 9, limit => 10 }],
    ['type', ['ExpectRequire content-type image/* application/*+json'],
        { content => 9, headers => ['Content-Type: Text/X; a=b'] }, 415,
        'content-type', { announced => qr{^text/x}i,
            accepted => ['image/*', 'application/*+json'] }],
    ['coding', ['ExpectRequire content-encoding gzip'],
        { content => 9, headers => ['Content-Encoding: br'] }, 415,
        'content-encoding', { announced => 'br', accepted => ['gzip'] }],
    ['header', ['ExpectRequire header X-Key "^k"'],
        { content => 9, headers => ['X-Key: no'] }, 400, 'header', {}],
    ['428', ['ExpectRequire header If-Match'], { content => 9 }, 428,
        'header', {}],
    ['auth', [@BASIC, 'ExpectRequire auth'], { content => 9 }, 401, 'auth',
        {}],
    ['ip', ['ExpectRequire ip 192.0.2.1'], { content => 9 }, 403, 'ip', {}],
    ['user', [@BASIC, 'ExpectRequire user bob'],
        { content => 9, headers => [$ALICE] }, 403, 'user', {}],
    # README: with `not` the status is the one in parentheses. What is known of
    # a negated rule that holds adds no member.
    ['negated', ['ExpectRequire not content-length max=10'], { content => 9 },
        400, 'content-length', {}],
) {
    my($name, $rules, $o, $own, $rule, $more) = @$_;
    my $where = place('problem-member-' . ++$n, @$rules);
    answers({ %$o, path => $where, headers => [@{ $o->{headers} // [] },
        "Accept: $PROBLEM"] }, sub {
        my($label, $r) = @_;
        my $status = $label =~ /not asked/ ? $own : 417;
        my $m = eval { $json->decode($r->{body}) } || {};
        my %left = %$m;
        my %type = map { $_ => type_of($m->{$_}) } keys %$m;

        is $r->{status}, $status, "$name, $label: status";
        is $r->{headers}{'content-type'}, $PROBLEM, "$name, $label: type";
        delete @left{qw(type title status detail rule)};
        is $type{type}, 'string', "$name, $label: type is a string";
        is $type{title}, 'string', "$name, $label: title is a string";
        is $type{detail}, 'string', "$name, $label: detail is a string";
        is $type{status}, 'number', "$name, $label: status is a number";
        is $m->{type}, 'about:blank', "$name, $label: type";
        like $m->{title} // '', qr/^[A-Z][a-zA-Z ]+$/, "$name, $label: title";
        is $m->{status}, $r->{status}, "$name, $label: the same status";
        is $m->{detail}, $r->{witness}{reason}, "$name, $label: detail";
        is $m->{rule}, $rule, "$name, $label: rule";
        is_deeply [sort keys %left], [sort keys %$more],
            "$name, $label: no other members";
        for my $key (sort keys %$more) {
            my $want = $more->{$key};
            is $type{$key}, ref $want eq 'ARRAY' ? 'array'
                : ref $want || $want !~ /^\d+$/ ? 'string' : 'number',
                "$name, $label: $key: its JSON type";
            if (ref $want eq 'Regexp') { like $m->{$key}, $want,
                "$name, $label: $key" }
            else { is_deeply $m->{$key}, $want, "$name, $label: $key" }
        }
    });
}

# RFC 9457, 4.2.1: with about:blank the title is the status's phrase.
for my $expect ([], ['Expect: 100-continue']) {
    my $r = raw($path, 'Content-Length: 11', "Accept: $PROBLEM", @$expect);
    my $m = eval { $json->decode($r->{body}) } || {};
    is $m->{title}, $r->{phrase}, "title of $r->{status}";
}

# Where the directory's ErrorDocument cannot be had the problem is there.
answers({ path => place('problem-lost', 'ErrorDocument 417 /nowhere',
        'ErrorDocument 400 /nowhere',
        'ExpectRequire content-length min=10 max=20'),
        content => 9, headers => ["Accept: $PROBLEM"] }, sub {
    my($label, $r) = @_;
    my $m = eval { $json->decode($r->{body}) } || {};
    is $r->{headers}{'content-type'}, $PROBLEM, "lost, $label: type";
    is $m->{status}, $label =~ /not asked/ ? 400 : 417, "lost, $label: status";
    is $m->{limit}, 10, "lost, $label: limit";
    is $m->{announced}, 9, "lost, $label: announced";
    is $m->{rule}, 'content-length', "lost, $label: rule";
});

# HEAD has the fields only; what is cut off and what httpd does not know have
# the form, too.
{
    my $r = raw(['HEAD', $path], 'Content-Length: 11', "Accept: $PROBLEM");
    is $r->{body}, '', 'HEAD: no body';
    like $r->{head}, qr{^Content-Type: \Q$PROBLEM\E\r$}mi, 'HEAD: the type';
    for my $h2 (0, has_h2() ? 1 : ()) {
        $r = upload(path => $path, content => 11, chunked => 1, eager => 1,
            h2 => $h2, headers => ["Accept: $PROBLEM"]);
        my $m = eval { $json->decode($r->{body}) } || {};
        is $r->{headers}{'content-type'}, $PROBLEM, "cut off, h2 $h2: type";
        is $m->{status}, 413, "cut off, h2 $h2: status";
        is $m->{limit}, 10, "cut off, h2 $h2: limit";
        is $m->{rule}, 'content-length', "cut off, h2 $h2: rule";
    }
    $r = raw('/witness/x', 'Content-Length: 1', "Accept: $JSON", 'Expect: foo');
    like $r->{head}, qr{^Content-Type: \Q$JSON\E\r$}mi,
        'unknown expectation: type';
    my $m = eval { $json->decode($r->{body}) } || {};
    is $m->{status}, 417, 'unknown expectation: status';
    is $m->{rule}, 'expectation', 'unknown expectation: rule';
    like $m->{detail}, qr/100-continue/, 'unknown expectation: detail';
}

# --- what the client sent --------------------------------------------------

my @strict = ('ExpectRequire content-type image/png',
    'ExpectRequire content-encoding identity',
    'ExpectRequire header X-Key "^k$"', 'ExpectRequire content-length max=10');
my $strict = place('problem-hostile', @strict);

# Bytes that are not as they must be, by place.
my %unclean = (
    page => qr/<script|<img|[^\x09\x0a\x20-\x7e]|[^=]"><|javascript:/,
    json => qr/[\x00-\x09\x0b-\x1f\x7f]|a{200}/,
    field => qr/[^\x20-\x7e]|["\\<>]|a{100}/,
    log => qr/[^\x20-\x7e\n]|a{200}/,
);

my $png = 'Content-Type: image/png';
for (
    ['quotes',          'te"x"t/pl"ain'],
    ['backslashes',     'text\\\\/\\x; a="\\"\\\\"'],
    ['a backslash at the end', 'text/x\\'],
    ['a script',        'text/<script>alert(1)</script>'],
    ['a script in a parameter', 'text/x; a="</p><script>alert(1)</script>"'],
    ['an attribute',    'text/x"><img src=x onerror=alert(1)>'],
    ['entities',        'text/&lt;script&gt;&#34;&amp;'],
    ['ampersands',      "text/x&y'z"],
    ['UTF-8',           "text/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"],
    ['broken UTF-8',    "text/\xc3\xff\xed\xa0\x80\xc0\xaf"],
    ['C1',              "text/x\x9b31m\xc2\x9b"],
    ['bidi',            "text/\xe2\x80\xae"],
    ['a percent sign',  'text/%s%n%%0a%0d'],
    ['a tab',           "text/x\ty"],
    ['4 KB',            'text/' . 'a' x 4000],
    ['4 KB of quotes',  '"' x 4000],
    ['4 KB of one type in many', join ', ', ('text/' . 'a' x 90) x 40],
    ['ESC',             "text/\e[31mred"],
    ['BEL and NUL',     "text/x\a\0y"],
    ['DEL',             "text/\x7f"],
    ['a bare CR',       "text/x\ry: z"],
    ['tokens',          "text/!#\$%&'*+-.^_`|~"],
) {
    my($name, $bytes) = @$_;
    for (['type', "Content-Type: $bytes"],
         ['coding', "Content-Encoding: $bytes", $png],
         ['header', "X-Key: $bytes", $png],
         ['name', "X-$bytes: y", $png])
    {
        my($what, @lines) = @$_;
        for my $accept ($HTML, $PROBLEM) {
            my $label = "$name in $what, $accept";
            my $mark = log_mark();
            my $r = raw($strict, @lines, "Accept: $accept",
                'Content-Length: 5', 'Expect: 100-continue');
            my @log = grep { /expect:/ } error_log_since($mark);
            # What makes no sense httpd itself refuses, with 400.
            ok $r->{status} == 417 || $r->{status} == 400, "$label: refused";
            my($fields) = $r->{head};
            $fields =~ s/\r\n/ /g;
            $fields =~ s/realm="realm"//;
            unlike $fields, $unclean{field}, "$label: the fields";
            next if $r->{status} == 400;
            is scalar @log, 1, "$label: one log line";
            (my $line = "@log") =~ s/\(ExpectRequire at .*//s;
            unlike $line, $unclean{log}, "$label: the log line";
            cmp_ok length $line, '<', 500, "$label: the log line is bounded";
            cmp_ok length $r->{body}, '<', 1000, "$label: the body is bounded";
            if ($accept eq $HTML) {
                unlike $r->{body}, $unclean{page}, "$label: the page";
                unlike $r->{body}, qr/&(?!amp;|lt;|gt;|quot;|#\d+;)/,
                    "$label: the page's ampersands";
                my($p) = $r->{body} =~ m{<p>(.*)</p>\n</body></html>\n$}s;
                like $p // '', qr/^[^<>"]+$/, "$label: one text, no elements";
            }
            else {
                unlike $r->{body}, $unclean{json}, "$label: the JSON";
                my $m = eval { $json->decode($r->{body}) };
                is $m && $m->{status}, 417, "$label: it is JSON";
                ok defined $m->{detail} && length $m->{detail} < 300,
                    "$label: there is a short detail";
            }
        }
    }
}

# Over HTTP/2 field values may hold what HTTP/1.1 cannot; the notes as well.
if (has_h2()) {
    for my $bytes ('te"xt/<b>', "text/\xc3\xa4", "text/\xff\xfe",
        'text/' . 'a' x 4000, "text/x&y")
    {
        for my $accept ($HTML, $PROBLEM) {
            my $label = sprintf 'HTTP/2: %.12s, %s', unpack('H*', $bytes),
                $accept;
            my $r = upload(path => $strict, content => 5, asks => 1, h2 => 1,
                headers => ["Content-Type: $bytes", "Accept: $accept"]);
            is $r->{status}, 417, "$label: refused";
            unlike $r->{body}, $unclean{ $accept eq $HTML ? 'page' : 'json' },
                "$label: the body";
            unlike join(' ', values %{ $r->{headers} }), $unclean{field},
                "$label: the fields";
            cmp_ok length $r->{witness}{reason}, '<', 300,
                "$label: the reason is bounded";
        }
    }
}

# The client still learns what it sent, as far as that is harmless.
{
    my $r = upload(path => $strict, content => 5, asks => 1,
        headers => ["Content-Type: text/x&y", "Accept: $HTML"]);
    like $r->{body}, qr{content-type text/x&amp;y is not one of: image/png},
        'escaped for HTML, once';
    $r = upload(path => $strict, content => 5, asks => 1,
        headers => ["Content-Type: text/x&y", "Accept: $JSON"]);
    my $m = eval { $json->decode($r->{body}) } || {};
    is $m->{announced}, 'text/x&y', 'not escaped for HTML in JSON';
}

# --- what only the configuration knows -------------------------------------

my $SECRET = qr/s3cr[e]?t|bob|editors|hidden|example|192\.0\.2|127\.0|htaccess
               |htdocs|problem-leak|\.conf|ExpectRequire|X-Hid/xi;
my $root = conf_var('serverroot');
$n = 0;
for (
    ['header',     'header X-Key "^s3cr[e]t-[0-9]+$"', 'X-Key: no'],
    ['not header', 'not header X-Key "s3cret"', 'X-Key: a-s3cret'],
    ['user',       'user bob'],
    ['not user',   'not user alice bob'],
    ['user list',  'user bob hidden'],
    ['group',      'group editors'],
    ['expr',       'expr "%{HTTP:X-Hidden} == \'s3cret\'"'],
    ['not expr',   'not expr "%{HTTP:X-Hidden} != \'s3cret\'"'],
    ['expr file',  "expr \"-e '$root/hidden'\""],
    ['env',        'env hidden_variable'],
    ['ip',         'ip 192.0.2.1'],
    ['not ip',     'not ip 127.0.0.1'],
    ['host',       'host hidden.example.org'],
    ['forward-dns', 'forward-dns hidden.invalid'],
    ['method',     'method PATCH'],
    ['witness-user', 'witness-user bob'],
    ['free-space', 'free-space 9000T'],
    ['precondition', 'precondition', 'If-Match: "s3cret"'],
    ['length',     'content-length max=1'],
    ['handler',    'handler hidden-handler'],
    ['auth',       'auth'],
) {
    my($name, $rule, $line) = @$_;
    my @lines = (@BASIC, 'AuthGroupFile /dev/null', "ExpectRequire $rule");
    $lines[3] = 'Require user bob' if $name eq 'auth';
    for my $nested (0, 1) {
        my @all = $nested ? (@lines[0 .. $#lines - 1], '<ExpectRequireAny>',
            $lines[-1], 'ExpectRequire user hidden', '</ExpectRequireAny>')
            : @lines;
        my $where = place('problem-leak-' . ++$n, @all);
        for my $accept ($HTML, $PROBLEM) {
            for my $expect ([], ['Expect: 100-continue']) {
                my $label = "$name, nested $nested, $accept, @$expect";
                my $mark = log_mark();
                my $r = raw($where, 'Content-Length: 9', $ALICE,
                    "Accept: $accept", $line // (), @$expect);
                my @log = grep { /expect: refused/ } error_log_since($mark);
                cmp_ok $r->{status}, '>=', 400, "$label: refused";
                is scalar @log, 1, "$label: by a rule";
                (my $all = "$r->{head}\n$r->{body}") =~ s/If-Match//g;
                unlike $all, $SECRET, "$label: nothing leaks";
                unlike $all, qr/\Q$root\E/, "$label: no path";
            }
        }
    }
}

done_testing();
