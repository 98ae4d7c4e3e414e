/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Records: a limit under one key each, found by a keyed hash.
 *
 * A record with nothing in flight and nothing spent is idle: it is the same as
 * none, and makes room for another key. If none is idle, the key has to share
 * the overflow record of its limit. All of this is under the mutex.
 */

#ifndef EXPECT_RECORDS_H
#define EXPECT_RECORDS_H

#include "ledger/memory.h"

/** How long no process looks again for an idle record, once a whole round has
 *  found none. */
#define FULL_PAUSE_NS APR_INT64_C(10000000)

/** How long a record is kept for a decision: for longer than a store may take
 *  to answer. */
#define KEPT_NS APR_INT64_C(12000000000)

/** The digest of a claim's limit and key. Needs no mutex. */
void record_digest(const expect_ledger_t *ledger, expect_claim_t *claim);

/**
 * Find a record.
 * @return LEDGER_NONE: the key has none of its own
 */
apr_uint32_t record_find(expect_ledger_t *ledger, apr_uint64_t digest,
                         const unsigned char id[16]);

/**
 * Find the overflow record of a limit, if anything is in it.
 * @return NULL: there is nothing
 */
record_t *record_overflow(expect_ledger_t *ledger, const expect_limit_t *limit,
                          apr_int64_t now);

/**
 * Make a record for a key that has none, or have it share one.
 * @return its index
 */
apr_uint32_t record_make(expect_ledger_t *ledger, const expect_claim_t *claim,
                         apr_int64_t now);

/**
 * Find a record of its own for a claim, and keep it for the decision that is
 * under way.
 * @param is_kept 0: only look whether there is one, or could be
 * @return 0: there is none, and no room
 */
int record_keep(expect_ledger_t *ledger, const expect_claim_t *claim,
                int is_kept, apr_int64_t now);

/** It is kept no longer. */
void record_unkeep(expect_ledger_t *ledger, const expect_claim_t *claim);

/**
 * The record that a claim has used.
 * @return NULL: it belongs to another key by now
 */
record_t *record_of(expect_ledger_t *ledger, const expect_claim_t *claim);

/** From now on nothing that was spent in a record before can be given back. */
void record_forget(expect_ledger_t *ledger, record_t *record);

/** Make chains and lists anew, and set counts to zero: see repair.h. */
void records_rebuild(expect_ledger_t *ledger);

#endif
