#!/usr/bin/perl
# Every mistake in the configuration is refused when httpd reads it, as
#
#     <Directive>: <what was read>: <what is wrong>; <what is accepted>
#
# with the file and the line. Correct configurations are accepted. httpd -t
# runs once for each rule and container; their further mistakes are read from
# an .htaccess, in a fraction of the time.

use strict;
use warnings;

use Test::More;
use ExpectTest;

my $SIZE   = qr/\ba SIZE is a number of bytes\b.*\bK, M, G or T\b/;
my $LENGTH = qr/\[min=SIZE\] \[max=SIZE\] \[known\]/;
my $TYPE   = qr{image/png, image/\*, application/\*\+json or \*/\*};
my $CODING = qr/\bgzip, br\b.*\bidentity\b/;
my $HEADER = qr/\bNAME \[PATTERN\]/;
my $SPACE  = qr/SIZE or a percentage/;
my $RULES  = qr/\bcontent-length\b.*\bfree-space\b.*\bRequire\b.*\bip\b/;
my $NESTED = qr/ExpectRequire and its containers/;
my $LINGER = qr/\btime=SECONDS, idle=SECONDS and max=SIZE, or Off\b/;
my $MORE   = qr/one ExpectRequire or more/;
my $NUMBER = 'uploads=N is a whole number, like uploads=100';
my $KEY    = 'a KEY is ip, user or directory, and outside of .htaccess '
    . 'also vhost, all or expr=STRING';
my $PERIOD = 'a PERIOD is minute, hour, day, week, or a number with s, m, h '
    . 'or d';
my $STRING = 'STRING is a string expression, like %{HTTP:X-Tenant}';
my $LEDGER = 'keys=N is accepted, a whole number from 64 to 16777216';
my $STORE  = qr{\Aa\ URL\ like\ redis://HOST\[:PORT\]\[/DB\]\ or\ .*
    \btimeout=MS,\ lease=SECONDS,\ on-error=local\|admit\|refuse,
    \ prefix=WORD\ and\ password-file=PATH\z}x;
my %limit  = ('in-flight' => '', quota => ' per=PERIOD');
$_ = "$_ takes [uploads=N] [bytes=SIZE]$limit{$_} [key=KEY], and at least one "
    . 'of uploads= and bytes=' for my($FLIGHT, $QUOTA) = ('in-flight', 'quota');

# what stands behind ExpectRequire => the word, what is wrong, what is accepted
my @rules = (
    ['', 'no rule', qr/missing/, $RULES],
    ['not', 'no rule', qr/missing/, $RULES],
    ['""', 'no rule', qr/missing/, $RULES],
    ['foo', 'foo', qr/unknown rule/, $RULES],
    ['foo max=1', 'foo', qr/unknown rule/, $RULES],
    ['not foo', 'foo', qr/unknown rule/, $RULES],
    ['not not auth', 'not', qr/unknown rule/, $RULES],
    ['content_length max=1', 'content_length', qr/unknown rule/, $RULES],

    ['content-length', 'content-length', qr/argument is missing/, $LENGTH],
    (map { ["content-length $_=", "content-length $_=", qr/missing/, $SIZE] }
        qw(min max)),
    (map { ["content-length $_", "content-length $_", qr/not a SIZE/, $SIZE] }
        qw(max=-1 min=-1 max=+1 max=abc max=K max=1X max=10MM max=1.5M
           max=1KB max=0x10 max=1e3)),
    ['content-length "max=1 M"', 'content-length max=1 M', qr/not a SIZE/,
        $SIZE],
    (map { ["content-length $_", "content-length $_", qr/too large/, $SIZE] }
        qw(max=9223372036854775808 max=8388608T max=99999999999999999999
           min=9223372036854775808 max=18446744073709551617
           max=9007199254740992K)),
    ['content-length min=10 max=9', 'content-length min=10 max=9',
        qr/min is over max/, qr/min\b/],
    ['content-length max=1K min=1025', qr/\Acontent-length .*\bmax=1K\b/,
        qr/min is over max/, qr/min\b/],
    ['content-length max=1 max=2', 'content-length max=2', qr/twice/, $LENGTH],
    ['content-length max=1 MAX=1', 'content-length MAX=1', qr/twice/, $LENGTH],
    ['content-length min=1 min=2', 'content-length min=2', qr/twice/, $LENGTH],
    ['content-length known max=1 known', 'content-length known', qr/twice/,
        $LENGTH],
    (map { ["content-length $_", "content-length $_", qr/unknown argument/,
            $LENGTH] } qw(knwon known=1 size=10 10M maximum=1)),
    ['content-length max = 10', 'content-length max', qr/unknown argument/,
        $LENGTH],
    ['content-length max=1 stray', 'content-length stray',
        qr/unknown argument/, $LENGTH],
    ['content-length ""', 'content-length ""', qr/unknown argument/, $LENGTH],

    ['content-type', 'content-type', qr/argument is missing/, $TYPE],
    (map { ["content-type $_", "content-type $_", qr/not a media type/,
            $TYPE] }
        qw(image /png */png image/ image/*x image/png;q=1 * image/**
           */*+json image/png/x), 'image/png,image/gif', '""'),
    ['content-type "ima ge/png"', 'content-type ima ge/png',
        qr/not a media type/, $TYPE],
    ['content-type image/png text', 'content-type text',
        qr/not a media type/, $TYPE],

    ['content-encoding', 'content-encoding', qr/argument is missing/,
        $CODING],
    (map { ["content-encoding $_", "content-encoding $_", qr/not a coding/,
            $CODING] } 'gzip,br', '*', 'gzip;q=1', '""'),
    (map { ["content-encoding \"$_\"", "content-encoding $_",
            qr/not a coding/, $CODING] } ' gzip', 'gzip '),
    ['content-encoding gzip b/r', 'content-encoding b/r', qr/not a coding/,
        $CODING],

    ['header', 'header', qr/NAME is missing/, $HEADER],
    ['header "X Y"', 'header X Y', qr/not a field name/, $HEADER],
    ['header X-A:', 'header X-A:', qr/not a field name/, $HEADER],
    ['header ""', 'header ""', qr/not a field name/, $HEADER],
    ['header X-A "("', qr/\Aheader (?:X-A )?\(\z/, qr/does not compile/,
        qr/regular expression/],
    ['header X-A a b', qr/\Aheader (?:X-A a )?b\z/, qr/too many/, $HEADER],

    ['precondition x', 'precondition x', qr/too many/, qr/takes none/],
    ['auth x', 'auth x', qr/too many/, qr/takes none/],
    ['not auth valid-user', 'auth valid-user', qr/too many/, qr/takes none/],

    ['free-space', 'free-space', qr/argument is missing/, $SPACE],
    (map { ["free-space $_", "free-space $_", qr/out of range|not a|neither/,
            $SPACE] }
        qw(0 0K 0% 100% 150% 5%% % -1 1.5% abc 8388608T),
        '99999999999999999999%', '""'),
    ['free-space 1K 5%', 'free-space 5%', qr/too many/, $SPACE],

    # These are exact: REFERENCE and TROUBLESHOOTING have no others.
    (map { ["in-flight$_", 'in-flight', 'neither uploads= nor bytes= is given',
            $FLIGHT] } '', ' key=ip'),
    (map { ["quota$_", 'quota', 'neither uploads= nor bytes= is given',
            $QUOTA] } '', ' per=day', ' per=day key=ip'),
    ['quota bytes=1', 'quota', 'per= is missing', $QUOTA],
    ['in-flight uploads=1 per=day', 'in-flight', 'in-flight has no period',
        $FLIGHT],
    (map { ["in-flight uploads=$_", "in-flight uploads=$_",
            'not a number of 1 or more', $NUMBER] }
        qw(0 x -1 +1 1K 1.5 0x10 2147483648 99999999999999999999)),
    (map { ["quota bytes=$_ per=day", "quota bytes=$_",
            'not a SIZE of 1 or more, or too large', $SIZE] }
        qw(0 0K x -1 1X 1.5M 8388608T)),
    (map { ["quota uploads=1 per=$_", "quota per=$_",
            'not a PERIOD, or over 366 days', $PERIOD] }
        qw(x month days 10 10w 10mm -1d +1d 1.5h s 0s 367d 8785h 31622401s
           99999999999999999999d)),
    (map { ["quota uploads=1 per=day $_=", "quota $_=", 'the value is missing',
            $QUOTA] } qw(bytes key)),
    ['in-flight uploads=', 'in-flight uploads=', 'the value is missing',
        $FLIGHT],
    ['quota uploads=1 per=', 'quota per=', 'the value is missing', $QUOTA],
    (map { ["quota uploads=1 bytes=1 per=day key=ip $_", "quota $_",
            'given twice', $QUOTA] }
        qw(uploads=2 BYTES=1 per=day key=all)),
    (map { ["in-flight uploads=1 $_", "in-flight $_", 'unknown argument',
            $FLIGHT] } qw(4 max=1 upload=1 known uploads "")),
    (map { ["in-flight uploads=1 key=$_", "in-flight key=$_", 'unknown KEY',
            $KEY] } qw(x IPS expr expr= host)),
    (map { ["not $_", (split)[0], 'cannot be negated, by `not` or '
            . '<ExpectRequireNone>', 'it is accepted by itself, in '
            . '<ExpectRequireAll> and in <ExpectRequireAny>'] }
        'in-flight uploads=1 key=ip', 'quota uploads=1 per=day key=ip'),

    ['handler cgi-script ""', 'handler ""', qr/not a handler's name/,
        qr/a NAME is like dav-handler/],

    # The providers' own words.
    ['ip 300.1.1.1', 'ip 300.1.1.1', qr/300\.1\.1\.1.*invalid/,
        qr/\bRequire\b/],
    ['not ip 300.1.1.1', qr/\A(?:not )?ip 300\.1\.1\.1\z/, qr/invalid/,
        qr/\bRequire\b/],
    ['ip', 'ip', qr/requires an argument/, qr/\bRequire\b/],
    # What they do not say themselves.
    (map { [$_, $_, qr/an argument is missing/, qr/\bRequire\b/],
        ["not $_", $_, qr/an argument is missing/, qr/\bRequire\b/] }
        qw(env group method user)),
    (map { ["$_ alice", "$_ alice", qr/too many/, qr/\bRequire\b/] }
        qw(valid-user local)),
    ['method FOO', 'method FOO', qr/Invalid Method 'FOO'/, qr/\bRequire\b/],
    ['expr "%{bad"', 'expr "%{bad"', qr/Cannot parse expression/,
        qr/\bRequire\b/],
    ['all maybe', 'all maybe', qr/'granted' or 'denied'/, qr/\bRequire\b/],
);

# directive => its values
my %values = (
    ExpectEngine  => qr/\bOn, Off or DetectionOnly\b/,
    ExpectMerging => qr/\bAnd, Or or Off\b/,
    ExpectStatus  => qr/\b417 or specific\b/,
    ExpectScope   => qr/\bcontent or expectation\b/,
);
# a value that it takes, wrong ones
my %words = (
    ExpectEngine  => ['On', 'yes'],
    ExpectMerging => ['And', 'Xor'],
    ExpectStatus  => ['417', qw(413 418 On)],
    ExpectScope   => ['content', 'all'],
);

# name, text, the directive, the word, what is wrong, what is accepted, and
# the line, counted from the text's first
my @errors = (
    (map {
        my($name, $good, @bad) = ($_, @{ $words{$_} });
        my $takes = $values{$name};
        ["$name without a value", $name, $name, 'no argument', qr/missing/,
            $takes, 1],
        [qq($name ""), qq($name ""), $name, qr/\A(?:""|no argument)\z/,
            qr/missing|unknown/, $takes, 1],
        ["$name $good $good", "$name $good $good", $name, $good,
            qr/too many/, $takes, 1],
        map { ["$name $_", "$name $_", $name, $_, qr/unknown value/, $takes,
               1] } @bad;
    } sort keys %values),

    (map { ["an empty <$_>", "<$_>\n</$_>", "<$_>", 'empty',
            qr/no rule in it/, $MORE, 1] }
        qw(ExpectRequireAll ExpectRequireAny ExpectRequireNone)),
    ['a rule in a container of Require', "<Files *>\n<RequireAny>\n"
        . "ExpectRequire auth\n</RequireAny>\n</Files>", 'ExpectRequire',
        '<RequireAny>', qr/is not allowed inside this container$/,
        qr/^use "Require RULE" here, or move it out$/, 3],
    ['a setting in a container of Require', "<Files *>\n<RequireAny>\n"
        . "ExpectStatus 417\n</RequireAny>\n</Files>", 'ExpectStatus',
        '<RequireAny>', qr/is not allowed inside this container$/,
        qr/^use "Require RULE" here, or move it out$/, 3],
    ['a container in one of Require', "<Files *>\n<RequireAll>\n"
        . "<ExpectRequireAll>\nExpectRequire auth\n</ExpectRequireAll>\n"
        . "</RequireAll>\n</Files>", '<ExpectRequireAll>', '<RequireAll>',
        qr/is not allowed inside this container$/,
        qr/^use "Require RULE" here, or move it out$/, 3],
    ['an empty container in another',
        "<ExpectRequireAll>\nExpectRequire auth\n<ExpectRequireNone>\n"
        . "</ExpectRequireNone>\n</ExpectRequireAll>",
        '<ExpectRequireNone>', 'empty', qr/no rule in it/, $MORE, 3],
    ['one alternative',
        "\n<ExpectRequireAny>\nExpectRequire auth\n</ExpectRequireAny>",
        '<ExpectRequireAny>', 'useless',
        qr/^a single alternative has no effect$/,
        qr/^list two or more, or drop the container$/, 2],
    ['one alternative, with two conditions',
        "<ExpectRequireAny>\n<ExpectRequireAll>\nExpectRequire auth\n"
        . "ExpectRequire header X\n</ExpectRequireAll>\n</ExpectRequireAny>",
        '<ExpectRequireAny>', 'useless',
        qr/^a single alternative has no effect$/,
        qr/^list two or more, or drop the container$/, 1],
    ['a container with an argument',
        "<ExpectRequireAll foo>\nExpectRequire auth\n</ExpectRequireAll>",
        '<ExpectRequireAll>', 'foo', qr/too many/, qr/none is/, 1],
    ['a container with something behind it',
        "<ExpectRequireAll> foo\nExpectRequire auth\n</ExpectRequireAll>",
        '<ExpectRequireAll>', 'foo', qr/'>' is missing|too many/, qr/accepted/,
        1],
    (map { [(split)[0] . ', a foreign directive in a container',
            "<ExpectRequireAll>\nExpectRequire auth\n$_\n</ExpectRequireAll>",
            '<ExpectRequireAll>', qr/\A<?\Q@{[ (split)[0] =~ s{^<}{}r ]}\E>?\z/,
            qr/is not allowed in this container$/, $NESTED, 3] }
        'Require all granted', 'ExpectEngine On', 'ExpectStatus 417',
        'NoSuchDirective', "<Limit PUT>\nExpectRequire auth\n</Limit>"),
    ['a foreign directive in a nested container',
        "<ExpectRequireAll>\n<ExpectRequireNone>\nExpectRequire auth\n"
        . "Require all granted\n</ExpectRequireNone>\n</ExpectRequireAll>",
        '<ExpectRequireNone>', 'Require',
        qr/is not allowed in this container$/, $NESTED, 4],
    ['a bad rule in a nested container',
        "<ExpectRequireAny>\nExpectRequire auth\n<ExpectRequireAll>\n"
        . "ExpectRequire content-length max=x\n</ExpectRequireAll>\n"
        . '</ExpectRequireAny>', 'ExpectRequire', 'content-length max=x',
        qr/not a SIZE/, $SIZE, 4],
    ['containers 33 deep',
        "<ExpectRequireAll>\n" x 33 . "ExpectRequire auth\n"
        . "</ExpectRequireAll>\n" x 33, '<ExpectRequireAll>',
        'nested too deep', qr/32/, qr/32/, 33],

    # what stands behind ExpectLinger, the word, what is wrong
    (map { ["ExpectLinger $$_[0]", "ExpectLinger $$_[0]", 'ExpectLinger',
            @$_[1, 2], $LINGER, 1] }
        ['', 'no argument', qr/missing/],
        ['""', 'no argument', qr/missing/],
        ['time=3 ""', '""', qr/unknown argument/],
        (map { [$_, $_, qr/unknown argument/] }
            qw(On 30 timeout=3 time idle maximum=1 =3)),
        ['Off Off', 'Off', qr/too many/],
        ['Off time=3', 'time=3', qr/too many/],
        ['time=3 Off', 'Off', qr/unknown argument/],
        (map { ["$_=", "$_=", qr/missing/] } qw(time idle max)),
        (map { [$_, $_, qr/not a number of seconds/] }
            qw(idle=x time=1s time=1.5 idle=-1 time=+1 idle=0x10)),
        (map { [$_, $_, qr/not within 1 and 86400/] }
            qw(time=0 idle=0 time=86401 idle=99999999999999999999)),
        ['time=1 time=2', 'time=2', qr/twice/],
        ['idle=1 max=1 IDLE=1', 'IDLE=1', qr/twice/]),
    (map { ["ExpectLinger $_", "ExpectLinger $_", 'ExpectLinger', $_,
            qr/not a SIZE/, $SIZE, 1] }
        qw(max=x max=-1 max=1X max=1.5M max=8388608T)),
    ['ExpectLinger in a vhost', "<VirtualHost *:80>\nServerName a\n"
        . "ExpectLinger idle=x\n</VirtualHost>", 'ExpectLinger', 'idle=x',
        qr/not a number of seconds/, $LINGER, 3],

    # in an .htaccess, that key is wrong whatever it is
    (map { ["key=expr=$$_[0]", "ExpectRequire in-flight uploads=1 "
            . "\"key=expr=$$_[0]\"", 'ExpectRequire', "in-flight $$_[0]",
            $$_[1], $STRING, 1] }
        # httpd's own words; 2.5-dev has others
        ['%{x y}', httpd_at_least('2.5')
            ? qr/Unexpected variable character ' '/
            : qr/Invalid character in variable name ' '/],
        ['%{nope}', qr/Variable 'nope' does not exist/]),
    (map { ["<ExpectRequireNone> around $$_[0]", $$_[1], 'ExpectRequire',
            'in-flight', 'cannot be negated, by `not` or '
            . '<ExpectRequireNone>', 'it is accepted by itself, in '
            . '<ExpectRequireAll> and in <ExpectRequireAny>', $$_[2]] }
        ['a rule', "<ExpectRequireNone>\nExpectRequire in-flight uploads=1\n"
            . '</ExpectRequireNone>', 2],
        ['a container', "<ExpectRequireNone>\n<ExpectRequireAll>\n"
            . "ExpectRequire auth\nExpectRequire in-flight uploads=1\n"
            . "</ExpectRequireAll>\n</ExpectRequireNone>", 4]),

    (map { ["ExpectLedger $$_[0]", "ExpectLedger $$_[0]", 'ExpectLedger',
            @$_[1, 2], $LEDGER, 1] }
        ['', 'no argument', 'a value is missing'],
        ['""', 'no argument', 'a value is missing'],
        ['keys=64 x', 'x', 'one argument too many'],
        (map { [$_, $_, 'unknown argument'] } qw(64 keys places=64 On)),
        (map { [$_, $_, 'not a number, or out of range'] }
            qw(keys= keys=x keys=-1 keys=+64 keys=1K keys=64.5 keys=63
               keys=16777217 keys=99999999999999999999))),

    (map { ["ExpectStore $$_[0]", "ExpectStore $$_[0]", 'ExpectStore',
            @$_[1, 2], $STORE, 1] }
        ['', 'no argument', 'the URL is missing'],
        ['""', 'no argument', 'the URL is missing'],
        # a password is not shown
        (map { [$_, 'the first argument', 'not a URL'] }
            qw(localhost :secret@host redis: redis:// redis:/x //host
               1redis://host red_is://host)),
        (map { ["redis://:secret\@host $_", $_, 'unknown argument'] }
            qw(timeout 50 wait=50 on_error=local On)),
        (map { ["redis://host $_", $_, 'the value is missing'] }
            qw(timeout= lease= on-error= prefix= password-file=)),
        ['redis://host timeout=1 TIMEOUT=1', 'TIMEOUT=1', 'given twice'],
        (map { ["redis://host $_", $_,
                'not a number of milliseconds within 1 and 10000'] }
            qw(timeout=0 timeout=10001 timeout=-1 timeout=50ms timeout=x
               timeout=99999999999999999999)),
        (map { ["redis://host $_", $_,
                'not a number of seconds within 3 and 3600'] }
            qw(lease=2 lease=3601 lease=+3 lease=1m)),
        (map { ["redis://host $_", $_, 'neither local nor admit nor refuse'] }
            qw(on-error=deny on-error=Off)),
        (map { ["redis://host prefix=$_", "prefix=$_", 'not a word of at most '
                . '64 letters, digits, and - _ . :'] }
            '{a}', 'a/b', 'a' x 65)),
    (map { ["ExpectStore, $$_[0]", "ExpectStore redis://h password-file=$$_[1]",
            'ExpectStore', "password-file=$$_[1]", @$_[2, 3], 1] }
        ['no such file', '/nonexistent', 'cannot be read: No such file or '
            . 'directory', $STORE]),

    ['a rule in a vhost',
        "<VirtualHost *:80>\nServerName a\nExpectRequire foo\n</VirtualHost>",
        'ExpectRequire', 'foo', qr/unknown rule/, $RULES, 3],
    ['a rule in a directory', "<Directory />\n\nExpectRequire foo\n"
        . '</Directory>', 'ExpectRequire', 'foo', qr/unknown rule/, $RULES, 3],
    ['a rule in a <Limit>', "<Directory />\n<Limit PUT>\nExpectRequire foo\n"
        . "</Limit>\n</Directory>", 'ExpectRequire', 'foo', qr/unknown rule/,
        $RULES, 3],
);

# What httpd itself says, before mod_expect is asked: text, message.
my @httpd = (
    ["<ExpectRequireAll>\nExpectRequire auth",
        qr/<ExpectRequireAll> was not closed/],
    ["<ExpectRequireAll>\nExpectRequire auth\n</ExpectRequireAny>",
        qr/Expected <\/ExpectRequireAll> but saw <\/ExpectRequireAny>/],
    ['</ExpectRequireAll>', qr/without matching <ExpectRequireAll>/],
    # These hold for every method, whatever the <Limit> says.
    (map { ["<Directory />\n<Limit GET>\n$_\n</Limit>\n</Directory>",
            qr/\b(?:cannot occur|not allowed|no place)\b.*\bLimit\b/] }
        'ExpectEngine Off', 'ExpectMerging Off', 'ExpectStatus specific',
        'ExpectScope expectation', 'ExpectLinger Off'),
    (map { ["<$_>\nExpectLinger Off\n</" . (split)[0] . '>',
            qr/ExpectLinger (?:cannot occur|not allowed)\b/] }
        'Directory /', 'Location />', 'Files *', 'If "true"'),
    (map { my $in = $_; map { ["<$in>\n$_\n</" . (split ' ', $in)[0] . '>',
            qr/Expect(?:Ledger|Store) (?:cannot occur|not allowed)\b/] }
        'ExpectLedger keys=64', 'ExpectStore redis://host' }
        'VirtualHost *:80', 'Directory /', 'Location />'),
    # No module knows the scheme.
    (map { ["ExpectStore $_://:secret\@host/0",
            qr/^(?!.*secret).*ExpectStore\ at\ \S+:\d+:\ the\ module\ that
               \ provides\ this\ store\ is\ not\ loaded:\ LoadModule
               \ expect_redis_module\ modules\/mod_expect_redis\.so/smx] }
        qw(redis redis+unix memcached)),
    # mod_expect's rules where Require has them.
    ["<Location />\nRequire content-length max=x\n</Location>",
        qr/^Require: content-length max=x: not a SIZE.*; $SIZE/m],
    ["<Location />\nRequire content-type\n</Location>",
        qr/^Require: content-type: an argument is missing; .*$TYPE/m],
    ["<Location />\nRequire free-space 0%\n</Location>",
        qr/^Require: free-space 0%: .*; .*$SPACE/m],
    (map { ["<Location />\nRequire $_\n</Location>",
            qr/Unknown Authz provider: \Q@{[ (split)[0] ]}\E/] }
        'auth', 'in-flight uploads=1', 'quota uploads=1 per=day'),
);

# --- reading what httpd -t says --------------------------------------------

# The line of a configuration that config_error()'s text begins at.
my($first) = (config_error("NoSuchDirective\n"))[1] =~ /on line (\d+) of /
    or die 'no line in a message of httpd';

sub matches {
    my($got, $want) = @_;
    return ref $want ? $got =~ $want : $got eq $want;
}

# The line and the message of the text read by httpd -t; nothing if it is taken.
sub from_httpd_t {
    my($text) = @_;
    my($exit, $message) = config_error("$text\n");
    return unless $exit;
    my($line, $told) = $message =~ m{\bline\ (\d+)\ of\ \S+/httpd\.conf:\s*
                                     (\S.*?)\s*\z}xs;
    return defined $line ? ($line - $first + 1, $told) : (0, $message);
}

# The same of an .htaccess.
sub from_htaccess {
    my($text) = @_;
    my $mark = log_mark();
    write_htaccess('tenant/errors', "$text\n");
    my $t = talk('main', "GET /tenant/errors/ HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n", qr/\AHTTP\/1\.1 500 /, 'eof');
    return if $t->{missed};
    my $log = join '', error_log_since($mark);
    my($told, $line) = $log =~ m{/tenant/errors/\.htaccess:\ (.*)
                                 \ \(line\ (\d+)\)$}xm;
    return defined $line ? ($line, $told) : (0, $log);
}

sub refused_as_told {
    my($read, $name, $text, $directive, $word, $wrong, $accepted, $at) = @_;
    my($line, $message) = $read->($text);
    my($said) = ($message // '') =~ /^\Q$directive\E: (.*)\z/s;
    my $what = !defined $line ? 'it was taken'
        : !$line ? 'no file and line'
        : $line != $at ? "line $line, not $at"
        : !defined $said ? "not $directive"
        : $said =~ /\n/ ? 'more than one line'
        : split_message($said, $word, $wrong, $accepted);
    ok !$what, $name or diag "$what: " . ($message // '');
}

# The word may have colons and semicolons in it: every split is tried.
sub split_message {
    my($said, $word, $wrong, $accepted) = @_;
    my $what = 'not "<read>: <wrong>; <accepted>"';
    my $at = 0;
    while (($at = index $said, ': ', $at) >= 0) {
        my $read = substr $said, 0, $at;
        my($is, $takes) = substr($said, $at += 2) =~ /^(.+?); (.+)\z/ or last;
        next if !matches($read, $word);
        $what = !matches($is, $wrong) ? "not $wrong"
            : !matches($takes, $accepted) ? "not $accepted" : '';
        last unless $what;
    }
    return $what;
}

my %read;
for my $row (@rules) {
    my($args, @what) = @$row;
    my $text = "ExpectRequire $args";
    my $rule = $args =~ s/ .*//r;
    refused_as_told($read{$rule}++ ? \&from_htaccess : \&from_httpd_t,
        $text, $text, 'ExpectRequire', @what, 1);
}
for my $row (@errors) {
    my $directive = $row->[2];
    my $again = $directive =~ /^<|^ExpectStatus$/ && $read{$directive}++;
    refused_as_told($again ? \&from_htaccess : \&from_httpd_t, @$row);
}

# Keys that the server's configuration may name.
for my $key (qw(all vhost expr), '') {
    my $named = $key || 'all';
    my $rule = 'quota uploads=1 per=day' . ($key && " key=$key")
        . ($key eq 'expr' && '=%{HTTP:X-A}');
    refused_as_told(\&from_htaccess, "$rule in .htaccess",
        "ExpectRequire $rule", 'ExpectRequire', 'quota',
        "key=$named" . ($named eq 'all' && ', the default,')
            . ' is not allowed in .htaccess',
        'key=ip, key=user and key=directory are accepted there', 1);
}

for (@httpd) {
    my($text, $like) = @$_;
    my($exit, $message) = config_error("$text\n");
    ok $exit && $message =~ $like, $text =~ s/\n/ | /gr or diag $message;
}

# --- what is accepted ------------------------------------------------------

my @accepted = (
    (map { "ExpectRequire $_" }
        'content-length max=1', 'CONTENT-LENGTH MAX=1 Min=1 KNOWN',
        'content-length max=0', 'content-length min=0', 'content-length known',
        (map { "content-length max=1$_" } qw(k K m M g G t T)),
        'content-length max=9223372036854775807',
        'content-length max=8388607T min=8388607T',
        '"content-length" "max=10M" "known"', "content-length 'max=10M'",
        'NOT content-length known', 'Not Content-Type image/*',
        'content-type image/png', 'content-type Image/* APPLICATION/*+JSON',
        'content-type */*', 'content-type "image/svg+xml" text/x.y-z',
        'content-encoding gzip', 'content-encoding X-GZIP Br identity zstd',
        'header X-A', 'header X-A "a b"', 'header x-a ^[^"]+$',
        'header If-Match', 'not header X-A', 'precondition',
        'not precondition', 'auth', 'AUTH',
        (map { "in-flight $_" } 'uploads=1', 'uploads=2147483647', 'bytes=1',
            'BYTES=8388607T Uploads=2 KEY=IP', (map { "uploads=1 key=$_" }
                qw(ip user vhost directory all expr=%{HTTP:X-A} expr=a
                   "expr=%{HTTP:X-A}")),
            'uploads=1 "key=expr=%{HTTP:X-A} %{REMOTE_USER}"'),
        (map { "quota uploads=1 bytes=10g per=$_" }
            qw(minute HOUR day Week 1s 1M 8784h 366d 31622400s)),
        'free-space 1', 'free-space 10g', 'free-space 1%', 'free-space 99%',
        'not free-space 50%', 'handler', 'handler cgi-script dav',
        'ip 10.0.0.0/8 ::1', 'not ip 10.0.0.1', 'host example.org',
        'method PUT POST',
        'env upload', 'expr "%{HTTP_HOST} == \'a\'"', 'user alice',
        'group staff', 'valid-user', 'local', 'all granted', 'witness',
        'pictures', 'home'),
    (map { "expectengine $_" } qw(on OFF detectiononly DetectionOnly)),
    (map { "ExpectMerging $_" } qw(and OR Off)),
    (map { "ExpectStatus $_" } qw(417 SPECIFIC specific)),
    (map { "ExpectScope $_" } qw(Content expectation)),
    "<ExpectRequireAny>\nExpectRequire auth\n<ExpectRequireAll>\n"
    . "ExpectRequire header X\n<expectrequirenone>\nExpectRequire ip ::1\n"
    . "</expectrequirenone>\n</ExpectRequireAll>\n</ExpectRequireAny>",
    "<ExpectRequireAll>\nExpectRequire auth\n</ExpectRequireAll>",
    "<ExpectRequireNone>\nExpectRequire auth\n</ExpectRequireNone>",
    "<ExpectRequireAll >\n# a comment\nExpectRequire auth\n"
    . '</ExpectRequireAll>',
    "<ExpectRequireAll>\n" x 32 . "ExpectRequire auth\n"
    . "</ExpectRequireAll>\n" x 32,
    "<ExpectRequireAll>\n<IfModule expect_module>\nExpectRequire auth\n"
    . "</IfModule>\n</ExpectRequireAll>",
    "<Limit PUT>\nExpectRequire auth\n</Limit>",
    "<LimitExcept PUT>\n<ExpectRequireAll>\nExpectRequire auth\n"
    . "</ExpectRequireAll>\n</LimitExcept>",
    "<Files *.jpg>\nExpectRequire auth\nExpectEngine On\n</Files>",
    "<If \"true\">\nExpectRequire auth\nExpectStatus 417\n</If>",
    # Several in one section.
    "ExpectRequire content-length max=1\nExpectRequire content-length max=2",
);

# in the server only
my @of_global = map { "ExpectLedger $_" } 'keys=64', 'KEYS=16777216',
    '"keys=1000"';

# in the server and a vhost only
my @of_server = map { "ExpectLinger $_" }
    qw(off OFF time=1 IDLE=86400 max=0 max=10m),
    'time=30 idle=2 max=9223372036854775807', '"max=1" "time=3"';

# Each stands in the server, a vhost, a directory and a location; if one is
# not taken, httpd names its line.
{
    my $aliases = "<AuthzProviderAlias content-type pictures image/*>\n"
        . "</AuthzProviderAlias>\n<AuthzProviderAlias ip home 10.0.0.1>\n"
        . "</AuthzProviderAlias>\n";
    my %in = (
        '<Directory />' => '</Directory>',
        '<Location />' => '</Location>',
        '<VirtualHost *:80>' => '</VirtualHost>',
        '' => '',
    );
    for my $open (sort keys %in) {
        my @texts = $open =~ /^<D/ ? @accepted
            : grep { !/^<(?:Limit|If|Files)/ } @accepted,
              $open =~ /^<L/ ? () : @of_server, $open ? () : @of_global;
        my $text = join '', $aliases, map { "$open\n$_\n$in{$open}\n" } @texts;
        my($exit, $message) = config_error($text);
        my($line) = $message =~ /on line (\d+) of/;
        is $exit, 0, 'accepted in ' . ($open || 'the server')
            or diag $message, $line ? (split /\n/, $text)[$line - $first] : ();
    }
}

done_testing();
