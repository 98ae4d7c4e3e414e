#!/usr/bin/perl
# The output of ExpectExplain, LogLevel expect:debug and expect:trace1, and
# -D DUMP_EXPECT that docs/TROUBLESHOOTING shows is what httpd prints for the
# configuration shown there.

use strict;
use warnings;

use lib 't/config';
use File::Path qw(mkpath);
use Test::More;
use Cookbook;
use ExpectTest;
use File;

open my $fh, '<', conf_var('top_dir') . '/docs/TROUBLESHOOTING'
    or die "TROUBLESHOOTING: $!\n";
my @blocks = map { $_->{text} } Cookbook::blocks_of(join '', <$fh>);

sub block {
    my($begins) = @_;
    my @found = grep { /^$begins/ } @blocks;
    is scalar @found, 1, "one block begins with $begins";
    return $found[0];
}

my $dir  = ExpectTest::private_dir();
my $file = "$dir/web.conf";
my $at   = place('');
mkpath(place('/srv/uploads/anna'));
my $conf = block('<VirtualHost \*:80>');
spew($file, $conf =~ s{(?=/srv)}{$at}gr =~ s/:80>/>/r);

# As the text has it: its places and its port, any space as one blank.
sub shown {
    my($text) = @_;
    $text =~ s/\Q$file\E/web.conf/g;
    $text =~ s/\Q$at\E//g;
    $text =~ s/(?<=files\.example\.org):[*\d]+/:80/g;
    return $text =~ s/\s+/ /gr;
}

sub shown_by {
    my($name, $part, $whole) = @_;
    $part = shown($part);
    like shown($whole), qr/\Q$part\E/, $name;
}

my $include = qq(Include "$file"\n);

# --- explain and dump ------------------------------------------------------

my($question) = block('apachectl -t -D DUMP_EXPECT \\\\\n')
    =~ /-c 'ExpectExplain (.*)'/;
my $server_name = "ServerName files.example.org\n";
my($answer) = explained("$server_name$include", $question);
is shown($answer), shown(block('ExpectExplain ')), 'ExpectExplain';

my($exit, $dump) = config_error($include, '-D', 'DUMP_EXPECT');
is $exit, 0, 'httpd takes it';
shown_by('-D DUMP_EXPECT', block('VirtualHost files'), $dump);

# --- the log ---------------------------------------------------------------

my $server = own_httpd(
    conf => "$server_name${include}LogLevel expect:trace1\n");
my $mark = log_mark($server);
my $r = upload(vhost => $server, path => '/uploads/film.png', asks => 1,
    host => 'files.example.org', length => 50 << 20,
    headers => ['Content-Type: image/png']);
is $r->{status}, 417, 'a film is refused';
my $log = join '', map { s/^.*?(?=expect: )//r } grep { /expect: / }
    error_log_since($mark);
my($trace, $debug) = $log =~ /^(expect: PUT,.*\n)((?s:.*))/;
is shown($trace), shown(block('expect: PUT, ')), 'LogLevel expect:trace1';
is shown($debug), shown(block('expect: at directory: ')),
    'LogLevel expect:debug';

# --- errors ----------------------------------------------------------------

(undef, my $message) = config_error("ExpectRequire content-length max=1X\n");
shown_by('an error', block('ExpectRequire: content-length max=1X'), $message);

done_testing();
