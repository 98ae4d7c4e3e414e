#!/usr/bin/perl
# Reads all its content, says so by making the file that the query names with
# .read behind it, and answers when the file without that is there: at the
# latest after 20 seconds.
my $file = $ENV{QUERY_STRING};
1 while sysread STDIN, my $bytes, 65_536;
open my $fh, '>', "$file.read" or die "$file.read: $!\n";
close $fh;
for (1 .. 1000) {
    last if -e $file;
    select undef, undef, undef, 0.02;
}
print "Content-Type: text/plain\n\nlate\n";
