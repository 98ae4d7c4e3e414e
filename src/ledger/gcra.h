/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A quota: the generic cell rate algorithm. What was spent is kept as a time:
 * the moment at which all of it has come back. Spending an amount moves that
 * moment on by the amount's cost, its part of the period; it must not be
 * further away than one period. An idle quota is one whose moment has passed,
 * and is the same as none at all.
 *
 * Times are nanoseconds and 2^-32 of them: with whole nanoseconds, 999,999
 * uploads per minute would be 1,000,000.
 *
 * Giving back: what is outstanding is a queue, and each turn, as something was
 * spent, has a stretch of it, from the moment before to the moment after. Time
 * takes the queue from its front. A turn that gives back later may give only
 * what lies between now and the end of its stretch: else it would give back
 * what has come back already, and lift what others have spent since. The end of
 * its stretch comes nearer when an earlier turn gives back, not when a later
 * one does. So the sum of all refunds is kept, and of the largest, whose turns
 * they were. The others are taken for earlier ones than they are, which gives
 * back less, never more.
 *
 * It knows no clock: the caller hands the time over.
 */

#ifndef EXPECT_GCRA_H
#define EXPECT_GCRA_H

#include "apr.h"

/** Refunds of which it is known whose turns they were. */
#define GCRA_REFUNDS 2

/** A longer period counts as this one: a hundred years. */
#define GCRA_PERIOD_MAX (APR_INT64_C(100) * 365 * 86400 * 1000000000)

/** A sum of refunds that is larger is forgotten. */
#define GCRA_REFUNDED_MAX (APR_UINT64_C(1) << 62)

typedef struct gcra_span_t {
    apr_int64_t ns;
    apr_uint32_t part;
} gcra_span_t;

typedef struct gcra_refund_t {
    apr_uint64_t turn;
    /** nanoseconds; 0: none */
    apr_int64_t sum;
    /** earlier turns have nothing outstanding from then on */
    apr_int64_t until;
} gcra_refund_t;

/** What was spent of a quota; zeroed: nothing. */
typedef struct gcra_t {
    apr_int64_t until;
    apr_uint32_t part;
    /** nanoseconds, all of them */
    apr_uint64_t refunded;
    gcra_refund_t refunds[GCRA_REFUNDS];
} gcra_t;

/** How much there is, and in which time it comes back. */
typedef struct gcra_rate_t {
    apr_int64_t limit;
    /** nanoseconds, at most GCRA_PERIOD_MAX */
    apr_int64_t period;
} gcra_rate_t;

/**
 * How far an amount moves the moment on.
 * @param amount 0 to rate->limit
 */
gcra_span_t gcra_cost(apr_int64_t amount, const gcra_rate_t *rate);

/** What is left now. */
apr_int64_t gcra_left(const gcra_t *g, const gcra_rate_t *rate,
                      apr_int64_t now);

/**
 * Nanoseconds until so much can be spent.
 * @return 0: now
 */
apr_int64_t gcra_missing(const gcra_t *g, gcra_span_t cost,
                         const gcra_rate_t *rate, apr_int64_t now);

/**
 * Spend. The caller has seen that it can be spent.
 * @return for gcra_refund(): the end of the stretch, had nothing ever been
 *         given back
 */
apr_uint64_t gcra_spend(gcra_t *g, gcra_span_t cost, apr_int64_t now);

/**
 * Give back what has not come back by time.
 * @param cost at most what was spent in this turn
 * @param end  what gcra_spend() has returned
 * @param turn its number: greater than those before
 * @return 1: the sums have become too large and were forgotten, as by
 *         gcra_forget(); mostly 0
 */
int gcra_refund(gcra_t *g, gcra_span_t cost, apr_uint64_t end,
                 apr_uint64_t turn, apr_int64_t now);

/** Forget all refunds. No earlier turn may be given back after that. */
void gcra_forget(gcra_t *g);

#endif
