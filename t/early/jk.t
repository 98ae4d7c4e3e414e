#!/usr/bin/perl
# mod_jk, and AJP back ends that answer before they have read all content.

use strict;
use warnings;

use lib 't/early', 't/other-modules', 't/protocol';
use Test::More;
use Early;
use ExpectTest;
use OtherModules;
use Jk;
use Responder;

my $responder = Responder->start('ajp');
my $server = early_httpd(one_process()
    . jk_conf($responder, map { "/$_/jk/*" } qw(cap big type no detect)));

early_ok("mod_jk, $_", $server, "jk/$_", breaks => $_ eq 'closes')
    for qw(stays closes reads);
# httpd sends no 100 Continue once it has begun to answer.
early_ok("mod_jk, $_", $server, "jk/$_", breaks => 1, asks => [0])
    for qw(breaks begins);
early_log_ok($server);

done_testing();
