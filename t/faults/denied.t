#!/usr/bin/perl
# A system call or an allocation fails: the answer is a refusal or an error
# with the reason, never an admission, and the server continues.

use strict;
use warnings;

use Test::More;
use ExpectTest;
use StatusTest;

my $conf = COUNTED . <<'CONF';
<Location /witness/space>
    ExpectRequire free-space 1K
</Location>
CONF

sub server_without {
    my($function) = @_;
    return with_library('deny', "DENY=$function",
        sub { own_httpd(conf => $conf) });
}

sub works_ok {
    my($server, $name) = @_;
    is upload(vhost => $server, path => '/witness/x', content => 11,
        asks => 1)->{status}, 417, "$name: refuses";
    is upload(vhost => $server, path => '/witness/x', content => 10,
        asks => 1)->{status}, 200, "$name: admits";
}

{
    my $server = server_without('json_dumps');
    my $r = upload(vhost => $server, path => '/witness/x', content => 11,
        asks => 1, headers => ['Accept: application/problem+json']);
    is $r->{status}, 417, 'no JSON: refused';
    is $r->{body}, "{}\n", 'no JSON: an object all the same';
    is $r->{headers}{'upload-limit'}, 'max-size=10', 'no JSON: the field';
    is page('format=json', vhost => $server)->{status}, 500,
        'no JSON: no status in it';
    is page('', vhost => $server)->{status}, 200, 'no JSON: the page';
    works_ok($server, 'no JSON');
}

{
    my $server = server_without('apr_generate_random_bytes');
    is page('', vhost => $server)->{status}, 500,
        'no randomness: no page, as its scripts would be open to others';
    is page('format=json', vhost => $server)->{status}, 200,
        'no randomness: JSON';
    works_ok($server, 'no randomness');
}

{
    my $server = server_without('statvfs');
    my %o = (vhost => $server, path => '/witness/space/x', content => 10);
    my $r = upload(%o, asks => 1);
    is $r->{status}, 417, 'no file system: refused';
    is_deeply $r->{interim}, [], 'no file system: no 100';
    is upload(%o)->{status}, 507, 'no file system: 507 if it did not ask';
    works_ok($server, 'no file system');
}

{
    my $answer = join '', with_library('deny', 'DENY=fork',
        sub { explained($conf, '/witness/x PUT length=11') });
    like $answer, qr{^  not known: no process could be created: }m,
        'no process: ExpectExplain says so' or diag $answer;
}

# The thread for refused connections: each is refused all the same, and httpd
# closes it in its own way, which is logged once.
for my $function ('pthread_create', 'pipe') {
    my $server = server_without($function);
    my $mark = log_mark($server);
    for (1 .. 3) {
        works_ok($server, "no $function");
        is status($server)->{lingering}, 0, "no $function: nothing lingers";
    }
    my %said;
    $said{$_}++ for map { /the thread for refused connections does not run/
        ? /\[pid (\d+)/ : () } error_log_since($mark);
    ok scalar(keys %said), "no $function: the log says so";
    is scalar(grep { $_ > 1 } values %said), 0, "no $function: once";
}

# Pools: httpd has them end the process. Nobody gets an answer of half a
# decision, and the next child gives the right one.
{
    my $sign = conf_var('t_logs') . "/no-memory-$$";
    my $server = with_library('no-memory', "NO_MEMORY=$sign",
        sub { own_httpd(conf => $conf) });
    works_ok($server, 'memory');

    # the second is for t/run: httpd's end of a child is no crash here
    for my $file ($sign, $server->dir . '/may-crash') {
        open my $fh, '>', $file or die "$file: $!\n";
    }
    for my $length (10, 11) {
        my $mark = log_mark($server);
        my $t = talk($server, "PUT /witness/x HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Length: $length\r\nExpect: 100-continue\r\n\r\n", 'eof');
        is $t->{bytes}, '', "no memory: no answer to $length bytes";
        ok $t->{eof}, 'no memory: and no waiting for one';
        ok $server->wait_for(sub {
            grep { /Memory allocation failed/ } error_log_since($mark)
        }), 'no memory: httpd says so';
    }
    unlink $sign or die "$sign: $!\n";
    works_ok($server, 'memory again');
}

done_testing();
