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
 * Giving back: an upload that spent an amount gives some of it back later. If
 * it moved the moment back by all of that, it could give back what time has
 * given back already, and what others have spent since would be lifted. The
 * most that it may give back is the least that was outstanding at any time
 * since it spent: as if it had never spent it. That is at least the time from
 * now to the earliest moment that the quota had since then. Only refunds move
 * the moment back, so these are remembered: the last few, and where there is no
 * room, two of them are joined into one that is as strict as both.
 *
 * It knows no clock: the caller hands the time over.
 */

#ifndef EXPECT_GCRA_H
#define EXPECT_GCRA_H

#include "apr.h"

/** Refunds that are remembered. */
#define GCRA_LOWS 3

/** A period longer than that is taken for that: a hundred years. */
#define GCRA_PERIOD_MAX (APR_INT64_C(100) * 365 * 86400 * 1000000000)

typedef struct gcra_span_t {
    apr_int64_t ns;
    apr_uint32_t part;
} gcra_span_t;

/** What was spent of a quota; zeroed: nothing. */
typedef struct gcra_t {
    apr_int64_t until;
    apr_uint32_t part;
    /** refunds, oldest first, and so the lowest first: number of the refund,
     *  and until behind it; 0: none */
    apr_uint32_t refunds[GCRA_LOWS];
    apr_int64_t lows[GCRA_LOWS];
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

/** Spend. The caller has seen that it can be spent. */
void gcra_spend(gcra_t *g, gcra_span_t cost, apr_int64_t now);

/**
 * Give back what has not come back by time.
 * @param cost    at most what was spent at once
 * @param until   g->until right behind that
 * @param refunds how many refunds there had been then
 * @param refund  the number of this one: greater than all before
 * @return whether anything was given back
 */
int gcra_refund(gcra_t *g, gcra_span_t cost, apr_int64_t until,
                apr_uint32_t refunds, apr_uint32_t refund, apr_int64_t now);

/** From now on nothing that was spent before can be given back. */
void gcra_forget(gcra_t *g, apr_uint32_t refund);

#endif
