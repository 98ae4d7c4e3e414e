#!/usr/bin/perl
# A refusal is answered with the ErrorDocument that the directory has for its
# status, and stays a refusal: status, notes and log are the same.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use OtherModules;

# Over HTTP/1.1 a server that speaks both says `Connection: Upgrade` in
# addition.
my $server = own_httpd();
my $h2 = has_h2() ? h2_httpd('') : undef;

my $token = join '-', 'doc', $$, $^T;
# What stands in the directory, and what the page says.
my @pages = (
    ['text',         '"Too much."',                 qr/^Too much\.$/],
    ['a file',       '/static/file.txt',            qr/^A plain file/],
    ['a script',     '/cgi/read.cgi',               qr/^read=0$/],
    ['a handler',    '/witness/page',               qr/^read=0$/],
    ['a script that records', "/cgi/record.cgi?$token", qr/^read=0$/],
    ['another place with rules', '/tenant/doc-rules/x', qr/^read=0$/],
    ['not there',    '/nowhere',
        qr/content-length 11 is over max=10/],
);
write_htaccess('tenant/doc-rules', "ExpectRequire header X-Never\n");

my $n = 0;
for (@pages) {
    my($name, $target, $body) = @$_;
    my $dir = 'tenant/doc-' . ++$n;
    write_htaccess($dir, "ErrorDocument 413 $target\n"
        . "ErrorDocument 417 $target\nErrorDocument 415 \"other\"\n"
        . "ExpectRequire content-length max=10\n"
        . "ExpectRequire content-type image/* application/octet-stream\n");
    for my $o ({ vhost => $server }, $h2 ? { vhost => $h2, h2 => 1 } : ()) {
        my $how = "$name, HTTP/" . ($o->{h2} ? 2 : 1.1);
        refused_ok($how, { %$o, path => "/$dir/x", content => 11 },
            status => 413, asked_status => 417, rule => 'content-length',
            body => $body);
        refused_ok("$how: another status", { %$o, path => "/$dir/x",
                content => 1, asks => 0, headers => ['Content-Type: text/x'] },
            status => 415, body => qr/^other$/);
    }

    # What is cut off in the middle has one answer, too.
    for my $asks (1, 0) {
        my $r = upload(vhost => $server, path => "/$dir/x", chunked => 1,
            content => 11, asks => $asks, eager => !$asks);
        is $r->{status}, 413, "$name: cut off, asks $asks";
        ok $r->{closed}, "$name: cut off, asks $asks: closed";
    }
}

# The script knows why it was called.
{
    my $file = conf_var('t_logs') . "/handed-$token.env";
    open my $fh, '<', $file or die "$file: $!\n";
    my $env = join '', <$fh>;
    like $env, qr/^REDIRECT_STATUS=41[37]$/m, 'a script: the status';
    unlike $env, qr/^CONTENT_LENGTH=[1-9]/m, 'a script: no content to read';
    like $env, qr/^REDIRECT_URL=\/tenant\/doc-5\/x$/m, 'a script: the place';
}

# A page elsewhere: a client that asked is sent there, without 100.
write_htaccess('tenant/doc-away', "ErrorDocument 417 http://example.invalid/\n"
    . "ExpectRequire content-length max=10\n");
{
    my $r = upload(vhost => $server, path => '/tenant/doc-away/x', asks => 1,
        content => 11);
    is_deeply [@$r{qw(status interim sent closed)}, $r->{witness}{read}],
        [302, [], 0, 1, 0], 'a page elsewhere: no 100, nothing read';
}

done_testing();
