/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Admission that remembers.
 */

#include "httpd.h"

#include "answer/admission.h"
#include "ledger/claims.h"
#include "ledger/fleet.h"
#include "ledger/server.h"

static void admission_settle(const expect_request_t *e,
                             apr_array_header_t *taken, int may_wait)
{
    /* a request that is refused later does not count as an upload, unless
     * content was read */
    int is_kept = e->content.read > 0
                  || (e->content.handler_started
                      && e->outcome.verdict != EXPECT_REFUSED);

    expect_fleet_settle(e->facts.claims, taken, e->content.read, is_kept,
                        may_wait);
}

/* Only the first call does anything. */
static void admission_over(expect_request_t *e, int may_wait)
{
    expect_claims_t *claims = e->facts.claims;

    if (claims && claims->taken->nelts && !claims->is_settled) {
        claims->is_settled = 1;
        e->content.draws = 0;
        admission_settle(e, claims->taken, may_wait);
    }
}

/* A pool cleanup, for uploads whose content has no end: an aborted client, a
 * stream that was reset, a handler that never reads. Where the content has an
 * end, content/filter.c settles then, so that a client that reads the answer
 * slowly does not hold its place. */
static apr_status_t admission_end(void *state)
{
    admission_over(state, 0);
    return APR_SUCCESS;
}

static int admission_draws(const apr_array_header_t *claims)
{
    int i;

    for (i = 0; i < claims->nelts; ++i) {
        const expect_claim_t *claim = &APR_ARRAY_IDX(claims, i,
                                                     expect_claim_t);

        if (claim->limit->bytes != EXPECT_LIMIT_NONE) {
            return 1;
        }
    }
    return 0;
}

/* What an earlier section has taken stays; only the new claims are taken. */
static apr_array_header_t *admission_new(const expect_request_t *e,
                                         const expect_grants_t *grants)
{
    apr_array_header_t *claims = apr_array_make(e->facts.pool, grants->n,
                                                sizeof(expect_claim_t));
    int i;

    for (i = 0; i < grants->n; ++i) {
        const expect_rule_t *rule = grants->rules[i];
        expect_claim_entry_t *c = expect_claims_of(e->facts.claims, rule->arg);

        if (!c->is_taken) {
            APR_ARRAY_PUSH(claims, expect_claim_t) = c->claim;
        }
    }
    return claims;
}

/* The rule that refuses: the one whose claim was found to be too much. */
static const expect_rule_t *admission_rule(const expect_request_t *e,
                                           const expect_grants_t *grants,
                                           const expect_claim_t *claim,
                                           expect_ledger_e found)
{
    int i;

    for (i = 0; i < grants->n; ++i) {
        const expect_rule_t *rule = grants->rules[i];
        expect_claim_entry_t *c = expect_claims_of(e->facts.claims, rule->arg);

        if (c->claim.limit == claim->limit) {
            c->claim = *claim;
            c->found = found;
            c->is_reached = 1;
            return rule;
        }
    }
    return grants->rules[0];
}

/* Limit the content where a limit is reached. If the ledger is down, or the
 * store, none is the tightest: the first is named. */
static void admission_limit(expect_request_t *e,
                            const apr_array_header_t *claims, int refused,
                            expect_ledger_e drawn, apr_off_t max)
{
    const expect_limit_t *limit =
        APR_ARRAY_IDX(claims, refused < 0 ? 0 : refused, expect_claim_t).limit;
    const expect_rule_t *rule = expect_claims_rule(e->facts.claims, limit);

    e->content.draws = 0;
    if (e->content.max == EXPECT_UNLIMITED || e->content.max > max
        || e->content.is_dry_run) {
        e->content.max = max;
        e->content.max_rule = rule;
        e->content.is_dry_run = 0;
        if (drawn == EXPECT_LEDGER_NO_STORE) {
            expect_claims_of(e->facts.claims, rule->arg)->found = drawn;
        }
    }
}

/* Content of unknown length: take what was read from all that is limited. */
static void admission_draw(expect_request_t *e, apr_array_header_t *claims,
                           apr_off_t read)
{
    apr_int64_t bytes = read;
    int refused = 0;
    expect_ledger_e drawn;

    if (!admission_draws(claims)) {
        return;
    }
    drawn = claims == e->facts.claims->taken
                ? expect_fleet_draw(e->facts.claims, &bytes, &refused)
                : expect_fleet_draw_read(e->facts.claims, claims, &bytes,
                                         &refused);
    if (bytes < read) {
        admission_limit(e, claims, refused, drawn,
                        e->content.read - read + bytes);
    }
}

/* What an earlier section has taken may be settled already. */
static void admission_hold(expect_request_t *e, apr_array_header_t *new,
                           apr_int64_t read)
{
    expect_claims_t *claims = e->facts.claims;
    int is_unknown = e->head.length == EXPECT_LENGTH_UNKNOWN;

    if (read) {
        admission_draw(e, new, read);
    }
    if (claims->is_settled || e->content.ended) {
        admission_settle(e, new, 1);
        return;
    }
    if (claims->taken->nelts) {
        apr_array_cat(claims->taken, new);
    }
    else {
        claims->taken = new;
        apr_pool_pre_cleanup_register(claims->pool, e, admission_end);
    }
    e->content.is_counted = 1;
    e->content.draws = is_unknown && admission_draws(claims->taken);
}

const expect_rule_t *expect_admission_take(expect_request_t *e,
                                           const expect_grants_t *grants)
{
    apr_array_header_t *new = admission_new(e, grants);
    /* mod_security2 has read before: see content/start.c */
    apr_int64_t read = e->head.length == EXPECT_LENGTH_UNKNOWN
                           ? e->content.read : 0;
    int refused, i;
    expect_ledger_e taken;

    if (!new->nelts || expect_server_is_absent()) {
        return NULL;
    }
    taken = expect_fleet_take(e->facts.claims, new, &read, &refused);
    if (taken != EXPECT_LEDGER_TAKEN) {
        return admission_rule(e, grants,
                              &APR_ARRAY_IDX(new, refused < 0 ? 0 : refused,
                                             expect_claim_t), taken);
    }
    for (i = 0; i < grants->n; ++i) {
        const expect_rule_t *rule = grants->rules[i];
        expect_claim_entry_t *c = expect_claims_of(e->facts.claims, rule->arg);

        c->is_taken = 1;
        c->rule = rule;
    }
    admission_hold(e, new, read);
    return NULL;
}

void expect_admission_draw(expect_request_t *e, apr_off_t read)
{
    if (e->content.draws && read > 0) {
        admission_draw(e, e->facts.claims->taken, read);
    }
}

void expect_admission_settle(expect_request_t *e)
{
    admission_over(e, 1);
}
