/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether an upload can be admitted under one claim.
 */

#include "ledger/check.h"
#include "ledger/records.h"

static apr_int64_t period_ns(const expect_limit_t *limit)
{
    return limit->period < GCRA_PERIOD_MAX / 1000 ? limit->period * 1000
                                                  : GCRA_PERIOD_MAX;
}

gcra_rate_t check_rate_uploads(const expect_limit_t *limit)
{
    return (gcra_rate_t){ limit->uploads, period_ns(limit) };
}

gcra_rate_t check_rate_bytes(const expect_limit_t *limit)
{
    return (gcra_rate_t){ limit->bytes, period_ns(limit) };
}

/* What is left under one bound: for what is in flight. */
static int check_in_flight(apr_int64_t limit, apr_int64_t held,
                           apr_int64_t wanted, apr_int64_t *left)
{
    *left = EXPECT_LIMIT_NONE;
    if (limit < 0) {
        return 1;
    }
    *left = held < limit ? limit - held : 0;
    return wanted <= *left;
}

/* The same, for what was spent; the longest wait of both bounds counts. */
static int check_quota(gcra_rate_t rate, const gcra_t *spent,
                       apr_int64_t wanted, apr_int64_t now, apr_int64_t *left,
                       apr_interval_time_t *wait)
{
    apr_int64_t missing;

    *left = EXPECT_LIMIT_NONE;
    if (rate.limit < 0) {
        return 1;
    }
    *left = gcra_left(spent, &rate, now);
    if (wanted > rate.limit) {
        return 0;
    }
    missing = gcra_missing(spent, gcra_cost(wanted, &rate), &rate, now);
    if (missing && *wait < (missing + 999) / 1000) {
        *wait = (missing + 999) / 1000;
    }
    return !missing;
}

/*
 * What is counted for a claim's key. What is in the overflow record of its
 * limit may be of this key, if it had no record when that was taken: then *more
 * is set.
 */
static const record_t *counted(expect_ledger_t *ledger,
                               const expect_claim_t *claim,
                               const record_t **more, apr_int64_t now)
{
    static const record_t nothing;
    record_t *own = NULL;
    const record_t *overflow;

    *more = &nothing;
    if (claim->record != LEDGER_NONE) {
        own = &ledger_records(ledger)[claim->record];
        if (!own->counts_overflow) {
            return own;
        }
    }
    overflow = record_overflow(ledger, claim->limit, now);
    if (!own) {
        return overflow ? overflow : &nothing;
    }
    if (overflow && overflow->uploads) {
        *more = overflow;
    }
    else {
        own->counts_overflow = 0;
    }
    return own;
}

int check_claim(expect_ledger_t *ledger, expect_claim_t *claim,
                apr_int64_t uploads, apr_int64_t bytes, apr_int64_t now)
{
    const expect_limit_t *limit = claim->limit;
    const record_t *more, *record = counted(ledger, claim, &more, now);
    int is_enough;

    claim->wait = 0;
    claim->is_too_large = (limit->uploads >= 0 && uploads > limit->uploads)
                          || (limit->bytes >= 0 && bytes > limit->bytes);
    if (claim_is_in_flight(claim)) {
        is_enough = check_in_flight(limit->uploads,
                                    record->uploads + more->uploads, uploads,
                                    &claim->left_uploads);
        return check_in_flight(limit->bytes, record->bytes + more->bytes,
                               bytes, &claim->left_bytes)
               && is_enough;
    }
    is_enough = check_quota(check_rate_uploads(limit), &record->quota_uploads,
                            uploads, now, &claim->left_uploads, &claim->wait);
    is_enough = check_quota(check_rate_bytes(limit), &record->quota_bytes,
                            bytes, now, &claim->left_bytes, &claim->wait)
                && is_enough;
    if (claim->is_too_large) {
        claim->wait = 0;
    }
    return is_enough;
}
