#!/usr/bin/perl
# Quick handlers. If one reads content before httpd knows the section, the
# module looks the section up, once, and the handler gets what its rules
# admit. One that answers from the cache answers as without the module.

use strict;
use warnings;

use lib 't/other-modules', 't/mapping';
use Test::More;
use ExpectTest;
use Facilities;
use OtherModules;
use Mapping;

# Reads what it can get, says so, and leaves the request to httpd; or answers.
my $READ_LUA = LUA_NOTE . <<'LUA';
function quick(r)
    if not r.headers_in['X-Read'] then
        return apache2.DECLINED
    end
    note(r, 'reads')
    local content = r:requestbody()
    -- mod_lua before 2.4.54: so many NULs, if there is nothing to read
    if content and not content:find('[^\0]') then
        content = nil
    end
    note(r, content and 'has read ' .. #content or 'has read nothing')
    if r.headers_in['X-Read'] == 'answers' then
        r:puts('the quick handler answers ' .. (content or 'nothing') .. "\n")
        return apache2.OK
    end
    return apache2.DECLINED
end
function translate(r) note(r, 'translate_name') return apache2.DECLINED end
function map(r) note(r, 'map_to_storage') return apache2.DECLINED end
LUA

my @reading = (load => ['lua'], conf => <<'CONF', files => {
LuaQuickHandler "${ROOT}/read.lua" quick
LuaHookTranslateName "${ROOT}/read.lua" translate early
LuaHookMapToStorage "${ROOT}/read.lua" map
Redirect /q/moved/ /q/open/
<IfModule expect_module>
    <Directory "${ROOT}/htdocs/q/broken">
        ExpectRequire content-length max=4
    </Directory>
    <Location /q/moved/small>
        ExpectRequire content-length max=4
    </Location>
</IfModule>
RewriteRule ^/q/(\w+)/go /q/$1/env.x [E=SEEN:${calls:%{HTTP:X-Witness}}]
CONF
    'read.lua' => $READ_LUA,
    (map { ("htdocs/q/$_/env.x" => '') } qw(open small)),
    'htdocs/q/small/.htaccess' => if_expect(
    "ExpectRequire content-length max=4\n"),
    'htdocs/q/broken/env.x' => '',
    'htdocs/q/broken/.htaccess' => "NoSuchDirective\n",
    'htdocs/q/open/.htaccess' => if_expect(
    "ExpectRequire content-length max=9\n"),
});
my %server = map { $_ => mapping_server(@reading, expect => $_) } 0, 1;

# What was called for one request, in order.
sub calls {
    my($server, $id) = @_;
    return map { /^\Q$id\E (.*)/ ? $1 : () } $server->lines('calls');
}

# How it went: the response, and what was called before the handler's read, in
# it, and after it.
sub quick_upload {
    my($server, %o) = @_;
    my $r = upload(vhost => $server->httpd, content => 'hello',
        method => 'POST', eager => !$o{asks}, headers => ["X-Read: $o{how}"],
        %o);
    my @calls = calls($server, $r->{id});
    my($before, $during, $read) = ([], []);
    push @$before, shift @calls while @calls && $calls[0] ne 'reads';
    shift @calls;
    push @$during, shift @calls while @calls && $calls[0] !~ /^has read/;
    return ($r, { before => $before, during => $during,
        read => shift @calls, after => \@calls });
}

my @mapping = ('translate_name', 'RewriteMap', 'map_to_storage');

for my $h2 (0, has_h2() ? 1 : ()) {
    for my $asks (0, 1) {
        my $name = join ', ', $h2 ? 'HTTP/2' : 'HTTP/1.1',
            $asks ? 'asked' : 'not asked';
        my %o = (path => '/q/open/go', how => 'declines', asks => $asks,
            h2 => $h2);
        my($was, $calls_were) = quick_upload($server{0}, %o);
        is_deeply $calls_were, { before => [], during => [],
            read => 'has read 5', after => \@mapping },
            "$name: httpd maps a request once" or diag explain $calls_were;

        my($r, $calls) = quick_upload($server{1}, %o);
        is_deeply $calls, { %$calls_were, during => \@mapping },
            "$name, rules admit: one more lookup, while content is read"
            or diag explain $calls;
        is_deeply [@$r{qw(status interim)}], [@$was{qw(status interim)}],
            "$name, rules admit: answered as without the module";

        ($r, $calls) = quick_upload($server{1}, %o, path => '/q/small/go');
        is_deeply [@$calls{qw(before during read)}],
            [[], \@mapping, 'has read nothing'],
            "$name, rules refuse: looked up once, and nothing to read"
            or diag explain $calls;
        is_deeply [@$r{qw(status interim)}], [$asks ? 417 : 413, []],
            "$name, rules refuse: refused, and no 100";
        is $r->{witness}{read}, 0, "$name, rules refuse: nothing is read";

        ($r, $calls) = quick_upload($server{1}, %o, path => '/q/small/go',
            how => 'answers');
        is_deeply [$r->{status}, $r->{interim}, $calls->{read}],
            [$asks ? 417 : 413, [], 'has read nothing'],
            "$name, rules refuse: whatever the quick handler answers";
        unlike $r->{body}, qr/quick handler answers/,
            "$name, rules refuse: its answer is not sent";

        ($r, $calls) = quick_upload($server{1}, %o, how => 'answers');
        is_deeply [$r->{status}, $r->{body}, $calls->{after}],
            [200, "the quick handler answers hello\n", []],
            "$name, rules admit: the quick handler answers";
    }
}
# Where httpd would answer before it knows the section, the quick handler's
# answer counts all the same. No section's rules are known, those of a
# <Location> apart.
for my $asks (0, 1) {
    for my $path ('/q/%2F/go', '/q/moved/x') {
        my @all = map { (quick_upload($server{$_}, path => $path,
            how => 'answers', asks => $asks))[0] } 0, 1;
        is $all[0]{body}, "the quick handler answers hello\n",
            "$path, asks $asks: the quick handler answers";
        is_deeply [@{ $all[1] }{qw(status body interim)}],
            [@{ $all[0] }{qw(status body interim)}],
            "$path, asks $asks: as without the module";
    }
    my($r, $calls) = quick_upload($server{1}, path => '/q/moved/small',
        how => 'answers', asks => $asks);
    is_deeply [@$r{qw(status interim)}, $calls->{read}],
        [$asks ? 417 : 413, [], 'has read nothing'],
        "a <Location> that redirects, asks $asks: its rules refuse";
}

# A tenant's broken .htaccess ends httpd's walk before the rules of the folder
# are known. Nothing is read then.
for my $asks (0, 1) {
    my($was, $calls_were) = quick_upload($server{0}, how => 'answers',
        path => '/q/broken/go', asks => $asks);
    my($r, $calls) = quick_upload($server{1}, how => 'answers',
        path => '/q/broken/go', asks => $asks);
    is $calls_were->{read}, 'has read 5', "broken, asks $asks: httpd alone";
    is_deeply [@$r{qw(status interim)}, $calls->{read}],
        [500, [], 'has read nothing'], "broken, asks $asks: nothing is read";
}

# What no quick handler reads is mapped once, whether or not it has content.
for my $expect (0, 1) {
    for (['content', 'hello'], ['no content', '']) {
        my($name, $content) = @$_;
        my($r) = quick_upload($server{$expect}, path => '/q/open/go',
            how => 'declines', headers => [], content => $content);
        is_deeply [$r->{status}, calls($server{$expect}, $r->{id})],
            [200, @mapping],
            "$name, not read early, module $expect: mapped once";
    }
}

# Whatever was looked up early, the request finds all it would have found, and
# leaves it behind: nothing of the lookup stands in its way.
same_as_without([grep { $_->{name} =~ /^\w+Match, |, (?:CO|E|H|PT), / }
    facilities()], kinds => ['a quick handler that reads']);

# What is cached is answered from there. In httpd 2.5-dev it is chance whether
# mod_cache_disk finds what it has stored a moment ago.
my $cached = <<'CONF';
CacheRoot "${ROOT}/cache"
CacheEnable disk /cached
CacheHeader On
CacheIgnoreCacheControl On
CacheDefaultExpire 600
CacheLock Off
CONF
my $page = { name => 'a cached page', path => '/cached/page.txt', h2 => 1,
    conf => $cached, files => { 'htdocs/cached/page.txt' => "a page\n",
        'cache/there' => '' },
    requests => ['GET', 'GET again', 'GET with content',
        'GET with content, asked', 'GET with content, chunked', 'POST',
        'PUT, asked'],
    shows => qr/^x-cache: HIT /m };
same_as_without([$page], kinds => ['mod_cache'], load => ['cache_disk'])
    if !httpd_at_least('2.5');

done_testing();
