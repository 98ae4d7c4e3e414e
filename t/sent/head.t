#!/usr/bin/perl
# Rules see the head as it was sent. This holds as well for the section of a
# file that a request was moved to, where an .htaccess has run RequestHeader
# before its rules are evaluated. The handler gets what RequestHeader sets.

use strict;
use warnings;

use lib 't/other-modules', 't/cutoff';
use File::Path qw(mkpath);
use Test::More;
use ExpectTest;
use OtherModules;
use CutOff;

my $root = conf_var('documentroot');

# --- rules -----------------------------------------------------------------

# the rule; its status; a field as it has to be, and as it must not be; what the
# script sees of it
my @rules = (
    ['content-type image/png', 415, 'Content-Type', 'image/png', 'text/plain',
        'CONTENT_TYPE'],
    ['content-encoding gzip', 415, 'Content-Encoding', 'gzip', 'br',
        'HTTP_CONTENT_ENCODING'],
    ['header X-A ^yes$', 400, 'X-A', 'yes', 'no', 'HTTP_X_A'],
    ['header If-Match ^yes$', 428, 'If-Match', 'yes', 'no',
        'HTTP_IF_MATCH'],
    ['precondition', 412, 'If-None-Match', '"other"', '*',
        'HTTP_IF_NONE_MATCH'],
    [q{expr "%{HTTP:X-A} == 'yes'"}, 403, 'X-A', 'yes', 'no', 'HTTP_X_A'],
    [q{expr "%{req:X-A} == 'yes'"}, 403, 'X-A', 'yes', 'no', 'HTTP_X_A'],
);

sub each_rule {
    my($rule) = @_;
    return ("ExpectRequire $rule->[0]");
}

# The same by <If>, which is looked up again where the request moves to.
sub by_if {
    my($rule) = @_;
    my(undef, undef, $name, $good) = @$rule;
    return (qq(<If "%{REQUEST_FILENAME} =~ /cgi\$/ && )
        . qq(%{HTTP:$name} != '$good'">), 'ExpectRequire all denied', '</If>');
}

# --- places ----------------------------------------------------------------

# what it shows; the path behind the directory's; lines of its .htaccess
my @places = (
    ['DirectoryIndex', '', 'DirectoryIndex record.cgi'],
    ['FallbackResource', 'x', 'FallbackResource DIR/record.cgi'],
    ['MultiViews', 'record', 'Options +MultiViews', 'MultiviewsMatch Any'],
    ['the file itself', 'record.cgi'],
);

my $server = h2_httpd(<<"CONF");
<Directory "$root/sent">
    Options ExecCGI FollowSymLinks
    AllowOverride All
    AddHandler cgi-script .cgi
</Directory>
<Location /sent-early>
    SetHandler witness
    ExpectRequire header X-Early ^set\$
</Location>
RequestHeader set X-Early set early
CONF

my $n = 0;

# An upload with the field $sends, where RequestHeader sets $sets.
# Rules stand in the .htaccess, for the file.
sub upload_to {
    my($place, $rules, $field, $sends, $sets, $asks, $h2) = @_;
    my(undef, $path, @lines) = @$place;
    my $dir = '/sent/head-' . ++$n;
    my $token = token();
    mkpath("$root$dir");
    link "$root/cgi/record.cgi", "$root$dir/record.cgi" or die "$dir: $!\n";
    write_htaccess($dir, join "\n", map({ s/DIR/$dir/r } @lines), @$rules,
        defined $sets ? "RequestHeader set $field '$sets'"
                      : "RequestHeader unset $field", '');
    my $r = upload(vhost => $server, method => 'POST', asks => $asks, h2 => $h2,
        eager => !$asks, path => "$dir/$path?$token", content => 'hello',
        headers => [defined $sends ? "$field: $sends" : ()]);
    return ($r, handed($token, '.env'), handed($token));
}

sub seen {
    my($env, $variable) = @_;
    return $env =~ /^\Q$variable\E=(.*)$/m ? $1 : undef;
}

for my $place (@places) {
    for my $rule (@rules) {
        my(undef, $status, $field, $good, $bad, $variable) = @$rule;
        my @if = by_if($rule);
        for (['', ['<Files "*.cgi">', each_rule($rule), '</Files>'], $status],
             $good =~ /"/ ? () : [', <If>', \@if, 403]) {
            my($how, $rules, $own) = @$_;
            my @h2 = (0, has_h2() ? 1 : ());
            for my $as (map { my $h2 = $_; [1, $h2], [0, $h2] } @h2) {
                my $name = "$place->[0], $rule->[0]$how, asks $as->[0], "
                    . "h2 $as->[1]";
                my($r, $env, $bytes) = upload_to($place, $rules, $field, $bad,
                    $good, @$as);
                is_deeply [@$r{qw(status interim)}, $env, $bytes,
                    $r->{witness}{read}], [$as->[0] ? 417 : $own, [], '', '',
                    0], "$name: what was set does not help" or diag explain $r;
                # a precondition is httpd's own, too
                next if $field =~ /^If-/;
                ($r, $env, $bytes) = upload_to($place, $rules, $field, $good,
                    $bad, @$as);
                is_deeply [@$r{qw(status interim)}, $bytes],
                    [200, $as->[0] ? [100] : [], 'hello'],
                    "$name: nor does it harm" or diag explain $r;
                is seen($env, $variable), $bad, "$name: the script sees it";
                is seen($env, 'CONTENT_LENGTH'), 5, "$name: and the length";
            }
        }
    }
}

# --- in Require ------------------------------------------------------------

# DirectoryIndex and its like make a subrequest, whose fixups run RequestHeader;
# in there and in what it leads to, Require sees the head as it was sent.
for my $place (@places) {
    for my $rule (grep { $_->[0] !~ /^(?:expr|precondition)/ } @rules) {
        my(undef, undef, $field, $good, $bad, $variable) = @$rule;
        my @require = ('<Files "*.cgi">', "Require $rule->[0]", '</Files>');
        my $name = "Require, $place->[0], $rule->[0]";
        my($r, $env) = upload_to($place, \@require, $field, $bad, $good, 0, 0);
        isnt $r->{status}, 200, "$name: what was set does not help";
        is $env, '', "$name: the script is not run";
        next if $field =~ /^If-/;
        ($r, $env) = upload_to($place, \@require, $field, $good, $bad, 0, 0);
        is $r->{status}, 200, "$name: nor does it harm";
        is seen($env, $variable), $bad, "$name: the script sees it";
    }
}

# --- early -----------------------------------------------------------------

# The server's own configuration speaks before the request is judged: what it
# sets counts as sent.
admitted_on('RequestHeader early', $server,
    { path => '/sent-early/x', content => 5 }, status => 200);
admitted_on('RequestHeader early, sent otherwise', $server,
    { path => '/sent-early/x', content => 5, headers => ['X-Early: sent'] },
    status => 200);

# --- where no rules are ----------------------------------------------------

{
    my($r, $env) = upload_to($places[0], [], 'Content-Type', 'text/plain',
        'image/png', 0, 0);
    is_deeply [$r->{status}, $r->{witness}{verdict},
        seen($env, 'CONTENT_TYPE')], [200, '-', 'image/png'],
        'no rules: what was set is seen';
}
is join('', $server->crashes), '', 'no child has crashed';

done_testing();
