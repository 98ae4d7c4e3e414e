#!/usr/bin/perl
# mod_perl's handlers in translate_name and map_to_storage run once for a
# request, and what they store is available afterwards.

use strict;
use warnings;

use lib 't/other-modules', 't/mapping';
use Test::More;
use Mapping;

my $HANDLERS = <<'CONF';
PerlInterpStart 1
PerlInterpMax 4
<Perl>
package Expect::Mapping;
use Apache2::RequestRec ();
use Apache2::RequestUtil ();
use APR::Table ();
use APR::Pool ();
use Apache2::Const -compile => qw(OK DECLINED FORBIDDEN);

sub count {
    my($r, $what) = @_;
    my $id = $r->headers_in->get('X-Witness') // return;
    open my $fh, '>>', $r->dir_config('Root') . '/calls' or die "calls: $!\n";
    print $fh "$id $what\n";
}

# The second time, what the first has left is no longer true.
sub translate {
    my($r) = @_;
    count($r, 'PerlTransHandler');
    my $seen = $r->subprocess_env('PERL_SEEN') // 0;
    $r->subprocess_env(PERL_SEEN => $seen + 1);
    my $uri = $r->uri;
    return Apache2::Const::DECLINED unless $uri =~ s{^/perl/}{/to/};
    return Apache2::Const::FORBIDDEN if $uri =~ /forbidden/;
    $r->uri($uri);
    return Apache2::Const::DECLINED;
}

sub map_to_storage {
    my($r) = @_;
    count($r, 'PerlMapToStorageHandler ' . $r->uri);
    return Apache2::Const::DECLINED unless $r->uri =~ m{^/nowhere/};
    $r->filename($r->dir_config('Root') . '/to/env.x');
    $r->handler('witness-env');
    return Apache2::Const::OK;
}
1;
</Perl>
CONF

# The interpreter belongs to the server.
same_as_without([
    { name => 'PerlTransHandler, a new URI', path => '/perl/env.x/a', h2 => 1,
      conf => "PerlSetVar Root \${ROOT}\n"
          . "PerlTransHandler Expect::Mapping::translate\n"
          . "PerlMapToStorageHandler Expect::Mapping::map_to_storage\n",
      requests => ['POST', 'POST, asked', 'PUT, chunked'],
      shows => qr{^PERL_SEEN=1\n.*^calls: PerlTransHandler\n}ms },
    { name => 'PerlTransHandler, forbidden', path => '/perl/forbidden',
      shows => qr{^HTTP\S+ 403 .*^calls: PerlTransHandler\n}ms },
    { name => 'PerlMapToStorageHandler', path => '/nowhere/x',
      requests => ['POST', 'POST, asked', 'PUT, chunked'],
      shows => qr{^calls: PerlMapToStorageHandler /nowhere/x\n}m },
    { name => 'a rewritten URI behind them', path => '/perl/first/env.x',
      conf => 'RewriteRule ^/to/first/(.*) /to/$1 [PT,E=SEEN:first]',
      shows => qr{^SEEN=first$}m },
], kinds => [grep { $_ ne 'mod_lua' } quick_kinds()], load => ['perl'],
    main => $HANDLERS);

done_testing();
