#!/usr/bin/perl
# Sends httpd on to a file at once, and ends, whatever is sent.
print "Location: /static/file.txt?away\n\n";
