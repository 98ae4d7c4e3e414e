#!/usr/bin/perl
# Which section's ExpectMerging counts: the value that opens a folder for its
# tenants opens neither a <Location>, <Files> or <If> that stands by itself,
# nor another folder.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $root = conf_var('documentroot');
my $conf = "UseCanonicalName Off\n";
my($n, @cases) = 0;

# A virtual host with this in it (A is its folder), the text of A/.htaccess and
# A/b/.htaccess; then uploads to its folder: path, content and status.
sub case {
    my($name, $text, $outer, $inner, @uploads) = @_;
    my $host = 'above' . ++$n;
    $text =~ s{\bA\b}{$root/above/$host}g;
    write_htaccess("above/$host", $outer);
    write_htaccess("above/$host/b", $inner);
    $conf .= "<VirtualHost *>\nServerName $host\n$text\n</VirtualHost>\n";
    push @cases, [$name =~ s/\n/ /gr, $host, $_] for @uploads;
}

my $LARGE   = "ExpectRequire content-length max=1T\n";
my $CEILING = "ExpectRequire content-length max=1000\n";

# What the administrator opens, what stands by itself, and a tenant's attempt.
for my $open (qw(Or Off)) {
    for my $alone ("<Location />\n$CEILING</Location>",
                   "<LocationMatch ^/above>\n$CEILING</LocationMatch>",
                   "<Files x>\n$CEILING</Files>",
                   "<If true>\n$CEILING</If>",
                   "<Location />\n<If true>\n$CEILING</If>\n</Location>",
                   "<Files x>\n<If true>\n$CEILING</If>\n</Files>") {
        for my $tenant ($LARGE, "<Files x>\n$LARGE</Files>",
                        "<If true>\n$LARGE</If>",
                        "<Files x>\n<If true>\n$LARGE</If>\n</Files>") {
            case("$open: $alone: $tenant", "<Directory \"A\">\n"
                . "ExpectMerging $open\n$CEILING</Directory>\n$alone", undef,
                $tenant, ['b/x', 1001, 417], ['b/x', 1000, 200]);
        }
    }
}

# The tree itself is open as before, and so is a <Location> with its own value.
for (['the tree', "ExpectMerging Or\n", '', 200],
     ['a <Location> of its own mind', '',
         "<Location />\nExpectMerging Or\n$LARGE</Location>", 200],
     ['an <If> in one', '', "<Location />\n<If true>\n$LARGE</If>\n"
         . "ExpectMerging Or\n</Location>", 200],
     ['but not the next <Location>', '', "<Location />\nExpectMerging Or\n"
         . "$LARGE</Location>\n<Location /above>\n$CEILING</Location>", 417],
     ['a virtual host, for all that is in it', '', "ExpectMerging Or\n"
         . "<Location />\n$LARGE</Location>", 200])
{
    my($name, $merging, $alone, $status) = @$_;
    case($name, "<Directory \"A\">\n$CEILING$merging</Directory>\n$alone",
        undef, $LARGE, ['b/x', 1001, $status]);
}

# Of an .htaccess the folder counts in which it is, not a folder further down
# that the upload goes to; in <Files> and <If> as well. So does the folder that
# a <Files> is written in.
for my $tenant ($LARGE, "<Files x>\n$LARGE</Files>", "<If true>\n$LARGE</If>")
{
    case("the folder above: $tenant", <<"CONF", $tenant, undef,
<Directory "A">
    $CEILING
    <Files x>
        ExpectRequire content-length max=900
    </Files>
</Directory>
<Directory "A/b">
    ExpectMerging Or
</Directory>
CONF
        ['b/x', 901, 417], ['b/x', 900, 200], ['b/y', 1001, 417]);
}

# A folder that is open does not open a folder within that is not, though httpd
# merges <Files> and <If> of the former after the latter.
for my $open (qw(Or Off)) {
    for my $tenant ($LARGE, "<Files x>\n$LARGE</Files>",
                    "<If true>\n$LARGE</If>",
                    "<Files x>\n<If true>\n$LARGE</If>\n</Files>",
                    "<If false>\n</If>\n<Else>\n$LARGE</Else>") {
        my @uploads = (['x', 1001, 200], ['b/x', 1001, 417],
            ['b/x', 1000, 200]);
        my $folder = "<Directory \"A\">\nExpectMerging $open\n$CEILING"
            . '</Directory>';
        case("$open, and And within: $tenant", "$folder\n<Directory \"A/b\">"
            . "\nExpectMerging And\n$CEILING</Directory>", $tenant, undef,
            @uploads);
        case("$open, and a regular expression: $tenant", "$folder\n"
            . "<DirectoryMatch ^$root/above/.*/b>\nExpectMerging And\n"
            . "$CEILING</DirectoryMatch>", $tenant, undef, @uploads);
    }
}

my $server = own_httpd(conf => <<"CONF");
<Directory "$root/above">
    AllowOverride All
    SetHandler witness
</Directory>
$conf
CONF
for (@cases) {
    my($name, $host, $upload) = @$_;
    my($path, $content, $status) = @$upload;
    my $r = upload(vhost => $server, host => $host, asks => 1,
        path => "/above/$host/$path", content => $content);
    is $r->{status}, $status, "$name: $path, $content bytes: $status";
}

done_testing();
