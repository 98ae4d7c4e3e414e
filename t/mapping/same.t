#!/usr/bin/perl
# The hooks that map a request to its target run once, and leave behind what
# access control, scripts, answers and logs need: named groups, variables,
# cookies. With the module, and with a quick handler in addition, requests
# with content are answered as they are without it.

use strict;
use warnings;

use lib 't/other-modules', 't/mapping';
use Test::More;
use Facilities;
use Mapping;

same_as_without([facilities()]);

done_testing();
