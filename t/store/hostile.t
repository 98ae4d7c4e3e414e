#!/usr/bin/perl
# A store that answers what it likes: no request waits for longer than the
# timeout, no process grows or ends, responses make sense, and the log has no
# password.

use strict;
use warnings;

use lib 't/store', 't/admission', 't/other-modules';
use Test::More;
use Time::HiRes qw(time);
use Child;
use ExpectTest;
use File;
use OtherModules;
use Store;

# Timings decide nothing but that a request does not wait for seconds: the
# slowest took more than ten.
use constant { TIMEOUT => 0.3, PATIENCE => 3, PASSWORD => 'hunter2',
    MOST => '9223372036854775807', GROWTH => 64 * 1024 };

sub outcome {
    my($taken, $refused, $bytes, @of_item) = @_;
    return "*8\r\n" . join('', map { ":$_\r\n" } $taken, $refused, $bytes,
        @of_item) . "\$0\r\n\r\n" x 2;
}

my $nothing_left = outcome(0, 0, MOST, MOST, MOST, MOST);
my $taken = outcome(1, -1, 0, 5, 5, 0);
my $endless = sub {
    my($client) = @_;
    my $many = ":1\r\n" x 100_000;
    while (syswrite $client, $many) { }
};

# name => [what it answers to the commands that are named, or to any other: a
# string, or code that is given the socket; what the log says, undef: nothing]
my %store = (
    'numbers without end' => [{ draw => outcome(1, -1, (MOST) x 4),
        take => outcome(1, -1, 0, (MOST) x 3) }],
    'refuses, with numbers without end' => [{ peek => $nothing_left,
        take => $nothing_left, draw => $nothing_left }],
    'takes nothing' => [{ draw => outcome(1, -1, 0, 5, 5, 0) }],
    'an array without end' => [{ any => "*2147483647\r\n" }, 'too long'],
    'arrays in arrays' => [{ any => "*2000000000\r\n" x 5 }, 'too long'],
    'an answer without end' => [{ any => sub {
        syswrite $_[0], "*16000\r\n" x 3;
        $endless->($_[0]);
    } }, 'too long'],
    'the password' => [{ any => '-ERR it is ' . PASSWORD . ", is it not\r\n" },
        'has the password in it'],
    'the password in the answer to the login' =>
        [{ AUTH => '-' . PASSWORD . " is wrong\r\n" }, 'AUTH is refused: ERR'],
    'control characters' => [{ any => "-ERR \e[2J\a\x80\xff\t.\r\n" },
        '(ERR \\x1b[2J\\x07\\x80\\xff\\t.)'],
);

my $file = conf_var('t_logs') . "/hostile-$$";

sub answers {
    my($client) = @_;
    my $got = '';
    while (sysread $client, my $bytes, 65_536) {
        $got .= $bytes;
        $got =~ /\r\n(AUTH|take|draw|settle|renew|void|probe|peek)\r\n/ or next;
        my $to = $store{ slurp($file) }[0];
        my $answer = $to->{$1} // ($1 eq 'AUTH' ? "+OK\r\n" : $to->{any})
            // ($1 =~ /^(?:take|peek)$/ ? $taken : ":1\r\n");
        $got = '';
        ref $answer ? $answer->($client) : syswrite $client, $answer;
    }
}

my $server = Child->server('hostile', sub {
    my($listener) = @_;
    local @SIG{qw(CHLD PIPE)} = ('IGNORE') x 2;
    while (my $client = $listener->accept) {
        next if fork;
        answers($client);
        POSIX::_exit(0);
    }
}, 600);

# The most memory that a child has had, in kB.
sub memory {
    my $pid = $_[0]->pid;
    my @kb = sort { $a <=> $b }
        map { slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m }
        split ' ', slurp("/proc/$pid/task/$pid/children");
    return $kb[-1];
}

for my $name (sort keys %store) {
    my $says = $store{$name}[1];
    spew($file, $name);
    my $httpd = h2_httpd(one_process() . store_conf('redis://:' . PASSWORD
        . "\@127.0.0.1:$server->{port}/0", 'timeout=' . 1000 * TIMEOUT)
        . <<'CONF');
<Location /witness/a>
    ExpectRequire quota bytes=1M uploads=1000 per=day
</Location>
CONF
    # elsewhere, so that there is a child
    upload(vhost => $httpd, path => '/witness/b', content => 1,
        unwitnessed => 1);
    my($longest, $before, @wrong) = (0, memory($httpd));
    for my $method (qw(PUT OPTIONS) x 2) {
        for my $chunked ($method eq 'PUT' ? (0, 1) : 0) {
            my $since = time;
            my $r = upload(vhost => $httpd, path => '/witness/a',
                method => $method, content => $method eq 'PUT' ? 30_000 : '',
                chunked => $chunked, unwitnessed => 1);
            my $took = time - $since;
            $longest = $took if $took > $longest;
            my %is = %{ $r->{headers} };
            push @wrong, $r->{status} // 'no response'
                if ($r->{status} // 0) !~ /^(?:200|413|503)$/;
            # none is more than the limit, or later than the period
            push @wrong, 'no RateLimit'
                if $method eq 'OPTIONS' && !$is{ratelimit};
            push @wrong, $is{ratelimit}
                if ($is{ratelimit} // '') =~ /;[rt]=(?:-|\d{8})/;
            push @wrong, $is{'retry-after'}
                if ($is{'retry-after'} // 0) !~ /^\d{1,5}$/;
        }
    }
    is_deeply \@wrong, [], "$name: responses make sense";
    cmp_ok $longest, '<', PATIENCE, "$name: no request waits";
    cmp_ok memory($httpd) - $before, '<', GROWTH, "$name: no process grows";
    like +(store_log($httpd))[0] // 'nothing', $says ? qr/\Q$says\E/
        : qr/^nothing$/, "$name: what the log says";
    my $log = slurp($httpd->dir . '/error_log');
    unlike $log, qr/@{[ PASSWORD ]}/, "$name: no password in it";
    unlike $log, qr/[^\n\t -~]/, "$name: and no other character";
    is $httpd->crashes, 0, "$name: no process has ended";
}

done_testing();
