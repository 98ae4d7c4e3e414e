/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A library for LD_PRELOAD that makes a function fail when mod_expect calls it,
 * for what is hard to bring about: no memory, no randomness, no thread. The
 * variable DENY names it:
 *
 *     LD_PRELOAD=.../deny.so DENY=json_dumps httpd ...
 *
 * apr_shm_create:anonymous is memory without a file only. apr_shm_create denies
 * all memory that processes share, that of mmap() as well.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

/* APR_ENOTIMPL */
#define NOT_IMPLEMENTED 70023

static int is_denied(const char *name, void *caller)
{
    const char *denied = getenv("DENY");
    Dl_info info;

    return denied && !strcmp(denied, name) && dladdr(caller, &info)
           && strstr(info.dli_fname, "mod_expect");
}

#define IS_DENIED(name) is_denied(name, __builtin_return_address(0))

/* A function that fails with what it is said to, or is what it was. */
#define DENIABLE(type, name, parameters, arguments, failure) \
    type name parameters; \
    type name parameters \
    { \
        type (*next) parameters; \
        if (IS_DENIED(#name)) { \
            return failure; \
        } \
        *(void **)&next = dlsym(RTLD_NEXT, #name); \
        return next arguments; \
    }

DENIABLE(char *, json_dumps, (const void *json, size_t flags), (json, flags),
         NULL)
DENIABLE(int, statvfs, (const char *path, void *fs), (path, fs),
         (errno = EIO, -1))
DENIABLE(int, apr_generate_random_bytes, (unsigned char *to, size_t length),
         (to, length), EIO)
DENIABLE(int, fork, (void), (), (errno = EAGAIN, -1))
DENIABLE(int, pipe, (int *ends), (ends), (errno = EMFILE, -1))
DENIABLE(int, pthread_create,
         (void *thread, const void *attr, void *(*run)(void *), void *with),
         (thread, attr, run, with), EAGAIN)

int apr_shm_create(void **m, size_t size, const char *file, void *pool);

int apr_shm_create(void **m, size_t size, const char *file, void *pool)
{
    int (*next)(void **, size_t, const char *, void *);

    if (!file && IS_DENIED("apr_shm_create:anonymous")) {
        return NOT_IMPLEMENTED;
    }
    if (IS_DENIED("apr_shm_create")) {
        return ENOMEM;
    }
    *(void **)&next = dlsym(RTLD_NEXT, "apr_shm_create");
    return next(m, size, file, pool);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd,
           off_t offset)
{
    void *(*next)(void *, size_t, int, int, int, off_t);

    if ((flags & MAP_SHARED) && (flags & MAP_ANONYMOUS)
        && IS_DENIED("apr_shm_create")) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    *(void **)&next = dlsym(RTLD_NEXT, "mmap");
    return next(at, size, protection, flags, fd, offset);
}
