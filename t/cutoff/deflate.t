#!/usr/bin/perl
# mod_deflate's input filter: max= counts the bytes that cross the network,
# however large they become, and a handler never takes the inflated part for
# the whole.

use strict;
use warnings;

use IO::Compress::Gzip ();
use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $MAX = 2000;
my $path = '/tenant/cutoff-deflate/x';

sub gzip {
    my($text) = @_;
    IO::Compress::Gzip::gzip(\$text => \my $out, -Time => 0) or die 'gzip';
    return $out;
}

# Text that gzip cannot make much smaller.
sub noise {
    my($n) = @_;
    my($text, $x) = ('', 1);
    $text .= pack 'N', $x = ($x * 1_103_515_245 + 12_345) & 0x7fffffff
        while length $text < $n;
    return $text;
}

write_htaccess('tenant/cutoff-deflate', "SetInputFilter DEFLATE\n"
    . "ExpectRequire content-length max=$MAX\n");
my @gzip = ('Content-Encoding: gzip');

# By default mod_deflate itself refuses what grows to more than 200 times.
my $bomb = gzip(noise(500) x 100);
cmp_ok length $bomb, '<', $MAX, 'a bomb that is small on the wire';
within_ok('a bomb', $path, $MAX, status => 200, sizes => [50_000],
    read => length $bomb, body => sub { qr/^read=50000\n/ },
    upload => { content => $bomb, headers => \@gzip });

my $large = gzip(noise(4000));
cmp_ok length $large, '>', $MAX, 'content that is large on the wire';
cut_off_ok('gzip over max', $path, $MAX, sizes => [length $large],
    upload => { content => $large, headers => \@gzip });

my $huge = gzip(noise(1900) x 150);
cmp_ok length $huge, '>', $MAX, 'a bomb that is over max on the wire';
cut_off_ok('a bomb over max', $path, $MAX, sizes => [length $huge],
    upload => { content => $huge, headers => \@gzip });

# What is announced is judged by the announced length.
admitted_ok('a bomb, announced', { path => $path, content => $bomb,
    headers => \@gzip }, status => 200, body => qr/^read=50000\n/);
refused_ok('gzip over max, announced', { path => $path, content => $large,
    headers => \@gzip }, status => 413, asked_status => 417,
    rule => 'content-length');

done_testing();
