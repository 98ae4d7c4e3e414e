#!/usr/bin/perl
# nginx, which takes all content before it asks the origin, or hands it on as it
# comes: what the origin says of an upload is what the client sees.

use strict;
use warnings;

use Test::More;
use lib 't/front';
use Send;

# it answers Expect itself: one kind of place is enough
front_ok($_, specific => [0]) for qw(nginx nginx-streaming);

done_testing();
