#!/usr/bin/perl
# Each file of conf-sample/ is loaded unchanged, with the modules that its
# head names and no others, and explained; and the tenant's sample does what it
# says.

use strict;
use warnings;

use lib 't/config', 't/store', 't/admission', 't/other-modules';
use File::Basename qw(basename);
use File::Path qw(mkpath);
use Test::More;
use Alone;
use ExpectTest;
use File qw(slurp spew);
use Store;

my $samples = conf_var('top_dir') . '/conf-sample';
my $work    = conf_var('t_logs') . "/own-samples-$$";
mkpath($work);

# What the samples leave to be set: none of their defaults is here.
my %PLACES = (UPLOADS => "$work/uploads", UPLOADS_USERS => "$work/users",
    UPLOADS_LOCKS => "$work/locks", EXPECT_PAGES => $samples,
    TENANTS => conf_var('documentroot') . '/tenant/hosted',
    TRIAL => "$work/trial", TRIAL_LOG => "$work/expect.log",
    EXPECT_LOG => "$work/access.log",
    PHP_ROOT => "$work/php",
    FAIR => "$work/fair", FAIR_LOCKS => "$work/fair-locks",
    FLEET => "$work/fleet", FLEET_LOCKS => "$work/fleet-locks",
    FLEET_STORE => (my $redis = redis())->url,
    PROXIED => conf_var('documentroot') . '/tenant/proxied');
my $places = join '', map { qq(Define $_ "$PLACES{$_}"\n) } sort keys %PLACES;

sub head_of {
    my($file) = @_;
    open my $fh, '<', "$samples/$file" or die "$file: $!\n";
    my $head = '';
    while (my $line = <$fh>) {
        last if $line !~ s/^# ?//;
        $head .= $line;
    }
    return $head;
}

# The modules that it needs, and the samples that go before it.
sub needs {
    my($file) = @_;
    my($needs) = head_of($file) =~ /^Needs\s+(.*?)\.(?:\s|$)/ms;
    my(@modules, @before);
    return ([], []) unless $needs;
    @modules = grep { !/^expect(?:_redis)?$/ } $needs =~ /\bmod_(\w+)/g;
    for my $other (grep { $_ ne 'expect.conf' } $needs =~ /\b(\w+\.conf)\b/g) {
        my($its_modules, $its_before) = needs($other);
        push @modules, @$its_modules;
        push @before, @$its_before, $other;
    }
    return (\@modules, \@before);
}

for my $file (map { basename($_) } sort glob "$samples/*.conf") {
    my($modules, $before) = needs($file);
    my $conf = join '', $places, $file eq 'fleet.conf' ? load_store() : (),
        map { qq(Include "$samples/$_"\n) }
        'expect.conf', @$before, $file eq 'expect.conf' ? () : $file;
    is load_error($modules, $conf), '',
        "$file: with (@$modules), behind (@$before)";

    my($exit, $text) = alone($modules, $conf, '-D', 'DUMP_EXPECT');
    is $exit, 0, "$file: its rules can be dumped";
    like $text, qr/^mod_expect \S+: the rules in force, /m, "$file: they are"
        or diag $text;
    ($exit, $text) = alone($modules, $conf, '-D', 'DUMP_EXPECT',
        '-c', 'ExpectExplain /uploads/x PUT length=1');
    is $exit, 0, "$file: a question can be asked";
    like $text, qr/^ExpectExplain .*\n(?:  .*\n)+  does not ask: /m,
        "$file: it is answered" or diag $text;
}

# --- a file that several uploads make --------------------------------------

{
    mkpath($PLACES{UPLOADS});
    my $question = '/uploads/x PUT length=9 type=image/png user=alice';
    my @answers = explained(qq($places\nInclude "$samples/uploads.conf"\n),
        $question, qq($question header="Content-Range: bytes 0-8/9"));
    unlike $answers[0], qr/refused 400: header/, 'uploads.conf: a whole file';
    like $answers[1], qr/refused 400: header Content-Range is not accepted/,
        'uploads.conf: a part of one';
}

# --- a refusal's page ---------------------------------------------------------

{
    my($rules) = slurp(conf_var('top_dir') . '/docs/REFERENCE')
        =~ /^Rules\n-+\n(.*?)^Rules in Require\n-+\n/ms;
    my %status = (417 => 1);
    for ($rules =~ /^    Status:\s+(.*(?:\n {17}.*)*)/mg) {
        $status{$_} = 1 for /\b([45]\d\d)\b/g;
    }
    my %page = map { $_ => 1 }
        slurp("$samples/refusal.conf") =~ /^\s+ErrorDocument (\d+) /mg;
    cmp_ok scalar(keys %status), '>', 10, 'REFERENCE has the rules\' statuses';
    is_deeply [sort keys %page], [sort keys %status],
        'refusal.conf: a page for the status of every rule';
}

# --- fair use -----------------------------------------------------------------

{
    mkpath($PLACES{FAIR});
    my $own = own_httpd(conf =>
        qq(${places}Include "$samples/fair-use.conf"\n));
    my %to = (vhost => $own, path => '/fair/x');
    admitted_ok('fair use: an upload', { %to, content => 1000 },
        status => [201, 204]);
    my @on = map { connection($own) } 1 .. 4;
    for my $wire (@on) {
        ExpectTest::send_bytes($wire, "PUT /fair/$wire HTTP/1.1\r\n"
            . "Host: localhost\r\nExpect: 100-continue\r\n"
            . "Content-Length: 9\r\n\r\n");
        ok ExpectTest::read_until($wire, ExpectTest::WAIT,
            sub { $wire->{bytes} =~ /^HTTP\/1\.1 100 / }), 'one under way';
    }
    refused_ok('fair use: a fifth at a time', { %to, content => 9 },
        status => 429, rule => 'in-flight',
        headers => { 'retry-after' => qr/^1[01]$/ });
}

# --- several servers ----------------------------------------------------------

{
    mkpath($PLACES{FLEET});
    # a busy machine must not make each server decide by itself
    my $sample = slurp("$samples/fleet.conf");
    is $sample =~ s/timeout=50 /timeout=5000 /, 1, 'several servers: a timeout';
    spew("$work/fleet.conf", $sample);
    my @own = map { own_httpd(conf => $places . load_store()
        . qq(Include "$work/fleet.conf"\n)) } 1, 2;
    my @on = map { connection($own[$_ % 2]) } 1 .. 4;
    for my $wire (@on) {
        ExpectTest::send_bytes($wire, "PUT /fleet/$wire HTTP/1.1\r\n"
            . "Host: localhost\r\nExpect: 100-continue\r\n"
            . "Content-Length: 9\r\n\r\n");
        ok ExpectTest::read_until($wire, ExpectTest::WAIT,
            sub { $wire->{bytes} =~ /^HTTP\/1\.1 100 / }), 'one under way';
    }
    for my $server (@own) {
        refused_ok('several servers: a fifth at a time', { vhost => $server,
            path => '/fleet/x', content => 9 }, status => 429,
            rule => 'in-flight');
    }
}

# --- a tenant and his ceiling ----------------------------------------------

my $server = own_httpd(conf => $places . <<"CONF");
Include "$samples/tenants.conf"
<Directory "$PLACES{TENANTS}">
    AllowOverride AuthConfig
</Directory>
CONF
open my $fh, '<', "$samples/tenant.htaccess" or die "tenant.htaccess: $!\n";
write_htaccess('tenant/hosted/anna', join '', <$fh>);
write_htaccess('tenant/hosted/bob', "ExpectRequire content-length max=1G\n");

my @png = (vhost => $server, headers => ['Content-Type: image/png']);
admitted_ok('a tenant: an image', { @png, path => '/tenant/hosted/anna/x',
        content => 1000 }, status => 200);
refused_ok('a tenant: over his max', { @png, path => '/tenant/hosted/anna/x',
        length => 3 << 20 }, status => 413, rule => 'content-length',
    body => qr/content-length 3145728 is over max=2097152/);
refused_ok('a tenant: not his type', { vhost => $server, content => 9,
        path => '/tenant/hosted/anna/x', headers => ['Content-Type: a/b'] },
    status => 415, rule => 'content-type');
refused_ok('a tenant: over the ceiling', { @png, length => 21 << 20,
        path => '/tenant/hosted/bob/x' }, status => 413, asked_status => 417,
    rule => 'content-length', body => qr/is over max=20971520/);
refused_ok('a tenant: a header of <ExpectRequireNone>', { vhost => $server,
        content => 9, path => '/tenant/hosted/bob/x',
        headers => ['Content-Range: bytes 0-8/9'] }, status => 400,
    asked_status => 417, rule => 'header');

# Or: he is as free as above, but for a <Location>.
{
    my $own = own_httpd(conf => $places . <<"CONF");
Include "$samples/tenants.conf"
<Directory "$PLACES{TENANTS}">
    AllowOverride AuthConfig
</Directory>
<LocationMatch "^/tenant/hosted/partner/bound">
    ExpectRequire content-length max=40M
</LocationMatch>
CONF
    write_htaccess('tenant/hosted/partner', "ExpectRequire all granted\n");
    for (['x', 30, 100], ['bound', 30, 100], ['bound', 41, 417]) {
        my($file, $size, $status) = @$_;
        my $t = talk($own, "PUT /tenant/hosted/partner/$file HTTP/1.1\r\n"
            . "Host: localhost\r\nExpect: 100-continue\r\nContent-Length: "
            . ($size << 20) . "\r\n\r\n", qr/^HTTP\/1.1 $status /);
        is $t->{missed}, undef, "a partner: $file, $size MB: $status"
            or diag $t->{bytes};
    }
    write_htaccess('tenant/hosted/partner', undef);
}

# --- behind a proxy --------------------------------------------------------

{
    mkpath($PLACES{PROXIED});
    my $own = own_httpd(conf =>
        qq(${places}Include "$samples/behind-proxy.conf"\n));
    my $from = sub {
        my($client, %o) = @_;
        return { vhost => $own, path => '/tenant/proxied/x', content => 1000,
            headers => ['Content-Type: image/png',
                "X-Forwarded-For: $client"], %o };
    };
    admitted_ok('behind a proxy: a client within', $from->('10.1.2.3'),
        status => 200);
    refused_ok('behind a proxy: another one', $from->('203.0.113.9'),
        status => 403, rule => 'ip',
        log => qr/203\.0\.113\.9:\d+\] expect: refused 403: /);
    refused_ok('behind a proxy: over max', $from->('10.1.2.3',
        length => 101 << 20), status => 413, rule => 'content-length');
}

done_testing();
