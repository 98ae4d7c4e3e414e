#!/usr/bin/perl
# The alerts and the dashboard name only metrics and labels that the status page
# has; and a Prometheus that reads the page evaluates all of them.

use strict;
use warnings;

use lib 't/operations';
use JSON::PP ();
use Test::More;
use ExpectTest;
use File;
use Prometheus;
use StatusTest;

# There with ExpectStore only, and not in these tests: their labels.
my %STORE = (
    expect_store_up             => {},
    expect_store_requests_total => { result => undef },
    expect_store_seconds_bucket => { le => undef },
    expect_store_seconds_sum    => {},
    expect_store_seconds_count  => {},
);
# The datasource of all panels: what the person chooses.
my %SOURCE = (type => 'prometheus', uid => '${datasource}');
# What Prometheus adds to each series.
my @ADDED = qw(job instance);

my $samples = conf_var('top_dir') . '/conf-sample';
my $server = own_httpd(conf => <<'CONF');
<Location /expect-status>
    SetHandler expect-status
</Location>
<Location /witness/length>
    ExpectRequire content-length max=10
    ExpectRequire in-flight uploads=100
</Location>
<Location /witness/detect>
    ExpectEngine DetectionOnly
    ExpectRequire content-length max=10
</Location>
CONF

# All that the page can show.
for (['length', content => 9], ['length', content => 11, asks => 1],
    ['length', content => 11, chunked => 1], ['detect', content => 11],
    ['detect', content => 11, chunked => 1]) {
    my($place, %o) = @$_;
    upload(vhost => $server, path => "/witness/$place/x", eager => !$o{asks},
        %o);
}

# --- the names ---------------------------------------------------------------

# of each metric on the page: its labels, and the values that they have
my %metric = %STORE;
for (split /\n/, page('format=openmetrics', vhost => $server)->{body}) {
    my($name, $labels) = /^(\w+)(?:\{(.*)\})? \S+$/ or next;
    $metric{$name} //= {};
    $metric{$name}{$1}{$2} = 1 while ($labels // '') =~ /(\w+)="([^"]*)"/g;
}
cmp_ok scalar(grep { !$STORE{$_} } keys %metric), '>', 13,
    'the page has metrics';
is_deeply [sort keys %{ $metric{expect_requests_total}{verdict} }],
    [qw(continue detect refuse)], 'the page has all verdicts';

# rules: [name, expression]; a rule that records makes a series as well
my(@alerts, %recorded);
{
    # the expressions, of "expr: ..." in one line and of "expr: >-" in many
    my $yaml = slurp("$samples/alerts.yml");
    while ($yaml =~ /^( +)- (alert|record): (\S+)\n((?:\1 +.*\n)+)/mg) {
        my($kind, $name, $members) = ($2, $3, $4);
        my($first, $more) = $members =~ /^ +expr: (.*)\n((?: {10,}.*\n)*)/m
            or die "$name: no expression\n";
        $recorded{$name} = 1 if $kind eq 'record';
        push @alerts, [$name, $first eq '>-' ? $more : $first];
    }
}
my $dashboard = JSON::PP->new->utf8->decode(slurp("$samples/dashboard.json"));
my @panels = map { $_->{type} eq 'row' ? @{ $_->{panels} // [] } : $_ }
    @{ $dashboard->{panels} };
my @shown = map { my $panel = $_; map { ["$panel->{title} $_->{refId}",
        $_->{expr}, $_->{legendFormat}] } @{ $panel->{targets} } } @panels;
cmp_ok scalar @alerts, '>', 9, 'alerts.yml has rules';
cmp_ok scalar @shown, '>', 20, 'dashboard.json has expressions';

# What is wrong with the names in an expression: a list of words.
sub wrong_names {
    my($expression) = @_;
    my(@wrong, %label);
    my $rest = $expression =~ s/\bby \(([^()]*)\)/ /gr;
    my @by = map { split /[\s,]+/ } $expression =~ /\bby \(([^()]*)\)/g;
    while ($rest =~ /([\w:]*expect[\w:]*)\s*(?:\{([^{}]*)\})?/g) {
        my($name, $matchers) = ($1, $2 // '');
        next if $recorded{$name};
        my $labels = $metric{$name};
        push(@wrong, "no metric $name"), next unless $labels;
        @label{keys %$labels} = ();
        while ($matchers =~ /(\w+)\s*(=~?)\s*"([^"]*)"/g) {
            my($label, $op, $value) = ($1, $2, $3);
            next if grep { $_ eq $label } @ADDED;
            push @wrong, "$name has no $label" unless exists $labels->{$label};
            push @wrong, "$name has no $label $value" if $op eq '='
                && $labels->{$label} && !$labels->{$label}{$value};
        }
    }
    for my $label (@by) {
        push @wrong, "no $label to sum by"
            unless exists $label{$label} || grep { $_ eq $label } @ADDED;
    }
    return @wrong;
}

# the check itself
is join('; ', wrong_names('rate(expect_nothing[5m])')),
    'no metric expect_nothing', 'it sees a wrong metric';
is join('; ', wrong_names('sum by (rulle) '
    . '(expect_requests_total{verdict="refused",foo=~"x"})')),
    'expect_requests_total has no verdict refused; '
    . 'expect_requests_total has no foo; no rulle to sum by',
    'it sees wrong labels';

for (@alerts, @shown) {
    my($name, $expression) = @$_;
    is join('; ', wrong_names($expression)), '', "$name: names";
}
for (@shown) {
    my($name, $expression, $legend) = @$_;
    my %by = map { $_ => 1 } map { split /[\s,]+/ }
        $expression =~ /\bby \(([^()]*)\)/g;
    my @odd = grep { $_ ne 'instance' && !$by{$_} }
        $legend =~ /\{\{\s*(\w+)\s*\}\}/g;
    is "@odd", '', "$name: names in the legend";
}

# --- the dashboard ---------------------------------------------------------

{
    my($list) = map { { map { $_->{name} => $_ } @$_ } }
        $dashboard->{templating}{list};
    is $list->{datasource}{type}, 'datasource', 'a variable datasource';
    is $list->{datasource}{query}, 'prometheus', 'which is a Prometheus';
    is $list->{instance}{query}{query},
        'label_values(expect_counting, instance)', 'a variable instance';
    is_deeply $list->{instance}{datasource}, \%SOURCE, 'of that Prometheus';
    is_deeply [sort keys %$list], [qw(datasource instance)], 'no others';
    ok $dashboard->{$_}, "the dashboard has $_"
        for qw(title uid schemaVersion time panels);
    my %id;
    for my $panel (@{ $dashboard->{panels} }) {
        my $title = $panel->{title};
        is ++$id{ $panel->{id} }, 1, "$title: an id of its own";
        is_deeply [sort keys %{ $panel->{gridPos} }], [qw(h w x y)],
            "$title: its place";
        cmp_ok $panel->{gridPos}{x} + $panel->{gridPos}{w}, '<=', 24,
            "$title: within the page";
        next if $panel->{type} eq 'row';
        like $panel->{type}, qr/^(?:stat|timeseries)$/, "$title: its type";
        ok $panel->{description}, "$title: a description";
        ok $panel->{fieldConfig}{defaults}{unit}, "$title: a unit";
        is_deeply $panel->{datasource}, \%SOURCE, "$title: its datasource";
        cmp_ok scalar @{ $panel->{targets} }, '>', 0, "$title: targets";
        for my $target (@{ $panel->{targets} }) {
            like $target->{refId}, qr/^[A-Z]$/, "$title: its refId";
            is_deeply $target->{datasource}, \%SOURCE,
                "$title $target->{refId}: its datasource";
            unlike $target->{expr} =~ s/\$(?:__rate_interval|__range|instance)
                \b//gxr, qr/\$/, "$title: no other variables";
        }
    }
    my @overlap;
    for my $one (@{ $dashboard->{panels} }) {
        for my $other (@{ $dashboard->{panels} }) {
            my($p, $q) = map { $_->{gridPos} } $one, $other;
            push @overlap, "$one->{title}, $other->{title}"
                if $one != $other
                && $p->{x} < $q->{x} + $q->{w} && $q->{x} < $p->{x} + $p->{w}
                && $p->{y} < $q->{y} + $q->{h} && $q->{y} < $p->{y} + $p->{h};
        }
    }
    is "@overlap", '', 'no panel covers another';
}

# --- evaluated -------------------------------------------------------------

my $prometheus = Prometheus->start($server, "$samples/alerts.yml");

my($target) = @{ $prometheus->get('targets')->{activeTargets} };
is $target->{lastError}, '', 'Prometheus reads the page';
is_deeply $prometheus->get('label/instance/values',
    'match[]' => 'expect_counting'), ['127.0.0.1:' . $server->port],
    'the servers for the variable';

my @with_store;
for (@shown) {
    my($name, $expression, $legend) = @$_;
    my %value = (instance => '.*', __rate_interval => '5m', __range => '1h');
    my $asked = $expression =~ s/\$(\w+)/$value{$1}/gr;
    my @found = eval { $prometheus->query($asked) };
    is $@, '', "$name: evaluated";
    if ($expression =~ /expect_store_/) {
        is scalar @found, 0, "$name: nothing, without a store";
        next;
    }
    cmp_ok scalar @found, '>', 0, "$name: has a result";
    for my $label ($legend =~ /\{\{\s*(\w+)\s*\}\}/g) {
        is scalar(grep { !$_->{metric}{$label} } @found), 0,
            "$name: with $label";
    }
}

# A rule is "unknown" until it is evaluated.
my @rules;
ok $server->wait_for(sub {
    @rules = map { @{ $_->{rules} } } @{ $prometheus->get('rules')->{groups} };
    return @rules && !grep { $_->{health} eq 'unknown' } @rules;
}), 'Prometheus evaluates the rules';
is scalar @rules, scalar @alerts, 'all of them';
is join(' ', map { $_->{lastError} // '' } grep { $_->{health} ne 'ok' }
    @rules), '', 'without an error';
is join(' ', map { $_->{name} } grep { ($_->{state} // '') eq 'firing' }
    @rules), '', 'no alert for a few uploads';

done_testing();
