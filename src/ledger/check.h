/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether an upload can be admitted under one claim: arithmetic only, under the
 * mutex.
 */

#ifndef EXPECT_CHECK_H
#define EXPECT_CHECK_H

#include "ledger/memory.h"

static inline int claim_is_in_flight(const expect_claim_t *claim)
{
    return claim->limit->kind == EXPECT_LIMIT_IN_FLIGHT;
}

/** The rates of a quota; the limit is EXPECT_LIMIT_NONE where there is none. */
gcra_rate_t check_rate_uploads(const expect_limit_t *limit);
gcra_rate_t check_rate_bytes(const expect_limit_t *limit);

/**
 * Fill in what is left under a claim, and if that is not enough, why and for
 * how long.
 * @param claim   its record is known: LEDGER_NONE if the key has none
 * @param uploads how many are wanted
 * @param bytes   how many are wanted
 * @return whether it is enough
 */
int check_claim(expect_ledger_t *ledger, expect_claim_t *claim,
                apr_int64_t uploads, apr_int64_t bytes, apr_int64_t now);

#endif
