#!/usr/bin/perl
# mod_jk: when content is cut off, the answer is sent before mod_jk, which
# fails because it cannot read, ends the connection.

use strict;
use warnings;

use lib 't/cutoff', 't/early', 't/other-modules', 't/protocol';
use Test::More;
use CutOff;
use ExpectTest;
use OtherModules;
use Jk;
use Responder;

my $MAX = 100_000;
my $responder = Responder->start('ajp');
my $server = own_httpd(conf => jk_conf($responder, '/jk/*') . <<"CONF");
<Location "/jk/">
    ExpectRequire content-length max=$MAX
</Location>
CONF
my @post = (where => $server, h2 => 0, upload => { method => 'POST' });

within_ok('mod_jk', '/jk/reads', $MAX, status => 200, @post,
    body => sub { qr/^read=$_[0]\n/ });
cut_off_ok('mod_jk', '/jk/reads', $MAX, @post);
is $responder->taken, -1, 'the back end saw no end of content';

refused_ok('announced, over max', { method => 'POST', vhost => $server,
    path => '/jk/reads', content => $MAX + 1 },
    status => 413, asked_status => 417, rule => 'content-length');

done_testing();
