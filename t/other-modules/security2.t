#!/usr/bin/perl
# mod_security2 denies by the head in phase 1, and with SecRequestBodyAccess
# On it reads the content in fixups. Rules that can be evaluated before that
# are, and content that is cut off is answered 413.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

my %rules = (
    'header'         => [400, "ExpectRequire header X-Never\n"],
    'content-length' => [413, "ExpectRequire content-length max=3\n"],
    'content-type'   => [415, "ExpectRequire content-type image/*\n"],
    'precondition'   => [412, "ExpectRequire precondition\n"],
    'handler'        => [405, "ExpectRequire handler cgi-script\n"],
    'auth'           => [403, "ExpectRequire auth\nRequire all denied\n"],
    'env'            => [403, "SetEnvIf X-No . no\nExpectRequire env never\n"],
    'user'           => [403, "AuthType Basic\nAuthName x\n"
        . "AuthBasicProvider witness\nRequire valid-user\n"
        . "ExpectRequire user nobody\n"],
    'satisfy'        => [403, "Order allow,deny\nAllow from all\n"
        . "Satisfy Any\nAuthType Basic\nAuthName x\n"
        . "AuthBasicProvider witness\nRequire valid-user\n"
        . "ExpectRequire user nobody\n"],
);
write_htaccess("tenant/sec-$_", if_expect("$rules{$_}[1]")) for keys %rules;
write_htaccess('tenant/sec-yes', if_expect(
    "ExpectRequire content-length max=1000\n"));

sub conf {
    my($engine, $more) = @_;
    my $logs = conf_var('t_logs');
    return load('unique_id', 'security2') . ($more // '') . <<"CONF";
SecRuleEngine $engine
SecRequestBodyAccess On
SecRequestBodyLimit 100000
SecRequestBodyNoFilesLimit 100000
SecRequestBodyLimitAction Reject
SecResponseBodyAccess On
SecAuditEngine Off
SecTmpDir "$logs"
SecDataDir "$logs"
SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_HEADERS:X-Evil "\@streq yes" "id:2,phase:1,deny,status:406,log,msg:'evil head'"
SecRule REQUEST_BODY "\@contains attack" "id:3,phase:2,deny,status:403,log,msg:'evil content'"
CONF
}

my @login = (basic_auth('alice'));
my $server = h2_httpd(conf('On'));

for my $rule (grep { $_ ne 'handler' } sort keys %rules) {
    refused_on("$rule: refused before mod_security2 reads", $server, {
            path => "/tenant/sec-$rule/x", content => 'hello', headers => [
                @login, 'If-Match: "x"'] },
        status => $rules{$rule}[0], asked_status => 417);
}
# The handler is known last, behind mod_security2's read (README): refused all
# the same, and the handler gets nothing.
for my $asks (1, 0) {
    my $r = upload(vhost => $server, path => '/tenant/sec-handler/x',
        asks => $asks, eager => !$asks, content => 'hello');
    is $r->{status}, $asks ? 417 : 405, "handler, asks $asks: refused";
    is $r->{witness}{rule}, 'handler', "handler, asks $asks: by the rule";
    ok $r->{closed}, "handler, asks $asks: closed";
}
admitted_on('admitted and inspected', $server, {
        path => '/tenant/sec-yes/x', content => 'a good one' }, status => 200);

# Denied by content: the client was asked for it, once.
for my $asks (1, 0) {
    my $r = upload(vhost => $server, path => '/tenant/sec-yes/x', asks => $asks,
        eager => !$asks, content => 'an attack');
    is $r->{status}, 403, "evil content, asks $asks: denied";
    is_deeply $r->{interim}, $asks ? [100] : [], "evil content, asks $asks: "
        . ($asks ? 'one 100' : 'no 100');
    is $r->{witness}{read}, 9, "evil content, asks $asks: it was read";
    isnt $r->{witness}{verdict}, 'refuse', "evil content, asks $asks: not ours";
}

# Denied by its head, in phase 1: no 100 and no content, whichever module is
# first.
for my $path ('/tenant/sec-yes/x', '/tenant/sec-header/x', '/witness/x') {
    for my $h2 (0, has_h2() ? 1 : ()) {
        my $r = upload(vhost => $server, path => $path, asks => 1,
            content => 'hello', headers => ['X-Evil: yes'], h2 => $h2);
        my $name = "evil head, $path, h2 $h2";
        is $r->{status}, 406, "$name: denied";
        is_deeply [@$r{qw(interim sent)}, $r->{witness}{read}], [[], 0, 0],
            "$name: no 100, no content";
        ok $r->{closed}, "$name: closed";
    }
}

# Content of unknown length over max: mod_security2 is the one who reads.
for my $asks (1, 0) {
    my $r = upload(vhost => $server, path => '/tenant/sec-yes/x', chunked => 1,
        content => 5000, asks => $asks, eager => !$asks);
    is $r->{status}, 413, "cut off, asks $asks: 413" or diag explain $r;
    ok $r->{closed}, "cut off, asks $asks: closed";
    cmp_ok $r->{witness}{read}, '<=', 1001, "cut off, asks $asks: no more";
    is $r->{witness}{verdict}, 'refuse', "cut off, asks $asks: noted";
}
# The same where the max is known only when the handler is (README): it is
# read, and refused all the same.
my @late = (
    ['handler', "ExpectRequire content-length max=100\n"
        . "ExpectRequire handler witness\n"],
    ['any', "<ExpectRequireAny>\nExpectRequire content-length max=100\n"
        . "ExpectRequire handler nothing\n</ExpectRequireAny>\n"],
);
for (@late) {
    my($name, $rules) = @$_;
    write_htaccess("tenant/sec-late-$name",
        if_expect("$rules"));
    for my $asks (1, 0) {
        for my $size (5000, 100) {
            my $r = upload(vhost => $server, chunked => 1, content => $size,
                path => "/tenant/sec-late-$name/x", asks => $asks,
                eager => !$asks);
            my $label = "max with $name, $size bytes, asks $asks";
            is $r->{status}, $size > 100 ? 413 : 200, $label
                or diag explain $r;
            is $r->{witness}{verdict}, $size > 100 ? 'refuse' : 'continue',
                "$label: noted";
        }
    }
}
# Or when the request has come to a file with a max of its own.
{
    my $file = conf_var('documentroot') . '/tenant/sec-moved/x.txt';
    write_htaccess('tenant/sec-moved', if_expect(
    "SetHandler None\nFallbackResource /tenant/sec-moved/x.txt\n"
        . "<Files x.txt>\nSetHandler witness\n"
    . "ExpectRequire content-length max=100\n</Files>\n"));
    open my $fh, '>', $file or die "$file: $!\n";
    for my $size (5000, 100) {
        my $r = upload(vhost => $server, path => '/tenant/sec-moved/new',
            method => 'POST', chunked => 1, content => $size, eager => 1);
        is $r->{status}, $size > 100 ? 413 : 200, "moved, $size bytes"
            or diag explain $r;
    }
}
# Over mod_security2's own limit.
{
    write_htaccess('tenant/sec-large', if_expect(
    "ExpectRequire content-length max=1M\n"));
    my $r = upload(vhost => $server, path => '/tenant/sec-large/x', asks => 1,
        content => 200_000);
    is_deeply [@$r{qw(status interim sent)}], [413, [], 0],
        'SecRequestBodyLimit: as before';
}

# Neither engine's dry run touches the other.
{
    my $detect = h2_httpd(conf('DetectionOnly'));
    refused_on('SecRuleEngine DetectionOnly, refused', $detect, {
            path => '/tenant/sec-content-type/x', content => 'an attack' },
        status => 415, asked_status => 417);
    admitted_on('SecRuleEngine DetectionOnly, admitted', $detect, {
            path => '/tenant/sec-yes/x', content => 'an attack',
            headers => ['X-Evil: yes'] }, status => 200);
}
{
    my $detect = h2_httpd(conf('On', "ExpectEngine DetectionOnly\n"));
    admitted_on('ExpectEngine DetectionOnly', $detect, {
            path => '/tenant/sec-handler/x', content => 'a good one' },
        status => 200, verdict => 'detect');
    my $r = upload(vhost => $detect, path => '/tenant/sec-handler/x',
        asks => 1, content => 'an attack');
    is $r->{status}, 403, 'ExpectEngine DetectionOnly: mod_security2 denies';
}

done_testing();
