#!/usr/bin/perl
# nginx, which reads all content before it calls the origin, or forwards it as
# it arrives: the client sees the origin's answer to the upload.

use strict;
use warnings;

use Test::More;
use lib 't/front';
use Send;

# it answers Expect itself: one kind of place is enough
front_ok($_, specific => [0]) for qw(nginx nginx-streaming);

done_testing();
