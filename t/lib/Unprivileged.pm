# The user that servers and tests run as when root calls: nobody, or another.

package Unprivileged;

use strict;
use warnings;

use POSIX ();

# (name, uid, gid), or nothing if the caller is unprivileged already.
sub user {
    return if $> != 0;
    for my $name (qw(nobody daemon www-data apache)) {
        my @user = getpwnam $name;
        return @user[0, 2, 3] if @user && $user[2] != 0;
    }
    die "no unprivileged user to run the tests as\n";
}

# Gives files to that user, folders with all that is in them.
sub give {
    my(@files) = @_;
    my @user = user() or return;
    system('chown', '-R', "$user[1]:$user[2]", @files) == 0
        or die "cannot give away: @files\n";
}

# Makes this process that user's, for good.
sub become {
    my($name, $uid, $gid) = @_ ? @_ : user();
    return unless defined $name;
    $) = "$gid $gid";
    $( = $gid;
    POSIX::setuid($uid) or die "cannot become $name: $!\n";
    $ENV{USER} = $ENV{LOGNAME} = $name;
}

1;
