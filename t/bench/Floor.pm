package Floor;

# What the module costs over httpd without it, and how far each of its ways
# stands from the floor: the least that httpd itself does for such a request.

use strict;
use warnings;

use Client;
use Servers;
use Util;

use constant RULES => 1000;

our $MAX = 'ExpectRequire content-length max=1M';
our $CORE_MAX = 'LimitRequestBody 1048576';
my $HUGE = length_of(104_857_600);

my %module = (module => 1, dir => {
    files => $MAX, size => $MAX, deep => $MAX, auth => 'ExpectRequire auth',
    type => 'ExpectRequire content-type image/*',
    put => 'ExpectRequire content-length max=200M',
    few => $MAX, many => $MAX,
});

# Rules that remember: two that admit everything, and two that refuse what comes
# beside a first upload. All clients have one address, so one key. The same
# server without such rules is what they are compared with.
my %patient = (%module, main => "RequestReadTimeout body=0\nTimeout 600\n");
my %remember = (%patient, dir => { %{ $module{dir} },
        few  => "$MAX\n    ExpectRequire in-flight uploads=1000 key=ip",
        many => "$MAX\n    ExpectRequire quota bytes=1000G per=day key=ip",
        'in-flight' => 'ExpectRequire in-flight uploads=1 key=ip',
        quota => 'ExpectRequire quota uploads=1 per=day key=ip' });

define(
    stock  => { },
    again  => { },
    expect => \%module,
    patient => \%patient,
    remember => \%remember,
    noshm  => { %module, deny => 'apr_shm_create' },
    limit  => { dir => { size => $CORE_MAX, deep => $CORE_MAX,
                         put => 'LimitRequestBody 209715200' } },
    denied => { dir => { size => 'Require all denied' } },
    rules  => { module => 1, dir => { few => rules(2),
                                      many => rules(RULES) } },
);

add_requests(
    get       => request('GET /files/small.txt'),
    foo       => request('PUT /size/x', "Expect: foo\r\n"),
    refuse    => request('PUT /size/x', asks, $HUGE),
    unasked   => request('PUT /size/x', $HUGE),
    htaccess  => request('PUT /tenant/x', asks, $HUGE),
    put       => request('PUT /put/{c}', asks, length_of(1024)),
    few       => request('POST /few/x', asks, typed(1024)),
    many      => request('POST /many/x', asks, typed(1024)),
    few_not   => request('POST /few/x', asks, typed(900_000)),
    many_not  => request('POST /many/x', asks, typed(900_000)),
);

# Content rules of all kinds that a small upload meets; the last one refuses a
# larger one.
sub rules {
    my($n) = @_;
    my @rules = map {
        my $kind = $_ % 4;
        $kind == 0 ? 'content-length max=' . (1_000_000 + $_)
        : $kind == 1 ? "content-type application/x-$_ image/* text/plain"
        : $kind == 2 ? "content-encoding identity x-coding-$_"
        : "not content-type video/x-$_";
    } 0 .. $n - 2;
    return join "\n    ", map { "ExpectRequire $_" } @rules,
        'content-length max=800000';
}

# name, what it shows, A and B; target: ratio, least A/B of the rates, or
# instructions, most A-B.
my @cases = (
    { name => 'noise', shows => 'GET, without: against another such',
      a => ['stock', 'get', 200], b => ['again', 'get', 200],
      counted => 3840 },
    { name => 'get', shows => 'GET, no content: with the module / without',
      a => ['expect', 'get', 200], b => ['stock', 'get', 200],
      instructions => 100, counted => 3840 },
    { name => 'refuse', shows => "refused PUT / core's own 417, no walk",
      a => ['expect', 'refuse', 417], b => ['stock', 'foo', 417],
      ratio => 0.98 },
    { name => 'told', shows => "refused PUT / that 417 with the module's text",
      a => ['expect', 'refuse', 417], b => ['expect', 'foo', 417] },
    { name => 'limit', shows => 'refused PUT / LimitRequestBody, 413',
      a => ['expect', 'refuse', 417], b => ['limit', 'refuse', 413],
      ratio => 1 },
    { name => 'denied', shows => 'refused PUT / Require all denied, 403',
      a => ['expect', 'refuse', 417], b => ['denied', 'refuse', 403],
      ratio => 1 },
    { name => 'htaccess', shows => "refused by .htaccess / core's own 417",
      a => ['expect', 'htaccess', 417], b => ['stock', 'foo', 417] },
    { name => 'ht-limit', shows => 'refused by .htaccess / LimitRequestBody',
      a => ['expect', 'htaccess', 417], b => ['limit', 'htaccess', 413],
      ratio => 1 },
    { name => 'put', shows => 'DAV PUT of 1 KB: with the module / without',
      a => ['expect', 'put', 201, 204], b => ['stock', 'put', 201, 204],
      ratio => 0.97 },
    { name => 'rules', shows => 'admitted POST: 1000 rules / 2 rules',
      a => ['rules', 'many', 200], b => ['rules', 'few', 200],
      ratio => 0.8 },
    { name => 'rules-not', shows => 'refused POST: 1000 rules / 2 rules',
      a => ['rules', 'many_not', 417], b => ['rules', 'few_not', 417],
      ratio => 0.8 },
    { name => 'counters', shows => 'refused PUT: counted / not counted',
      a => ['expect', 'refuse', 417], b => ['noshm', 'refuse', 417] },
    (map { elsewhere(@$_) }
        ['get', 'GET', 200], ['refuse', 'refused PUT', 417],
        ['put', 'DAV PUT of 1 KB', 201, 204]),
    (map { remembers(@$_) } ['in-flight', 'few'], ['quota', 'many']),
);

# What the rules that remember cost requests to other sections.
sub elsewhere {
    my($request, $shows, @statuses) = @_;
    return { name => "$request-else", counted => 3840, instructions => 100,
             shows => "$shows: such rules elsewhere / nowhere",
             a => ['remember', $request, @statuses],
             b => ['patient', $request, @statuses] };
}

# What such a rule costs an upload that it admits: the part is taken, and
# settled when the content is over.
sub remembers {
    my($rule, $request) = @_;
    my @sides = (a => ['remember', $request, 200],
                 b => ['patient', $request, 200]);
    return ({ name => $rule, shows => "admitted POST: $rule / no such rule",
              @sides, counted => 3840, instructions => 1000 },
            { name => "$rule-100", shows => 'the same, 100 clients of one key',
              @sides, clients => 100, seconds => 0.1, paired => 0,
              counted => 0, ratio => 0.9 });
}

sub cases {
    return map { { part => 'floor', %$_ } } @cases;
}

# The files that the cases need.
sub place {
    place_in('tenant/.ht-ours', "$MAX\n");
    place_in('tenant/.ht-core', "$CORE_MAX\n");
}

1;
