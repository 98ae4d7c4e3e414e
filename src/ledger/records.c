/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Records: a limit under one key each, found by a keyed hash.
 */

#include <string.h>

#include "apr_siphash.h"

#include "ledger/records.h"

/*
 * Each limit has a function of its own, by its id and the secret. Records are
 * compared by the id as well, so only keys of the same limit can meet: among a
 * million, the odds are one to thirty-six million, and then two clients share a
 * limit.
 */
void record_digest(const expect_ledger_t *ledger, expect_claim_t *claim)
{
    apr_uint64_t key[2], id[2];

    memcpy(key, ledger->key, sizeof(key));
    memcpy(id, claim->limit->id, sizeof(id));
    key[0] ^= id[0];
    key[1] ^= id[1];
    claim->digest = apr_siphash24(claim->key, claim->key_length,
                                  (const unsigned char *)key);
}

static share_t *share_of(expect_ledger_t *ledger, const expect_limit_t *limit)
{
    return &ledger->shares[limit->is_tenants ? SHARE_TENANTS : SHARE_ADMIN];
}

static apr_uint32_t *bucket_of(expect_ledger_t *ledger,
                               apr_uint64_t digest)
{
    return &ledger_buckets(ledger)[digest & (ledger->n_buckets - 1)];
}

static int record_is(const record_t *record, apr_uint64_t digest,
                     const unsigned char id[16])
{
    return record->digest == digest
           && !memcmp(record->id, id, sizeof(record->id));
}

/* What was in flight is counted in places, which are gone with it. */
static int record_is_idle(const record_t *record, apr_int64_t now)
{
    return !record->uploads && record->quota_uploads.until < now
           && record->quota_bytes.until < now && record->kept_until < now;
}

void record_forget(expect_ledger_t *ledger, record_t *record)
{
    record->born = ledger->turns;
    gcra_forget(&record->quota_uploads);
    gcra_forget(&record->quota_bytes);
}

apr_uint32_t record_find(expect_ledger_t *ledger, apr_uint64_t digest,
                         const unsigned char id[16])
{
    const record_t *records = ledger_records(ledger);
    apr_uint32_t next = *bucket_of(ledger, digest);

    while (next) {
        if (record_is(&records[next - 1], digest, id)) {
            return next - 1;
        }
        next = records[next - 1].next;
    }
    return LEDGER_NONE;
}

/* --- overflow records ---------------------------------------------------- */

/*
 * The overflow record of a limit; else the one that it may share with another
 * limit, which makes both limits stricter, and no laxer; else one that is idle,
 * if any will do. When none is idle, the limit begins to share.
 */
static apr_uint32_t overflow_find(expect_ledger_t *ledger,
                                  const expect_limit_t *limit, int is_any,
                                  apr_int64_t now)
{
    const share_t *share = share_of(ledger, limit);
    const record_t *records = ledger_records(ledger);
    apr_uint32_t first = share->first + share->records;
    apr_uint32_t idle = LEDGER_NONE, shared, start, i;

    memcpy(&start, limit->id, sizeof(start));
    shared = first + start % LEDGER_OVERFLOWS;
    for (i = 0; i < LEDGER_OVERFLOWS; ++i) {
        apr_uint32_t at = first + (start + i) % LEDGER_OVERFLOWS;

        if (!memcmp(records[at].id, limit->id, sizeof(limit->id))) {
            return at;
        }
        if (idle == LEDGER_NONE && record_is_idle(&records[at], now)) {
            idle = at;
        }
    }
    if (records[shared].is_shared && !record_is_idle(&records[shared], now)) {
        return shared;
    }
    if (!is_any) {
        return LEDGER_NONE;
    }
    return idle != LEDGER_NONE ? idle : shared;
}

static int overflow_is_busy(expect_ledger_t *ledger, const share_t *share,
                            apr_int64_t now)
{
    const record_t *first = ledger_records(ledger) + share->first
                            + share->records;
    apr_uint32_t i;

    for (i = 0; i < LEDGER_OVERFLOWS; ++i) {
        if (!record_is_idle(&first[i], now)) {
            return 1;
        }
    }
    return 0;
}

record_t *record_overflow(expect_ledger_t *ledger, const expect_limit_t *limit,
                          apr_int64_t now)
{
    share_t *share = share_of(ledger, limit);
    record_t *record;
    apr_uint32_t i;

    if (!share->has_overflow) {
        return NULL;
    }
    i = overflow_find(ledger, limit, 0, now);
    if (i != LEDGER_NONE) {
        record = &ledger_records(ledger)[i];
        if (!record_is_idle(record, now)) {
            return record;
        }
    }
    share->has_overflow = overflow_is_busy(ledger, share, now);
    return NULL;
}

static apr_uint32_t overflow_make(expect_ledger_t *ledger, share_t *share,
                                  const expect_limit_t *limit, apr_int64_t now)
{
    apr_uint32_t i = overflow_find(ledger, limit, 1, now);
    record_t *record = &ledger_records(ledger)[i];

    ++ledger->full;
    share->has_overflow = 1;
    LEDGER_POINT("an overflow record is used");
    if (record_is_idle(record, now)) {
        memcpy(record->id, limit->id, sizeof(record->id));
        record->is_shared = 0;
        record_forget(ledger, record);
    }
    else if (memcmp(record->id, limit->id, sizeof(record->id))) {
        record->is_shared = 1;
    }
    STATE_SET(&record->is_used, 1);
    return i;
}

/* --- records of one key -------------------------------------------------- */

static void chain_add(expect_ledger_t *ledger, apr_uint32_t i)
{
    record_t *record = &ledger_records(ledger)[i];
    apr_uint32_t *bucket = bucket_of(ledger, record->digest);

    record->next = *bucket;
    *bucket = i + 1;
}

static void chain_remove(expect_ledger_t *ledger, apr_uint32_t i)
{
    record_t *records = ledger_records(ledger);
    apr_uint32_t *at = bucket_of(ledger, records[i].digest);

    while (*at && *at != i + 1) {
        at = &records[*at - 1].next;
    }
    if (*at) {
        *at = records[i].next;
    }
}

/* Go round, from where the last one stopped. */
static apr_uint32_t record_evict(expect_ledger_t *ledger, share_t *share,
                                 apr_int64_t now)
{
    record_t *records = ledger_records(ledger);
    apr_uint32_t left;

    if (share->full_at && now - share->full_at < FULL_PAUSE_NS) {
        return LEDGER_NONE;
    }
    for (left = share->records; left; --left) {
        apr_uint32_t i = share->first + share->hand;

        share->hand = share->hand + 1 < share->records ? share->hand + 1 : 0;
        if (record_is_idle(&records[i], now)) {
            STATE_SET(&records[i].is_used, 0);
            chain_remove(ledger, i);
            --share->used;
            share->full_at = 0;
            return i;
        }
    }
    share->full_at = now;
    return LEDGER_NONE;
}

/* A record that nobody uses. */
static apr_uint32_t record_free(expect_ledger_t *ledger, share_t *share,
                                apr_int64_t now)
{
    apr_uint32_t i = share->free;

    if (i == LEDGER_NONE) {
        return record_evict(ledger, share, now);
    }
    share->free = ledger_records(ledger)[i].next;
    return i;
}

/* Make a free record that of a claim, whose key may be in its limit's overflow
 * record. */
static void record_fill(expect_ledger_t *ledger, share_t *share, apr_uint32_t i,
                        const expect_claim_t *claim, const record_t *overflow)
{
    record_t *record = &ledger_records(ledger)[i];

    memset(record, 0, sizeof(*record));
    record->digest = claim->digest;
    memcpy(record->id, claim->limit->id, sizeof(record->id));
    if (overflow) {
        /* the key may have spent that, or some of it */
        record->counts_overflow = overflow->uploads > 0;
        record->quota_uploads = overflow->quota_uploads;
        record->quota_bytes = overflow->quota_bytes;
    }
    /* it may have had another record before, or this, and what it has spent
     * there has come back */
    record_forget(ledger, record);
    LEDGER_POINT("a record is filled in");
    STATE_SET(&record->is_used, 1);
    chain_add(ledger, i);
    ++share->used;
}

apr_uint32_t record_make(expect_ledger_t *ledger, const expect_claim_t *claim,
                         apr_int64_t now)
{
    share_t *share = share_of(ledger, claim->limit);
    const record_t *overflow = record_overflow(ledger, claim->limit, now);
    apr_uint32_t i = claim->is_apart ? LEDGER_NONE
                                     : record_free(ledger, share, now);

    if (i == LEDGER_NONE) {
        return overflow_make(ledger, share, claim->limit, now);
    }
    record_fill(ledger, share, i, claim, overflow);
    return i;
}

/* While a limit has an overflow record, a new key may be in it, and gets no
 * record of its own: the store would know nothing of what it has there. */
int record_keep(expect_ledger_t *ledger, const expect_claim_t *claim,
                int is_kept, apr_int64_t now)
{
    share_t *share = share_of(ledger, claim->limit);
    record_t *records = ledger_records(ledger);
    apr_uint32_t i = record_find(ledger, claim->digest, claim->limit->id);

    if (i == LEDGER_NONE && !record_overflow(ledger, claim->limit, now)) {
        i = record_free(ledger, share, now);
        if (i != LEDGER_NONE && is_kept) {
            record_fill(ledger, share, i, claim, NULL);
        }
        else if (i != LEDGER_NONE) {
            records[i].next = share->free;
            share->free = i;
        }
    }
    if (i != LEDGER_NONE && is_kept) {
        records[i].kept_until = now + KEPT_NS;
    }
    return i != LEDGER_NONE;
}

void record_unkeep(expect_ledger_t *ledger, const expect_claim_t *claim)
{
    apr_uint32_t i = record_find(ledger, claim->digest, claim->limit->id);

    if (i != LEDGER_NONE) {
        ledger_records(ledger)[i].kept_until = 0;
    }
}

record_t *record_of(expect_ledger_t *ledger, const expect_claim_t *claim)
{
    const share_t *share = share_of(ledger, claim->limit);
    record_t *record;

    if (claim->record >= ledger->n_records) {
        return NULL;
    }
    record = &ledger_records(ledger)[claim->record];
    /* what is in flight keeps it, and what was spent is known by its turn */
    if (claim->record >= share->first + share->records) {
        return record;
    }
    return record->is_used
               && record_is(record, claim->digest, claim->limit->id)
               ? record : NULL;
}

/* --- repair -------------------------------------------------------------- */

static void share_rebuild(expect_ledger_t *ledger, share_t *share)
{
    record_t *records = ledger_records(ledger);
    apr_uint32_t i;

    share->free = LEDGER_NONE;
    share->used = 0;
    share->full_at = 0;
    share->has_overflow = 1;
    for (i = share->first + share->records + LEDGER_OVERFLOWS;
         i-- > share->first; ) {
        records[i].uploads = 0;
        records[i].bytes = 0;
        /* what it knows of refunds may be torn */
        record_forget(ledger, &records[i]);
        if (i >= share->first + share->records) {
            continue;
        }
        if (records[i].is_used) {
            chain_add(ledger, i);
            ++share->used;
        }
        else {
            records[i].next = share->free;
            share->free = i;
        }
    }
}

void records_rebuild(expect_ledger_t *ledger)
{
    memset(ledger_buckets(ledger), 0,
           ledger->n_buckets * sizeof(*ledger_buckets(ledger)));
    share_rebuild(ledger, &ledger->shares[SHARE_ADMIN]);
    share_rebuild(ledger, &ledger->shares[SHARE_TENANTS]);
}
