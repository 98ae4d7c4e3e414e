#!/usr/bin/perl
# An .htaccess adds mod_expect's own filters to the chains, where they do not
# belong: they remove themselves, and the request is answered as without them.

use strict;
use warnings;

use lib 't/other-modules', 't/cutoff', 't/sent';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use OtherModules;
use CutOff;

my $root = conf_var('documentroot');
my $server = h2_httpd(<<"CONF");
<Directory "$root/sent">
    Options ExecCGI FollowSymLinks
    AllowOverride All
    AddHandler cgi-script .cgi
</Directory>
<DirectoryMatch "/sent/filters-detect">
    ExpectEngine DetectionOnly
</DirectoryMatch>
CONF

# --- the filters -----------------------------------------------------------

sub provider {
    my($name, $filter) = @_;
    return ("FilterDeclare $name", "FilterProvider $name $filter "
        . q{"%{REQUEST_URI} =~ /./"}, "FilterChain $name");
}

my @input = qw(EXPECT EXPECT_CONNECTION EXPECT_EMPTY);
my @output = qw(EXPECT_DROP EXPECT_TYPE);

my %filters = (
    (map { ("SetInputFilter $_" => ["SetInputFilter $_"],
            "AddInputFilter $_" => ["AddInputFilter $_ x cgi txt"]) } @input),
    (map { ("SetOutputFilter $_" => ["SetOutputFilter $_"],
            "AddOutputFilter $_" => ["AddOutputFilter $_ x cgi txt"],
            "AddOutputFilterByType $_" =>
                ["AddOutputFilterByType $_ text/plain text/html"],
            "mod_filter $_" => [provider('ours', $_)]) } @output),
    'one several times' => ['SetInputFilter EXPECT;EXPECT;EXPECT',
        'SetOutputFilter EXPECT_DROP;EXPECT_DROP'],
    'all of them' => ['SetInputFilter EXPECT;EXPECT_CONNECTION;EXPECT;'
        . 'EXPECT_CONNECTION', 'SetOutputFilter EXPECT_TYPE;EXPECT_DROP;'
        . 'EXPECT_TYPE', provider('ours', 'EXPECT_DROP'),
        provider('more', 'EXPECT_TYPE')],
    'with others' => ['SetInputFilter DEFLATE;EXPECT;DEFLATE',
        'SetOutputFilter DEFLATE;EXPECT_DROP;EXPECT_TYPE'],
);

# --- what is asked ---------------------------------------------------------

# the rules; what becomes of uploads of 85 bytes, and of 9
my %rules = (
    'no rules' => [[], 200, 200],
    'admitted' => [['ExpectRequire content-length max=100'], 200, 200],
    'a max' => [['ExpectRequire content-length max=10'], 413, 200],
    'refused, a file' => [['ExpectRequire content-type image/*',
        'ErrorDocument 415 DIR/file.txt', 'ErrorDocument 417 DIR/file.txt'],
        415, 415],
    'refused, a text' => [['ExpectRequire all denied',
        'ErrorDocument 403 "go away"'], 403, 403],
    'refused, a script' => [['ExpectRequire content-length max=10',
        'ErrorDocument 413 DIR/read.cgi'], 413, 200],
    'cut off, a file' => [['ExpectRequire content-length max=10',
        'ErrorDocument 413 DIR/file.txt'], 413, 200],
    'the handler is waited for' => [['ExpectRequire handler dav'], 405, 405],
    'detect' => [['ExpectRequire content-length max=10'], 200, 200],
);

my $n = 0;

sub place {
    my($name, @lines) = @_;
    my $dir = "/sent/filters-$name-" . ++$n;
    mkpath("$root$dir");
    for (['cgi/read.cgi', 'read.cgi'], ['static/file.txt', 'file.txt']) {
        link "$root/$_->[0]", "$root$dir/$_->[1]" or die "$dir: $!\n";
    }
    write_htaccess($dir, join "\n", (map { s/DIR/$dir/r } @lines),
        '<Files x.x>', 'SetHandler witness', '</Files>', '');
    return $dir;
}

# What a client and the witness see of a request; and over HTTP/1.1, of the next
# one on its connection.
sub outcome {
    my($path, %o) = @_;
    my @on = $o{h2} ? (vhost => $server)
                    : (vhost => $server, on => connection($server));
    my $r = upload(@on, method => 'POST', eager => !$o{asks}, path => $path,
        %o);
    my $next = $o{h2} || $r->{closed} ? ''
        : upload(@on, method => 'GET', path => '/static/file.txt')->{status};
    my $w = $r->{witness};
    my %h = %{ $r->{headers} };
    return join "\n", $r->{status} // 'none', "interim @{ $r->{interim} }",
        'closed ' . ($r->{closed} ? 1 : 0), "next $next",
        (map { "$_ " . ($h{$_} // '-') }
            qw(content-type upload-limit accept content-encoding)),
        map({ "$_ " . ($w->{$_} // 'none') }
            qw(status read eos verdict rule nstatus)),
        $r->{body} =~ s/filters-\w+-\d+/filters/gr;
}

my @requests = (
    ['x.x', content => 85, chunked => 1, asks => 0],
    ['x.x', content => 85, chunked => 1, asks => 1],
    ['x.x', content => 85, asks => 0],
    ['x.x', content => 9, asks => 1],
    ['x.x', content => 9, chunked => 1, asks => 0],
    ['read.cgi', content => 85, chunked => 1, asks => 0],
    ['file.txt', method => 'GET'],
);

for my $rules (sort keys %rules) {
    my($lines, @status) = @{ $rules{$rules} };
    my($word) = $rules =~ /(\w+)/;
    my $plain = place($word, @$lines);
    my @as = map { my $h2 = $_; map { [@$_, h2 => $h2] } @requests }
        0, has_h2() ? 1 : ();
    my @plain = map { my($file, %o) = @$_; outcome("$plain/$file", %o) } @as;
    for (0 .. $#as) {
        my($file, %o) = @{ $as[$_] };
        my $is = !$o{content} ? 200 : $status[$o{content} == 9];
        $is = $is > 200 && $o{asks} && $plain[$_] !~ /^interim 100$/m ? 417
                                                                      : $is;
        like $plain[$_], qr/\A$is\n/, "$rules: @{ $as[$_] }: without";
    }
    for my $filters (sort keys %filters) {
        my $dir = place($word, @$lines, @{ $filters{$filters} });
        my @wrong;
        for (0 .. $#as) {
            my($file, %o) = @{ $as[$_] };
            my $got = outcome("$dir/$file", %o);
            push @wrong, "@{ $as[$_] }:\n$got\nnot\n$plain[$_]"
                if $got ne $plain[$_];
        }
        is join("\n", @wrong), '', "$rules: $filters";
    }
}
is join('', $server->crashes), '', 'no child has crashed';

done_testing();
