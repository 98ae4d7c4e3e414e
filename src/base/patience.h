/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How much processor time the patterns of one request may take. Tenants write
 * patterns, and one that backtracks takes a fifth of a second before it gives
 * up.
 */

#ifndef EXPECT_PATIENCE_H
#define EXPECT_PATIENCE_H

#include "apr_time.h"

/** The time that the patterns of one request have taken; zeroed at first. It is
 *  shared by the request's subrequests, redirects and lookups. */
typedef struct expect_patience_t {
    /** processor time of one thread, in microseconds */
    apr_interval_time_t took;
    int is_over;
} expect_patience_t;

/**
 * Whether the time is used up: a pattern of this request has given up, or its
 * patterns have taken too long. Then no further pattern is tried.
 * @param patience the request's, or NULL: the time is not bounded
 * @return 1 or 0
 */
int expect_patience_is_over(const expect_patience_t *patience);

/**
 * Note that a pattern has given up.
 * @param patience the request's, or NULL
 */
void expect_patience_end(expect_patience_t *patience);

/**
 * Begin to measure.
 * @return the time, in microseconds, for expect_patience_spend()
 */
apr_interval_time_t expect_patience_clock(void);

/**
 * Count the time that a pattern took.
 * @param patience the request's, or NULL
 * @param since    from expect_patience_clock(), called before
 */
void expect_patience_spend(expect_patience_t *patience,
                           apr_interval_time_t since);

#endif
