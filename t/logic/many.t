#!/usr/bin/perl
# Thousands of sections in one .htaccess: each of them counts, in its turn,
# and they need no more stack than a few.

use strict;
use warnings;

use Test::More;
use ExpectTest;

use constant MANY => 3000;

my $root = conf_var('documentroot');
my $server = own_httpd(conf => <<"CONF");
<IfModule !mpm_prefork_module>
    ThreadStackSize 131072
</IfModule>
<Directory "$root/tenant/many-or">
    ExpectMerging Or
</Directory>
CONF

# The text of so many sections; each wants another field, and the last one says
# how large an upload may be.
sub sections {
    my($kind) = @_;
    my($start, $end) = $kind eq 'Files' ? ('<Files "*">', '</Files>')
                                        : ('<If "true">', '</If>');
    my $text = join '', map { "$start\nExpectRequire header X-$_\n$end\n" }
        1 .. MANY;
    return "${text}$start\nExpectRequire content-length max=10\n$end\n";
}

# httpd merges <If> sections one by one as well.
for my $kind (qw(Files If)) {
    write_htaccess("tenant/many-$kind", sections($kind));
    my %o = (path => "/tenant/many-$kind/x", vhost => $server, content => 5);
    refused_ok("$kind: the first is missing", \%o, status => 400,
        asked_status => 417, like => qr/^header X-1 is missing/);
    my $r = upload(path => "/tenant/many-$kind/x", vhost => $server,
        method => 'OPTIONS');
    is $r->{headers}{'upload-limit'}, 'max-size=10',
        "$kind: in the answer to OPTIONS";
    is join('', $server->crashes), '', "$kind: no child has crashed";
}

write_htaccess('tenant/many-or', sections('Files'));
my %or = (path => '/tenant/many-or/x', vhost => $server);
admitted_ok('Or: the last holds', { %or, content => 10 }, status => 200);
admitted_ok('Or: one in the middle holds', { %or, content => 11,
    headers => ['X-' . MANY / 2 . ': 1'] }, status => 200);
refused_ok('Or: none holds', { %or, content => 11 }, status => 400,
    asked_status => 417);

# Where an .htaccess lies is kept once, however many rules it has: a deep folder
# makes them no larger. The most memory that a process had at once, in kB.
sub most_memory {
    my $most = 0;
    for my $file (glob '/proc/[0-9]*/status') {
        open my $in, '<', $file or next;
        my $text = join '', <$in>;
        next unless $text =~ /^PPid:\s+(\d+)$/m && $1 == $server->pid;
        $most = $1 if $text =~ /^VmHWM:\s+(\d+) kB$/m && $1 > $most;
    }
    return $most;
}

{
    my $deep = join '/', 'tenant/many-deep', ('d' x 200) x 17;
    my $before = most_memory();
    write_htaccess($deep, "ExpectRequire all granted\n" x 20_000);
    my $r = upload(path => "/$deep/x", vhost => $server, content => 10);
    is $r->{status}, 200, 'many rules in a deep folder';
    my $more = most_memory() - $before;
    cmp_ok $before, '>', 0, 'memory is known';
    cmp_ok $more, '<', 40_000, "it took $more kB";
}

is join('', $server->crashes), '', 'no child has crashed';

done_testing();
