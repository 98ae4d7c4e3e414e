/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A library for LD_PRELOAD that sets the clock of a server, and of that alone:
 * by as many seconds as the file has that the variable CLOCK names, a 64-bit
 * integer, which a test changes while the server runs. The clocks that nobody
 * can set, CLOCK_MONOTONIC among them, go on as they are.
 *
 *     LD_PRELOAD=.../clock.so CLOCK=/tmp/seconds httpd ...
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *seconds;

__attribute__((constructor)) static void clock_find(void)
{
    const char *name = getenv("CLOCK");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *shared = fd < 0 ? MAP_FAILED
                          : mmap(NULL, sizeof(*seconds), PROT_READ, MAP_SHARED,
                                 fd, 0);

    if (shared != MAP_FAILED) {
        seconds = shared;
    }
    if (fd >= 0) {
        close(fd);
    }
}

static time_t clock_offset(void)
{
    return seconds ? (time_t)*seconds : 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    int (*next)(clockid_t, struct timespec *);
    int rv;

    *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    rv = next(id, now);
    if (!rv && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += clock_offset();
    }
    return rv;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec precise;
    int rv = clock_gettime(CLOCK_REALTIME, &precise);

    (void)zone;
    if (!rv) {
        now->tv_sec = precise.tv_sec;
        now->tv_usec = precise.tv_nsec / 1000;
    }
    return rv;
}

time_t time(time_t *to)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (to) {
        *to = now.tv_sec;
    }
    return now.tv_sec;
}
