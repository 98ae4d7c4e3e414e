#!/usr/bin/perl
# HAProxy. It keeps the client's connection when the origin has said 417, and
# curl repeats the upload on it: with ExpectStatus specific there is no 417, and
# the client sees what the origin says.

use strict;
use warnings;

use Test::More;
use lib 't/front';
use Send;

front_ok('haproxy', specific => [1]);

done_testing();
