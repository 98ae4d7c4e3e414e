#!/usr/bin/perl
# A third party's provider, in Perl, registered by mod_perl's own
# PerlAddAuthzProvider. It gets the request, its arguments and the user.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;

# mod_perl lies where httpd's own modules do.
my $dir = module_dir();

my $docroot = conf_var('documentroot');
mkpath("$docroot/tenant/perl");
my $server = own_httpd(conf => <<"CONF");
LoadModule perl_module "$dir/mod_perl.so"
<Perl>
package Expect::TestAuthz;
use Apache2::RequestRec ();
use Apache2::Access ();
use APR::Table ();
use Apache2::Const -compile => qw(AUTHZ_GRANTED AUTHZ_DENIED
    AUTHZ_DENIED_NO_USER);

# grants if the field X-Perl is one of the arguments
sub field {
    my(\$r, \$line) = \@_;
    my \$value = \$r->headers_in->get('X-Perl') // '';
    return (grep { \$_ eq \$value } split ' ', \$line)
        ? Apache2::Const::AUTHZ_GRANTED : Apache2::Const::AUTHZ_DENIED;
}

# grants to users whose name begins with the argument
sub begins {
    my(\$r, \$line) = \@_;
    my \$user = \$r->user;
    return Apache2::Const::AUTHZ_DENIED_NO_USER unless defined \$user;
    return index(\$user, \$line) == 0
        ? Apache2::Const::AUTHZ_GRANTED : Apache2::Const::AUTHZ_DENIED;
}
1;
</Perl>
<Perl>
package Expect::TestFixup;
use Apache2::RequestRec ();
use Apache2::RequestIO ();
use Apache2::Const -compile => qw(DECLINED);

# reads a little of the content before the handler does
sub handler {
    my(\$r) = \@_;
    \$r->read(my \$buffer, 10);
    return Apache2::Const::DECLINED;
}
\$INC{'Expect/TestFixup.pm'} = 1;

# reads, and goes on whatever came of that
package Expect::TestReader;
sub handler {
    my(\$r) = \@_;
    eval { 1 while \$r->read(my \$buffer, 8000) };
    return Apache2::Const::DECLINED;
}
\$INC{'Expect/TestReader.pm'} = 1;

package Expect::TestPrinter;
use Apache2::Const -compile => qw(OK);
sub handler {
    my(\$r) = \@_;
    Expect::TestReader::handler(\$r);
    \$r->print('it went on');
    return Apache2::Const::OK;
}
\$INC{'Expect/TestPrinter.pm'} = 1;
1;
</Perl>
<Directory "$docroot/dav/perl">
    PerlAccessHandler Expect::TestReader
    ExpectRequire env NEVER
</Directory>
<Location /witness/printer>
    SetHandler perl-script
    PerlResponseHandler Expect::TestPrinter
    ExpectRequire content-length max=10K
</Location>
<Location /witness/parser>
    PerlHeaderParserHandler Expect::TestReader
    SetEnvIf X-Bad . BAD=1
    SetEnvIf X-Good . GOOD=1
    ExpectRequire not env BAD
    ExpectRequire env GOOD
</Location>
<Directory "$docroot/tenant/perl">
    RewriteEngine On
    RewriteRule ^ /witness/fixup/x
    ExpectRequire handler cgi-script
</Directory>
<Location /witness/fixup>
    PerlFixupHandler Expect::TestFixup
</Location>
PerlAddAuthzProvider perl-field Expect::TestAuthz::field
PerlAddAuthzProvider perl-begins Expect::TestAuthz::begins
<Location /witness/field>
    ExpectRequire perl-field one two
</Location>
<Location /witness/not>
    ExpectRequire not perl-field one two
</Location>
<Location /witness/user>
    AuthType Basic
    AuthName realm
    AuthBasicProvider witness
    Require valid-user
    ExpectRequire perl-begins al
</Location>
<Location /witness/nobody>
    ExpectRequire perl-begins al
</Location>
CONF

# what it shows => place, headers; does it hold, the rule, calls of the backend
for (['an argument',      'field',  ['X-Perl: two'],   1, 'perl-field', 0],
     ['no argument',      'field',  ['X-Perl: three'], 0, 'perl-field', 0],
     ['nothing',          'field',  [],                0, 'perl-field', 0],
     ['not an argument',  'not',    ['X-Perl: three'], 1, 'perl-field', 0],
     ['not, an argument', 'not',    ['X-Perl: one'],   0, 'perl-field', 0],
     ['alice',            'user',   [basic_auth('alice')],  1, 'perl-begins',
         1],
     ['bob',              'user',   [basic_auth('bob')],    0, 'perl-begins',
         1],
     ['nobody',           'nobody', [],                0, 'perl-begins', 0]) {
    my($name, $place, $headers, $holds, $rule, $calls) = @$_;
    my $o = { path => "/witness/$place/x", content => 5, vhost => $server,
        headers => $headers };
    my @got = $holds
        ? admitted_ok("$name: admitted", $o, status => 200)
        : refused_ok("$name: refused", $o, status => 403,
            asked_status => 417, rule => $rule);
    is_deeply [map { $_->{witness}{authn} } @got], [($calls) x @got],
        "$name: the backend is asked $calls times";
}

# A fixup that reads, behind a rewrite in the directory: the handler is told
# all the same.
for my $chunked (0, 1) {
    my $r = upload(vhost => $server, path => '/tenant/perl/x', content => 5000,
        method => 'POST', chunked => $chunked, eager => 1);
    is $r->{status}, 405, "a fixup reads, chunked $chunked: refused";
    is_deeply [@{ $r->{witness} }{qw(verdict rule)}], ['refuse', 'handler'],
        "a fixup reads, chunked $chunked: by the rule";
}

# Access control reads before rules allow it, and takes no notice of the
# error: what is stored stays.
mkpath("$docroot/dav/perl");
for my $chunked (0, 1) {
    my $file = "$docroot/dav/perl/stored.txt";
    spew($file, "stored before\n");
    my $r = upload(vhost => $server, path => '/dav/perl/stored.txt',
        content => 5000, chunked => $chunked, eager => 1);
    is $r->{status}, 403, "refused while it is read, chunked $chunked";
    is slurp($file), "stored before\n",
        "refused while it is read, chunked $chunked: nothing is written";
}

# A handler does not read on, and says so all the same: one answer.
{
    my $t = talk($server, "POST /witness/printer/x HTTP/1.1\r\n"
        . "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        . sprintf("%x\r\n%s\r\n0\r\n\r\n", 50_000, 'x' x 50_000), 'eof');
    like $t->{bytes}, qr{^HTTP/1\.1 413 }, 'a handler that goes on: cut off'
        or diag explain $t;
    unlike $t->{bytes}, qr/it went on/, 'a handler that goes on: one answer';
}

# Who reads at header_parser may come before mod_setenvif: its variables are
# waited for.
for (['no variable', [], 403, 'refuse'],
     ['the good one', ['X-Good: 1'], 200, 'continue'],
     ['both', ['X-Good: 1', 'X-Bad: 1'], 403, 'refuse']) {
    my($name, $headers, $status, $verdict) = @$_;
    my $r = upload(vhost => $server, path => '/witness/parser/x',
        content => 5000, headers => $headers, eager => 1);
    is_deeply [$r->{status}, $r->{witness}{verdict}], [$status, $verdict],
        "read at header_parser: $name" or diag explain $r;
}

done_testing();
