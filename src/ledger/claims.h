/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The claims of one upload: what each rule that remembers (in-flight, quota)
 * has found out, and what was taken.
 */

#ifndef EXPECT_CLAIMS_H
#define EXPECT_CLAIMS_H

#include "apr_pools.h"
#include "apr_tables.h"
#include "apr_time.h"

#include "ledger/ledger.h"

struct expect_rule_t;
struct expect_store_item_t;
struct expect_store_upload_t;

/** Bytes of a key that is an address. */
#define EXPECT_CLAIM_ADDRESS 9

/** The claim of one rule: an entry of the list below. */
typedef struct expect_claim_entry_t {
    struct expect_claim_entry_t *next;
    /** which rule: its parsed arguments, and its leaf once it was evaluated to
     *  a grant */
    const void *arg;
    const struct expect_rule_t *rule;
    expect_claim_t claim;
    /** room for a key that is an address */
    unsigned char address[EXPECT_CLAIM_ADDRESS];
    /** how the last look at the ledger, or at the store, ended */
    expect_ledger_e found;
    /** that look was for the evaluation that comes next */
    int is_looked;
    /** it was taken */
    int is_taken;
    /** a take has found that its limit is reached: that stands for this
     *  upload */
    int is_reached;
} expect_claim_entry_t;

typedef struct expect_claims_t {
    apr_pool_t *pool;
    /** a list; mostly there is one */
    expect_claim_entry_t *all;
    expect_claim_entry_t one;
    /** those that were taken, as the ledger wants them: expect_claim_t */
    apr_array_header_t *taken;
    apr_array_header_t none;
    /** more than EXPECT_CLAIMS_MAX rules that remember are in force: each of
     *  them refuses */
    int is_too_many;
    /** the rules do not look at the ledger: the take decides for all of them,
     *  as no alternative depends on what the ledger has, or there is a store */
    int is_direct;
    /** the content is over: nothing is held any more */
    int is_settled;
    /** a look asks the store, if there is one, not the ledger */
    int asks_store;
    /** microseconds that the decision under way has waited for the store */
    apr_interval_time_t waited;
    /** the store has refused a take of this decision */
    int is_refused;
    /** after that no time was left for another question: what is not taken is
     *  denied, and the refusal stands */
    int is_late;
    /** some of those that were taken are apart: see fleet.c */
    int has_apart;
    /** what was read before a take is to be drawn from what is apart only */
    int reads_apart;
    /** what the upload holds in the store; NULL: nothing */
    struct expect_store_upload_t *upload;
    /** room for what the store finds, for n_items claims: see fleet.c */
    struct expect_store_item_t *items;
    int n_items;
} expect_claims_t;

/**
 * Begin.
 * @param p pool of the upload
 */
expect_claims_t *expect_claims_make(apr_pool_t *p);

/**
 * Put the claims that are apart behind the others, and leave each kind in its
 * order.
 * @param claims expect_claim_t
 * @return how many the others are
 */
int expect_claims_divide(apr_array_header_t *claims);

/**
 * Find the rule that a limit is of.
 * @param claims those of the upload
 * @param limit  the limit of a claim that was taken
 * @return its leaf
 */
const struct expect_rule_t *expect_claims_rule(const expect_claims_t *claims,
                                               const expect_limit_t *limit);

/**
 * Find the claim of a rule.
 * @param claims those of the upload
 * @param arg    the rule's parsed arguments
 * @return the claim, made if there is none
 */
expect_claim_entry_t *expect_claims_of(expect_claims_t *claims,
                                       const void *arg);

#endif
