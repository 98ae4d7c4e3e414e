#!/usr/bin/perl
# A tenant's .htaccess restricts and never permits more: whatever it contains,
# an upload over the administrator's limit is refused before its content.

use strict;
use warnings;

use Test::More;
use ExpectTest;

# The administrator's: ExpectRequire content-length max=1000, and
# AllowOverride All, see t/conf/merge.conf.in.
my $OVER = 1001;

# Attempts that httpd accepts: 417 asked, 413 not asked, before the content.
my @attempts = (
    'ExpectRequire content-length max=1T',
    'ExpectRequire content-length min=0',
    'ExpectRequire all granted',
    'ExpectRequire not content-length max=1000',
    "<ExpectRequireAny>\nExpectRequire all granted\n"
        . "ExpectRequire content-length max=1T\n</ExpectRequireAny>",
    "<ExpectRequireAll>\nExpectRequire all granted\n</ExpectRequireAll>",
    "<ExpectRequireNone>\nExpectRequire content-length max=1000\n"
        . '</ExpectRequireNone>',
    "<ExpectRequireAny>\nExpectRequire all granted\n"
        . "<ExpectRequireNone>\nExpectRequire all denied\n"
        . "</ExpectRequireNone>\n</ExpectRequireAny>",
    "<Files x>\nExpectRequire content-length max=1T\n</Files>",
    "<Files *>\n<ExpectRequireAny>\nExpectRequire all granted\n"
        . "ExpectRequire all denied\n</ExpectRequireAny>\n</Files>",
    "<FilesMatch .*>\nExpectRequire all granted\n</FilesMatch>",
    "<If \"true\">\nExpectRequire all granted\n</If>",
    "<If \"true\">\nExpectRequire content-length max=1T\n</If>",
    "<If \"true\">\n<Files x>\nExpectRequire all granted\n</Files>\n</If>",
    "<IfModule expect_module>\nExpectRequire all granted\n</IfModule>",
    "<Limit PUT POST>\nExpectRequire all granted\n</Limit>",
    "<Limit GET>\nExpectRequire content-length max=1\n</Limit>",
    "<LimitExcept GET>\nExpectRequire all granted\n</LimitExcept>",
    "Require all granted\nSatisfy Any\nOrder allow,deny\nAllow from all",
    'LimitRequestBody 0',
    "SetEnv EXPECT_VERDICT continue\nSetEnvIf Host . no-expect "
        . 'EXPECT_VERDICT=continue',
    'SetEnvIfExpr true downgrade-1.0 force-response-1.0 nokeepalive',
    "RequestHeader unset Content-Length\nRequestHeader unset Expect",
    "RequestHeader set Content-Length 1",
    "RewriteEngine On\nRewriteRule .* /witness/x [L]",
    "RewriteEngine On\nRewriteRule .* /tenant/x [END,PT]",
    "RewriteEngine On\nRewriteRule .* /cgi/read.cgi [L]",
    'RedirectMatch 307 .* /witness/',
    "SetHandler witness-nonblock\nSetInputFilter DEFLATE",
    "Action witness /cgi/read.cgi virtual",
    "ForceType text/plain\nDirectoryIndex /witness/",
);
my $n = 0;
for my $text (@attempts) {
    my $dir = 'merge/and/try' . ++$n;
    write_htaccess($dir, "$text\n");
    my($name) = $text =~ s/\n/ | /gr;
    refused_ok($name, { path => "/$dir/x", content => $OVER }, status => 413,
        asked_status => 417, rule => 'content-length',
        like => qr/$OVER is over max=1000/);
    write_htaccess($dir, undef);
}

# What was admitted is framed as it was judged, whatever the fields say later:
# not more of it is read, nor less, and the rest is no request of its own.
for my $text ('RequestHeader set Content-Length 2000',
              'RequestHeader set Content-Length 1',
              'RequestHeader unset Content-Length',
              'RequestHeader set Transfer-Encoding chunked') {
    write_htaccess('merge/and/frame', "$text\n");
    my $t = talk(conf_var('port'), "PUT /merge/and/frame/x HTTP/1.1\r\n"
        . "Host: localhost\r\nContent-Length: 1000\r\n\r\n" . 'x' x 1000
        . "GET /static/file.txt HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n", 'eof');
    my @status = $t->{bytes} =~ m{^HTTP/1\.1 (\d+)}mg;
    is "@status", '200 200', "$text: two requests" or diag $t->{bytes};
    like $t->{bytes}, qr/^read=1000$/m, "$text: content as announced";
}
for my $text ('RequestHeader unset Transfer-Encoding',
              "RequestHeader unset Transfer-Encoding\n"
                  . 'RequestHeader set Content-Length 3000') {
    write_htaccess('merge/and/frame', "$text\n");
    my $t = talk(conf_var('port'), "PUT /merge/and/frame/x HTTP/1.1\r\n"
        . "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        . sprintf("%x\r\n%s\r\n0\r\n\r\n", 2000, 'x' x 2000), 'eof');
    like $t->{bytes}, qr{^HTTP/1\.1 413 }, "$text: cut off"
        or diag $t->{bytes};
}
write_htaccess('merge/and/frame', undef);

# The same deeper down, where two .htaccess help each other.
write_htaccess('merge/and/a', "ExpectRequire all granted\n");
write_htaccess('merge/and/a/b', "<ExpectRequireAny>\nExpectRequire all granted"
    . "\nExpectRequire content-length max=1T\n</ExpectRequireAny>\n");
write_htaccess('merge/and/a/b/c', "<Files *>\n<If \"true\">\n"
    . "ExpectRequire content-length max=1T\n</If>\n</Files>\n");
refused_ok('three .htaccess', { path => '/merge/and/a/b/c/x',
        content => $OVER }, status => 413, asked_status => 417);
admitted_ok('three .htaccess, within the limit', {
        path => '/merge/and/a/b/c/x', content => 1000 }, status => 200);

# ExpectStatus is the tenant's to choose: it does not let through.
for ([417 => 417], [specific => 413]) {
    my($as, $status) = @$_;
    for my $text ("ExpectStatus $as", "<Files *>\nExpectStatus $as\n</Files>",
                  "<If \"true\">\nExpectStatus $as\n</If>") {
        write_htaccess('merge/and/status', "$text\n");
        my($name) = $text =~ s/\n/ | /gr;
        refused_ok($name, { path => '/merge/and/status/x', content => $OVER },
            status => 413, asked_status => $status, rule => 'content-length');
    }
}

# What a tenant may not write at all breaks the directory: 500 and no content,
# rather than an upload too many. So do rules that mean nothing.
for my $text ('ExpectMerging Off', 'ExpectMerging Or', 'ExpectEngine Off',
              'ExpectEngine DetectionOnly', 'ExpectScope expectation',
              "<Files *>\nExpectMerging Off\n</Files>",
              "<Files *>\nExpectEngine Off\n</Files>",
              "<If \"true\">\nExpectEngine Off\n</If>",
              "<If \"true\">\nExpectMerging Or\n</If>",
              "<If \"true\">\nExpectScope expectation\n</If>",
              "<Limit PUT>\nExpectEngine Off\n</Limit>",
              "<IfModule expect_module>\nExpectEngine Off\n</IfModule>",
              "<ExpectRequireAll>\nExpectEngine Off\n</ExpectRequireAll>",
              "<ExpectRequireAll>\nExpectMerging Off\n"
                  . "ExpectRequire all granted\n</ExpectRequireAll>",
              "<Directory />\nExpectEngine Off\n</Directory>",
              "<Location />\nExpectEngine Off\n</Location>",
              "<ExpectRequireAll>\nExpectRequire all granted",
              "</ExpectRequireAll>\nExpectRequire all granted",
              'ExpectRequire content-length', 'ExpectRequire',
              'ExpectRequire or content-length max=1T',
              'expectrequire no-such-rule') {
    write_htaccess('merge/and/forbidden', "$text\n");
    my($name) = $text =~ s/\n/ | /gr;
    for my $size (10, $OVER) {
        for my $h2 (0, has_h2() ? 1 : ()) {
            my $r = upload(path => '/merge/and/forbidden/x', content => $size,
                asks => 1, h2 => $h2);
            is_deeply [@$r{qw(status interim sent)}, $r->{witness}{read}],
                [500, [], 0, 0], "$name: 500, $size bytes unread, h2 $h2"
                or diag explain $r;
        }
    }
    my $r = upload(path => '/merge/and/forbidden/x', content => $OVER,
        eager => 1);
    is $r->{status}, 500, "$name: 500, not asked";
}
write_htaccess('merge/and/forbidden', undef);

# AllowOverride without AuthConfig takes the rules away, too. With Nonfatal,
# httpd skips what a tenant may not write, and goes on: so do we.
{
    my $docroot = conf_var('documentroot');
    my $server = own_httpd(conf => <<"CONF");
<Directory "$docroot/merge/strict">
    AllowOverride FileInfo Indexes Limit Options
    SetHandler witness
    ExpectRequire content-length max=1000
</Directory>
<Directory "$docroot/merge/none">
    AllowOverride None
    SetHandler witness
    ExpectRequire content-length max=1000
</Directory>
<Directory "$docroot/merge/list">
    AllowOverride None
    AllowOverrideList ExpectRequire
    SetHandler witness
    ExpectRequire content-length max=1000
</Directory>
<Directory "$docroot/merge/nonfatal">
    AllowOverride AuthConfig FileInfo Nonfatal=All
    SetHandler witness
    ExpectRequire content-length max=1000
</Directory>
CONF
    my $all = 'ExpectRequire all granted';
    for (['strict', 'ExpectRequire all granted', 500],
         ['strict', 'ExpectStatus specific', 500],
         ['none',   "nonsense\nExpectEngine Off", 417],
         ['list',   'ExpectRequire all granted', 417],
         ['list',   "<ExpectRequireAll>\nExpectRequire all granted\n"
             . '</ExpectRequireAll>', 500],
         ['list',   'ExpectStatus specific', 500],
         ['list',   'ExpectEngine Off', 500],
         ['nonfatal', "ExpectEngine Off\n$all", 417],
         ['nonfatal', "ExpectMerging Off\n$all", 417],
         ['nonfatal', "<Files *>\nExpectMerging Off\n<If true>\n$all\n</If>\n"
             . '</Files>', 417],
         ['nonfatal', "<If true>\nExpectMerging Or\n<If true>\n$all\n</If>\n"
             . '</If>', 417],
         ['nonfatal', "<Limit PUT>\nExpectMerging Off\n$all\n</Limit>", 417]) {
        my($dir, $text, $status) = @$_;
        write_htaccess("merge/$dir", "$text\n");
        my $r = upload(vhost => $server, path => "/merge/$dir/x", asks => 1,
            content => $OVER);
        is_deeply [@$r{qw(status interim)}, $r->{witness}{read}],
            [$status, [], 0], "AllowOverride $dir: $text: $status"
            or diag explain $r;
    }
}

done_testing();
