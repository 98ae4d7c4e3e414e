/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The generic cell rate algorithm, in integers.
 */

#include <string.h>

#include "ledger/gcra.h"

#define PART (APR_UINT64_C(1) << 32)

/*
 * a * b / c, rounded down, and what remains. All are less than 2^63, and so is
 * the result.
 */
#if defined(__SIZEOF_INT128__) && !defined(GCRA_WITHOUT_INT128)
static apr_uint64_t gcra_scale(apr_uint64_t a, apr_uint64_t b, apr_uint64_t c,
                               apr_uint64_t *rest)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    if (!(product >> 64)) {
        *rest = (apr_uint64_t)product % c;
        return (apr_uint64_t)product / c;
    }
    *rest = (apr_uint64_t)(product % c);
    return (apr_uint64_t)(product / c);
}
#else
static apr_uint64_t gcra_scale(apr_uint64_t a, apr_uint64_t b, apr_uint64_t c,
                               apr_uint64_t *rest)
{
    apr_uint64_t whole = 0;
    int bit;

    *rest = 0;
    for (bit = 62; bit >= 0; --bit) {
        whole *= 2;
        *rest *= 2;
        if (a >> bit & 1) {
            whole += b / c + (*rest >= c);
            *rest = *rest % c + b % c;
        }
        whole += *rest / c;
        *rest %= c;
    }
    return whole;
}
#endif

/* What is outstanding: from now to the moment, at most the period. */
static gcra_span_t gcra_outstanding(const gcra_t *g, apr_int64_t period,
                                    apr_int64_t now)
{
    gcra_span_t span = { 0, 0 };

    if (g->until >= now) {
        span.ns = g->until - now;
        span.part = g->part;
    }
    if (span.ns >= period) {
        span.ns = period;
        span.part = 0;
    }
    return span;
}

gcra_span_t gcra_cost(apr_int64_t amount, const gcra_rate_t *rate)
{
    gcra_span_t cost;
    apr_uint64_t rest;

    cost.ns = (apr_int64_t)gcra_scale(amount, rate->period, rate->limit,
                                      &rest);
    cost.part = (apr_uint32_t)gcra_scale(rest, PART, rate->limit, &rest);
    return cost;
}

apr_int64_t gcra_left(const gcra_t *g, const gcra_rate_t *rate,
                      apr_int64_t now)
{
    gcra_span_t spent = gcra_outstanding(g, rate->period, now);
    /* the rest of the period, in nanoseconds and parts */
    apr_uint64_t ns = rate->period - spent.ns - (spent.part != 0);
    apr_uint64_t part = spent.part ? PART - spent.part : 0;
    apr_uint64_t left, rest, ignored;

    left = gcra_scale(ns, rate->limit, rate->period, &rest);
    rest += gcra_scale(part, rate->limit, PART, &ignored);
    return (apr_int64_t)(left + rest / rate->period);
}

apr_int64_t gcra_missing(const gcra_t *g, gcra_span_t cost,
                         const gcra_rate_t *rate, apr_int64_t now)
{
    gcra_span_t spent = gcra_outstanding(g, rate->period, now);
    apr_uint64_t parts = (apr_uint64_t)spent.part + cost.part;
    apr_int64_t ns = spent.ns - rate->period + cost.ns
                     + (apr_int64_t)(parts / PART);

    parts %= PART;
    if (ns < 0 || (ns == 0 && parts == 0)) {
        return 0;
    }
    return ns + (parts != 0);
}

apr_uint64_t gcra_spend(gcra_t *g, gcra_span_t cost, apr_int64_t now)
{
    apr_uint64_t parts = cost.part;
    apr_int64_t until = now;

    if (g->until >= now) {
        until = g->until;
        parts += g->part;
    }
    g->part = (apr_uint32_t)(parts % PART);
    g->until = until + cost.ns + (apr_int64_t)(parts / PART);
    return g->until + g->refunded;
}

/* Remember whose turn a refund was. If there is no room, the smallest is added
 * to that of the next turn before it, or to those that nobody knows. */
static void refunds_add(gcra_t *g, gcra_refund_t refund)
{
    gcra_refund_t *refunds = g->refunds;
    gcra_refund_t *before = NULL;
    int i, smallest = 0;

    for (i = 1; i < GCRA_REFUNDS; ++i) {
        if (refunds[i].sum < refunds[smallest].sum) {
            smallest = i;
        }
    }
    if (refund.sum > refunds[smallest].sum) {
        gcra_refund_t other = refunds[smallest];

        refunds[smallest] = refund;
        refund = other;
    }
    for (i = 0; i < GCRA_REFUNDS; ++i) {
        if (refunds[i].turn < refund.turn
            && (!before || before->turn < refunds[i].turn)) {
            before = &refunds[i];
        }
    }
    if (refund.sum && before && before->sum) {
        before->sum += refund.sum;
    }
}

/* Where the stretch of a turn ends. */
static apr_int64_t stretch_end(gcra_t *g, apr_uint64_t end, apr_uint64_t turn,
                               apr_int64_t now)
{
    int i;

    end -= g->refunded;
    for (i = 0; i < GCRA_REFUNDS; ++i) {
        if (g->refunds[i].until <= now) {
            g->refunds[i].sum = 0;
        }
        if (g->refunds[i].turn > turn) {
            end += g->refunds[i].sum;
        }
    }
    return (apr_int64_t)end < g->until ? (apr_int64_t)end : g->until;
}

int gcra_refund(gcra_t *g, gcra_span_t cost, apr_uint64_t end,
                apr_uint64_t turn, apr_int64_t now)
{
    gcra_refund_t refund = { turn, 0, stretch_end(g, end, turn, now) };

    if (refund.until <= now) {
        return 0;
    }
    if (cost.ns >= refund.until - now) {
        cost.ns = refund.until - now;
        cost.part = 0;
    }
    g->until -= cost.ns + (cost.part > g->part);
    g->part -= cost.part;
    refund.sum = cost.ns + (cost.part != 0);
    g->refunded += refund.sum;
    refunds_add(g, refund);
    if (g->refunded > GCRA_REFUNDED_MAX) {
        gcra_forget(g);
        return 1;
    }
    return 0;
}

void gcra_forget(gcra_t *g)
{
    g->refunded = 0;
    memset(g->refunds, 0, sizeof(g->refunds));
}
