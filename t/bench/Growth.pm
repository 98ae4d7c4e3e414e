package Growth;

# How the cost of a decision grows: with the rules, the types in one of them,
# the folders with .htaccess, the virtual hosts, the connections. A curve has a
# case for each of its points. Where httpd itself takes longer, B is httpd
# without the module at the same point, with a limit of its own.

use strict;
use warnings;

use Client;
use Floor ();
use Servers;
use Util;

use constant DEPTH => 30;
use constant COUNTED => 128;

my @POWERS = (1, 10, 100, 1000, 10_000);
my $HUGE = length_of(104_857_600);

my %curves = (
    rules       => 'admitted POST: N rules / 1 rule',
    types       => 'admitted POST: the last of N types / of 1',
    'types-not' => 'refused POST: none of N types / of 1',
    depth       => 'refused PUT below N .htaccess / LimitRequestBody in each',
    'depth-get' => 'GET below N .htaccess / LimitRequestBody in each',
    vhosts      => 'refused PUT to the last of N virtual hosts / '
                 . 'LimitRequestBody',
    connections => 'refused PUT by N clients at once / LimitRequestBody',
);

sub point {
    my($curve, $n, %case) = @_;
    return { part => 'growth', name => $curve, at => $n,
             shows => $curves{$curve}, counted => COUNTED, %case };
}

sub rules_at {
    my($n) = @_;
    define("rules-$n" => { module => 1, dir => {
        few => Floor::rules(1), many => Floor::rules($n) } });
    return point(rules => $n, a => ["rules-$n", 'many', 200],
                 b => ["rules-$n", 'few', 200]);
}

sub types {
    my($n) = @_;
    return join ' ', 'ExpectRequire content-type',
        (map { "application/x-$_" } 1 .. $n - 1), 'image/png';
}

sub types_at {
    my($n) = @_;
    define("types-$n" => { module => 1,
                           dir => { few => types(1), many => types($n) } });
    return (point(types => $n, a => ["types-$n", 'many', 200],
                  b => ["types-$n", 'few', 200], ratio => 0.98),
            point('types-not' => $n, a => ["types-$n", 'many_odd', 417],
                  b => ["types-$n", 'few_odd', 417], ratio => 0.98));
}

sub depth_at {
    my($n) = @_;
    my $path = '/deep/' . 'l/' x $n . 'x';
    add_requests("deep-$n" => request("PUT $path", asks, $HUGE),
                 "deep-get-$n" => request("GET $path"));
    return (point(depth => $n, a => ['expect', "deep-$n", 417],
                  b => ['limit', "deep-$n", 413], ratio => 0.95),
            point('depth-get' => $n, a => ['expect', "deep-get-$n", 200],
                  b => ['limit', "deep-get-$n", 200], ratio => 0.95));
}

sub vhosts {
    my($n, $rule) = @_;
    return sub {
        my($dir, $port) = @_;
        return join '', map { "<VirtualHost 127.0.0.1:$port>\n"
            . "ServerName v$_.example\n$rule\n</VirtualHost>\n" } 1 .. $n;
    };
}

sub vhosts_at {
    my($n) = @_;
    define("expect-$n" => { module => 1, main => vhosts($n, $Floor::MAX) },
           "limit-$n"  => { main => vhosts($n, $Floor::CORE_MAX) });
    add_requests("vhost-$n" => request('PUT /deep/x', asks, $HUGE)
                 =~ s/bench\.example/v$n.example/r);
    return point(vhosts => $n, a => ["expect-$n", "vhost-$n", 417],
                 b => ["limit-$n", "vhost-$n", 413], ratio => 0.95);
}

sub connections_at {
    my($n) = @_;
    return point(connections => $n, a => ['expect', 'refuse', 417],
                 b => ['limit', 'refuse', 413], ratio => 0.95, clients => $n,
                 seconds => $n < 200 ? 0.08 : $n / 2500, paired => 0,
                 counted => 0);
}

# One curve after the other; sort keeps the order of equals.
sub by_curve {
    return sort { $a->{name} cmp $b->{name} } @_;
}

sub cases {
    add_requests(map { ("${_}_odd" => request("POST /$_/x", asks,
        length_of(1024), "Content-Type: text/plain\r\n")) } qw(few many));
    return ((map { rules_at($_) } @POWERS),
            (by_curve(map { types_at($_) } @POWERS)),
            (by_curve(map { depth_at($_) } 0, 5, 10, 20, DEPTH)),
            (map { vhosts_at($_) } @POWERS),
            (map { connections_at($_) } 1, 10, 100, 1000));
}

sub place {
    for my $depth (0 .. DEPTH) {
        my $folder = 'deep/' . 'l/' x $depth;
        place_in("${folder}x", 'x' x 100);
        next if !$depth;
        place_in("$folder.ht-ours", "$Floor::MAX\n");
        place_in("$folder.ht-core", "$Floor::CORE_MAX\n");
    }
}

1;
