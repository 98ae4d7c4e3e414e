/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The claims of one upload.
 */

#include <string.h>

#include "ledger/claims.h"

expect_claims_t *expect_claims_make(apr_pool_t *p)
{
    expect_claims_t *claims = apr_pcalloc(p, sizeof(*claims));

    claims->pool = p;
    claims->taken = &claims->none;
    return claims;
}

expect_claim_entry_t *expect_claims_of(expect_claims_t *claims,
                                       const void *arg)
{
    expect_claim_entry_t *one = claims->all;

    while (one && one->arg != arg) {
        one = one->next;
    }
    if (!one) {
        one = claims->all ? apr_pcalloc(claims->pool, sizeof(*one))
                          : &claims->one;
        one->arg = arg;
        one->next = claims->all;
        claims->all = one;
    }
    return one;
}

int expect_claims_divide(apr_array_header_t *claims)
{
    expect_claim_t *all = (expect_claim_t *)claims->elts, one;
    int n = 0, i;

    for (i = 0; i < claims->nelts; ++i) {
        if (all[i].is_apart) {
            continue;
        }
        if (i > n) {
            one = all[i];
            memmove(&all[n + 1], &all[n], (i - n) * sizeof(*all));
            all[n] = one;
        }
        ++n;
    }
    return n;
}

const struct expect_rule_t *expect_claims_rule(const expect_claims_t *claims,
                                               const expect_limit_t *limit)
{
    const expect_claim_entry_t *one = claims->all;

    while (one && one->claim.limit != limit) {
        one = one->next;
    }
    return one ? one->rule : NULL;
}
