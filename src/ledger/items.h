/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Claims, as the store has them.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_ITEMS_H
#define EXPECT_ITEMS_H

#include "ledger/store.h"

/**
 * Make the item of a claim. All servers of a fleet have the same id for a rule
 * and a key: so it has no secret of this server, unlike the ledger's keys.
 * @param item  filled in
 * @param claim its limit and key
 */
void expect_item_init(expect_store_item_t *item, const expect_claim_t *claim);

/** Copy what the store has found to the claim: refusals are explained by it. */
void expect_item_found(const expect_store_item_t *item, expect_claim_t *claim);

/**
 * Whether a limit is reached, as script.lua compares.
 * @param item   what was found
 * @param length bytes announced; negative: not known, and one byte must be left
 */
int expect_item_is_reached(const expect_store_item_t *item, apr_int64_t length);

#endif
