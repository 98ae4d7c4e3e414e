/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The claims of one upload.
 */

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

const struct expect_rule_t *expect_claims_rule(const expect_claims_t *claims,
                                               const expect_limit_t *limit)
{
    const expect_claim_entry_t *one = claims->all;

    while (one && one->claim.limit != limit) {
        one = one->next;
    }
    return one ? one->rule : NULL;
}
