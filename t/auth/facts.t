#!/usr/bin/perl
# A module may read the content before the handler does, and then set what
# rules look at. The rules see what they would have seen if the module had not
# read: a fact counts when the hook that sets it is over, and not when the
# hook begins to read. So the result is the same for clients that ask and
# clients that do not. The modules here are mod_ssl, which wants a certificate
# in a directory, and mod_lua in each of the hooks; wrong-password.t has
# mod_auth_form, t/other-modules/facts.t has mod_perl and others.

use strict;
use warnings;

use lib 't/auth', 't/other-modules';
use IPC::Open2 qw(open2);
use Test::More;
use ExpectTest;
use File;
use Facts;
use OtherModules;

my $dir = conf_var('t_logs') . "/facts-$$";
mkdir $dir or die "$dir: $!\n";

# --- mod_lua in each hook --------------------------------------------------

{
    my $file = "$dir/hooks.lua";
    spew($file, <<'LUA');
require 'apache2'

local function set(r, read, user)
    if read then r:requestbody() end
    r.subprocess_env['FACT'] = 'yes'
    r.notes['fact'] = 'yes'
    if user then r.user = 'alice' end
    return user and apache2.OK or apache2.DECLINED
end

function plain_set(r) return set(r, false, false) end
function plain_read_set(r) return set(r, true, false) end
function authen_set(r) return set(r, false, true) end
function authen_read_set(r) return set(r, true, true) end
function deny(r) return 403 end
function read_deny(r) r:requestbody() return 403 end
LUA
}

my %directives = (access => 'AccessChecker', authen => 'CheckUserID',
    authz => 'AuthChecker', type => 'TypeChecker', fixup => 'Fixups');
my %hooks = map { my $hook = $_; ($hook => sub {
    my $function = $_[0] =~ s/-/_/r;
    $function = ($hook eq 'authen' ? 'authen_' : 'plain_') . $function
        unless $function =~ /deny/;
    my $when = $hook =~ /type|fixup/ ? '' : ' early';
    return qq(LuaHook$directives{$hook} "$dir/hooks.lua" $function$when\n);
}) } keys %directives;

my $lua = h2_httpd(load('lua') . facts_conf(\%hooks));
facts_ok($lua, \%hooks);
# --- mod_ssl, for a certificate that a directory asks for ------------------

for my $user ('alice', 'bob') {
    my $req = 'openssl req -x509 -newkey ec -pkeyopt '
        . 'ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '
        . "/CN=$user -keyout $dir/$user.key -out $dir/$user.crt";
    system("$req 2>/dev/null && cat $dir/$user.key $dir/$user.crt "
        . ">$dir/$user.pem && cat $dir/$user.crt >>$dir/users.crt") == 0
        or die "cannot run: $req\n";
}

my $is    = q(expr "%{SSL_CLIENT_S_DN_CN} == 'alice'");
my $isnt  = q(expr "%{SSL_CLIENT_S_DN_CN} != 'alice'");
my $small = 'ExpectRequire content-length max=10';

# name => rules; whether alice is let in, whether bob is, the rule that refuses
my %rules = (
    expr       => ["ExpectRequire $is", 1, 0, 'expr'],
    'not-expr' => ["ExpectRequire not $is", 0, 1, 'expr'],
    unlike     => ["ExpectRequire $isnt", 0, 1, 'expr'],
    'not-un'   => ["ExpectRequire not $isnt", 1, 0, 'expr'],
    verify     => ['ExpectRequire ssl-verify-client', 1, 1],
    'not-ver'  => ['ExpectRequire not ssl-verify-client', 0, 0,
        'ssl-verify-client'],
    any        => ["<ExpectRequireAny>\nExpectRequire $is\n$small\n"
        . '</ExpectRequireAny>', 1, 0, 'expr'],
    none       => ["<ExpectRequireNone>\nExpectRequire $is\n"
        . "ExpectRequire method GET\n</ExpectRequireNone>", 0, 1, 'expr'],
    if         => ["<If \"%{REQUEST_METHOD} == 'PUT'\">\n"
        . "ExpectRequire not $is\n</If>", 0, 1, 'expr'],
    # httpd looks at <If> before there is a certificate
    early      => ["<If \"%{SSL_CLIENT_S_DN_CN} == 'alice'\">\n"
        . "ExpectRequire header X-Never\n</If>", 1, 1],
    auth       => ["SSLRequire %{SSL_CLIENT_S_DN_CN} eq \"alice\"\n"
        . 'ExpectRequire auth', 1, 0, 'auth'],
    'auth-not' => ["SSLRequire %{SSL_CLIENT_S_DN_CN} eq \"alice\"\n"
        . "ExpectRequire auth\nExpectRequire not $isnt", 1, 0, undef],
    length     => ["$small\nExpectRequire $is", 0, 0, 'content-length'],
);

my $t = conf_var('t_conf');
my $tls = own_httpd(conf => <<"CONF" . join '', map { <<"CONF" } keys %rules);
SSLEngine on
SSLCertificateFile "$t/tls.crt"
SSLCertificateKeyFile "$t/tls.key"
SSLCACertificateFile "$dir/users.crt"
CONF
<Location /witness/$_/>
    SSLVerifyClient require
    $rules{$_}[0]
</Location>
CONF

my $count = 0;

sub upload_verified {
    my($place, $version, $user, $asks, $chunked) = @_;
    my $id = join '-', 'facts', $$, ++$count;
    my $content = 'x' x 100;
    my $request = join "\r\n", "PUT /witness/$place/x HTTP/1.1",
        'Host: localhost', "X-Witness: $id", 'Connection: close',
        $asks ? 'Expect: 100-continue' : (), $chunked
        ? ('Transfer-Encoding: chunked', '', "64\r\n$content\r\n0\r\n\r\n")
        : ('Content-Length: 100', '', $content);
    my $pid = open2(my $out, my $in, 'python3', 't/auth/verified.py',
        $tls->port, $version, "$dir/$user.pem");
    print $in $request;
    close $in;
    my $bytes = join '', <$out>;
    waitpid $pid, 0;
    return ($bytes, witness_of($id, $tls));
}

# mod_ssl before 2.4.47 does not read content ahead where TLS 1.3 asks for the
# certificate after the handshake: where content has come by then, it refuses,
# without mod_expect as well.
my $may_send = httpd_at_least('2.4.47');

# Each with TLS 1.2; the first kinds with 1.3, too, and chunked.
my %all = map { $_ => 1 } qw(expr not-expr verify if auth);

for my $rule (sort keys %rules) {
    my(undef, $alice, $bob, $name) = @{ $rules{$rule} };
    for my $version ('TLSv1_2', $all{$rule} ? 'TLSv1_3' : ()) {
        for my $how ([1, 0], [0, 0], $rule =~ /^(?:not-)?expr$/
            ? ([1, 1], [0, 1]) : ()) {
            my($asks, $chunked) = @$how;
            next if $version eq 'TLSv1_3' && !$asks && !$may_send;
            for (['alice', $alice], ['bob', $bob]) {
                my($user, $may) = @$_;
                my $case = join ', ', "a certificate: $rule", $version, $user,
                    $asks ? 'asked' : 'not asked', $chunked ? 'chunked' : ();
                my($bytes, $w) = upload_verified($rule, $version, $user,
                    $asks, $chunked);
                my $own = $rule eq 'length' ? 413 : 403;
                is join(' ', $bytes =~ /^HTTP\/1\.1 (\d+)/mg),
                    $may ? ($asks ? '100 200' : 200) : $asks ? 417 : $own,
                    "$case: " . ($may ? 'admitted' : 'refused')
                    or diag $bytes;
                is $w->{verdict}, $rule eq 'early' ? '-'
                    : $may ? 'continue' : 'refuse',
                    "$case: verdict";
                is $w->{rule}, $name, "$case: by the rule"
                    if !$may && defined $name;
            }
        }
    }
}

is join('', map { $_->crashes } $lua, $tls), '', 'no child has crashed';

done_testing();
