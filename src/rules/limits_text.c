/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What in-flight and quota say: reasons, and response fields.
 */

#include "httpd.h"

#include "apr_general.h"
#include "apr_strings.h"

#include "rules/limits.h"
#include "rules/limits_arg.h"

/* Seconds that a client waits before it tries again, where only the end of
 * another upload helps. */
#define RETRY_IN_FLIGHT 10

/* --- sentences ----------------------------------------------------------- */

/* "512M", or "1.5G" with one place, rounded down; bytes below 1K */
static const char *limits_size(apr_pool_t *p, apr_int64_t n)
{
    static const char units[] = "KMGT";
    int unit = -1;
    apr_int64_t tenths;

    if (n > APR_INT64_MAX / 16) {
        n /= 1024;
        unit = 0;
    }
    tenths = n * 10;
    while (tenths >= 10240 && unit < 3) {
        tenths /= 1024;
        ++unit;
    }
    if (unit < 0) {
        return apr_psprintf(p, "%" APR_INT64_T_FMT, n);
    }
    return tenths % 10
               ? apr_psprintf(p, "%" APR_INT64_T_FMT ".%d%c", tenths / 10,
                              (int)(tenths % 10), units[unit])
               : apr_psprintf(p, "%" APR_INT64_T_FMT "%c", tenths / 10,
                              units[unit]);
}

static int is_reached(apr_int64_t limit, apr_int64_t left, apr_int64_t wanted)
{
    return limit != EXPECT_LIMIT_NONE && left < wanted;
}

static apr_int64_t limits_wait(const expect_claim_t *claim)
{
    return (claim->wait + APR_USEC_PER_SEC - 1) / APR_USEC_PER_SEC;
}

static const char *limits_missing(apr_pool_t *p, const limits_arg_t *a,
                                  const expect_claim_t *claim)
{
    const char *announced = claim->length < 0
        ? "content of unknown length"
        : apr_pstrcat(p, limits_size(p, claim->length), " announced", NULL);

    if (claim->is_too_large) {
        return apr_pstrcat(p, announced, ", which is more than all of it",
                           NULL);
    }
    if (is_reached(a->limit.uploads, claim->left_uploads, 1)) {
        return a->limit.kind == EXPECT_LIMIT_IN_FLIGHT
                   ? apr_psprintf(p, "%" APR_INT64_T_FMT " uploads are under "
                                  "way", a->limit.uploads)
                   : "no upload is left";
    }
    return apr_pstrcat(p, announced, ", ", limits_size(p, claim->left_bytes),
                       " left", NULL);
}

const char *expect_limits_reason(apr_pool_t *p, const expect_facts_t *facts,
                                 const void *arg, int status, int negated)
{
    const limits_arg_t *a = arg;
    const expect_claim_entry_t *c;
    const char *wait = "";

    (void)status;
    (void)negated;
    if (facts->claims->is_too_many) {
        return apr_psprintf(p, "%s cannot be checked: more than %d rules "
                            "in-flight and quota are in force", a->shown,
                            EXPECT_CLAIMS_MAX);
    }
    c = expect_claims_of(facts->claims, arg);
    if (c->found == EXPECT_LEDGER_DOWN || c->found == EXPECT_LEDGER_NO_STORE) {
        return apr_pstrcat(p, a->shown, " cannot be checked: ",
                           c->found == EXPECT_LEDGER_DOWN
                               ? "the ledger is not available"
                               : "the store does not answer", NULL);
    }
    if (c->claim.wait > 0 && !c->claim.is_too_large) {
        wait = apr_psprintf(p, "; again in %" APR_INT64_T_FMT " s",
                            limits_wait(&c->claim));
    }
    return apr_pstrcat(p, a->shown, ": ", limits_missing(p, a, &c->claim),
                       wait, NULL);
}

const char *expect_limits_cut_off(apr_pool_t *p, const expect_facts_t *facts,
                                  const void *arg, apr_off_t read, int *status)
{
    const limits_arg_t *a = arg;

    if (expect_claims_of(facts->claims, arg)->found == EXPECT_LEDGER_NO_STORE) {
        *status = HTTP_SERVICE_UNAVAILABLE;
        return apr_psprintf(p, "%s cannot be checked after %" APR_OFF_T_FMT
                            " bytes of content of unknown length: the store "
                            "does not answer", a->shown, read);
    }
    *status = HTTP_REQUEST_ENTITY_TOO_LARGE;
    return apr_psprintf(p, "%s: nothing was left after %" APR_OFF_T_FMT
                        " bytes of content of unknown length", a->shown, read);
}

const expect_limit_t *expect_limits_limit(const void *arg)
{
    const limits_arg_t *a = arg;

    return &a->limit;
}

/* --- response fields ----------------------------------------------------- */

#define PROBLEM_TYPES "https://iana.org/assignments/http-problem-types#"

/* Up to 10 % more, so that clients do not come back together. */
static int limits_retry(apr_int64_t seconds)
{
    unsigned random = 0;

    apr_generate_random_bytes((unsigned char *)&random, sizeof(random));
    return (int)(seconds + (apr_int64_t)(random % 1001) * seconds / 10000);
}

/* Items of RateLimit-Policy and RateLimit: lists of strings with parameters
 * (draft-ietf-httpapi-ratelimit-headers; RFC 9651). */
static void accepts_add(apr_pool_t *p, const limits_arg_t *a,
                        const expect_claim_t *claim, int is_bytes,
                        expect_accepts_t *accepts)
{
    apr_int64_t limit = is_bytes ? a->limit.bytes : a->limit.uploads;
    const char *unit = is_bytes ? ";qu=\"content-bytes\""
        : a->limit.kind == EXPECT_LIMIT_IN_FLIGHT
              ? ";qu=\"concurrent-requests\"" : "";
    const char *name = apr_pstrcat(
        p, a->limit.kind == EXPECT_LIMIT_QUOTA ? "quota" : "in-flight",
        is_bytes ? "-bytes" : "-uploads", a->per ? "-" : NULL, a->per, NULL);
    const char *window = a->limit.kind == EXPECT_LIMIT_QUOTA
        ? apr_psprintf(p, ";w=%" APR_INT64_T_FMT,
                       (apr_int64_t)apr_time_sec(a->limit.period)) : "";

    /* RFC 9651, 3.3.1: an Integer has 15 digits at most */
    if (limit == EXPECT_LIMIT_NONE || limit > APR_INT64_C(999999999999999)) {
        return;
    }
    accepts->policy = apr_psprintf(
        p, "%s%s\"%s\";q=%" APR_INT64_T_FMT "%s%s",
        accepts->policy ? accepts->policy : "", accepts->policy ? ", " : "",
        name, limit, unit, window);
    if (!claim) {
        return;
    }
    accepts->rate_limit = apr_psprintf(
        p, "%s%s\"%s\";r=%" APR_INT64_T_FMT "%s",
        accepts->rate_limit ? accepts->rate_limit : "",
        accepts->rate_limit ? ", " : "", name,
        is_bytes ? claim->left_bytes : claim->left_uploads,
        claim->wait > 0 ? apr_psprintf(p, ";t=%" APR_INT64_T_FMT,
                                       limits_wait(claim)) : "");
    if (is_reached(limit, is_bytes ? claim->left_bytes : claim->left_uploads,
                   is_bytes && claim->length > 0 ? claim->length : 1)
        && !accepts->violated) {
        accepts->violated = name;
    }
}

void expect_limits_accepts(apr_pool_t *p, const expect_facts_t *facts,
                           const void *arg, expect_accepts_t *accepts)
{
    const limits_arg_t *a = arg;
    const expect_claim_entry_t *c;
    expect_answer_t answer = EXPECT_ANSWER_INIT;
    const expect_claim_t *claim;

    if (facts && facts->claims && facts->claims->is_too_many) {
        return;
    }
    c = facts && facts->claims ? expect_claims_of(facts->claims, arg) : NULL;
    if (c && !c->claim.limit
        && expect_limits_check(facts, arg, &answer) == EXPECT_NEUTRAL) {
        /* for OPTIONS, where nothing was evaluated */
        return;
    }
    claim = c && c->claim.limit ? &c->claim : NULL;

    accepts_add(p, a, claim, 0, accepts);
    accepts_add(p, a, claim, 1, accepts);
    if (!c || c->found == EXPECT_LEDGER_TAKEN) {
        return;
    }
    if (c->found == EXPECT_LEDGER_REFUSED && c->claim.is_too_large) {
        accepts->max = a->limit.bytes;
        accepts->length = c->claim.length >= 0 ? c->claim.length
                                               : EXPECT_UNLIMITED;
        return;
    }
    accepts->problem_type =
        expect_limits_status(a, c) == HTTP_TOO_MANY_REQUESTS
            ? PROBLEM_TYPES "quota-exceeded"
            : PROBLEM_TYPES "temporary-reduced-capacity";
    accepts->retry_after = limits_retry(c->claim.wait > 0
                                            ? limits_wait(&c->claim)
                                            : RETRY_IN_FLIGHT);
}
