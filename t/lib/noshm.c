/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A library for LD_PRELOAD. It stands before apr_shm_create() and denies
 * mod_expect alone its memory: so it judges, and does not count. DENY says
 * when, RESULT what it is told.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#ifndef DENY
#define DENY 1
#define RESULT ENOMEM
#endif

int apr_shm_create(void **m, size_t size, const char *file, void *pool);

int apr_shm_create(void **m, size_t size, const char *file, void *pool)
{
    int (*next)(void **, size_t, const char *, void *);
    Dl_info info;

    *(void **)&next = dlsym(RTLD_NEXT, "apr_shm_create");
    if (dladdr(__builtin_return_address(0), &info)
        && strstr(info.dli_fname, "mod_expect") && DENY) {
        return RESULT;
    }
    return next(m, size, file, pool);
}
