#!/usr/bin/perl
# httpd's own mod_proxy, with an expectation that is forwarded and with one
# that is not: the client sees the origin's answer to the upload.

use strict;
use warnings;

use Test::More;
use lib 't/front';
use Send;

front_ok('httpd');
front_ok('httpd-off', specific => [0]);

done_testing();
