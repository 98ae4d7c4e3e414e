package Mapping;

=head1 NAME

Mapping - the same requests, with the module and without it

=head1 SYNOPSIS

    use lib 't/other-modules', 't/mapping';
    use Mapping;

    same_as_without([
        { name => 'Alias', conf => 'Alias /alias "${ROOT}/cgi"',
          path => '/alias/env.cgi', shows => qr/^CONTEXT_PREFIX=/m },
    ]);

=head1 A FACILITY

A hash that says how httpd finds out where a request leads: name, path (%d is
the number of the request, for files that are stored), conf (lines of the
virtual host that is asked), files (path below ${ROOT} => text; ${ROOT} is a
folder of each server's own, and its htdocs the DocumentRoot), requests (names
out of those below), h2 (1: over HTTP/2 as well), host, headers; and shows, a
pattern that the answers of httpd without the module match, so that the
facility is known to have worked.

=head1 FUNCTIONS

=over

=item same_as_without(\@facilities, %o)

Sends all requests to servers without the module, with it, and with it and
rules that admit, each of them plain, with mod_cache and with mod_lua loaded,
and compares what comes of it. C<load> is a list of modules for all of them,
C<main> what stands before the virtual host. C<kinds> are those of
quick_kinds() that matter, or 'a quick handler that reads': it takes what
content it can get, and leaves the request to httpd.

=item mapping_server(%o)

Such a server: C<quick> (one of these kinds), C<expect>, C<rules>, C<conf>,
C<main>, C<load>, C<files>. Methods: root(), httpd(), lines($name) of a file
below root(), and transcripts(\@facilities), which sends the requests, stops
the server and returns what came of them: facility => request => text.

=item quick_kinds()

What may be loaded that has a quick handler: 'no quick handler', 'mod_cache',
'mod_lua'.

=item env_cgi()

A script that prints its environment, and how much it read. The witness does
the same for files that end in .x, and is faster.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(mkpath);
use POSIX ();
use Storable qw(nstore retrieve);
use Test::More;

use ExpectTest;
use File;
use OtherModules;

our @EXPORT = qw(same_as_without mapping_server quick_kinds env_cgi LUA_NOTE);

use constant CONTENT => 'hello';
use constant SHOWN => 12;      # lines of a difference

my %REQUEST = (
    'POST'                => { method => 'POST' },
    'POST, asked'         => { method => 'POST', asks => 1 },
    'POST, chunked'       => { method => 'POST', chunked => 1 },
    'PUT'                 => { method => 'PUT' },
    'PUT, asked'          => { method => 'PUT', asks => 1 },
    'PUT, chunked, asked' => { method => 'PUT', asks => 1, chunked => 1 },
    'PUT, chunked'        => { method => 'PUT', chunked => 1 },
    'GET'                 => { method => 'GET', content => '' },
    'GET again'           => { method => 'GET', content => '' },
    'GET with content'    => { method => 'GET' },
    'GET with content, asked'   => { method => 'GET', asks => 1 },
    'GET with content, chunked' => { method => 'GET', chunked => 1 },
);
my @USUAL = ('POST, chunked', 'PUT, asked');

# All that a script is handed.
sub env_cgi {
    return <<'CGI';
#!/usr/bin/perl
read STDIN, my $content, 1000;
print "Content-Type: text/plain\n\n",
    (map { "$_=$ENV{$_}\n" } sort keys %ENV), 'read=', length $content, "\n";
CGI
}

# Of that, what differs from request to request, and what mod_expect is
# documented to add.
my $NOT_COMPARED = qr/^(?:REDIRECT_)*(?:UNIQUE_ID|REMOTE_PORT|HTTP_X_WITNESS
    |H2_STREAM_TAG|EXPECT_VERDICT=continue$).*\n/mx;

# A script in Lua begins with this: note() writes down the request and a word.
use constant LUA_NOTE => <<'LUA';
require 'apache2'

local function note(r, what)
    local file = io.open("ROOT/calls", "a")
    file:write((r.headers_in['X-Witness'] or '-') .. ' ' .. what .. "\n")
    file:close()
end
LUA

# Every call writes a line into ${ROOT}/calls: whose request, and what was
# called.
my $COUNT_LUA = LUA_NOTE . <<'LUA';
local function count(r, what)
    note(r, what)
    return apache2.DECLINED
end
function quick(r) return count(r, 'quick handler') end
function translate(r) return count(r, 'translate_name') end
function map(r) return count(r, 'map_to_storage') end
function read(r)
    r:requestbody()
    return apache2.DECLINED
end
LUA

my $COUNT_MAP = <<'PROGRAM';
#!/usr/bin/perl
$| = 1;
while (<STDIN>) {
    open my $fh, '>>', 'ROOT/calls' or die "calls: $!\n";
    print $fh s/\s+$//r, " RewriteMap\n";
    close $fh;
    print "counted\n";
}
PROGRAM

my %QUICK = (
    'no quick handler' => [[], ''],
    'mod_cache'        => [['cache'], ''],
    'mod_lua'          => [['lua'], <<'CONF'],
LuaQuickHandler "${ROOT}/count.lua" quick
LuaHookTranslateName "${ROOT}/count.lua" translate early
LuaHookMapToStorage "${ROOT}/count.lua" map
CONF
    'a quick handler that reads' => [['lua'],
        qq(LuaQuickHandler "\${ROOT}/count.lua" read\n)],
);

# Where all test servers have mod_cache, none is without a quick handler.
sub quick_kinds {
    return (load('cache') ? 'no quick handler' : (), 'mod_cache', 'mod_lua');
}

# Known from the head; chunked content is bounded as well.
my $ADMIT = "ExpectRequire content-length max=1M\n";

my $LOG = join '\t', qw(%{X-Witness}i %m %U%q %H %>s %s %f %R %u),
    map { "\\\"$_\\\"" } qw(%{MATCH_PROJECT}e %{Set-Cookie}o %{Location}o);

# The folder's name is as long for each server, and so is what it stands in.
my $servers = 0;

sub fresh_root {
    return sprintf '%s/mapping-%d-%02d', conf_var('t_logs'), $$, ++$servers;
}

sub write_tree {
    my($root, %files) = @_;
    for my $name (sort keys %files) {
        my $file = "$root/$name";
        mkpath(dirname($file));
        spew($file, $files{$name} =~ s/ROOT(?=\/)/$root/gr);
        chmod 0755, $file if $files{$name} =~ /^#!/;
        utime 1e9, 1e9, $file;      # Last-Modified and ETag
    }
}

# The host that is asked, and one more, whose folders are called as it is.
sub hosts {
    my($conf, $counts) = @_;
    return <<"VHOSTS";
<VirtualHost 127.0.0.1:\${ORIGIN_PORT}>
ServerName localhost
RewriteEngine On
RewriteMap calls "prg:\${ROOT}/map.pl"
Alias /to/ "\${ROOT}/to/"
$counts
$conf
</VirtualHost>
<VirtualHost 127.0.0.1:\${ORIGIN_PORT}>
ServerName v.example
ServerAlias *.v.example
UseCanonicalName Off
VirtualDocumentRoot "\${ROOT}/vhosts/%0/docs"
VirtualScriptAlias "\${ROOT}/vhosts/%0/scripts"
$counts
</VirtualHost>
VHOSTS
}

# They start and stop sooner; a proxy to itself needs two.
sub few_processes {
    return one_process() . <<'CONF';
<IfModule mpm_prefork_module>
    StartServers 2
    MaxSpareServers 4
    MaxRequestWorkers 4
</IfModule>
CONF
}

sub mapping_server {
    my %o = (quick => 'no quick handler', rules => '', conf => '', main => '',
        load => [], files => {}, @_);
    my($load, $counts) = @{ $QUICK{ $o{quick} } };
    my $root = fresh_root();
    write_tree($root, 'htdocs/a.x' => '', 'to/env.x' => '',
        'to/env.cgi' => env_cgi(), 'count.lua' => $COUNT_LUA,
        'map.pl' => $COUNT_MAP, calls => '', access => '', %{ $o{files} });
    my $text = few_processes() . load('userdir', 'vhost_alias', 'speling',
        @$load,
        @{ $o{load} }) . <<"CONF" . hosts($o{conf}, $counts);
Define ROOT "$root"
DocumentRoot "\${ROOT}/htdocs"
LogFormat "$LOG" mapping
CustomLog "\${ROOT}/access" mapping
ErrorLogFormat "%-{X-Witness}i [%-m:%l] %M"
<Directory "\${ROOT}">
    Require all granted
    AllowOverride All
    Options ExecCGI FollowSymLinks
    AddHandler cgi-script .cgi
    AddHandler witness-env .x
</Directory>
$o{rules}
$o{main}
CONF
    my $httpd = $o{expect} ? h2_httpd($text) : h2_stock($text);
    return bless { root => $root, httpd => $httpd }, 'Mapping::Server';
}

# What the code returns for each of these, each in a process of its own.
sub side_by_side {
    my($code, @items) = @_;
    my %file = map { $items[$_] => fresh_root() } 0 .. $#items;
    my %pid;
    for my $item (@items) {
        defined(my $pid = fork) or die "fork: $!\n";
        if (!$pid) {
            my $ok = eval { nstore($code->($item), $file{$item}) };
            print STDERR $@ unless $ok;
            POSIX::_exit($ok ? 0 : 1);
        }
        $pid{$item} = $pid;
    }
    my @failed = grep { waitpid($pid{$_}, 0) != $pid{$_} || $? } @items;
    die "nothing came of @failed\n" if @failed;
    return { map { $_ => retrieve($file{$_}) } @items };
}

# Facilities, one after the other: what httpd without the module makes of them
# is what it has to be.
sub same_as_without {
    my($facilities, %o) = @_;
    my @kinds = @{ $o{kinds} || [quick_kinds()] };
    my %files = map { %{ $_->{files} || {} } } @$facilities;
    my $conf  = join "\n", map { $_->{conf} // () } @$facilities;
    my $got = side_by_side(sub {
        my($quick) = @_;
        return { map {
            my($name, $expect, $rules) = @$_;
            $name => mapping_server(%o, quick => $quick, conf => $conf,
                files => \%files, expect => $expect, rules => $rules)
                ->transcripts($facilities);
        } ['without', 0, ''], ['no rules', 1, ''],
          ['rules that admit', 1, $ADMIT] };
    }, @kinds);
    for my $quick (@kinds) {
        my %got = %{ $got->{$quick} };
        my $stock = delete $got{without};
        for my $facility (@$facilities) {
            my $name = $facility->{name};
            like join('', values %{ $stock->{$name} }), $facility->{shows},
                "$name, $quick: httpd does it";
            for my $rules (sort keys %got) {
                same("$name, $quick, $rules: as without the module",
                    $got{$rules}{$name}, $stock->{$name});
            }
        }
    }
}

# The lines of one text that another has not, or not as often.
sub more {
    my($text, $other) = @_;
    my %count;
    $count{$_}++ for split /^/, $other;
    return grep { --$count{$_} < 0 } map { $count{$_} //= 0; $_ }
        split /^/, $text;
}

sub same {
    my($name, $got, $want) = @_;
    my @wrong = grep { $got->{$_} ne $want->{$_} } sort keys %$want;
    is join('; ', @wrong), '', $name;
    for my $request (@wrong) {
        my @differ = (
            map({ "  is not there: $_" } more($want->{$request},
                $got->{$request})),
            map { "  is there now: $_" } more($got->{$request},
                $want->{$request}));
        splice @differ, SHOWN, @differ, "  ...\n" if @differ > SHOWN;
        diag("$request\n", @differ);
    }
}

package Mapping::Server;

use File;

use ExpectTest;

sub root  { return $_[0]{root} }
sub httpd { return $_[0]{httpd} }

# The lines of a file of its own.
sub lines {
    my($self, $name) = @_;
    return split /^/, slurp($self->root . "/$name");
}

# What a server's own folder, port and a request's id have to do with it.
sub plain {
    my($self, $id, $text) = @_;
    my($port, $dir) = ($self->httpd->port, $self->httpd->dir);
    for ([$self->root => 'ROOT'], [$dir => 'DIR'], [$port => 'PORT'],
         [$id => 'ID']) {
        my($from, $to) = @$_;
        $text =~ s/\Q$from\E/$to/g;
    }
    return $text;
}

# One request; everything about it that is known at once.
sub sent {
    my($self, $facility, $n, $o) = @_;
    my $path = $facility->{path} =~ s/%d/$n/r;
    my $r = upload(vhost => $self->httpd, path => $path,
        content => Mapping::CONTENT, eager => !$o->{asks}, unwitnessed => 1,
        map({ $facility->{$_} ? ($_ => $facility->{$_}) : () }
            qw(host headers)), %$o);
    # whether a short answer's length is known is a matter of time
    delete @{ $r->{headers} }{qw(date age content-length
        transfer-encoding)};
    # as the methods come out of a hash
    $r->{headers}{allow} = join ',', sort split /,/, $r->{headers}{allow}
        if defined $r->{headers}{allow};
    $r->{body} =~ s/$NOT_COMPARED//g;
    my @stored = $facility->{path} =~ /%d/
        ? ('stored: ', slurp($self->root . "/htdocs$path") || 'nothing', "\n")
        : ();
    return { id => $r->{id}, text => join '', "interim: @{ $r->{interim} }\n",
        $r->{line} // $r->{status} // 'no answer', "\n",
        map({ "$_: $r->{headers}{$_}\n" } sort keys %{ $r->{headers} }),
        "\n$r->{body}\n", @stored };
}

# And what is in the logs when the server has nothing to do any more: each line
# begins with the request's id.
sub logged {
    my($self) = @_;
    my %lines;
    for my $log ('calls', 'access') {
        for ($self->lines($log)) {
            my($id, $line) = /^(\S+)\s+(.*)/ or next;
            push @{ $lines{$id} }, "$log: $line\n";
        }
    }
    for (split /^/, slurp($self->httpd->dir . '/witness_log')) {
        my($id) = /^id=(\S+) / or next;
        my $record = ExpectTest::parse_record($_);
        push @{ $lines{$id} }, join(' ', 'witness:', map { "$_=$record->{$_}" }
            qw(status handler read eos continued authn authz)) . "\n";
    }
    for (split /^/, slurp($self->httpd->dir . '/error_log')) {
        my($id, $line) = /^([\d-]+) (.*)/ or next;
        push @{ $lines{$id} }, "message: $line\n" unless $line =~ /\[expect:/;
    }
    return \%lines;
}

sub transcripts {
    my($self, $facilities) = @_;
    my %sent;
    for my $facility (@$facilities) {
        my @names = @{ $facility->{requests} || \@USUAL };
        my @requests = map { [$_, $REQUEST{$_}] } @names;
        push @requests, map { ["$_, HTTP/2", { %{ $REQUEST{$_} }, h2 => 1 }] }
            'POST', 'PUT, asked' if $facility->{h2} && has_h2();
        my $n = 0;
        $sent{ $facility->{name} }{ $_->[0] }
            = $self->sent($facility, ++$n, $_->[1]) for @requests;
    }
    $self->httpd->stop;
    my $lines = $self->logged;
    return { map { my $name = $_; $name => { map {
        my($id, $text) = @{ $sent{$name}{$_} }{qw(id text)};
        my @logged = sort @{ $lines->{$id} || [] };
        # Over HTTP/2 the end comes with the last bytes or after them, as it
        # happens: a quick handler that has the whole length may not see it.
        s/ eos=\d// for /, HTTP\/2$/ ? @logged : ();
        $_ => $self->plain($id, join '', $text, @logged)
    } keys %{ $sent{$name} } } } keys %sent };
}

1;
