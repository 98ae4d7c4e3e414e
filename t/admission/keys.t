#!/usr/bin/perl
# Whom uploads are counted by: an address (also one that mod_remoteip has put in
# its place), a user, a virtual host, a section, all, and an expression.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use Admission;

my %login = (alice => 'YWxpY2U6c2VjcmV0', bob => 'Ym9iOnNlY3JldA==');
my $server = h2_httpd(<<'CONF');
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
<Location /witness/ip>
    ExpectRequire in-flight uploads=1 key=ip
</Location>
<Location /witness/user>
    ExpectRequire in-flight uploads=1 key=user
</Location>
<Location /basic/user>
    ExpectRequire in-flight uploads=1 key=user
</Location>
<Location /witness/vhost>
    ExpectRequire in-flight uploads=1 key=vhost
</Location>
<Location /witness/all>
    ExpectRequire in-flight uploads=1 key=all
</Location>
<LocationMatch ^/witness/dir/(?:a|b)>
    ExpectRequire in-flight uploads=1 key=directory
</LocationMatch>
<Location /witness/dir/c>
    ExpectRequire in-flight uploads=1 key=directory
</Location>
<Location /witness/expr>
    ExpectRequire in-flight uploads=1 "key=expr=%{HTTP:X-A} %{HTTP:X-B}"
</Location>
<Location /basic/expr>
    ExpectRequire in-flight uploads=1 key=expr=%{REMOTE_USER}
</Location>
<Location /witness/empty>
    ExpectRequire in-flight uploads=1 key=expr=%{HTTP:X-A}
</Location>
<Location /basic/except>
    AuthGroupFile ${OWN_DIR}/groups
    <ExpectRequireAny>
        ExpectRequire quota bytes=20 per=day key=user
        ExpectRequire group unlimited
    </ExpectRequireAny>
</Location>
<VirtualHost *>
    ServerName one
</VirtualHost>
<VirtualHost *>
    ServerName two
</VirtualHost>
CONF

# While the first is under way: is there room for the second?
sub same_ok {
    my($name, $is_same, $first, $second) = @_;
    my %first = ref $first ? %$first : (headers => ["X-Client: $first"]);
    my %second = (%first, ref $second ? %$second
                                      : (headers => ["X-Client: $second"]));
    my $held = hold($server, %first);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is "@{ $held->{r}{interim} }", '100', "$name: the first";
    my $r = upload(vhost => $server, %second, content => 5, asks => 1);
    if ($is_same) { like $r->{status}, qr/^(?:429|503)$/, "$name: the same" }
    else          { is $r->{status}, 200, "$name: another" }
    is finish($held)->{status}, 200, "$name: it ends";
}

sub at { my($path, @headers) = @_; return { path => $path,
    headers => \@headers } }
sub as { my($user) = @_; return "Authorization: Basic $login{$user}" }

# --- ip -----------------------------------------------------------------------

for ([1, '192.0.2.1', '192.0.2.1'], [0, '192.0.2.1', '192.0.2.2'],
     [1, '192.0.2.1', '::ffff:192.0.2.1'], [0, '::ffff:192.0.2.1', '::192.0.2.1'],
     [0, '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
     [1, '2001:db8:0:1::1', '2001:db8:0:1::1'],
     [1, '2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff'],
     [0, '2001:db8:0:1::1', '2001:db8:0:2::1'],
     [0, '2001:db8::', '2001:db9::'], [0, '192.0.2.1', '2001:db8::1']) {
    my($is_same, @address) = @$_;
    same_ok("ip, @address", $is_same,
        map { at('/witness/ip', "X-Client: $_") } @address);
}

# --- user ---------------------------------------------------------------------

same_ok('user, alice twice', 1, map { at('/basic/user', as('alice'),
    "X-Client: $_") } '192.0.2.1', '192.0.2.2');
same_ok('user, alice and bob', 0, map { at('/basic/user', as($_),
    'X-Client: 192.0.2.1') } qw(alice bob));
same_ok('user, nobody twice', 1, map { at('/witness/user',
    "X-Client: $_") } '192.0.2.1', '192.0.2.1');
same_ok('user, nobody from elsewhere', 0, map { at('/witness/user',
    "X-Client: $_") } '192.0.2.1', '192.0.2.2');
same_ok('user, a name that nobody has proved', 1, at('/witness/user',
    as('alice')), at('/witness/user', as('bob')));

# --- vhost, directory, all ----------------------------------------------------

for my $key (qw(vhost all)) {
    my %is_same = (vhost => 0, all => 1);
    same_ok("$key, one vhost", 1, { path => "/witness/$key", host => 'one' },
        { host => 'one' });
    same_ok("$key, two vhosts", $is_same{$key},
        { path => "/witness/$key", host => 'one' }, { host => 'two' });
}
same_ok('directory, one section', 1, at('/witness/dir/a'),
    at('/witness/dir/b'));
same_ok('directory, two sections', 0, at('/witness/dir/a'),
    at('/witness/dir/c'));

# --- expr ---------------------------------------------------------------------

same_ok('expr', 1, map { at('/witness/expr', @$_) }
    ['X-A: 1', 'X-B: 2'], ['X-B: 2', 'X-A: 1']);
same_ok('expr, another value', 0, map { at('/witness/expr', @$_) }
    ['X-A: 1', 'X-B: 2'], ['X-A: 1', 'X-B: 3']);
same_ok('expr, of the user', 1, map { at('/basic/expr', as($_)) }
    qw(alice alice));
same_ok('expr, of another user', 0, map { at('/basic/expr', as($_)) }
    qw(alice bob));
same_ok('expr, empty', 0, at('/witness/empty'), at('/witness/empty'));
same_ok('expr, a long value', 0, map { at('/witness/empty', 'X-A: '
    . 'x' x 4000 . $_) } 1, 2);

# A group whose users have no quota: it can grow while httpd runs.
{
    my %to = (vhost => $server, path => '/basic/except', content => 10);
    spew($server->dir . '/groups', "unlimited: carol\n");
    for my $user (qw(alice bob)) {
        my %by = (%to, headers => [as($user)]);
        admitted_ok("$user: a quota", \%by, status => 200);
        refused_ok("$user: it is spent", \%by, status => 429, rule => 'quota');
    }
    spew($server->dir . '/groups', "unlimited: carol alice\n");
    admitted_ok('an exception', { %to, headers => [as('alice')] },
        status => 200);
    refused_ok('for her alone', { %to, headers => [as('bob')] },
        status => 429, rule => 'quota');
}

{
    my $r = upload(vhost => $server, method => 'OPTIONS',
        path => '/witness/empty', unwitnessed => 1);
    is $r->{headers}{'ratelimit-policy'}, undef,
        'OPTIONS: no policy of a rule that does not apply';
    my $held = hold($server, path => '/basic/user', headers => [as('alice')]);
    for (['alice', 0], ['bob', 1]) {
        $r = upload(vhost => $server, method => 'OPTIONS', unwitnessed => 1,
            path => '/basic/user', headers => [as($_->[0])]);
        is $r->{headers}{ratelimit}, qq("in-flight-uploads";r=$_->[1]),
            "OPTIONS: what $_->[0] has left";
    }
    drop($held);
}

done_testing();
