#!/usr/bin/perl
# Answers at once, and ends, whatever is sent.
print "Content-Type: text/plain\n\nnow\n";
