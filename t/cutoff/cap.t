#!/usr/bin/perl
# Which max= holds for content of unknown length: the smallest of all rules
# that must hold, or the largest of the alternatives that could admit it
# (none, if one of these has no max). DetectionOnly only logs.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use lib 't/cutoff';
use CutOff;

my $root = conf_var('documentroot');
my @alice = (basic_auth('alice'));     # alice:secret
my @form = ('Content-Type: application/pdf');
my $n = 0;

sub limit { map { "ExpectRequire content-length max=$_" } @_ }
sub any { '<ExpectRequireAny>', @_, '</ExpectRequireAny>' }
sub all { '<ExpectRequireAll>', @_, '</ExpectRequireAll>' }
sub none { '<ExpectRequireNone>', @_, '</ExpectRequireNone>' }

my $pdf = 'ExpectRequire content-type application/pdf';
my @login = ('AuthType Basic', 'AuthName cap', 'AuthBasicProvider witness',
    'Require valid-user');

# what it shows; the rules; the headers; the max that holds (undef: none)
my @cases = (
    ['two that must hold: the smaller', [limit(500, 200)], [], 200],
    ['two that must hold: the smaller, first', [limit(200, 500)], [], 200],
    ['three, the smallest in a container', [limit(500), all(limit(400, 200))],
        [], 200],
    ['either: the wider', [any(limit(200, 500))], [], 500],
    ['either: the wider, first', [any(limit(500, 200))], [], 500],
    ['either, and a ceiling', [limit(300), any(limit(200, 500))], [], 300],
    ['either, below the ceiling', [limit(600), any(limit(200, 500))], [], 500],
    ['either, the other one holds: none', [any(limit(200), $pdf)], \@form,
        undef],
    ['either, the other one first', [any($pdf, limit(200))], \@form, undef],
    ['either, the other one does not hold', [any($pdf, limit(200))], [], 200],
    ['either, in a ceiling, the other one holds',
        [limit(500), any(limit(200), $pdf)], \@form, 500],
    ['each with its own: the one that holds',
        [any(all($pdf, limit(500)), all('ExpectRequire content-type text/*',
            limit(900)), limit(200))], \@form, 500],
    ['each with its own: what does not hold does not widen',
        [any(all($pdf, limit(500)), limit(200))], [], 200],
    ['min and max in one rule are one',
        ['ExpectRequire content-length min=0 max=200'], [], 200],
    ['None beside it does not matter', [limit(200), none($pdf)], [], 200],

    # Alternatives that wait for the user or the handler.
    ['a user widens', [@login, any(all('ExpectRequire user alice', limit(500)),
        limit(200))], \@alice, 500],
    ['another user does not widen', [@login,
        any(all('ExpectRequire user bob', limit(500)), limit(200))], \@alice,
        200],
    ['a user, without a max', [@login, any('ExpectRequire user alice',
        limit(200))], \@alice, undef],
    ['a user, behind', [@login, any(limit(200), 'ExpectRequire user alice')],
        \@alice, undef],
    ['another user, behind', [@login, any(limit(200),
        'ExpectRequire user bob')], \@alice, 200],
    ['a ceiling, and a user', [@login, limit(300),
        any(limit(200), 'ExpectRequire user alice')], \@alice, 300],
    ['the handler widens', [any(limit(200), 'ExpectRequire handler witness')],
        [], undef],
    ['another handler does not', [any(limit(200),
        'ExpectRequire handler cgi-script')], [], 200],
    ['the handler widens to a max', [any(limit(200),
        all('ExpectRequire handler witness', limit(500)))], [], 500],
);

for (@cases) {
    my($name, $rules, $headers, $max) = @$_;
    my $path = section(@$rules);
    my %o = (upload => { headers => $headers });
    if (defined $max) {
        within_ok($name, $path, $max, status => 200, sizes => [$max], %o);
        cut_off_ok($name, $path, $max, sizes => [$max + 1], %o);
    }
    else {
        within_ok("$name: no max", $path, 0, status => 200, sizes => [5000],
            %o);
    }
}

# Sections above and below. t/conf/merge.conf.in sets 1000 for /merge/*.
{
    my %held = (
        and => [['max=200', 200], ['max=5000', 1000]],
        or  => [['max=200', 1000], ['max=5000', 5000],
                ['header X-No', 1000], ['header Host', undef]],
        off => [['max=200', 200], ['max=5000', 5000], ['header Host', undef]],
    );
    for my $merging (sort keys %held) {
        for (@{ $held{$merging} }) {
            my($rule, $max) = @$_;
            my $dir = "merge/$merging/cap-" . ++$n;
            $rule = "content-length $rule" if $rule =~ /^max/;
            write_htaccess($dir, "ExpectRequire $rule\n");
            my $name = "ExpectMerging $merging, $rule below max=1000";
            if (defined $max) {
                within_ok($name, "/$dir/x", $max, status => 200,
                    sizes => [$max]);
                cut_off_ok($name, "/$dir/x", $max, sizes => [$max + 1]);
            }
            else {
                within_ok($name, "/$dir/x", 0, status => 200,
                    sizes => [5000]);
            }
        }
    }
}

# DetectionOnly logs once, and the content is read on. (/merge/engine/ has
# max=10.)
write_htaccess('merge/engine/detect', '');
within_ok('DetectionOnly', '/merge/engine/detect/x', 10, status => 200,
    sizes => [11, 100_000], verdict => 'detect',
    body => sub { qr/^read=$_[0]\n/ },
    log => qr/would refuse 413: content of unknown length exceeded max=10\b/);
within_ok('DetectionOnly', '/merge/engine/detect/x', 10, status => 200,
    sizes => [10]);
write_htaccess('merge/engine/off', '');
within_ok('ExpectEngine Off', '/merge/engine/off/x', 10, status => 200,
    sizes => [1000], verdict => '-');

# ExpectScope expectation: the rules do not hold for clients that did not ask.
write_htaccess('merge/scope', '');
cut_off_ok('ExpectScope expectation, asked', '/merge/scope/x', 10,
    asks => [1]);
within_ok('ExpectScope expectation, not asked', '/merge/scope/x', 10,
    asks => [0], sizes => [1000], status => 200, verdict => '-');

# An internal redirect keeps the max: a front controller in .htaccess.
{
    my %to = (
        'the witness' => ['tenant', 'front.php'],
        'a script' => ['front', 'index.cgi'],
    );
    for my $name (sort keys %to) {
        my($where, $file) = @{ $to{$name} };
        my $dir = "$where/cutoff-front";
        write_htaccess($dir, join "\n", limit(1000), 'RewriteEngine On',
            "RewriteRule !^\Q$file\E\$ $file [L]", '');
        link "$root/cgi/read.cgi", "$root/$dir/$file"
            or die "$dir/$file: $!\n";
        within_ok("front controller, $name", "/$dir/some/where", 1000,
            status => 200, upload => { method => 'POST' },
            sizes => [1000], body => sub { qr/^read=$_[0]\n/ });
        # mod_cgi may wait for the script, see cgi.t.
        next if $where eq 'front' && !has_h2();
        cut_off_ok("front controller, $name", "/$dir/some/where", 1000,
            upload => { method => 'POST' });
    }
}

# Nor does the max of another place come in by a redirect.
{
    write_htaccess('tenant/cutoff-to', join "\n", limit(10), '');
    my $path = section(limit(1000), 'RewriteEngine On',
        'RewriteRule ^ /tenant/cutoff-to/y [L]');
    within_ok('a redirect to a smaller max', $path, 1000, status => 200,
        sizes => [1000]);
    cut_off_ok('a redirect to a smaller max', $path, 1000, sizes => [1001]);
}

# DirectoryIndex: the rules of the file that takes it.
{
    my $dir = 'front/cutoff-index';
    write_htaccess($dir, join "\n", 'DirectoryIndex index.cgi',
        '<Files index.cgi>', limit(1000), '</Files>', '');
    link "$root/cgi/read.cgi", "$root/$dir/index.cgi"
        or die "$dir: $!\n";
    within_ok('DirectoryIndex', "/$dir/", 1000, status => 200,
        upload => { method => 'POST' }, sizes => [1000],
        body => sub { qr/^read=$_[0]\n/ });
    cut_off_ok('DirectoryIndex', "/$dir/", 1000,
        upload => { method => 'POST' }) if has_h2();
}

# A handler that reads on after the cut-off gets an error again, and no end;
# also where <If> has been looked up for the file that takes it.
for my $if ([], ['<If "%{REQUEST_METHOD} == \'POST\'">']) {
    my $dir = 'front/cutoff-again-' . @$if;
    write_htaccess($dir, join "\n", 'DirectoryIndex index.x',
        '<Files index.x>', 'SetHandler witness-again', '</Files>', @$if,
        limit(1000), @$if ? '</If>' : (), '');
    open my $fh, '>', "$root/$dir/index.x" or die "$dir: $!\n";
    close $fh;
    cut_off_ok("read on, DirectoryIndex, @$if", "/$dir/", 1000,
        upload => { method => 'POST' });
}

done_testing();
