#!/usr/bin/perl
# in-flight and quota wherever they may be written: each place has counts of its
# own, and the log at level debug shows what each rule says.

use strict;
use warnings;

use lib 't/admission', 't/other-modules';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;
use OtherModules;
use Admission;

my $root = conf_var('documentroot');
my $at = "$root/tenant/places";

sub rules {
    my($key) = @_;
    return "ExpectRequire in-flight uploads=1$key\n"
        . "ExpectRequire quota uploads=2 per=366d$key\n";
}

# the place => path, a section around the rules
my %place = (
    directory => ['/tenant/places/directory/x', "Directory $at/directory"],
    directory_match => ['/tenant/places/dm1/x',
        "DirectoryMatch ^$at/dm[0-9]"],
    files => ['/tenant/places/all/one.txt', 'Files one.txt'],
    files_match => ['/tenant/places/all/two.txt', 'FilesMatch ^tw[o].txt'],
    location => ['/witness/location', 'Location /witness/location'],
    location_match => ['/witness/lm1', 'LocationMatch ^/witness/lm[0-9]'],
    if => ['/witness/if', q(If "%{REQUEST_URI} == '/witness/if'")],
);
my $conf = '';
for my $name (sort keys %place) {
    my $section = $place{$name}[1];
    my($word) = $section =~ /^(\w+)/;
    $conf .= "<$section>\n" . rules('') . "</$word>\n";
}

# inside of others
$place{limit} = ['/witness/limit'];
$place{except} = ['/witness/except'];
$place{nested} = ['/witness/nested'];
$place{vhost} = ['/witness/vhost', undef, 'places.test'];
$conf .= "<Location /witness/limit>\n<Limit PUT>\n" . rules('')
    . "</Limit>\n</Location>\n"
    . "<Location /witness/except>\n<LimitExcept POST>\n" . rules('')
    . "</LimitExcept>\n</Location>\n"
    . "<Location /witness/nested>\n<ExpectRequireAll>\n<ExpectRequireAny>\n"
    . "<ExpectRequireAll>\n" . rules('') . "</ExpectRequireAll>\n"
    . "ExpectRequire header X-Free\n</ExpectRequireAny>\n"
    . "</ExpectRequireAll>\n</Location>\n"
    . "<VirtualHost *>\nServerName other.test\n</VirtualHost>\n"
    . "<VirtualHost *>\nServerName places.test\n" . rules('')
    . "</VirtualHost>\n";

# .htaccess
for my $key (qw(ip user directory)) {
    $place{".htaccess, $key"} = ["/tenant/places/ht-$key/x"];
    write_htaccess("tenant/places/ht-$key", rules(" key=$key"));
}
$place{'Files in .htaccess'} = ['/tenant/places/ht-files/x.txt'];
write_htaccess('tenant/places/ht-files', "<Files x.txt>\n"
    . rules(' key=directory') . "</Files>\n");
$place{'If in .htaccess'} = ['/tenant/places/ht-if/x'];
write_htaccess('tenant/places/ht-if', "<If \"%{REQUEST_METHOD} == 'PUT'\">\n"
    . rules(' key=directory') . "</If>\n");

mkpath("$at/$_") for qw(directory dm1 all);
spew("$at/all/$_.txt", 'x') for qw(one two);

my $server = h2_httpd("LogLevel expect:debug\n$conf");
my @h2 = (0, has_h2() ? 1 : ());

sub put {
    my($server, $path, %o) = @_;
    return upload(vhost => $server, path => $path, content => 5, asks => 1,
        %o);
}

# One upload at a time, and two in all.
sub rules_hold {
    my($name, $server, $path, %o) = @_;
    my $mark = log_mark($server);
    my $held = hold($server, path => $path, content => 5, %o);
    is "@{ $held->{r}{interim} }", '100', "$name: one";
    for my $h2 (@h2) {
        my $r = put($server, $path, h2 => $h2, %o);
        like $r->{status}, qr/^(?:429|503)$/, "$name, h2 $h2: one at a time";
        is $r->{witness}{rule}, 'in-flight', "$name, h2 $h2: noted";
    }
    is finish($held)->{status}, 200, "$name: it ends";
    is put($server, $path, %o)->{status}, 200, "$name: the second";
    for my $h2 (@h2) {
        my $r = put($server, $path, h2 => $h2, %o);
        like $r->{status}, qr/^(?:429|503)$/, "$name, h2 $h2: two in all";
        is $r->{witness}{rule}, 'quota', "$name, h2 $h2: noted";
    }
    return error_log_since($mark);
}

for my $name (sort keys %place) {
    my($path, undef, $host) = @{ $place{$name} };
    my @lines = rules_hold($name, $server, $path, $host ? (host => $host)
        : ());
    my @said = map {
        /expect: at \S+: (in-flight|quota) .*: (\w+) \(ExpectRequire at / ?
            "$1 $2" : () } @lines;
    my %said = map { $_ => 1 } @said;
    is_deeply [sort keys %said], ['in-flight denied', 'in-flight granted',
        'quota denied', 'quota granted'], "$name: debug lines"
        or diag @lines;
}
is put($server, '/witness/vhost', host => 'other.test')->{status}, 200,
    'vhost: another has no such rules' for 1 .. 3;
is put($server, '/witness/limit', method => 'POST')->{status}, 200,
    'limit: another method' for 1 .. 3;
is put($server, '/witness/except', method => 'POST')->{status}, 200,
    'except: another method' for 1 .. 3;

# the server's own section is one for all
{
    my $own = h2_httpd("LogLevel expect:debug\n" . rules(''));
    rules_hold('server', $own, '/witness/x');
    is put($own, '/lazy/y')->{status}, 503, 'server: another place';
}

done_testing();
