/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Places: what is in flight, and who holds it. They are the truth; the counts
 * in the records follow from them.
 */

#ifndef EXPECT_PLACES_H
#define EXPECT_PLACES_H

#include "ledger/memory.h"

/** How long a refusal is no reason to look for dead owners again. */
#define REAP_PAUSE_NS APR_INT64_C(100000000)

/** How many are free. */
static inline apr_uint32_t places_free(const expect_ledger_t *ledger)
{
    return ledger->n_places - ledger->places_held;
}

/**
 * Hold a place; there must be a free one.
 * @return its index
 */
apr_uint32_t place_take(expect_ledger_t *ledger, apr_uint32_t record,
                        apr_uint32_t owner, apr_int64_t bytes);

/** Hold more bytes in a place. */
void place_add(expect_ledger_t *ledger, place_t *place, apr_int64_t bytes);

/** Give a place back. */
void place_release(expect_ledger_t *ledger, apr_uint32_t i);

/**
 * The place that this process has taken.
 * @return NULL: it has been taken from it
 */
place_t *place_of(expect_ledger_t *ledger, apr_uint32_t i,
                  apr_uint32_t record);

/** Without the mutex: the process that has it next gives the place back. */
void place_is_over(expect_ledger_t *ledger, apr_uint32_t i,
                   apr_uint32_t record);

/**
 * Give back what dead owners held, and what is over.
 * @return how many places and slots of owners have become free
 */
int places_reap(expect_ledger_t *ledger);

/** The same, unless that was done a moment ago. */
int places_reap_again(expect_ledger_t *ledger, apr_int64_t now);

/** Make the list of free places, and all counts of what is in flight, anew:
 *  see repair.h. */
void places_rebuild(expect_ledger_t *ledger);

#endif
