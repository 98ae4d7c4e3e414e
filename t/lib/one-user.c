/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A library for LD_PRELOAD with which mpm_itk works for a user who is not root.
 * Before each first request of a connection it becomes the user that the
 * configuration names, even if it is that user already: setgid() and setuid()
 * allow that, initgroups() does not. Here it changes nothing then, and says
 * that all is well. A change to another user fails as before.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <grp.h>
#include <stddef.h>
#include <unistd.h>

int initgroups(const char *user, gid_t group)
{
    int (*next)(const char *, gid_t);

    if (geteuid() && group == getgid()) {
        return 0;
    }
    *(void **)&next = dlsym(RTLD_NEXT, "initgroups");
    return next(user, group);
}
