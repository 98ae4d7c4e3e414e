#!/usr/bin/perl
# mod_lua's providers may read content. Rules are evaluated before content is
# sent: such a provider reads an empty content, and does not start another
# evaluation.

use strict;
use warnings;

use lib 't/other-modules';
use Test::More;
use ExpectTest;
use File;
use OtherModules;

my $script = conf_var('t_logs') . "/reads-$$.lua";
spew($script, <<'LUA');
require 'apache2'

function body(r)
    local content = r:requestbody()
    if content and content:find("good") then
        return apache2.AUTHZ_GRANTED
    end
    return apache2.AUTHZ_DENIED
end
LUA

my $server = h2_httpd(load('lua') . <<"CONF");
LuaAuthzProvider body "$script" body
<Location "/witness/require">
    Require body
</Location>
<Location "/witness/expect">
    ExpectRequire body
</Location>
<Location "/witness/expect-not">
    ExpectRequire not body
</Location>
CONF

my @text = (method => 'POST', headers => ['Content-Type: text/plain']);

# A provider that reads, in Require: content is there, and it grants.
{
    my $r = upload(vhost => $server, path => '/witness/require/x', @text,
        content => 'a good one', eager => 1);
    is $r->{status}, 200, 'Require: the provider reads';
}
# In ExpectRequire there is no content to decide by: it sees none.
refused_on('ExpectRequire: the provider sees no content', $server,
    { path => '/witness/expect/x', @text, content => 'a good one' },
    status => 403, asked_status => 417, rule => 'body');
admitted_on('ExpectRequire not: nor there', $server,
    { path => '/witness/expect-not/x', @text, content => 'a good one' },
    status => 200);

is join('', $server->crashes), '', 'no child has crashed';

done_testing();
