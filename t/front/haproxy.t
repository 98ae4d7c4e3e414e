#!/usr/bin/perl
# HAProxy keeps the client's connection when the origin answers 417, and curl
# repeats the upload on it. With ExpectStatus specific there is no 417, and
# the client sees the origin's status.

use strict;
use warnings;

use Test::More;
use lib 't/front';
use Send;

front_ok('haproxy', specific => [1]);

done_testing();
