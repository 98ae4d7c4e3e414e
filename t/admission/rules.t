#!/usr/bin/perl
# in-flight and quota among other rules: all or nothing, over sections and
# containers; what each way of writing them takes; and how they are noted.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;
use Admission;

use constant MANY => 20;

my $root = conf_var('documentroot');
my $quota = 'ExpectRequire quota uploads=' . MANY . ' per=366d';

# Rules that stand in two places: OPTIONS on /witness/meter says what is left.
my %rule = map { $_ => conf_var('t_logs') . "/rule-$$-$_.conf" } qw(a b c);
my %period = (a => '100d', b => '200d', c => '300d');
for (keys %rule) {
    open my $fh, '>', $rule{$_} or die "$rule{$_}: $!\n";
    print $fh "ExpectRequire quota uploads=9 per=$period{$_}\n";
    close $fh or die "$rule{$_}: $!\n";
}

my @pair = map { "ExpectRequire quota uploads=$_ per=366d\n" } 1, MANY;
my $server = h2_httpd(<<"CONF");
<Directory "$root/tenant/adm">
    $quota
</Directory>
<Directory "$root/tenant/adm/inner">
    ExpectRequire quota uploads=3 per=365d key=directory
</Directory>
<Directory "$root/tenant/adm/off">
    ExpectMerging Off
    ExpectRequire quota uploads=3 per=365d key=directory
</Directory>
<Directory "$root/tenant/adm/or">
    ExpectMerging Or
    ExpectRequire quota uploads=3 per=365d key=directory
</Directory>
<Location /witness/any>
    <ExpectRequireAny>
        ExpectRequire quota uploads=2 per=366d
        ExpectRequire quota uploads=3 per=365d
        ExpectRequire header X-Free
    </ExpectRequireAny>
</Location>
<Location /witness/nested>
    <ExpectRequireAny>
        <ExpectRequireAll>
            ExpectRequire quota uploads=4 per=366d
            ExpectRequire in-flight uploads=1 key=expr=%{HTTP:X-Tenant}
        </ExpectRequireAll>
        ExpectRequire quota uploads=3 per=365d
    </ExpectRequireAny>
</Location>
<Location /witness/cap>
    <ExpectRequireAny>
        ExpectRequire content-length max=10
        ExpectRequire quota uploads=2 per=366d
    </ExpectRequireAny>
</Location>
<Location /witness/caps>
    <ExpectRequireAny>
        <ExpectRequireAll>
            ExpectRequire content-length max=10
            Include $rule{a}
        </ExpectRequireAll>
        <ExpectRequireAll>
            ExpectRequire content-length max=20
            Include $rule{b}
        </ExpectRequireAll>
        <ExpectRequireAll>
            Include $rule{c}
            ExpectRequire in-flight uploads=1 key=expr=%{HTTP:X-Tenant}
        </ExpectRequireAll>
    </ExpectRequireAny>
</Location>
<Location /witness/meter>
    Include $rule{a}
    Include $rule{b}
    Include $rule{c}
</Location>
<Location /witness/two>
    @pair
</Location>
<Location /witness/limited>
    <Limit POST>
        $quota
    </Limit>
</Location>
<Location /witness/detect>
    ExpectEngine DetectionOnly
    ExpectRequire quota uploads=1 per=day
    ExpectRequire quota bytes=100 per=hour
</Location>
<Location /witness/417>
    ExpectStatus 417
    ExpectRequire in-flight uploads=1
</Location>
CONF

sub put {
    my($path, %o) = @_;
    return upload(vhost => $server, path => $path, content => 5, eager => 1,
        %o);
}

# The quotas of a place, by their period.
sub left_by_period {
    my($path, @headers) = @_;
    my $left = left($server, $path, @headers);
    return { map { /-uploads-(\w+)$/ ? ($1 => $left->{$_}) : () } keys %$left };
}

# --- sections -----------------------------------------------------------------

write_htaccess("tenant/adm/$_", '') for qw(x inner off or);

is put('/tenant/adm/x/x')->{status}, 200, 'outer section';
is_deeply left_by_period('/tenant/adm/x/x'), { '366d' => MANY - 1 },
    'outer section: taken';
is put('/tenant/adm/inner/x')->{status}, 200, 'And';
is_deeply left_by_period('/tenant/adm/inner/x'),
    { '366d' => MANY - 2, '365d' => 2 }, 'And: both are taken';
put('/tenant/adm/inner/x') for 1, 2;
is put('/tenant/adm/inner/x')->{status}, 503, 'And: the inner one is used up';
is_deeply left_by_period('/tenant/adm/inner/x'),
    { '366d' => MANY - 4, '365d' => 0 }, 'And: then nothing is taken';
is put('/tenant/adm/off/x')->{status}, 200, 'Off';
is_deeply left_by_period('/tenant/adm/off/x'), { '365d' => 2 },
    'Off: the inner one is taken';
is_deeply left_by_period('/tenant/adm/x/x'), { '366d' => MANY - 4 },
    'Off: the outer one is not';
is put('/tenant/adm/or/x')->{status}, 200, 'Or';
{
    my $outer = left_by_period('/tenant/adm/x/x')->{'366d'};
    is $outer, MANY - 5, 'Or: the outer one is taken';
    put('/tenant/adm/or/x') for 1 .. $outer;
    is left_by_period('/tenant/adm/x/x')->{'366d'}, 0, 'Or: until it is over';
    is_deeply [map { put('/tenant/adm/or/x')->{status} } 1 .. 4],
        [200, 200, 200, 503], 'Or: then the inner one';
    is put('/tenant/adm/inner/x')->{status}, 503, 'And: the outer one counts';
}

# --- containers ---------------------------------------------------------------

is_deeply [map { put('/witness/any', headers => ['X-Free: yes'])->{status} }
    1 .. 10], [(200) x 10], 'Any: what needs no memory is preferred';
is_deeply [map { put('/witness/any')->{status} } 1 .. 6],
    [(200) x 5, 503], 'Any: one after the other is used up, and each once';
is put('/witness/any', headers => ['X-Free: yes'])->{status}, 200,
    'Any: the third admits';

{
    my @tenant = (headers => ['X-Tenant: a']);
    my $held = hold($server, path => '/witness/nested', @tenant);
    is put('/witness/nested', @tenant)->{status}, 200, 'All in Any';
    finish($held);
    is put('/witness/nested')->{status}, 200, 'All in Any: no key';
    is_deeply [map { put('/witness/nested', @tenant)->{status} } 1 .. 5],
        [(200) x 4, 503], 'All in Any: what did not admit was not taken';
}

# chunked: the other alternative allows more
is put('/witness/cap', content => 11)->{status}, 200, 'cap: known length';
is put('/witness/cap', content => 11, chunked => 1)->{status}, 200,
    'cap: the quota allows more';
is put('/witness/cap', content => 5)->{status}, 200, 'cap: not needed';
is put('/witness/cap', content => 11)->{status}, 413, 'cap: two were taken';
is put('/witness/cap', content => 11, chunked => 1)->{status}, 413,
    'cap: cut off, as the quota is used up';

# the one that allows most is taken, and no other
{
    my @tenant = (headers => ['X-Tenant: a']);
    my $held = hold($server, path => '/witness/caps', content => 30, @tenant);
    is_deeply left_by_period('/witness/meter'),
        { '100d' => 9, '200d' => 9, '300d' => 8 }, 'caps: without a max';
    is put('/witness/caps', chunked => 1, @tenant)->{status}, 200,
        'caps: the third refuses';
    is_deeply left_by_period('/witness/meter'),
        { '100d' => 9, '200d' => 8, '300d' => 8 }, 'caps: the wider max';
    is finish($held)->{status}, 200, 'caps: it ends';
}

is_deeply [map { put('/witness/two')->{status} } 1 .. 4],
    [200, 503, 503, 503], 'two: the first is used up';

# --- <Limit>, DetectionOnly, statuses -----------------------------------------

put('/witness/limited') for 1 .. 3;
put('/witness/limited', method => 'POST') for 1, 2;
{
    my @got = map { put('/witness/limited', method => 'POST')->{status} }
        1 .. MANY - 1;
    is_deeply \@got, [(200) x (MANY - 2), 503], '<Limit POST>: PUT is free';
}

for my $h2 (0, has_h2() ? 1 : ()) {
    for my $asks (1, 0) {
        my $mark = log_mark($server);
        my $name = "DetectionOnly, h2 $h2, asks $asks";
        my @got = map { upload(vhost => $server, path => '/witness/detect',
            content => 200, asks => $asks, h2 => $h2) } 1 .. 3;
        is_deeply [map { $_->{status} } @got], [200, 200, 200], $name;
        is_deeply [map { @{ $_->{witness} }{qw(verdict rule nstatus)} } @got],
            [('detect', 'quota', 413) x 3], "$name: noted";
        my @lines = grep { /expect: / } error_log_since($mark);
        is scalar(grep { /expect: would refuse 413: quota bytes=100 per=hour: 200 announced, which is more than all of it \(/ } @lines), 3,
            "$name: logged" or diag @lines;
    }
}
{
    my $mark = log_mark($server);
    put('/witness/detect') for 1 .. 5;
    is join('', grep { /expect: / } error_log_since($mark)), '',
        'DetectionOnly: nothing is taken';
}

{
    my $held = hold($server, path => '/witness/417');
    refused_ok('ExpectStatus 417', { path => '/witness/417', vhost => $server,
        content => 5 }, status => 503, rule => 'in-flight');
    drop($held);
}

# --- .htaccess ----------------------------------------------------------------

for my $key (qw(ip user directory)) {
    my $status = $key eq 'directory' ? 503 : 429;
    write_htaccess("tenant/ht-$key",
        "ExpectRequire in-flight uploads=1 key=$key\n");
    my $held = hold($server, path => "/tenant/ht-$key/x");
    refused_ok(".htaccess, $key", { path => "/tenant/ht-$key/y",
        vhost => $server, content => 5 }, status => $status,
        rule => 'in-flight',
        log => qr{expect: refused $status: .* \(ExpectRequire at \S+/tenant/ht-$key/\.htaccess:1\)});
    is finish($held)->{status}, 200, ".htaccess, $key: it ends";
    left_ok(".htaccess, $key: and its place is free", $server,
        "/tenant/ht-$key/z", uploads => 1);
}
{
    write_htaccess("tenant/ht-two/$_",
        "ExpectRequire in-flight uploads=1 key=directory\n") for qw(a b);
    my $held = hold($server, path => '/tenant/ht-two/a/x');
    is put('/tenant/ht-two/b/x')->{status}, 200, '.htaccess: another folder';
    is put('/tenant/ht-two/a/below/x')->{status}, 503,
        '.htaccess: a folder below';
    drop($held);
}
for my $key (qw(vhost all expr=%{HTTP:X})) {
    (my $word = $key) =~ s/=.*//;
    write_htaccess('tenant/ht-wrong',
        "ExpectRequire in-flight uploads=1 key=$key\n");
    my $mark = log_mark($server);
    is put('/tenant/ht-wrong/x')->{status}, 500, ".htaccess, $word: 500";
    my $named = $word . ($word eq 'all' && ', the default,');
    is scalar(grep { /in-flight: key=$named is not allowed in \.htaccess; key=ip, key=user and key=directory are accepted there/ }
        error_log_since($mark)), 1, ".htaccess, $word: the log says why"
        or diag error_log_since($mark);
}
write_htaccess('tenant/ht-wrong', "ExpectRequire in-flight uploads=1\n");
is put('/tenant/ht-wrong/x')->{status}, 500, '.htaccess: no key is key=all';

# --- too many -----------------------------------------------------------------

# All claims of an upload are compared with each other while others wait.
for my $n (32, 33) {
    write_htaccess('tenant/many', join '', map {
        "ExpectRequire quota uploads=9 per=${_}d key=directory\n"
    } 1 .. $n);
    my %to = (path => '/tenant/many/x', vhost => $server, content => 5);
    if ($n < 33) {
        admitted_on("$n rules", $server, \%to, status => 200);
        next;
    }
    refused_ok("$n rules", \%to, status => 503, rule => 'quota',
        like => qr/^quota uploads=\d+ per=\w+ cannot be checked: more than 32 rules in-flight and quota are in force$/);
    unlike join("\n", %{ upload(vhost => $server, method => 'OPTIONS',
        path => '/tenant/many/x', unwitnessed => 1)->{headers} }),
        qr/ratelimit/i, "$n rules: OPTIONS";
}

is join('', $server->crashes), '', 'no crash';
done_testing();
