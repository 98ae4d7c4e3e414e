#!/usr/bin/perl
# conf-sample/upload.html in a browser: files that the rules refuse are not
# sent, files that they admit arrive whole, and if the server refuses one all
# the same, the page shows the server's sentence.

use strict;
use warnings;

use File::Path qw(mkpath);
use JSON::PP ();
use Test::More;
use Browser;
use ExpectTest;
use File;

use constant MB => 1024 * 1024;

my $samples = conf_var('top_dir') . '/conf-sample';
my $work    = conf_var('t_logs') . "/browser-$$";
my $log     = "$work/requests";
mkpath(["$work/files", map { "$work/uploads/$_" }
    qw(web web/header web/suffix web/small web/asked web/document web/closed)]);

sub spit {
    my($file, $text, $size) = @_;
    open my $fh, '>', $file or die "$file: $!\n";
    print $fh $text;
    truncate $fh, $size if $size;
    close $fh or die "$file: $!\n";
    return $file;
}

sub file { my($name, @is) = @_; return spit("$work/files/$name", @is) }

spit("$work/users", "alice:{SHA}ieSV55Qc+eQOaYDRSha/AjzNTJE=\n");   # demo
my $server = own_httpd(conf => <<"CONF");
Define UPLOADS $work/uploads
Define UPLOADS_USERS $work/users
Define UPLOADS_LOCKS $work/locks
Define EXPECT_PAGES $samples
Include "$samples/uploads.conf"
Include "$samples/upload.conf"
Include "$samples/refusal.conf"

# What the answer to OPTIONS lacks, or has otherwise than uploads.conf.
<Directory "$work/uploads/web/header">
    ExpectRequire header X-Never
</Directory>
<Directory "$work/uploads/web/document">
    ExpectRequire header X-Never
    ErrorDocument 400 "not this one"
</Directory>
<Directory "$work/uploads/web/asked">
    ExpectScope expectation
    Header always set Upload-Limit "max-size=1, max-size=99999999999999999"
    Header always set Accept-Post "text/plain;a=\\"b/c,d/e\\" , TEXT/*"
</Directory>
<Directory "$work/uploads/web/small">
    ExpectMerging Off
    ExpectRequire content-length min=16 max=1025
</Directory>
<Directory "$work/uploads/web/suffix">
    ExpectMerging Off
    ExpectRequire content-type application/*+xml
</Directory>
<Directory "$work/uploads/web/closed">
    <Limit OPTIONS>
        Require all denied
    </Limit>
</Directory>

LogFormat "%m %U %>s %{Content-Length}i" requests
CustomLog "$log" requests
CONF

my $url     = 'http://alice:demo@127.0.0.1:' . $server->port;
my $browser = Browser->new;
my $page    = $browser->page("$url/upload");

my $TOLD  = "document.querySelector('#message').textContent";
my $LIMIT = "document.querySelector('#accepted').textContent";

# Makes the page upload to another folder.
sub to_folder {
    my($folder) = @_;
    $page->value("document.querySelector('form')"
        . ".setAttribute('action', '/uploads/$folder')");
}

# Chooses a file and waits for what the page says of it.
sub choose {
    my($file) = @_;
    # one that is chosen already makes no event
    $page->value("form.reset(), say('', '', '')");
    $page->choose('#file', $file);
    return $page->wait_for($TOLD);
}

# Chooses it and presses the button; what the page says in the end.
sub send_file {
    my($file) = @_;
    choose($file);
    $page->value("say('', '', ''), submit.click()");
    return $page->wait_for("/^(?:Stored|Not )/.test($TOLD) && $TOLD");
}

# --- before a file is chosen -----------------------------------------------

is $page->wait_for($LIMIT), 'Accepted: images, PDF; up to 20 MB.',
    'the page shows at once what is accepted';
is $page->value('document.querySelector("form").hidden'),
    JSON::PP::false, 'the form is shown';
$page->value("document.querySelector('[type=submit]').click()");
is $page->wait_for($TOLD), 'Nothing to send Choose a file first.',
    'no file';

# --- what is refused here --------------------------------------------------

# name, size, what is said; each is chosen, and then sent
for (
    ['film.mp4', 9, 'film.mp4 is video/mp4; accepted: images, PDF.'],
    ['huge.png', 21 * MB, 'huge.png has 21 MB; up to 20 MB are accepted.'],
    ['over.png', 20 * MB + 1, 'over.png has 20,971,521 bytes; '
        . 'up to 20,971,520 bytes are accepted.'],
    ['notype', 9, 'notype is application/octet-stream; '
        . 'accepted: images, PDF.'],
    ['<i>&#33;.mp4', 9, '<i>&#33;.mp4 is video/mp4; accepted: images, PDF.'],
    ['long' x 50 . '.mp4', 9, 'long' x 50 . '.mp4 is video/mp4; '
        . 'accepted: images, PDF.'],
) {
    my($name, $size, $said) = @$_;
    my $file = file($name, '', $size);
    is choose($file), "Not accepted, and not sent $said", "$name: chosen";
    is send_file($file), "Not accepted, and not sent $said", "$name: sent";
    is $page->value("document.querySelector('#file')"
        . ".getAttribute('aria-invalid')"), 'true', "$name: marked";
}

for my $width (900, 320) {
    for my $dark (0, 1) {
        $page->look(width => $width, dark => $dark);
        is_deeply [$page->too_pale], [], "$width wide, dark $dark: contrast";
        is_deeply [$page->cut_off], [], "$width wide, dark $dark: all of it";
    }
}

to_folder('web/small/');
is choose(file('few.png', 'x' x 15)), 'Not accepted, and not sent '
    . 'few.png has 15 bytes; at least 16 bytes are accepted.', 'under min';
is choose(file('many.png', 'x' x 1026)), 'Not accepted, and not sent '
    . 'many.png has 1,026 bytes; up to 1,025 bytes are accepted.',
    'over max, and the same when rounded';
is $page->value($LIMIT), 'Accepted: at least 16 bytes; up to 1 KB.',
    'the page shows both bounds';
to_folder('web/suffix/');
is choose(file('a.xml', 'x')), 'Not accepted, and not sent '
    . 'a.xml is text/xml; accepted: application/*+xml.',
    'a suffix is not the type of its name';
to_folder('web/closed/');
like choose(file('x.png', 'x')), qr/^Not sent The server does not let you in/,
    'where OPTIONS is not allowed';

# --- what is taken ---------------------------------------------------------

my $photo = join '', map { chr int rand 256 } 1 .. 2 * MB;
to_folder('web/');
for my $name ('photo.png', "50% #1?&\xc3\xa9'.PNG") {
    my $file = file($name, $photo);
    (my $shown = $name) =~ s/\xc3\xa9/\x{e9}/;
    is choose($file), "$shown, 2 MB.", "$name: chosen";
    is send_file($file), "Stored $shown", "$name: stored";
    ok slurp("$work/uploads/web/$name") eq $photo, "$name: whole";
    is $page->value("document.querySelector('#message a').pathname"
        . " === '/uploads/web/' + encodeURIComponent(" . JSON::PP->new
        ->allow_nonref->encode($shown) . ")"), JSON::PP::true,
        "$name: a link to it";
}
$page->value('window.shown = [], window.show = control.progress,'
    . ' control.progress = (percent) => {'
    . '     show(percent);'
    . '     shown.push([bar.value, bar.hidden, cancel.hidden].join());'
    . ' }, 1');
is send_file(file('even.pdf', '', 20 * MB)), 'Stored even.pdf', 'the limit';
is -s "$work/uploads/web/even.pdf", 20 * MB, 'the limit: whole';
is $page->value('shown.pop()'), '100,false,false', 'its progress is shown';
is $page->value('[bar.hidden, cancel.hidden, submit.disabled,'
    . ' document.activeElement === submit].join()'), 'true,true,false,true',
    'and the page is as before';
$page->value('control.progress = () => cancel.click(), 1');
is send_file(file('cancelled.pdf', '', 20 * MB)), 'Not stored Cancelled.',
    'cancelled';
$page->value('control.progress = show, 1');
to_folder('web/suffix/');
is send_file(file('b.xhtml', 'x')), 'Stored b.xhtml',
    'a suffix';
is_deeply $page->value("fetch(location.origin + '/uploads/web/photo.png')"
    . ".then((r) => ['Content-Disposition', 'X-Content-Type-Options']"
    . ".map((name) => r.headers.get(name)))"), ['attachment', 'nosniff'],
    'an uploaded file is not shown as a page';
to_folder('web/asked/');
is send_file(file('c.txt', 'text')), 'Stored c.txt',
    'a malformed Upload-Limit is ignored, a list of types is read';

# --- what the server refuses all the same ----------------------------------

to_folder('web/');
like send_file("$work/files/photo.png"),
    qr/^Not stored 412 Precondition Failed: .*If-None-Match/,
    'nothing is overwritten';
to_folder('web/header/');
is send_file(file('d.png', 'x' x 100)),
    'Not stored 400 Bad Request: header X-Never is missing',
    'the sentence of a problem';
to_folder('web/document/');
is send_file("$work/files/d.png"), 'Not stored 400 Bad Request',
    'an ErrorDocument: the status line';
is_deeply [map { glob "$work/uploads/web/$_/*" } qw(header document)], [],
    'neither is there';

# --- what came of it all: complaints are those of refusals -----------------

is_deeply [grep { !/status of 40[03]|status of 412/ } $page->complaints], [],
    'nothing that the browser complains of';

# --- Upload-Limit ----------------------------------------------------------

# a field's value, its members as "key value" (RFC 9651, 4.2)
for (
    ['max-size=10', 'max-size 10'],
    ['  max-size=10 ,	min-size=5  ', 'max-size 10', 'min-size 5'],
    ['max-size=1, max-size=2', 'max-size 2'],
    ['max-size=10;a;b="c,d\\"";e=?0, x', 'max-size 10', 'x '],
    ['a="b, max-size=1", max-size=2', 'a "b, max-size=1"', 'max-size 2'],
    ['a=(1 "x y";q=1 t/o:k );z, b=()', 'a (1 "x y";q=1 t/o:k )', 'b ()'],
    ['a=1.5, b=-3, c=tok*, d=:aGk=:, e=?1, f=@16, g=%"%c3%a9"',
        'a 1.5', 'b -3', 'c tok*', 'd :aGk=:', 'e ?1', 'f @16', 'g %"%c3%a9"'],
    ['max-size=999999999999999', 'max-size 999999999999999'],
    (map { [$_] } '', 'max-size=1000000000000000', 'max-size=1,', ', a=1',
        'a=1 b=2', 'Max-Size=1', 'a=1 ;b', 'a="b', 'a=1.2345', 'a==1', 'a=',
        'a=(1', 'a=1,,b=2', '1=2', "a=1, \t", 'a=?2', 'a=1x'),
) {
    my($field, @members) = @$_;
    my $json = JSON::PP->new->allow_nonref->encode($field);
    is_deeply $page->value("[...parseDictionary($json)].map(([key, value]) =>"
        . " key + ' ' + (value === undefined ? '' : value))"), \@members,
        "Upload-Limit: '$field'";
}
is_deeply $page->value("readLimits(new Headers({'Upload-Limit': "
    . "'max-size=-1, min-size=\"2\"'}))"),
    { max => undef, min => undef, types => [] }, 'bounds of other kinds';
is_deeply $page->value("['image/png', 'image/*', 'application/*+json']"
    . ".map((range) => ['image/png', 'image/svg+xml', 'application/a+json',"
    . " 'xapplication/a+json'].map((type) => Number(isTaken(type, range)))"
    . ".join(''))"), ['1000', '1100', '0010'], 'media ranges';

# --- what the server saw ---------------------------------------------------

undef $page;
undef $browser;
$server->stop;
my @seen = split /\n/, slurp($log);
my $stored = qr{^PUT\ /uploads/web/(?:photo\.png|50.*|even\.pdf
    |suffix/b\.xhtml|asked/c\.txt)\ 201\ [1-9]}x;
my $refused = qr{^PUT\ /uploads/web/(?:photo\.png\ 412|header/d\.png\ 400
    |document/d\.png\ 400)\ [1-9]}x;
my $cancelled = qr{^PUT /uploads/web/cancelled\.pdf };
is scalar(grep { /$stored/ } @seen), 5, 'stored: a PUT each';
is scalar(grep { /$refused/ } @seen), 3, 'refused by the server: a PUT each';
is_deeply [grep { !/$stored|$refused|$cancelled/ && (/^PUT / || !/ -$/) }
    @seen], [], 'of the others no PUT, and no content was seen';
for my $name (qw(film.mp4 huge.png over.png notype photo.png small/few.png)) {
    ok((grep { /^OPTIONS \S+\Q$name\E 200 -$/ } @seen), "$name: asked for");
}
# 408: a connection that Chromium opened ahead and did not use.
is_deeply [grep { !m{^(?:GET|OPTIONS|PUT)\ /(?:upload|uploads/web/.*)\ }x
        && !/^- - 408 / } @seen], [], 'nothing else was loaded';

done_testing();
