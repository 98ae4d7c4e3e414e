/*
 * The pool of the unit tests of this file: group setup and teardown.
 */
#ifndef POOL_H
#define POOL_H

#include "apr_general.h"
#include "apr_pools.h"

static apr_pool_t *pool;

static int pool_create(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int pool_destroy(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

#endif
