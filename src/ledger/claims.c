/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The claims of one upload.
 */

#include "ledger/claims.h"

expect_claims_t *expect_claims_make(apr_pool_t *p)
{
    expect_claims_t *claims = apr_pcalloc(p, sizeof(*claims));

    claims->pool = p;
    claims->all = apr_array_make(p, 2, sizeof(expect_claimed_t *));
    claims->taken = apr_array_make(p, 2, sizeof(expect_claim_t));
    return claims;
}

expect_claimed_t *expect_claims_of(expect_claims_t *claims, const void *arg)
{
    expect_claimed_t *one;
    int i;

    for (i = 0; i < claims->all->nelts; ++i) {
        one = APR_ARRAY_IDX(claims->all, i, expect_claimed_t *);
        if (one->arg == arg) {
            return one;
        }
    }
    one = apr_pcalloc(claims->pool, sizeof(*one));
    one->arg = arg;
    APR_ARRAY_PUSH(claims->all, expect_claimed_t *) = one;
    return one;
}

const struct expect_rule_t *expect_claims_rule(const expect_claims_t *claims,
                                               const expect_limit_t *limit)
{
    int i;

    for (i = 0; i < claims->all->nelts; ++i) {
        const expect_claimed_t *one = APR_ARRAY_IDX(claims->all, i,
                                                    expect_claimed_t *);

        if (one->claim.limit == limit) {
            return one->rule;
        }
    }
    return NULL;
}
