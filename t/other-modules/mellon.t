#!/usr/bin/perl
# The rule auth refuses whatever the first hook of access control denies, with
# any status: mod_auth_mellon, which redirects to its login (303), and
# limiters (429, 503), for which a script in Lua stands. All are refused like
# a 401: before the content, with one log line; clients that ask get 417, or
# with ExpectStatus specific the denial's own status and fields.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use StatusTest;

my $dir = conf_var('t_logs') . "/mellon-$$";
mkdir $dir or die "$dir: $!\n";

# What a redirect to a SAML login needs: a key, and the provider's description.
my $req = 'openssl req -x509 -newkey rsa:2048 -nodes -days 30 -batch '
    . "-subj /CN=localhost -keyout $dir/saml.key -out $dir/saml.crt";
system("$req 2>/dev/null") == 0 or die "cannot run: $req\n";
my($certificate) = slurp("$dir/saml.crt") =~ /-----\n(.*?)-----END/s;
spew("$dir/idp.xml", <<"XML");
<EntityDescriptor entityID="https://provider.invalid/saml"
  xmlns="urn:oasis:names:tc:SAML:2.0:metadata"
  xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
 <IDPSSODescriptor WantAuthnRequestsSigned="false"
   protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>
   <ds:X509Certificate>$certificate</ds:X509Certificate>
  </ds:X509Data></ds:KeyInfo></KeyDescriptor>
  <SingleSignOnService Location="https://provider.invalid/login"
    Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"/>
 </IDPSSODescriptor>
</EntityDescriptor>
XML

# Answers what the last word of the path says, and what goes with it.
spew("$dir/limit.lua", <<'LUA');
require 'apache2'

function limit(r)
    local status = tonumber(r.uri:match('/(%d+)$'))
    if status == 401 then
        r.err_headers_out['WWW-Authenticate'] = 'Limit realm="limit"'
    elseif status == 302 then
        r.headers_out['Location'] = 'https://elsewhere.invalid/'
    elseif status == 429 or status == 503 then
        r.err_headers_out['Retry-After'] = '120'
    end
    return status or apache2.DECLINED
end
LUA

my $mellon = <<"CONF";
    MellonEnable auth
    AuthType Mellon
    MellonEndpointPath /mellon
    MellonSPPrivateKeyFile "$dir/saml.key"
    MellonSPCertFile "$dir/saml.crt"
    MellonIdPMetadataFile "$dir/idp.xml"
    Require valid-user
CONF
my $limit = qq(    LuaHookAccessChecker "$dir/limit.lua" limit early\n);
my $basic = "AuthType Basic\nAuthName realm\nAuthBasicProvider witness\n"
    . "Require valid-user\n";

# place => access control, rules
my %places;
for (['mellon', $mellon], ['limit', $limit]) {
    my($name, $access) = @$_;
    $places{$name}            = "${access}ExpectRequire auth\n";
    $places{"$name-specific"} = "${access}ExpectRequire auth\n"
        . "ExpectStatus specific\n";
    $places{"$name-detect"}   = "${access}ExpectRequire auth\n"
        . "ExpectEngine DetectionOnly\n";
    $places{"$name-length"}   = "${access}ExpectRequire auth\n"
        . "ExpectRequire content-length max=10\n";
    $places{"$name-any"}      = "${access}<ExpectRequireAny>\n"
        . "ExpectRequire auth\nExpectRequire content-length max=10\n"
        . "</ExpectRequireAny>\n";
    $places{"$name-bare"}     = $access;
}
$places{'limit-satisfy'} = "$limit${basic}Satisfy Any\nExpectRequire auth\n";
$places{'limit-login'}   = "$limit${basic}ExpectRequire auth\n";
$places{'limit-user'}    = "$limit${basic}ExpectRequire user alice\n";

my $server = h2_httpd(load('auth_mellon', 'lua') . <<"CONF"
<Location /expect-status>
    SetHandler expect-status
</Location>
CONF
    . join '', map { "<Location /witness/$_/>\n$places{$_}</Location>\n" }
        sort keys %places);

# The line and its place: "N: auth: access control answers 303 (...)".
sub line {
    my($status, $place, $word) = (@_, 'refused');
    my $conf = $server->dir . '/httpd.conf';
    open my $fh, '<', $conf or die "$conf: $!\n";
    my $in = 0;
    while (<$fh>) {
        $in ||= m{^<Location /witness/\Q$place\E/>};
        my $number = $.;
        my $text = "auth: access control answers $status "
            . "(ExpectRequire at $conf:$number)";
        return qr/expect: $word \d+: \Q$text\E$/ if $in && /Require auth$/;
    }
    die "no rule in $place\n";
}

# path below /witness/ => status, the fields that go with it
my %denials = (
    'mellon/x'  => [303, { Location => qr{/mellon/login\?ReturnTo=} }],
    'limit/429' => [429, { 'Retry-After' => '120' }],
    'limit/503' => [503, { 'Retry-After' => '120' }],
    'limit/302' => [302, { Location => 'https://elsewhere.invalid/' }],
    'limit/401' => [401, { 'WWW-Authenticate' => 'Limit realm="limit"' }],
    'limit/403' => [403, {}],
    'limit/404' => [404, {}],
);

for my $path (sort keys %denials) {
    my($status, $fields) = @{ $denials{$path} };
    my($name) = $path =~ m{^(\w+)/};
    for my $more ({ content => 5 }, { content => 5000, method => 'POST' },
                  { content => 5000, chunked => 1 }) {
        my $what = join ', ', $path, map { "$_ $more->{$_}" }
            sort keys %$more;
        my $before = status($server);
        my @got = refused_on($what, $server, { path => "/witness/$path",
                %$more }, status => $status, asked_status => 417,
            rule => 'auth', like => qr/^auth: access control answers $status$/,
            log => line($status, $name));
        is changed($before, $server)->{refuse}, scalar @got,
            "$what: each is counted";
        for my $r (@got) {
            my $moved = $r->{status} == 417 ? undef : $fields->{Location};
            if (ref $moved) {
                like $r->{headers}{location}, $moved, "$what: Location";
            }
            else {
                is $r->{headers}{location}, $moved,
                    "$what, $r->{status}: Location";
            }
        }
    }
    my $specific = "/witness/$path" =~ s{(mellon|limit)}{$1-specific}r;
    refused_on("$path, specific", $server, { path => $specific,
            content => 5000 }, status => $status, rule => 'auth',
        headers => $fields, log => line($status, "$name-specific"));

    # Another rule refuses first if it can be evaluated before.
    refused_on("$path, too long", $server, { content => 11,
            path => "/witness/$path" =~ s{(mellon|limit)}{$1-length}r },
        status => 413, asked_status => 417, rule => 'content-length');

    # DetectionOnly says so, and leaves it to httpd.
    for my $asks (1, 0) {
        my $mark = log_mark($server);
        my $r = upload(vhost => $server, content => 5, asks => $asks,
            eager => !$asks,
            path => "/witness/$path" =~ s{(mellon|limit)}{$1-detect}r);
        is_deeply [@$r{qw(status interim)}, @{ $r->{witness} }{qw(verdict
                rule)}], [$status, [], 'detect', 'auth'],
            "$path, DetectionOnly, asks $asks" or diag explain $r;
        my @lines = grep { /would refuse/ } error_log_since($mark);
        is scalar @lines, 1, "$path, DetectionOnly, asks $asks: one line";
        like $lines[0], line($status, "$name-detect", 'would refuse'),
            "$path, DetectionOnly, asks $asks: line";
    }

    # Where the rules do not mind, or there are none, httpd denies alone: no
    # 100, and no content is read from a client that waits.
    for my $place ('any', 'bare') {
        my $mark = log_mark($server);
        my $r = upload(vhost => $server, content => 5, asks => 1,
            path => "/witness/$path" =~ s{(mellon|limit)}{$1-$place}r);
        is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
            [$status, [], 0, 0], "$path, $place: httpd's own"
            or diag explain $r;
        is join('', grep { /expect: refused/ } error_log_since($mark)), '',
            "$path, $place: no line";
    }
}

# What lets through, does: then the login has its say.
my $alice = basic_auth('alice');
admitted_on('the limiter says nothing', $server, {
        path => '/witness/limit/x', content => 5 }, status => 200);
admitted_on('nor against alice', $server, { path => '/witness/limit-login/x',
        content => 5, headers => [$alice] }, status => 200);
refused_on('the limiter declines, but there is no login', $server, {
        path => '/witness/limit-login/x', content => 5 }, status => 401,
    asked_status => 417, rule => 'auth');

# A denial here comes before the login: no backend is asked.
for my $place ('limit-login', 'limit-user') {
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => "/witness/$place/429",
            content => 5, asks => $asks, headers => [$alice], silence => 5);
        is_deeply [@$r{qw(status interim sent closed)},
            @{ $r->{witness} }{qw(read authn)}],
            [$asks && $place eq 'limit-login' ? 417 : 429, [], 0, 1, 0, 0],
            "$place, asks $asks: no backend is asked" or diag explain $r;
    }
}

# With Satisfy Any it is no denial yet: a login is admitted.
admitted_on('Satisfy Any: alice', $server, { content => 5,
        path => '/witness/limit-satisfy/403', headers => [$alice] },
    status => 200);
refused_on('Satisfy Any: no login', $server, { content => 5,
        path => '/witness/limit-satisfy/403' }, status => 401,
    asked_status => 417, rule => 'auth');

# A fault of the server is no denial: its own status, no 100, nothing read.
{
    my $r = upload(vhost => $server, path => '/witness/limit/500', asks => 1,
        content => 5);
    is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
        [500, [], 0, 0], 'a fault: 500' or diag explain $r;
}

# The login itself, and requests without content, are answered as usual.
{
    my $r = upload(vhost => $server, path => '/witness/mellon/x',
        method => 'GET');
    is $r->{status}, 303, 'GET is sent to log in';
    like $r->{headers}{location}, qr{/mellon/login\?}, '... there';
    is $r->{witness}{verdict}, '-', '... and not judged';
}

is join('', $server->crashes), '', 'no child has crashed';

done_testing();
