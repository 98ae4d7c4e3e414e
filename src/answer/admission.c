/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Admission that remembers.
 */

#include "httpd.h"

#include "answer/admission.h"
#include "ledger/claims.h"
#include "ledger/server.h"
#include "rules/limits.h"

/* Bytes that are taken at once for content of unknown length. */
#define TRANCHE (1024 * 1024)

/* At the latest when the request is over: an aborted client, a stream that was
 * reset, a handler that never reads. A slow reader of the answer comes later
 * than the end of the content: see content/filter.c. */
static apr_status_t admission_end(void *state)
{
    expect_admission_settle(state);
    return APR_SUCCESS;
}

static int admission_draws(const expect_claims_t *claims)
{
    int i;

    for (i = 0; i < claims->taken->nelts; ++i) {
        const expect_claim_t *claim = &APR_ARRAY_IDX(claims->taken, i,
                                                     expect_claim_t);

        if (claim->limit->bytes != EXPECT_LIMIT_NONE) {
            return 1;
        }
    }
    return 0;
}

/* What an earlier section has taken stays; only the new claims are taken. */
static apr_array_header_t *admission_new(const expect_request_t *e,
                                         const apr_array_header_t *claiming)
{
    apr_array_header_t *claims = apr_array_make(e->facts.pool, 4,
                                                sizeof(expect_claim_t));
    int i;

    for (i = 0; i < claiming->nelts; ++i) {
        const expect_rule_t *rule = APR_ARRAY_IDX(claiming, i,
                                                  const expect_rule_t *);
        expect_claimed_t *c = expect_claims_of(e->facts.claims, rule->arg);

        if (!c->is_taken) {
            APR_ARRAY_PUSH(claims, expect_claim_t) = c->claim;
        }
    }
    return claims;
}

static const expect_rule_t *admission_rule(const expect_request_t *e,
                                           const apr_array_header_t *claiming,
                                           const expect_claim_t *claim)
{
    int i;

    for (i = 0; i < claiming->nelts; ++i) {
        const expect_rule_t *rule = APR_ARRAY_IDX(claiming, i,
                                                  const expect_rule_t *);
        expect_claimed_t *c = expect_claims_of(e->facts.claims, rule->arg);

        if (c->claim.limit == claim->limit) {
            c->claim = *claim;
            c->found = EXPECT_LEDGER_REFUSED;
            return rule;
        }
    }
    return APR_ARRAY_IDX(claiming, 0, const expect_rule_t *);
}

const expect_rule_t *expect_admission_take(request_rec *r, expect_request_t *e,
                                           const apr_array_header_t *claiming)
{
    expect_claims_t *claims = e->facts.claims;
    apr_array_header_t *new = admission_new(e, claiming);
    int is_first = !claims->taken->nelts;
    int refused = 0, i;
    expect_ledger_e taken;

    if (!new->nelts || expect_server_is_absent()) {
        return NULL;
    }
    taken = expect_ledger_take(expect_server_ledger(),
                               (expect_claim_t *)new->elts, new->nelts,
                               &refused);
    if (taken != EXPECT_LEDGER_TAKEN) {
        return admission_rule(e, claiming,
                              &APR_ARRAY_IDX(new, refused, expect_claim_t));
    }
    for (i = 0; i < claiming->nelts; ++i) {
        const expect_rule_t *rule = APR_ARRAY_IDX(claiming, i,
                                                  const expect_rule_t *);
        expect_claimed_t *c = expect_claims_of(claims, rule->arg);

        c->is_taken = 1;
        c->rule = rule;
    }
    apr_array_cat(claims->taken, new);
    if (is_first) {
        apr_pool_pre_cleanup_register(claims->pool, e, admission_end);
    }
    e->content.is_counted = 1;
    e->content.draws = e->head.length == EXPECT_LENGTH_UNKNOWN
                       && admission_draws(claims);
    (void)r;
    return NULL;
}

apr_off_t expect_admission_draw(expect_request_t *e, apr_off_t wanted)
{
    expect_claims_t *claims = e->facts.claims;
    apr_off_t left = claims->drawn - e->content.read;
    int refused = 0;

    if (left <= 0) {
        apr_int64_t bytes = TRANCHE;

        if (expect_ledger_draw(expect_server_ledger(),
                               (expect_claim_t *)claims->taken->elts,
                               claims->taken->nelts, &bytes, &refused)
            != EXPECT_LEDGER_TAKEN) {
            bytes = 0;
        }
        claims->drawn += bytes;
        left = claims->drawn - e->content.read;
    }
    if (left <= 0) {
        const expect_limit_t *limit =
            APR_ARRAY_IDX(claims->taken, refused, expect_claim_t).limit;

        e->content.draws = 0;
        if (e->content.max == EXPECT_UNLIMITED
            || e->content.max > claims->drawn || e->content.is_dry_run) {
            e->content.max = claims->drawn;
            e->content.max_rule = expect_claims_rule(claims, limit);
            e->content.is_dry_run = 0;
        }
        return 0;
    }
    return left < wanted ? left : wanted;
}

void expect_admission_settle(expect_request_t *e)
{
    expect_claims_t *claims = e->facts.claims;

    if (!claims->taken->nelts || claims->is_settled) {
        return;
    }
    claims->is_settled = 1;
    e->content.draws = 0;
    expect_ledger_settle(expect_server_ledger(),
                         (expect_claim_t *)claims->taken->elts,
                         claims->taken->nelts, e->content.read,
                         e->content.handler_started || e->content.read > 0);
}
