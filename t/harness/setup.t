#!/usr/bin/perl
# t/setup notices each missing thing by itself. On a machine that has
# everything, nobody would see that one of its checks never runs.

use strict;
use warnings;

use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use File;

# All that t/setup itself is made of, and no more.
my @TOOLS = qw(sh cat grep id ls printf sed uname rm env);
my @WANTED = qw(make gcc clang clang-tidy cppcheck curl openssl chromium nghttp
    fail2ban-server promtool faketime npm perl redis-server);
my %package = (nghttp => 'nghttp2-client', 'fail2ban-server' => 'fail2ban',
    promtool => 'prometheus');

my $bin = conf_var('t_logs') . "/setup-$$";
mkpath($bin);

sub path_of {
    my($tool) = @_;
    my($file) = grep { -x } map { "$_/$tool" } split /:/, $ENV{PATH};
    return $file;
}

sub missing {
    local %ENV = (PATH => $bin);
    my $text = qx(t/setup 2>&1);
    my($list) = $text =~ /^t\/setup: not there \(.*?\):(.*)$/m;
    return ($?, { map { $_ => 1 } split ' ', $list // '' }, $text);
}

for (@TOOLS) {
    symlink path_of($_) // die("no $_\n"), "$bin/$_" or die "$_: $!\n";
}
my($status, $missing, $text) = missing();
isnt $status, 0, 'with next to nothing: it fails' or diag $text;
for (@WANTED) {
    my $name = $package{$_} // $_;
    ok $missing->{$name}, "$_: missing" or diag $text;
}
ok $missing->{'npm:structured-headers'}, 'a package of npm: missing';
like $text, qr/^  Debian, Ubuntu  apt-get install .*^  Fedora .*^  Alpine /ms,
    'it says what to install, and where';

for (grep { $_ ne 'perl' } @WANTED) {
    my $name = $package{$_} // $_;
    spew("$bin/$_", "#!/bin/sh\nexit 0\n");
    chmod 0755, "$bin/$_";
    my(undef, $left) = missing();
    ok !$left->{$name}, "$_: there";
}

# node says whether it can load that
spew("$bin/node", "#!/bin/sh\nexit 1\n");
chmod 0755, "$bin/node";
my(undef, $left) = missing();
ok !$left->{nodejs} && $left->{'npm:structured-headers'},
    'node: there, and the package of npm is missing';
spew("$bin/node", "#!/bin/sh\nexit 0\n");
(undef, $left) = missing();
ok !$left->{'npm:structured-headers'}, 'the package of npm: there';

done_testing();
