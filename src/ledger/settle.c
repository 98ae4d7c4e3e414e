/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The ledger: settle what an upload has taken.
 */

#include "ledger/check.h"
#include "ledger/mutex.h"
#include "ledger/owners.h"
#include "ledger/places.h"
#include "ledger/records.h"

/* Of what was drawn bit by bit, only the last bit is given back: more than that
 * was never outstanding before it was received. */
static void claim_refund(expect_ledger_t *ledger, const expect_claim_t *claim,
                         apr_int64_t bytes, int keep_upload)
{
    record_t *record = record_of(ledger, claim);
    gcra_rate_t rate;
    apr_int64_t now;
    int is_forgotten = 0;

    bytes = bytes < claim->last ? bytes : claim->last;
    if (!record || (!bytes && keep_upload)) {
        return;
    }
    now = ledger_now();
    if (bytes > 0 && claim->bytes_turn > record->born) {
        rate = check_rate_bytes(claim->limit);
        is_forgotten |= gcra_refund(&record->quota_bytes,
                                    gcra_cost(bytes, &rate), claim->bytes_end,
                                    claim->bytes_turn, now);
    }
    if (!keep_upload && claim->uploads_turn > record->born) {
        rate = check_rate_uploads(claim->limit);
        is_forgotten |= gcra_refund(&record->quota_uploads,
                                    gcra_cost(1, &rate), claim->uploads_end,
                                    claim->uploads_turn, now);
    }
    if (is_forgotten) {
        record_forget(ledger, record);
    }
}

static apr_int64_t claim_unused(const expect_claim_t *claim,
                                apr_int64_t received)
{
    return claim->taken > received ? claim->taken - received : 0;
}

/* What was reserved for it, less what it keeps of that. */
static apr_int64_t claim_refunded(const expect_claim_t *claim,
                                  apr_int64_t received)
{
    apr_int64_t kept = claim->taken - claim_unused(claim, received);

    return expect_size_summed(claim->taken) - expect_size_summed(kept);
}

/* Whether anything is given back. What was received of a quota stays spent. */
static int settle_is_needed(const expect_claim_t *claims, int n,
                            apr_int64_t received, int keep_upload)
{
    int i;

    for (i = 0; i < n; ++i) {
        if (claim_is_in_flight(&claims[i]) || !keep_upload
            || claim_unused(&claims[i], received)) {
            return 1;
        }
    }
    return 0;
}

static void settle_locked(expect_ledger_t *ledger, expect_claim_t *claims,
                          int n, apr_int64_t received, int keep_upload)
{
    int i;

    for (i = 0; i < n; ++i) {
        const expect_claim_t *claim = &claims[i];
        apr_int64_t unused = claim_unused(claim, received);

        if (!claim_is_in_flight(claim)) {
            claim_refund(ledger, claim, unused, keep_upload);
        }
        else if (place_of(ledger, claim->place, claim->record)) {
            place_release(ledger, claim->place);
        }
    }
    if (n && !claims[0].is_counted) {
        ledger->refunded_bytes += claim_refunded(&claims[0], received);
    }
}

void expect_ledger_settle(expect_ledger_t *ledger, expect_claim_t *claims,
                          int n, apr_int64_t received, int keep_upload)
{
    int i;

    if (!ledger || owner_is_leaving()
        || !settle_is_needed(claims, n, received, keep_upload)) {
        return;
    }
    if (ledger_lock(ledger)) {
        settle_locked(ledger, claims, n, received, keep_upload);
        ledger_unlock(ledger);
        return;
    }
    for (i = 0; i < n; ++i) {
        if (claim_is_in_flight(&claims[i])) {
            place_is_over(ledger, claims[i].place, claims[i].record);
        }
    }
}
