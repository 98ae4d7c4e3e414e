package Facts;

=head1 NAME

Facts - what a hook sets after it has read content, and what rules see of it

=head1 SYNOPSIS

    use lib 't/auth', 't/other-modules';
    use Facts;

    my %hooks = (access => sub { my($what) = @_; "..." }, ...);
    my $server = h2_httpd($load . facts_conf(\%hooks));
    facts_ok($server, \%hooks, chunked => 1);

A hook is a function that makes the lines for a section whose hook does what
$what says: C<set> (a variable, a note and, if it authenticates, the user), with
C<read-set> after it has read the content; C<deny> and C<read-deny>. Its name is
the hook's, one of %SEES.

=head1 FUNCTIONS

=over

=item facts_conf(\%hooks)

The sections below /witness/ for all hooks, rules and deeds.

=item facts_ok($server, \%hooks, chunked => ...)

That rules decide the same whether the hook reads or not, whether the client
asks or not; and that they see what the hooks before them have set.

=back

=cut

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use ExpectTest;

our @EXPORT = qw(facts_conf facts_ok);

# The facts that are seen by rules if this hook sets them: later ones come too
# late for what does not wait for the user.
my %SEES = (
    access => { env => 1, note => 1 },
    authen => { user => 1 },
    authz  => {},
    type   => {},
    fixup  => {},
);

# Which logs in, and which can deny.
my %LOGS_IN = map { $_ => 1 } qw(authen authz);
my %DENIES  = map { $_ => 1 } qw(access authen authz);

# rule => what stands behind ExpectRequire, and the fact by which it holds
my %RULES = (
    env    => ['env FACT', 'env'],
    reqenv => [q(expr "reqenv('FACT') == 'yes'"), 'env'],
    note   => [q(expr "note('fact') == 'yes'"), 'note'],
    user   => ['user alice', 'user'],
    remote => [q(expr "%{REMOTE_USER} == 'alice'"), 'user'],
    valid  => ['valid-user', 'user'],
);

sub place { return '/witness/' . join('-', @_) . '/x' }

sub location {
    my($hook, $lines, $rules, @name) = @_;
    # no module of httpd's own answers to the AuthType Other
    my $login = !$LOGS_IN{$hook} ? "Require all granted\n"
        : 'AuthType ' . ($hook eq 'authen' ? 'Other' : 'Basic')
        . "\nAuthName realm\nAuthBasicProvider witness\n"
        . "Require valid-user\n";
    return '<Location ' . (place($hook, @name) =~ s/x$//r) . ">\n$login$lines"
        . "$rules\n</Location>\n";
}

sub facts_conf {
    my($hooks) = @_;
    my $text = '';
    for my $hook (sort keys %$hooks) {
        for my $deed ('set', 'read-set') {
            my $lines = $hooks->{$hook}->($deed);
            for my $rule (sort keys %RULES) {
                $text .= location($hook, $lines,
                    "ExpectRequire $_->[1]$RULES{$rule}[0]", $deed, $rule,
                    $_->[0]) for ['plain', ''], ['not', 'not '];
            }
            $text .= location($hook, $lines, 'ExpectRequire auth', $deed,
                'auth', 'plain');
        }
        next unless $DENIES{$hook};
        $text .= location($hook, $hooks->{$hook}->($_), 'ExpectRequire auth',
            $_, 'auth', 'plain') for 'deny', 'read-deny';
    }
    return $text;
}

# Whether it is admitted, and which rule refused. (A reader fetches the
# content of a client that asked; it is refused by 417 or the rule's own
# status then.)
sub verdict {
    my($server, $hook, $path, %how) = @_;
    my $r = upload(vhost => $server, path => $path, method => 'POST',
        content => 50, eager => !$how{asks}, %how,
        headers => ['Content-Type: text/plain', $hook eq 'authz'
            ? basic_auth('alice') : ()]);
    return join ' ', $r->{status} == 200 ? 'admitted' : 'refused',
        @{ $r->{witness} }{qw(verdict rule)};
}

sub same_ok {
    my($server, $hook, $rule, $sign, $deed, $expected, @more) = @_;
    for my $deed ($deed, "read-$deed") {
        my $path = place($hook, $deed, $rule, $sign);
        for my $how ({ asks => 1 }, { asks => 0 }, @more) {
            is verdict($server, $hook, $path, %$how), $expected,
                "$hook, $deed, $rule, $sign: " . join ', ',
                map { "$_ $how->{$_}" } sort keys %$how;
        }
    }
}

sub facts_ok {
    my($server, $hooks, %o) = @_;
    my @more = $o{chunked} ? ({ asks => 1, chunked => 1 },
        { asks => 0, chunked => 1 }) : ();
    for my $hook (sort keys %$hooks) {
        for my $rule (sort keys %RULES) {
            my(undef, $fact) = @{ $RULES{$rule} };
            my $name = ($RULES{$rule}[0] =~ /^(\S+)/)[0];
            # alice, where httpd's own login came before
            my $holds = $SEES{$hook}{$fact}
                || $fact eq 'user' && $hook eq 'authz';
            # nobody, for a rule of users: denied, with not or without
            my $nobody = $fact eq 'user' && !$LOGS_IN{$hook};
            for my $sign ('plain', 'not') {
                my $ok = !$nobody && ($sign eq 'not' xor $holds);
                same_ok($server, $hook, $rule, $sign, 'set',
                    $ok ? 'admitted continue -' : "refused refuse $name",
                    @more);
            }
        }
        same_ok($server, $hook, 'auth', 'plain', 'set',
            'admitted continue -', @more);
        same_ok($server, $hook, 'auth', 'plain', 'deny',
            'refused refuse auth', @more) if $DENIES{$hook};
    }
}

1;
