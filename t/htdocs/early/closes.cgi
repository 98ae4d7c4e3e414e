#!/usr/bin/perl
# Begins its answer and takes no content, and ends when httpd is held up by that.
use strict;
use warnings;

close STDIN;
$| = 1;
print "Content-Type: text/plain\n\nbegun\n";
print "x" x 8192, "\n" for 1 .. 10;
