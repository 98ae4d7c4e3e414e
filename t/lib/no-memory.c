/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A library for LD_PRELOAD: as long as there is the file that NO_MEMORY names,
 * no pool has anything for mod_expect. As in APR, the pool's own function for
 * that is called.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* as in apr_pools.h and apr_strings.h */
typedef struct apr_pool_t apr_pool_t;
typedef int (*apr_abortfunc_t)(int);

apr_abortfunc_t apr_pool_abort_get(apr_pool_t *p);
void *apr_palloc(apr_pool_t *p, size_t size);
void *apr_pmemdup(apr_pool_t *p, const void *bytes, size_t size);

static int is_denied(apr_pool_t *p, void *caller)
{
    const char *file = getenv("NO_MEMORY");
    apr_abortfunc_t on_failure = apr_pool_abort_get(p);
    Dl_info info;

    if (!file || access(file, F_OK) || !dladdr(caller, &info)
        || !strstr(info.dli_fname, "mod_expect")) {
        return 0;
    }
    if (on_failure) {
        on_failure(ENOMEM);
    }
    return 1;
}

void *apr_palloc(apr_pool_t *p, size_t size)
{
    void *(*next)(apr_pool_t *, size_t);

    if (is_denied(p, __builtin_return_address(0))) {
        return NULL;
    }
    *(void **)&next = dlsym(RTLD_NEXT, "apr_palloc");
    return next(p, size);
}

void *apr_pmemdup(apr_pool_t *p, const void *bytes, size_t size)
{
    void *(*next)(apr_pool_t *, const void *, size_t);

    if (is_denied(p, __builtin_return_address(0))) {
        return NULL;
    }
    *(void **)&next = dlsym(RTLD_NEXT, "apr_pmemdup");
    return next(p, bytes, size);
}
