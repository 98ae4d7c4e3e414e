/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The generic cell rate algorithm, in integers.
 */

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

void gcra_spend(gcra_t *g, gcra_span_t cost, apr_int64_t now)
{
    apr_uint64_t parts = cost.part;
    apr_int64_t until = now;

    if (g->until >= now) {
        until = g->until;
        parts += g->part;
    }
    g->part = (apr_uint32_t)(parts % PART);
    g->until = until + cost.ns + (apr_int64_t)(parts / PART);
}

/* Whether the number of a refund is later: they may wrap round. */
static int is_later(apr_uint32_t a, apr_uint32_t b)
{
    return (apr_int32_t)(a - b) > 0;
}

static void lows_remove(gcra_t *g, int i)
{
    for (; i < GCRA_LOWS - 1; ++i) {
        g->lows[i] = g->lows[i + 1];
        g->refunds[i] = g->refunds[i + 1];
    }
    g->lows[i] = 0;
}

static int lows_count(const gcra_t *g)
{
    int n = 0;

    while (n < GCRA_LOWS && g->lows[n]) {
        ++n;
    }
    return n;
}

/* Remember a refund: behind it, until is low. */
static void lows_add(gcra_t *g, apr_uint32_t refund, apr_int64_t low,
                     apr_int64_t now)
{
    int n = lows_count(g), nearest = 0, i;

    /* whoever is bound by an older one that is no lower is bound by this */
    while (n && g->lows[n - 1] >= low) {
        g->lows[--n] = 0;
    }
    /* two that are over bind those before them to the same: nothing */
    while (n > 1 && g->lows[1] <= now) {
        lows_remove(g, 0);
        --n;
    }
    if (n == GCRA_LOWS) {
        for (i = 1; i < GCRA_LOWS - 1; ++i) {
            if (g->lows[i + 1] - g->lows[i]
                < g->lows[nearest + 1] - g->lows[nearest]) {
                nearest = i;
            }
        }
        /* the later number with the lower time */
        g->lows[nearest + 1] = g->lows[nearest];
        lows_remove(g, nearest);
        --n;
    }
    g->refunds[n] = refund;
    g->lows[n] = low;
}

int gcra_refund(gcra_t *g, gcra_span_t cost, apr_int64_t until,
                apr_uint32_t refunds, apr_uint32_t refund, apr_int64_t now)
{
    int i;

    for (i = 0; i < GCRA_LOWS && g->lows[i]; ++i) {
        if (is_later(g->refunds[i], refunds)) {
            until = until < g->lows[i] ? until : g->lows[i];
            break;
        }
    }
    until = until < g->until ? until : g->until;
    if (until <= now) {
        return 0;
    }
    if (cost.ns >= until - now) {
        cost.ns = until - now;
        cost.part = 0;
    }
    if (!cost.ns && !cost.part) {
        return 0;
    }
    g->until -= cost.ns + (cost.part > g->part);
    g->part -= cost.part;
    lows_add(g, refund, g->until, now);
    return 1;
}

void gcra_forget(gcra_t *g, apr_uint32_t refund)
{
    int i;

    for (i = 1; i < GCRA_LOWS; ++i) {
        g->lows[i] = 0;
    }
    g->refunds[0] = refund;
    g->lows[0] = 1;
}
