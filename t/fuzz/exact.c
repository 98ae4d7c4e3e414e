/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Memory of the exact size, for the sanitizers to see what is read or written
 * behind it: APR's pools hand out pieces of large blocks. The linker puts these
 * functions in the place of APR's wherever the module calls them (--wrap).
 */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "apr_pools.h"
#include "apr_strings.h"

void *__wrap_apr_palloc(apr_pool_t *p, apr_size_t size);
void *__wrap_apr_pmemdup(apr_pool_t *p, const void *from, apr_size_t size);
char *__wrap_apr_pstrdup(apr_pool_t *p, const char *from);
char *__wrap_apr_pstrmemdup(apr_pool_t *p, const char *from, apr_size_t size);
char *__wrap_apr_pstrndup(apr_pool_t *p, const char *from, apr_size_t size);
char *__wrap_apr_pstrcat(apr_pool_t *p, ...);
char *__wrap_apr_psprintf(apr_pool_t *p, const char *format, ...);

static apr_status_t give_back(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}

void *__wrap_apr_palloc(apr_pool_t *p, apr_size_t size)
{
    /* nor is it zero by chance */
    void *memory = memset(malloc(size), 0xa5, size);

    apr_pool_cleanup_register(p, memory, give_back, apr_pool_cleanup_null);
    return memory;
}

void *__wrap_apr_pmemdup(apr_pool_t *p, const void *from, apr_size_t size)
{
    return memcpy(__wrap_apr_palloc(p, size), from, size);
}

char *__wrap_apr_pstrmemdup(apr_pool_t *p, const char *from, apr_size_t size)
{
    char *copy = __wrap_apr_palloc(p, size + 1);

    memcpy(copy, from, size);
    copy[size] = '\0';
    return copy;
}

char *__wrap_apr_pstrdup(apr_pool_t *p, const char *from)
{
    return from ? __wrap_apr_pstrmemdup(p, from, strlen(from)) : NULL;
}

char *__wrap_apr_pstrndup(apr_pool_t *p, const char *from, apr_size_t size)
{
    return __wrap_apr_pstrmemdup(p, from, strnlen(from, size));
}

char *__wrap_apr_pstrcat(apr_pool_t *p, ...)
{
    apr_size_t size = 1;
    const char *part;
    char *all, *to;
    va_list parts;

    va_start(parts, p);
    while ((part = va_arg(parts, const char *))) {
        size += strlen(part);
    }
    va_end(parts);

    all = to = __wrap_apr_palloc(p, size);
    va_start(parts, p);
    while ((part = va_arg(parts, const char *))) {
        to = memcpy(to, part, strlen(part)) + strlen(part);
    }
    va_end(parts);
    *to = '\0';
    return all;
}

char *__wrap_apr_psprintf(apr_pool_t *p, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = apr_pvsprintf(p, format, arguments);
    va_end(arguments);
    return __wrap_apr_pstrdup(p, text);
}
