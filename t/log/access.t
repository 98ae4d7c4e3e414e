#!/usr/bin/perl
# The notes and EXPECT_VERDICT in the access log, also for env= and expr=, and
# when an ErrorDocument answers, which httpd logs as the last of two requests.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);
use ExpectTest;
use File;

write_htaccess("log$_", '') for '', qw(/warn /detect /open);
write_htaccess('log/page', "ErrorDocument 413 /static/file.txt\n"
    . "ErrorDocument 417 /cgi/read.cgi\n");
write_htaccess('log/lost', "ErrorDocument 413 /nowhere\n"
    . "ErrorDocument 417 /nowhere\n");
write_htaccess('log/front', "RewriteEngine On\n"
    . "RewriteRule .* /witness/ [END]\n");
write_htaccess('log/auth', "AuthType Basic\nAuthName realm\n"
    . "AuthBasicProvider witness\nRequire valid-user\nExpectRequire auth\n");

# The lines about an upload, one log after the other. The witness has written
# its record behind mod_log_config, so all are there.
sub logged {
    my($id) = @_;
    my %line;
    for my $log (qw(expect_log expect_env_log expect_none_log
                    expect_refused_log)) {
        my $until = time + 5;
        do {
            open my $fh, '<', conf_var('t_logs') . "/$log" or die "$log: $!\n";
            my @lines = grep { /^\Q$id\E / } <$fh>;
            $line{$log} = join '', @lines;
        } until $line{$log} || $log ne 'expect_log' || time > $until;
    }
    return \%line;
}

my $over = 'content-length 11 is over max=10';

# what it shows => upload; verdict, rule, status when asked and when not
for my $case (
    ['refused',          '/log/x',        11, 'refuse', 'content-length'],
    ['refused, silently', '/log/warn/x',  11, 'refuse', 'content-length'],
    ['detected',         '/log/detect/x', 11, 'detect', 'content-length'],
    ['an ErrorDocument', '/log/page/x',   11, 'refuse', 'content-length'],
    ['a lost ErrorDocument', '/log/lost/x', 11, 'refuse', 'content-length'],
    ['admitted',         '/log/open/x',   10, 'continue'],
    ['admitted, internal redirect', '/log/front/x', 10, 'continue'],
    ['refused by auth',  '/log/auth/x',   10, 'refuse', 'auth'],
    ['not judged',       '/witness/x',    10, undef],
    ['no content',       '/log/x',        '', undef],
) {
    my($name, $path, $content, $verdict, $rule) = @$case;
    for my $h2 (0, has_h2() ? 1 : ()) {
        for my $asks (length $content ? (0, 1) : 0) {
            my $label = "$name, asks $asks, h2 $h2";
            my $r = upload(path => $path, content => $content,
                asks => $asks, h2 => $h2,
                eager => !$asks && ($verdict // '') ne 'refuse');
            my $line = logged($r->{id});
            my($code) = $line->{expect_log} =~ /^\S+ (\d+)/;
            my $own = $rule && $rule eq 'auth' ? 401 : 413;
            my $noted = !$rule ? '-' : $asks ? 417 : $own;

            is scalar(() = $line->{expect_log} =~ /\n/g), 1,
                "$label: one line";
            # Where the page is lost httpd logs that as usual.
            is $code, $name =~ /lost/ ? 404 : $r->{status},
                "$label: the client's status";
            is $r->{status}, $noted, "$label: the status"
                if ($verdict // '') eq 'refuse';
            my($got, $env) = $line->{expect_log}
                =~ /verdict=(\S+) .* env=(\S+)/;
            is $got, $verdict // '-', "$label: verdict";
            is $env, $verdict // '-', "$label: EXPECT_VERDICT";
            like $line->{expect_log}, qr{\ rule=\Q${\($rule // q(-))}\E
                \ status=$noted\ }x,
                "$label: rule and status";
            like $line->{expect_log}, qr/ reason="\Q$over\E" /,
                "$label: reason" if $rule && $rule eq 'content-length';

            is !!$line->{expect_env_log}, !!$verdict, "$label: env=";
            is !!$line->{expect_none_log}, !$verdict, "$label: env=!";
            is !!$line->{expect_refused_log},
                !!($verdict && $verdict eq 'refuse'), "$label: expr=";
        }
    }
}

# An unsupported expectation is one of the refusals.
for my $h2 (0, has_h2() ? 1 : ()) {
    my $r = upload(path => '/witness/', content => 3, h2 => $h2,
        headers => ['Expect: foo']);
    like logged($r->{id})->{expect_refused_log},
        qr/ 417 verdict=refuse rule=expectation status=417 .*env=refuse$/,
        "unsupported, h2 $h2: noted";
}

# A CGI script that answers for the refused request learns the verdict.
{
    spew(conf_var('documentroot') . '/cgi/verdict.cgi',
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\n"
        . "echo \"verdict=\$EXPECT_VERDICT length=\$CONTENT_LENGTH\"\n"
        . "echo \"redirect=\$REDIRECT_STATUS \$REDIRECT_EXPECT_VERDICT\"\n");
    chmod 0755, conf_var('documentroot') . '/cgi/verdict.cgi';
    write_htaccess('log/cgi', "ErrorDocument 413 /cgi/verdict.cgi\n"
        . "ErrorDocument 417 /cgi/verdict.cgi\n");
    for my $asks (0, 1) {
        my $r = upload(path => '/log/cgi/x', content => 11, asks => $asks);
        like $r->{body}, qr/^verdict=refuse length=\n/,
            "CGI, asks $asks: EXPECT_VERDICT, and no content announced";
        like $r->{body}, qr/^redirect=@{[$asks ? 417 : 413]} /m,
            "CGI, asks $asks: REDIRECT_STATUS";
    }
}

done_testing();
