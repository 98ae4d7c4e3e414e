#!/usr/bin/perl
# The recipe of docs/COOKBOOK for mod_php. Where the MPM has threads, Debian's
# mod_php cannot be loaded: the rules are tried without it, and the witness
# takes the content in its place.

use strict;
use warnings;

use lib 't/config', 't/early';
use File::Path qw(mkpath);
use Test::More;
use Cookbook;
use ExpectTest;
use File;
use ModPhp;

my $has_php = mod_php_fits();

cook('mod_php', sub {
    my($server) = @_;
    my @to = (vhost => $server, method => 'POST', path => '/app/index.php');
    my @json = (headers => ['Content-Type: application/json']);
    admitted_ok('JSON', { @to, @json, content => 1 << 20 }, status => 200,
        body => qr/^read=1048576\n/);
    refused_ok('too large', { @to, @json, length => 9 << 20 }, status => 413,
        asked_status => 417, rule => 'content-length');
    refused_ok('no length', { @to, @json, content => 9, chunked => 1 },
        status => 411, asked_status => 417, rule => 'content-length');
    refused_ok('wrong type', { @to, content => 9,
        headers => ['Content-Type: text/html'] }, status => 415,
        asked_status => 417, rule => 'content-type');
}, prepare => sub {
    mkpath(place('/srv/app'));
    spew(place('/srv/app/index.php'), '<?php echo "read=",'
        . ' strlen(file_get_contents("php://input")), "\n\n";');
}, $has_php ? (load => load_php())
            : (replace => { 'application/x-httpd-php' => 'witness' }));

done_testing();
