#!/usr/bin/perl
# httpd's own mod_proxy, with an expectation that goes to the origin and with
# one that does not: what the origin says of an upload is what the client sees.

use strict;
use warnings;

use Test::More;
use lib 't/front';
use Send;

front_ok('httpd');
front_ok('httpd-off', specific => [0]);

done_testing();
