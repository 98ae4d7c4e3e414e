#!/usr/bin/perl
# RateLimit-Policy, RateLimit and Upload-Limit are structured fields (RFC 9651)
# with the members of draft-ietf-httpapi-ratelimit-headers: a parser that is not
# ours reads them.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use ExpectTest;
use OtherModules;
use Admission;

use constant DAY => 86_400;

my $server = h2_httpd(<<'CONF');
<Location /witness/quota>
    ExpectRequire quota uploads=2 bytes=1000 per=day key=ip
</Location>
<Location /witness/flight>
    ExpectRequire in-flight uploads=1 bytes=500 key=ip
</Location>
<Location /witness/two>
    ExpectRequire quota bytes=1000 per=90s
    ExpectRequire in-flight uploads=5
    ExpectRequire content-length min=2 max=999
</Location>
<Location /witness/large>
    ExpectRequire quota uploads=2147483647 bytes=999999999999999 per=366d
    ExpectRequire in-flight bytes=1000000000000000
</Location>
CONF

# --- the parser ---------------------------------------------------------------

# Prints a line for each that it reads: {kind, value} becomes a list of members,
# [value, {parameters}], or what is wrong. A member that is no string, integer
# or boolean is shown by the name of its type.
my $PARSER = <<'JS';
const sf = require('structured-headers');
const shown = v => ['string', 'number', 'boolean'].includes(typeof v) ? v
    : v.constructor.name;
const item = ([value, parameters]) => [shown(value),
    Object.fromEntries([...parameters].map(([k, v]) => [k, shown(v)]))];
const read = ({kind, value}) => kind === 'list'
    ? sf.parseList(value).map(item)
    : [...sf.parseDictionary(value)].map(([k, v]) => [k, ...item(v)]);
require('readline').createInterface({input: process.stdin}).on('line', line => {
    let result;
    try { result = read(JSON.parse(line)); }
    catch (e) { result = e.message; }
    process.stdout.write(JSON.stringify(result) + '\n');
});
JS

chomp(my $global = qx(npm root --global));
local $ENV{NODE_PATH} = join ':', grep { length } $global,
    $ENV{NODE_PATH} // '';
my $pid = open2(my $out, my $in, 'node', '-e', $PARSER);
my $json = JSON::PP->new->canonical;

sub parsed {
    my($kind, $value) = @_;
    print $in $json->encode({ kind => $kind, value => $value // '' }), "\n";
    $in->flush;
    my $line = <$out> // die "node ended: t/setup\n";
    return JSON::PP->new->allow_nonref->decode($line);
}

is_deeply parsed(list => '"a";q=1;b, c'),
    [['a', { q => 1, b => JSON::PP::true }], ['Token', {}]],
    'the parser: a list';
ok !ref parsed(list => $_), "the parser: $_ is none"
    for '"a";q=', '"a", ', '"a";q=1000000000000000', '"a';

# --- the fields ---------------------------------------------------------------

sub fields_ok {
    my($name, $r, $policy, $left) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply parsed(list => $r->{headers}{'ratelimit-policy'}), $policy,
        "$name: RateLimit-Policy" or diag $r->{headers}{'ratelimit-policy'};
    is_deeply parsed(list => $r->{headers}{ratelimit}), $left,
        "$name: RateLimit" or diag $r->{headers}{ratelimit};
}

# t= is the time that goes by: between these, and left out of the comparison.
sub waits_ok {
    my($name, $r, $least, $most) = @_;
    my $list = parsed(list => $r->{headers}{ratelimit});
    my @t = map { delete $_->[1]{t} } ref $list ? @$list : ();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok @t && !(grep { !defined || /\D/ || $_ < $least || $_ > $most } @t),
        "$name: t" or diag $r->{headers}{ratelimit};
    return $list;
}

sub put {
    my($path, $h2, %o) = @_;
    return upload(vhost => $server, path => $path, h2 => $h2, content => 400,
        asks => 1, %o);
}

my %bytes = (qu => 'content-bytes');
my @quota = (['quota-uploads-day', { q => 2, w => DAY }],
    ['quota-bytes-day', { q => 1000, w => DAY, %bytes }]);
is put('/witness/quota', 0)->{status}, 200, 'an upload';
for my $h2 (0, has_h2() ? 1 : ()) {
    my $name = "quota, h2 $h2";
    my $r = put('/witness/quota', $h2, content => 700);
    is $r->{status}, 429, $name;
    is_deeply parsed(list => $r->{headers}{'ratelimit-policy'}), \@quota,
        "$name: RateLimit-Policy";
    is_deeply waits_ok($name, $r, 1, DAY),
        [['quota-uploads-day', { r => 1 }], ['quota-bytes-day', { r => 600 }]],
        "$name: RateLimit";

    # larger than all of it: there is nothing to wait for
    $r = put('/witness/quota', $h2, content => 2000);
    is $r->{status}, 413, "$name, too large";
    fields_ok("$name, too large", $r, \@quota,
        [['quota-uploads-day', { r => 1 }],
         ['quota-bytes-day', { r => 600 }]]);
    is_deeply parsed(dictionary => $r->{headers}{'upload-limit'}),
        [['max-size', 1000, {}]], "$name, too large: Upload-Limit";

    $name = "in-flight, h2 $h2";
    my $held = hold($server, path => '/witness/flight', content => 200);
    $r = put('/witness/flight', $h2);
    is $r->{status}, 429, $name;
    fields_ok($name, $r, [
            ['in-flight-uploads', { q => 1, qu => 'concurrent-requests' }],
            ['in-flight-bytes', { q => 500, %bytes }]],
        [['in-flight-uploads', { r => 0 }], ['in-flight-bytes', { r => 300 }]]);
    is finish($held)->{status}, 200, "$name: it ends";

    $name = "OPTIONS, h2 $h2";
    $r = put('/witness/two', $h2, method => 'OPTIONS', content => '',
        unwitnessed => 1);
    fields_ok($name, $r, [
            ['quota-bytes-90s', { q => 1000, w => 90, %bytes }],
            ['in-flight-uploads', { q => 5, qu => 'concurrent-requests' }]],
        [['quota-bytes-90s', { r => 1000 }],
         ['in-flight-uploads', { r => 5 }]]);
    is_deeply parsed(dictionary => $r->{headers}{'upload-limit'}),
        [['max-size', 999, {}], ['min-size', 2, {}]], "$name: Upload-Limit";

    # an Integer has 15 digits: a larger limit is left out
    $name = "large, h2 $h2";
    $r = put('/witness/large', $h2, method => 'OPTIONS', content => '',
        unwitnessed => 1);
    fields_ok($name, $r, [
            ['quota-uploads-366d', { q => 2**31 - 1, w => 366 * DAY }],
            ['quota-bytes-366d', { q => 999_999_999_999_999, w => 366 * DAY,
                %bytes }]],
        [['quota-uploads-366d', { r => 2**31 - 1 }],
         ['quota-bytes-366d', { r => 999_999_999_999_999 }]]);

    # content of unknown length that is cut off
    $name = "cut off, h2 $h2";
    $r = put('/witness/flight', $h2, content => 600, chunked => 1);
    is $r->{status}, 413, $name;
    fields_ok($name, $r, [
            ['in-flight-uploads', { q => 1, qu => 'concurrent-requests' }],
            ['in-flight-bytes', { q => 500, %bytes }]],
        [['in-flight-uploads', { r => 1 }], ['in-flight-bytes', { r => 500 }]]);
}

close $in;
waitpid $pid, 0;
is $?, 0, 'the parser ends';
done_testing();
