#!/usr/bin/perl
# A rule that is decided late, such as a tenant's rule handler, does not
# suspend the administrator's max= for modules that read before: the rules
# that have granted already bound what these read.

use strict;
use warnings;

use lib 't/other-modules', 't/cutoff', 't/sent';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use OtherModules;
use CutOff;
use Tls;

use constant MAX => 1000;

my $root = conf_var('documentroot');
my $logs = conf_var('t_logs');

# Below /sent/late the administrator has a max, below /sent/log he only looks
# what it would do, and below /sent/open there is another way to be let in.
my $bound = 'ExpectRequire content-length max=' . MAX;
my($server, $port) = tls_httpd(load(qw(unique_id security2 perl))
    . <<"CONF");
SecRuleEngine Off
SecAuditEngine Off
SecTmpDir "$logs"
SecDataDir "$logs"
SecRequestBodyLimit 100000000
SecRequestBodyNoFilesLimit 100000000
<Perl>
package Expect::TestLate;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
use Apache2::Const -compile => qw(DECLINED);

sub handler {
    my(\$r) = \@_;
    eval { 1 while \$r->read(my \$bytes, 8192) };
    return Apache2::Const::DECLINED;
}
\$INC{'Expect/TestLate.pm'} = 1;
1;
</Perl>
<Directory "$root/sent">
    Options FollowSymLinks
    AllowOverride All
    SetHandler witness
</Directory>
<Directory "$root/sent/late">
    $bound
</Directory>
<Directory "$root/sent/log">
    ExpectEngine DetectionOnly
    $bound
</Directory>
<Directory "$root/sent/open">
    <ExpectRequireAny>
        $bound
        ExpectRequire handler witness
    </ExpectRequireAny>
</Directory>
<LocationMatch "^/sent/[^/]+/security">
    SecRuleEngine On
    SecRequestBodyAccess On
    SecAction "id:1,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
</LocationMatch>
<LocationMatch "^/sent/[^/]+/form">
    AuthType form
    AuthName late
    AuthFormProvider witness
    AuthFormSize 100000000
    KeptBodySize 100000000
    Session On
    SessionCookieName session path=/
    Require valid-user
</LocationMatch>
CONF

# What is open until the handler is known, and then lets in.
my @late = ('<ExpectRequireAny>', 'ExpectRequire handler witness',
    'ExpectRequire not handler witness', '</ExpectRequireAny>');
# Where the administrator has no rules of his own, below, in the tenant's.
my @nested = ('<ExpectRequireAll>', '<ExpectRequireAll>',
    'ExpectRequire content-length max=5000', '</ExpectRequireAll>', @late,
    '</ExpectRequireAll>');

# the tenant's .htaccess, and that of a folder below it
my %trees = (
    'a rule for the handler' => [\@late, []],
    'before another max' => [['ExpectRequire content-length max=5000', @late],
        []],
    'on another level' => [['ExpectRequire header Host'], \@late],
    'on two levels' => [\@late, ['ExpectRequire content-length max=6000',
        @late]],
    'All in All' => [\@nested, []],
    'All in All, on two levels' => [\@nested, \@nested],
);

# the reader (mod_lua does not read without a length); lines of .htaccess for
# it; the start of the content, and a field
my @readers = (
    ['security', []],
    ['perl', ['PerlFixupHandler Expect::TestLate']],
    ['form', [], 'httpd_username=alice&httpd_password=secret&x=',
        'Content-Type: application/x-www-form-urlencoded'],
    ['handler', []],
);

sub write_tree {
    my($where, $reader, $tree) = @_;
    my($name, $lines) = @$reader;
    write_htaccess("sent/$where/$name", join "\n", @{ $tree->[0] }, @$lines,
        '');
    write_htaccess("sent/$where/$name/below", join "\n", @{ $tree->[1] }, '');
}

sub upload_to {
    my($where, $reader, $size, %o) = @_;
    my($name, undef, $start, @fields) = @$reader;
    $start //= '';
    my $mark = log_mark($server);
    my $r = upload(vhost => $server, path => "/sent/$where/$name/below/x",
        method => 'POST', chunked => 1, eager => !$o{asks}, headers => \@fields,
        content => $start . 'x' x ($size - length $start), %o);
    return ($r, grep { /expect: / } error_log_since($mark));
}

# --- a bound that holds ----------------------------------------------------

my @ways = map { my $h2 = $_; map { { h2 => $h2, asks => $_ } } 1, 0 }
    0, has_h2() ? 1 : ();
for my $tree (sort keys %trees) {
    for my $reader (@readers) {
        write_tree('late', $reader, $trees{$tree});
        for my $way (@ways) {
            my $name = "$tree, $reader->[0], asks $way->{asks}, h2 $way->{h2}";
            for my $size (MAX + 1, 1_000_000) {
                my($r, @lines) = upload_to('late', $reader, $size, %$way);
                my $w = $r->{witness};
                is_deeply [@$r{qw(status interim)}, @$w{qw(verdict rule eos)}],
                    [413, $way->{asks} ? [100] : [], 'refuse',
                        'content-length', 0], "$name: $size are too many"
                    or diag explain $r;
                cmp_ok $w->{read}, '<=', MAX + 1, "$name: no more is read";
                is scalar @lines, 1, "$name: one line";
            }
            my($r) = upload_to('late', $reader, MAX, %$way);
            is_deeply [@$r{qw(status body)}, $r->{witness}{verdict}],
                [200, "read=" . ($reader->[0] =~ /form|perl/ ? 0 : MAX) . "\n",
                    'continue'], "$name: within" or diag explain $r;
        }
    }
}

# --- mod_ssl ---------------------------------------------------------------

# To ask for a certificate in a directory, it reads all content first.
sub upload_tls {
    my($dir, $size) = @_;
    our $count;
    my $id = join '-', 'late', $$, ++$count;
    my $mark = log_mark($server);
    my($bytes) = talk_tls($port, ['-tls1_2'], join("\r\n",
        "PUT $dir/below/x HTTP/1.1", 'Host: localhost', "X-Witness: $id",
        'Transfer-Encoding: chunked', 'Connection: close', '', ''),
        ExpectTest::framed(content => 'x' x $size, chunked => 1));
    return ($bytes, witness_of($id, $server),
        grep { /expect: / } error_log_since($mark));
}

my @ssl = ('ssl', ['SSLVerifyClient optional',
    'SSLRenegBufferSize 100000000']);
for my $tree (sort keys %trees) {
    write_tree('late', \@ssl, $trees{$tree});
    for my $size (MAX + 1, 1_000_000) {
        my($bytes, $w, @lines) = upload_tls('/sent/late/ssl', $size);
        my $name = "$tree, SSLVerifyClient, $size bytes";
        like $bytes, qr{\AHTTP/1\.1 413 }, "$name: too many";
        is_deeply [@$w{qw(verdict rule eos)}], ['refuse', 'content-length', 0],
            "$name: refused" or diag explain $w;
        cmp_ok $w->{read}, '<=', MAX + 1, "$name: no more is read";
        is scalar @lines, 1, "$name: one line";
    }
    my($bytes, $w) = upload_tls('/sent/late/ssl', MAX);
    like $bytes, qr{\AHTTP/1\.1 200 .*^read=1000$}ms,
        "$tree, SSLVerifyClient: within";
    is $w->{verdict}, 'continue', "$tree, SSLVerifyClient: admitted";
}

# --- where it does not hold ------------------------------------------------

for my $reader (@readers) {
    my $name = $reader->[0];
    my $read = $name =~ /form|perl/ ? 0 : 5000;
    write_tree('log', $reader, [\@late, []]);
    write_tree('open', $reader, [\@late, []]);
    for my $way (@ways) {
        my $as = "asks $way->{asks}, h2 $way->{h2}";
        my($r, @lines) = upload_to('log', $reader, 5000, %$way);
        is_deeply [@$r{qw(status body)}, @{ $r->{witness} }{qw(verdict read)}],
            [200, "read=$read\n", 'detect', 5000],
            "DetectionOnly, $name, $as: goes on" or diag explain $r;
        is scalar @lines, 1, "DetectionOnly, $name, $as: one line";
        like $lines[0],
            qr/would refuse 413: content of unknown length exceeded max=/,
            "DetectionOnly, $name, $as: logged";

        ($r, @lines) = upload_to('open', $reader, 5000, %$way);
        is_deeply [@$r{qw(status body)}, @{ $r->{witness} }{qw(verdict read)}],
            [200, "read=$read\n", 'continue', 5000],
            "an open alternative, $name, $as: no bound" or diag explain $r;
        is "@lines", '', "an open alternative, $name, $as: no line";
    }
}
is join('', $server->crashes), '', 'no child has crashed';

done_testing();
