/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The ledger: look, take and draw.
 */

#include <string.h>

#include "ledger/check.h"
#include "ledger/mutex.h"
#include "ledger/owners.h"
#include "ledger/places.h"
#include "ledger/records.h"

/* Two claims under one limit and one key: nobody writes such rules, but if
 * somebody does, they must not pass the limit. */
static int is_same(const expect_claim_t *a, const expect_claim_t *b)
{
    return a->digest == b->digest
           && !memcmp(a->limit->id, b->limit->id, sizeof(a->limit->id));
}

static int count_same(const expect_claim_t *claims, int n,
                      const expect_claim_t *claim)
{
    int i, same = 0;

    for (i = 0; i < n; ++i) {
        same += is_same(&claims[i], claim);
    }
    return same;
}

/* --- take ---------------------------------------------------------------- */

/* What a claim wants to begin with. Where the length is not known, one byte has
 * to be left, or the content would be cut off at once. */
static apr_int64_t bytes_wanted(const expect_claim_t *claim)
{
    return claim->length < 0 ? 1 : claim->length;
}

/* Look at all claims, as all of them are filled in; what the earlier ones would
 * take under the same limit and key is counted. */
static int check_all(expect_ledger_t *ledger, expect_claim_t *claims, int n,
                     int *refused, apr_int64_t now)
{
    int i;

    *refused = -1;
    for (i = 0; i < n; ++i) {
        int same = i ? 1 + count_same(claims, i, &claims[i]) : 1;
        apr_int64_t bytes = bytes_wanted(&claims[i]);

        if (same > 1) {
            bytes = bytes < APR_INT64_MAX / same ? bytes * same
                                                 : APR_INT64_MAX;
        }
        if (!check_claim(ledger, &claims[i], same, bytes, now)
            && *refused < 0) {
            *refused = i;
        }
    }
    return *refused < 0;
}

/* Again, if some of those who are in the way may be dead. */
static int check_again(expect_ledger_t *ledger, expect_claim_t *claims, int n,
                       int *refused, apr_int64_t now)
{
    const expect_claim_t *claim = &claims[*refused];

    return claim_is_in_flight(claim) && !claim->is_too_large
           && places_reap_again(ledger, now)
           && check_all(ledger, claims, n, refused, now);
}

static void claim_spend(expect_ledger_t *ledger, expect_claim_t *claim,
                        record_t *record, apr_int64_t uploads,
                        apr_int64_t bytes, apr_int64_t now)
{
    gcra_rate_t rate;

    if (uploads && claim->limit->uploads >= 0) {
        rate = check_rate_uploads(claim->limit);
        claim->uploads_end = gcra_spend(&record->quota_uploads,
                                        gcra_cost(uploads, &rate), now);
        claim->uploads_turn = ++ledger->turns;
    }
    if (bytes && claim->limit->bytes >= 0) {
        rate = check_rate_bytes(claim->limit);
        claim->bytes_end = gcra_spend(&record->quota_bytes,
                                      gcra_cost(bytes, &rate), now);
        claim->bytes_turn = ++ledger->turns;
        claim->last = bytes;
    }
}

/* The record was found a moment ago, but an earlier claim may have made room
 * for itself: a record is idle until something is taken. */
static record_t *claim_record(expect_ledger_t *ledger, expect_claim_t *claim,
                              apr_int64_t now)
{
    record_t *record = record_of(ledger, claim);

    if (!record) {
        claim->record = record_find(ledger, claim->digest, claim->limit->id);
        if (claim->record == LEDGER_NONE) {
            claim->record = record_make(ledger, claim, now);
        }
        record = &ledger_records(ledger)[claim->record];
    }
    return record;
}

/* A bound of bytes has to be compared with all of them. */
static apr_int64_t claim_announced(const expect_claim_t *claim)
{
    apr_int64_t bytes = claim->length > 0 ? claim->length : 0;

    return claim->limit->bytes < 0 ? expect_size_summed(bytes) : bytes;
}

/* Of the first claim, the record is still the one that was found. */
static void claim_take(expect_ledger_t *ledger, expect_claim_t *claim,
                       apr_uint32_t owner, apr_int64_t now, int is_first)
{
    record_t *record = is_first && claim->record != LEDGER_NONE
                           ? &ledger_records(ledger)[claim->record]
                           : claim_record(ledger, claim, now);

    claim->taken = claim_announced(claim);
    claim->last = 0;
    claim->uploads_turn = claim->bytes_turn = 0;
    claim->place = LEDGER_NONE;
    if (claim_is_in_flight(claim)) {
        claim->place = place_take(ledger, claim->record, owner, claim->taken);
    }
    else {
        claim_spend(ledger, claim, record, 1, claim->taken, now);
    }
}

/*
 * Whether there are so many places. Tenants leave a quarter of them: rules of
 * theirs must not keep those of the administrator from holding any.
 */
static int has_places(const expect_ledger_t *ledger,
                      const expect_claim_t *claims, int n)
{
    apr_uint32_t wanted = 0, kept = 0;
    int i;

    for (i = 0; i < n; ++i) {
        if (claim_is_in_flight(&claims[i])) {
            ++wanted;
            kept = claims[i].limit->is_tenants ? ledger->n_places / 4 : kept;
        }
    }
    return places_free(ledger) >= wanted + kept;
}

static expect_ledger_e take_locked(expect_ledger_t *ledger,
                                   expect_claim_t *claims, int n,
                                   int *refused)
{
    apr_int64_t now = ledger_now();
    apr_uint32_t owner = LEDGER_NONE;
    int holds = 0, i;

    for (i = 0; i < n; ++i) {
        claims[i].record = record_find(ledger, claims[i].digest,
                                       claims[i].limit->id);
        holds |= claim_is_in_flight(&claims[i]);
    }
    if (!check_all(ledger, claims, n, refused, now)
        && !check_again(ledger, claims, n, refused, now)) {
        return EXPECT_LEDGER_REFUSED;
    }
    if (holds) {
        owner = owner_self(ledger);
        if (owner == LEDGER_NONE
            || (!has_places(ledger, claims, n)
                && (!places_reap_again(ledger, now)
                    || !has_places(ledger, claims, n)))) {
            return EXPECT_LEDGER_DOWN;
        }
    }
    for (i = 0; i < n; ++i) {
        claim_take(ledger, &claims[i], owner, now, i == 0);
    }
    if (n && !claims[0].is_counted) {
        ledger->reserved_bytes += expect_size_summed(claims[0].taken);
    }
    return EXPECT_LEDGER_TAKEN;
}

expect_ledger_e expect_ledger_take(expect_ledger_t *ledger,
                                   expect_claim_t *claims, int n, int *refused)
{
    expect_ledger_e result;
    int i;

    if (!ledger || owner_is_leaving()) {
        return EXPECT_LEDGER_DOWN;
    }
    for (i = 0; i < n; ++i) {
        record_digest(ledger, &claims[i]);
    }
    if (!ledger_lock(ledger)) {
        return EXPECT_LEDGER_DOWN;
    }
    result = take_locked(ledger, claims, n, refused);
    ledger_unlock(ledger);
    return result;
}

/* How many claims are of tenants, whose digests are filled in: only their
 * records are kept. */
static int claims_of_tenants(const expect_ledger_t *ledger,
                             expect_claim_t *claims, int n)
{
    int n_tenants = 0, i;

    for (i = 0; i < n; ++i) {
        if (claims[i].limit->is_tenants) {
            record_digest(ledger, &claims[i]);
            ++n_tenants;
        }
    }
    return n_tenants;
}

static int keep_locked(expect_ledger_t *ledger, expect_claim_t *claims, int n,
                       int is_kept)
{
    apr_int64_t now = ledger_now();
    int n_apart = 0, i;

    for (i = 0; i < n; ++i) {
        if (claims[i].limit->is_tenants
            && !record_keep(ledger, &claims[i], is_kept, now)) {
            claims[i].is_apart = 1;
            ++n_apart;
        }
    }
    return n_apart;
}

int expect_ledger_keep(expect_ledger_t *ledger, expect_claim_t *claims, int n,
                       int is_kept)
{
    int n_apart, i;

    for (i = 0; i < n; ++i) {
        claims[i].is_apart = 0;
    }
    if (!ledger || !claims_of_tenants(ledger, claims, n) || owner_is_leaving()
        || !ledger_lock(ledger)) {
        return 0;
    }
    n_apart = keep_locked(ledger, claims, n, is_kept);
    ledger_unlock(ledger);
    return n_apart;
}

void expect_ledger_unkeep(expect_ledger_t *ledger, expect_claim_t *claims,
                          int n)
{
    int i;

    if (!ledger || !claims_of_tenants(ledger, claims, n) || owner_is_leaving()
        || !ledger_lock(ledger)) {
        return;
    }
    for (i = 0; i < n; ++i) {
        if (claims[i].limit->is_tenants) {
            record_unkeep(ledger, &claims[i]);
        }
    }
    ledger_unlock(ledger);
}

/* --- write down what others have admitted -------------------------------- */

/* No more than the whole of a quota is outstanding, whoever has admitted it. */
static void claim_book(expect_ledger_t *ledger, expect_claim_t *claim,
                       apr_int64_t uploads, apr_int64_t bytes, apr_int64_t now)
{
    record_t *record = claim_record(ledger, claim, now);

    check_claim(ledger, claim, 0, 0, now);
    if (claim->left_uploads >= 0 && uploads > claim->left_uploads) {
        uploads = claim->left_uploads;
    }
    if (claim->left_bytes >= 0 && bytes > claim->left_bytes) {
        bytes = claim->left_bytes;
    }
    claim_spend(ledger, claim, record, uploads, bytes, now);
}

static void book_locked(expect_ledger_t *ledger, expect_claim_t *claims, int n)
{
    apr_int64_t now = ledger_now();
    int i;

    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &claims[i];
        apr_uint32_t owner;

        claim->taken = claim_announced(claim);
        if (!claim_is_in_flight(claim)) {
            claim_book(ledger, claim, 1, claim->taken, now);
            continue;
        }
        /* whether a limit has held or not: the sum must stay exact */
        claim->taken = expect_size_summed(claim->taken);
        owner = owner_self(ledger);
        if (owner != LEDGER_NONE && has_places(ledger, claim, 1)) {
            claim_record(ledger, claim, now);
            claim->place = place_take(ledger, claim->record, owner,
                                      claim->taken);
        }
    }
    ledger->reserved_bytes += n ? expect_size_summed(claims[0].taken) : 0;
}

void expect_ledger_book(expect_ledger_t *ledger, expect_claim_t *claims, int n)
{
    int i;

    for (i = 0; i < n; ++i) {
        claims[i].record = claims[i].place = LEDGER_NONE;
        claims[i].last = 0;
        claims[i].uploads_turn = claims[i].bytes_turn = 0;
        if (ledger) {
            record_digest(ledger, &claims[i]);
        }
    }
    if (ledger && !owner_is_leaving() && ledger_lock(ledger)) {
        book_locked(ledger, claims, n);
        ledger_unlock(ledger);
    }
}

void expect_ledger_book_more(expect_ledger_t *ledger, expect_claim_t *claims,
                             int n, apr_int64_t bytes)
{
    apr_int64_t now = ledger_now();
    int i;

    if (!ledger || owner_is_leaving() || !ledger_lock(ledger)) {
        return;
    }
    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &claims[i];
        place_t *place;

        claim->taken += bytes;
        if (!claim_is_in_flight(claim)) {
            claim_book(ledger, claim, 0, bytes, now);
        }
        else if ((place = place_of(ledger, claim->place, claim->record))) {
            place_add(ledger, place, bytes);
        }
    }
    ledger->reserved_bytes += n ? bytes : 0;
    ledger_unlock(ledger);
}

/* --- look ---------------------------------------------------------------- */

expect_ledger_e expect_ledger_peek(expect_ledger_t *ledger,
                                   expect_claim_t *claim)
{
    apr_int64_t now;
    int refused, is_enough;

    if (!ledger) {
        return EXPECT_LEDGER_DOWN;
    }
    record_digest(ledger, claim);
    if (!ledger_lock(ledger)) {
        return EXPECT_LEDGER_DOWN;
    }
    now = ledger_now();
    claim->record = record_find(ledger, claim->digest, claim->limit->id);
    is_enough = check_all(ledger, claim, 1, &refused, now)
                || check_again(ledger, claim, 1, &refused, now);
    ledger_unlock(ledger);
    return is_enough ? EXPECT_LEDGER_TAKEN : EXPECT_LEDGER_REFUSED;
}

/* --- draw ---------------------------------------------------------------- */

/* As many bytes as all claims have left. */
static apr_int64_t draw_check(expect_ledger_t *ledger, expect_claim_t *claims,
                              int n, apr_int64_t wanted, int *refused,
                              apr_int64_t now)
{
    apr_int64_t least = wanted;
    int i;

    *refused = -1;
    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &claims[i];
        apr_int64_t left;
        int same = count_same(claims, n, claim);

        if (!record_of(ledger, claim)) {
            claim->record = record_find(ledger, claim->digest,
                                        claim->limit->id);
        }
        check_claim(ledger, claim, 0, wanted, now);
        claim->is_too_large = claim->limit->bytes >= 0
                              && wanted > claim->limit->bytes - claim->taken;
        if (claim->is_too_large) {
            claim->wait = 0;
        }
        left = same > 1 ? claim->left_bytes / same : claim->left_bytes;
        if (claim->left_bytes != EXPECT_LIMIT_NONE && left < least) {
            least = left;
            *refused = i;
        }
    }
    return least;
}

static expect_ledger_e draw_locked(expect_ledger_t *ledger,
                                   expect_claim_t *claims, int n,
                                   apr_int64_t *bytes, int *refused)
{
    apr_int64_t now = ledger_now(), wanted = *bytes;
    int i;

    *bytes = 0;
    for (i = 0; i < n; ++i) {
        if (claim_is_in_flight(&claims[i])
            && !place_of(ledger, claims[i].place, claims[i].record)) {
            return EXPECT_LEDGER_DOWN;
        }
    }
    *bytes = draw_check(ledger, claims, n, wanted, refused, now);
    if (*refused >= 0 && claim_is_in_flight(&claims[*refused])
        && places_reap_again(ledger, now)) {
        *bytes = draw_check(ledger, claims, n, wanted, refused, now);
    }
    if (!*bytes) {
        return wanted ? EXPECT_LEDGER_REFUSED : EXPECT_LEDGER_TAKEN;
    }
    for (i = 0; i < n; ++i) {
        if (claim_is_in_flight(&claims[i])) {
            place_add(ledger, &ledger_places(ledger)[claims[i].place], *bytes);
        }
        else {
            claim_spend(ledger, &claims[i],
                        claim_record(ledger, &claims[i], now), 0, *bytes, now);
        }
        claims[i].taken += *bytes;
    }
    if (n && !claims[0].is_counted) {
        ledger->reserved_bytes += *bytes;
    }
    return EXPECT_LEDGER_TAKEN;
}

expect_ledger_e expect_ledger_draw(expect_ledger_t *ledger,
                                   expect_claim_t *claims, int n,
                                   apr_int64_t *bytes, int *refused)
{
    expect_ledger_e result;

    *refused = -1;
    if (!ledger || *bytes < 0 || owner_is_leaving() || !ledger_lock(ledger)) {
        *bytes = 0;
        return EXPECT_LEDGER_DOWN;
    }
    result = draw_locked(ledger, claims, n, bytes, refused);
    ledger_unlock(ledger);
    return result;
}
