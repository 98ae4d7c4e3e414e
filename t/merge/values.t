#!/usr/bin/perl
# ExpectMerging by example: And (the default) adds rules, Or offers an
# alternative, Off replaces; the nearest value above counts; a section without
# rules of its own inherits. (t/merge/model.t tries all kinds of sections at
# once.)

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $PDF = "ExpectRequire content-type application/pdf\n";
my %text = (
    # below content-length max=1000, see t/conf/merge.conf.in
    'and/bare'       => "# nothing\n",
    'and/pdf'        => $PDF,
    'and/pdf/deep'   => "ExpectRequire header X-Deep\n",
    'or/bare'        => '',
    'or/pdf'         => $PDF,
    'or/pdf/deep'    => "ExpectRequire header X-Deep\n",
    'or/pdf/empty'   => '',
    'off/bare'       => '',
    'off/pdf'        => $PDF,
    'off/pdf/deep'   => "ExpectRequire header X-Deep\n",
    'off/closed'     => '',
    'off/closed/pdf' => $PDF,
    # nothing but other directives of the module
    'off/status'     => "ExpectStatus 417\n",
);
write_htaccess("merge/$_", $text{$_}) for keys %text;

my $pdf  = 'Content-Type: application/pdf';
my $deep = 'X-Deep: 1';

# where, content, headers => status of a refusal and its rule, or nothing
my @cases = (
    ['and/bare',     1000, []],
    ['and/bare',     1001, [],           413, 'content-length'],
    ['and/pdf',      1000, [$pdf]],
    ['and/pdf',      1000, [],           415, 'content-type'],
    ['and/pdf',      1001, [$pdf],       413, 'content-length'],
    ['and/pdf/deep', 1000, [$pdf, $deep]],
    ['and/pdf/deep', 1001, [$pdf, $deep], 413, 'content-length'],
    ['and/pdf/deep', 1000, [$deep],      415, 'content-type'],
    ['and/pdf/deep', 1000, [$pdf],       400, 'header'],
    ['or/bare',      1000, []],
    ['or/bare',      1001, [],           413, 'content-length'],
    ['or/pdf',       1000, []],
    ['or/pdf',       1001, [$pdf]],
    ['or/pdf',       1001, [],           413, 'content-length'],
    ['or/pdf/deep',  1001, [$deep]],
    ['or/pdf/deep',  1001, [$pdf]],
    ['or/pdf/deep',  1000, []],
    ['or/pdf/deep',  1001, [],           413, 'content-length'],
    ['or/pdf/empty', 1001, [$pdf]],
    ['or/pdf/empty', 1001, [],           413, 'content-length'],
    ['off/bare',     1001, [],           413, 'content-length'],
    ['off/status',   1001, [],           413, 'content-length'],
    ['off/pdf',      1001, [$pdf]],
    ['off/pdf',      1000, [],           415, 'content-type'],
    ['off/pdf/deep', 1001, [$deep]],
    ['off/pdf/deep', 1001, [$pdf],       400, 'header'],
    # And closes the tree again: but what Off replaced stays replaced.
    ['off/closed',     1000, ['X-Closed: 1']],
    ['off/closed',     1000, [],         400, 'header'],
    ['off/closed',     1001, ['X-Closed: 1'], 413, 'content-length'],
    ['off/closed/pdf', 1000, [$pdf, 'X-Closed: 1']],
    ['off/closed/pdf', 1000, [$pdf],     400, 'header'],
    ['off/closed/pdf', 1000, ['X-Closed: 1'], 415, 'content-type'],
    ['off/closed/pdf', 1001, [$pdf, 'X-Closed: 1'], 413, 'content-length'],
);

for (@cases) {
    my($where, $content, $headers, $status, $rule) = @$_;
    my $name = "$where: $content" . join '', map { " $_" } @$headers;
    my $o = { path => "/merge/$where/x", content => $content,
        headers => $headers };
    if (!$status) {
        admitted_ok("$name: admitted", $o, status => 200);
    }
    elsif (ref $status) {
        # This file does not test which of several alternatives the log names.
        my $r = upload(%$o, asks => 1);
        is_deeply [@$r{qw(status interim sent)}], [417, [], 0],
            "$name: refused, asked" or diag explain $r;
        $r = upload(%$o);
        like $r->{status}, $status, "$name: refused, not asked";
        is $r->{witness}{read}, 0, "$name: unread";
    }
    else {
        refused_ok("$name: refused", $o, status => $status,
            asked_status => 417, rule => $rule);
    }
}

# The same from the server to its vhosts.
{
    my $server = own_httpd(conf => <<"CONF");
ExpectRequire content-length max=100
SetHandler witness
<VirtualHost *>
    ServerName and
    ExpectRequire content-type application/pdf
</VirtualHost>
<VirtualHost *>
    ServerName or
    ExpectMerging Or
    ExpectRequire content-type application/pdf
</VirtualHost>
<VirtualHost *>
    ServerName off
    ExpectMerging Off
    ExpectRequire content-type application/pdf
    <Location /witness/inner>
        ExpectRequire header X-Inner
    </Location>
</VirtualHost>
<VirtualHost *>
    ServerName bare
</VirtualHost>
<VirtualHost *>
    ServerName engine
    ExpectEngine Off
</VirtualHost>
CONF
    for (['and',    100, [$pdf], 200], ['and',    101, [$pdf], 413],
         ['and',    100, [],     415], ['or',     101, [$pdf], 200],
         ['or',     100, [],     200], ['off',    101, [$pdf], 200],
         ['off',    100, [],     415], ['bare',   100, [],     200],
         ['bare',   101, [],     413], ['engine', 101, [],     200],
         ['off',      1, [$pdf], 400, 'inner/'],
         ['off',    999, ['X-Inner: 1'], 200, 'inner/']) {
        my($host, $content, $headers, $status, $dir) = @$_;
        my $o = { path => '/witness/' . ($dir // '') . 'x', host => $host,
            content => $content, headers => $headers, vhost => $server };
        my $name = "vhost $host: $content @$headers";
        $status == 200 ? admitted_ok("$name: admitted", $o, status => 200,
                            $host eq 'engine' ? (verdict => '-') : ())
                       : refused_ok("$name: refused", $o, status => $status,
                            asked_status => 417);
    }
}

done_testing();
