/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Preloaded to httpd: a thread pauses now and then before it locks a mutex, and
 * after it has unlocked one. Each order of events that this brings about is one
 * that a busy machine can bring about as well.
 *
 *     PAUSE=300:20000     one time in 300, for up to 20,000 microseconds
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int (*real_lock)(pthread_mutex_t *);
static int (*real_unlock)(pthread_mutex_t *);
static unsigned one_in = 300, microseconds = 20000;
static __thread unsigned seed;

/* Before any thread is started. */
__attribute__((constructor)) static void find(void)
{
    const char *pause = getenv("PAUSE");

    *(void **)&real_lock = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    *(void **)&real_unlock = dlsym(RTLD_NEXT, "pthread_mutex_unlock");
    if (pause && (sscanf(pause, "%u:%u", &one_in, &microseconds) != 2
                  || !one_in || !microseconds)) {
        abort();
    }
}

static void maybe_pause(void)
{
    if (!seed) {
        seed = (unsigned)getpid() ^ (unsigned)(size_t)&seed;
    }
    if (rand_r(&seed) % one_in == 0) {
        usleep(rand_r(&seed) % microseconds);
    }
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!real_lock) {
        find();
    }
    maybe_pause();
    return real_lock(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int rv;

    if (!real_unlock) {
        find();
    }
    rv = real_unlock(mutex);
    maybe_pause();
    return rv;
}
