#!/usr/bin/perl
# The page, JSON, OpenMetrics and mod_status's block: each is well-formed
# whatever names and client bytes it contains, none loads anything from
# elsewhere, and each answers GET and HEAD only.

use strict;
use warnings;

use JSON::PP ();
use Test::More;
use ExpectTest;
use File;
use StatusTest;

# A rule with a name to break forms, a method and a type of the client's own,
# and a name that is no UTF-8.
my $hostile = qq(q'<b>&{x}\\\\\\"\xfe);
my $server = own_httpd(conf => <<"CONF");
<AuthzProviderAlias ip "$hostile" 192.0.2.1>
</AuthzProviderAlias>
<Location /expect-status>
    SetHandler expect-status
</Location>
<Location /witness/alias>
    ExpectRequire "$hostile"
</Location>
<Location /witness/type>
    ExpectRequire content-type image/*
</Location>
<Location /witness/length>
    ExpectRequire content-length max=10
</Location>
<Location /witness/once>
    ExpectRequire quota uploads=1 per=day
</Location>
<Location /witness/detect>
    ExpectEngine DetectionOnly
    ExpectRequire content-length max=10
</Location>
CONF
my $name = q(q'<b>&{x}\\"?);
my $type = q(a'&lt/x);

sub send_all {
    my($path, %o) = @_;
    upload(vhost => $server, path => "/witness/$path", %o);
}
send_all('alias/x', content => 5);
send_all('type/x', content => 5, method => q(P'&x),
    headers => ["Content-Type: $type"]);
send_all('type/x', content => 5, headers => ["Content-Type: \xfe\xff/x"]);
send_all('length/x', content => 5, asks => 1);
send_all('length/x', content => 11, chunked => 1);
send_all('detect/x', content => 11);
send_all('once/x', content => 7);

sub get { return page(shift, vhost => $server, @_) }

# --- JSON ------------------------------------------------------------------

my $json;
{
    my $r = get('format=json');
    is $r->{headers}{'content-type'}, 'application/json', 'JSON: its type';
    $json = eval { JSON::PP->new->utf8->decode($r->{body}) };
    ok $json, 'JSON: parsed' or diag $@;
    ok $json->{counting}, 'JSON: counting';
    my %rule = map { $_->{rule} => $_ } @{ $json->{rules} };
    is $rule{$name}{refuse}, 1, 'JSON: the hostile name'
        or diag explain [keys %rule];
    my($last) = grep { $_->{method} eq q(P'&x) } @{ $json->{last} };
    like $last->{reason}, qr/\Q$type\E/, 'JSON: method and type as sent';
    is_deeply $json->{totals}, { continue => 3, refuse => 3, detect => 1,
        cut_off => 1, would_cut_off => 0, bytes_spared => 0,
        bytes_refused => 15, bytes_cut_off => 11 }, 'JSON: totals';
    is_deeply [@$json{qw(lingering bytes_drained)}], [0, 0],
        'JSON: nothing lingers';
    is get('a=b&format=json&c')->{body} =~ /^\{"counting"/, 1,
        'format among others';
}

# --- OpenMetrics -----------------------------------------------------------

my $metrics;
{
    my $r = get('format=openmetrics');
    $metrics = $r->{body};
    is $r->{headers}{'content-type'},
        'application/openmetrics-text; version=1.0.0; charset=utf-8',
        'OpenMetrics: its type';
    like $metrics, qr/\n# EOF\n\z/, 'OpenMetrics: ends';

    # every line is one of these, and a sample belongs to the family above
    my $word   = qr/[a-z_]+/;
    my $value  = qr/"(?:[^"\\\n]|\\["\\n])*"/;
    my $labels = qr/\{$word=$value(?:,$word=$value)*\}/;
    my($family, %seen);
    my @odd = grep {
        if (/^# TYPE ($word) (?:counter|gauge)$/) {
            $family = $1;
            $seen{$family}++;
        }
        elsif (/^([a-z_]+?)(?:_total)?($labels?) \d+$/) {
            $1 ne $family || $seen{"sample $1$2"}++;
        }
        else {
            !/^# (?:HELP \Q$family\E \S.*|EOF)$/;
        }
    } split /\n/, $metrics;
    is "@odd", '', 'OpenMetrics: lines';

    like $metrics,
        qr/^\Qexpect_requests_total{verdict="continue",rule=""} 3\E$/m,
        'OpenMetrics: admitted';
    like $metrics,
        qr/^expect_requests_total\{verdict="refuse",rule="content-type"\} 2$/m,
        'OpenMetrics: refused';
    like $metrics,
        qr/^expect_requests_total\{verdict="detect",
            rule="content-length"\}\ 1$/mx,
        'OpenMetrics: detected';
    like $metrics, qr/^expect_bytes_spared_total 0$/m, 'OpenMetrics: spared';
}

# A parser that is not ours.
{
    my $file = conf_var('t_logs') . "/openmetrics-$$";
    spew($file, $metrics);
    local $ENV{PATH} = "/usr/bin:$ENV{PATH}";
    my $out = qx(python3 - $file 2>&1 <<'PYTHON'
import sys
from prometheus_client.openmetrics import parser
text = open(sys.argv[1], encoding='utf-8').read()
for family in parser.text_string_to_metric_families(text):
    for sample in family.samples:
        print(sample.name, sample.labels.get('verdict', '-'),
              sample.labels.get('rule', '-'), int(sample.value))
PYTHON
);
    is $?, 0, 'OpenMetrics: parsed' or diag $out;
    like $out, qr/^expect_requests_total refuse \Q$name\E 1$/m,
        'OpenMetrics: the hostile name' or diag $out;
    like $out, qr/^expect_bytes_refused_total - - 15$/m,
        'OpenMetrics: without labels';
    like $out, qr/^expect_lingering - - 0$/m, 'OpenMetrics: a gauge';
    like $out, qr/^\Q$_\E$/m, "OpenMetrics: $_"
        for 'expect_in_flight - - 0', 'expect_in_flight_bytes - - 0',
            'expect_reserved_bytes_total - - 7', 'expect_ledger_keys - - 1',
            'expect_refunded_bytes_total - - 0',
            'expect_ledger_full_total - - 0';
    like $out, qr/^expect_bytes_drained_total - - 0$/m,
        'OpenMetrics: and what was thrown away';
}

# --- the page --------------------------------------------------------------

{
    my $r = get('');
    my($html, $h) = @$r{qw(body headers)};
    is $h->{'content-type'}, 'text/html; charset=utf-8', 'page: its type';
    is $h->{'cache-control'}, 'no-store', 'page: not stored';
    my $policy = $h->{'content-security-policy'};
    my($nonce) = $policy =~ /script-src 'nonce-([0-9a-f]{32})';/;
    ok $nonce, 'page: a nonce';
    like $policy, qr/^default-src 'none';/, 'page: and nothing else';
    unlike $policy, qr/unsafe/, 'page: nothing unsafe';
    isnt get('')->{headers}{'content-security-policy'}, $policy,
        'page: a new nonce each time';
    is_deeply [$html =~ /<(?:script|style)([^>]*)>/g],
        [(qq( nonce="$nonce")) x 2], 'page: its own style and script only';

    is join(' ', $html =~ /\b(?:src|href|action|data)="([^"]*)"/g),
        'data:, ?format=json ?format=openmetrics', 'page: no other resource';
    unlike $html, qr{https?://|url\(|\@import|\bon\w+="|\bstyle="},
        'page: nor in any other way';

    like $html, qr/>q&#39;&lt;b&gt;&amp;\{x\}\\&quot;\?<
                  |>q'&lt;b&gt;&amp;\{x\}\\&quot;\?</x,
        'page: the hostile name';
    unlike $html, qr/<b>&\{|[^\n\x20-\x7e]/, 'page: nothing unescaped';
    like $html, qr/>P'&amp;x</, 'page: the method';
    is scalar(() = $html =~ /<svg role="img"/g), 4, 'page: four plots';
    like $html, qr{<title>\d\d:\d\d, [\d,]+ admitted, \d+ refused},
        'page: a bar says what it is';

    # every element is closed, in order
    my @open;
    for my $tag ($html =~ s{<(script|style)\b.*?</\1>}{}gsr =~ /<([^>]+)>/g) {
        next if $tag =~ m{/$|^!|^(?:meta|link)\b};
        if ($tag =~ m{^/(.*)}) { last if pop @open ne $1 }
        else                   { push @open, $tag =~ /^(\w+)/ }
    }
    is "@open", '', 'page: elements are closed';

    my $t = conf_var('serverroot');
    for my $form ('', 'format=json', 'format=openmetrics') {
        my $body = get($form)->{body};
        unlike $body, qr{\Q$t\E|httpd\.conf|127\.0\.0\.1|witness},
            "no path, place or address, $form";
    }
}

# --- which requests it answers ---------------------------------------------

for my $form ('', 'format=html', 'format=json', 'format=openmetrics') {
    my $get  = get($form);
    my $head = get($form, method => 'HEAD');
    is $get->{status}, 200, "GET $form";
    is $head->{status}, 200, "HEAD $form";
    is $head->{headers}{'content-type'}, $get->{headers}{'content-type'},
        "HEAD $form: type";
    is $get->{headers}{'cache-control'}, 'no-store', "$form: not stored";
    is $get->{headers}{'x-content-type-options'}, 'nosniff', "$form: nosniff";
}
for my $method (qw(POST PUT DELETE OPTIONS PROPFIND)) {
    my $r = get('', method => $method);
    is $r->{status}, 405, "$method: 405";
    like $r->{headers}{allow}, qr/^(?=.*\bGET\b)(?=.*\bHEAD\b)
                                    (?!.*\b(?:POST|PUT|DELETE)\b)/x,
        "$method: Allow";
}
is get($_)->{status}, 400, "no such format: $_"
    for qw(format=xml format=JSON format=%3Cb%3E);

# --- mod_status ------------------------------------------------------------

{
    my %o = (vhost => $server, method => 'GET');
    my $html = upload(path => '/server-status', %o)->{body};
    like $html, qr{<h2>mod_expect</h2>.*Admitted: 3<.*</body>}s,
        'mod_status: a block';
    unlike $html, qr/Expect\w+: /, 'mod_status: no lines for programs';
    my $auto = upload(path => '/server-status?auto', %o)->{body};
    my %line = $auto =~ /^Expect(\w+): (\d+)$/mg;
    is_deeply \%line, { Admitted => 3, Refused => 3, Detected => 1,
        CutOff => 1, WouldCutOff => 0, BytesSpared => 0, BytesRefused => 15,
        BytesCutOff => 11, BytesDrained => 0, Lingering => 0,
        InFlight => 0, InFlightBytes => 0, ReservedBytes => 7,
        RefundedBytes => 0, LedgerKeys => 1, LedgerFull => 0 },
        'mod_status: ?auto';
    unlike $auto, qr/<h2>/, 'mod_status: no HTML in it';
}

done_testing();
