# Waits until httpd has ended its connections, before it is stopped. If a
# worker of the event MPM ends one at that moment, the child may crash, with or
# without modules: close_worker_sockets() in server/mpm/event/event.c uses the
# socket that the worker has just freed.

package Idle;

use strict;
use warnings;

use Time::HiRes qw(time);

use constant PATIENCE => 0.5;       # seconds; a client may keep its end open
use constant { LOCAL => 1, STATE => 3, INODE => 9, LISTEN => '0A' };

# Whether some process holds the server's end of a connection to a port. Where
# there is no such table, no connection seems to be open.
sub busy {
    my %port = map { sprintf('%04X', $_) => 1 } @_;
    for my $table (grep { -r } '/proc/net/tcp', '/proc/net/tcp6') {
        open my $fh, '<', $table or next;
        while (my $line = <$fh>) {
            my @field = split ' ', $line;
            return 1 if $field[LOCAL] =~ /:([[:xdigit:]]{4})$/ && $port{$1}
                && $field[STATE] ne LISTEN && $field[INODE] ne '0';
        }
    }
    return 0;
}

# The worker has closed its socket before it frees it: look twice.
sub wait_until {
    my(@ports) = @_;
    my $until = time + PATIENCE;
    my $seen  = 0;
    while ($seen < 2 && time < $until) {
        $seen = busy(@ports) ? 0 : $seen + 1;
        select undef, undef, undef, 0.01;
    }
}

1;
