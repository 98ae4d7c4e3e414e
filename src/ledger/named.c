/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The limits of the server's configuration, by id.
 */

#include "apr_hash.h"

#include "ledger/named.h"

static apr_array_header_t *all;
/* to see while the configuration is read whether an id is known */
static apr_hash_t *known;

void expect_named_begin(apr_pool_t *p)
{
    all = apr_array_make(p, 8, sizeof(expect_named_t));
    known = apr_hash_make(p);
}

void expect_named_add(const expect_named_t *named)
{
    const expect_limit_t *limit = named->limit;

    if (apr_hash_get(known, limit->id, sizeof(limit->id))) {
        return;
    }
    apr_hash_set(known, limit->id, sizeof(limit->id), limit);
    APR_ARRAY_PUSH(all, expect_named_t) = *named;
}

const apr_array_header_t *expect_named_all(void)
{
    return all;
}
