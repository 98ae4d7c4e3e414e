#!/usr/bin/perl
# Writes down what it is handed as it comes, for the token in the query: its
# process id, its environment, the bytes, and that the end of the content came.
use strict;
use warnings;

my $to = "$ENV{DOCUMENT_ROOT}/../logs/handed-$ENV{QUERY_STRING}";

sub note {
    my($suffix, $text) = @_;
    open my $fh, '>>', "$to$suffix" or die "$to$suffix: $!\n";
    syswrite $fh, $text;
}

note('.pid', $$);
note('.env', join '', map { "$_=$ENV{$_}\n" } sort keys %ENV);
my $bytes = 0;
while (my $n = sysread STDIN, my $data, 8192) {
    note('', $data);
    $bytes += $n;
}
note('.end', $bytes);
print "Content-Type: text/plain\n\nread=$bytes\n";
