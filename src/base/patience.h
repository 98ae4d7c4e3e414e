/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How much of the processor the patterns of one request may take. Tenants write
 * them, and one that backtracks takes a fifth of a second before it gives up.
 */

#ifndef EXPECT_PATIENCE_H
#define EXPECT_PATIENCE_H

#include "apr_time.h"

/** What the patterns of one request have taken; zeroed at first. Subrequests,
 *  redirects and lookups spend what their request has. */
typedef struct expect_patience_t {
    /** of the processor, by one thread */
    apr_interval_time_t took;
    int is_over;
} expect_patience_t;

/**
 * Whether there is none left: a pattern of this request has given up, or its
 * patterns have taken too long. Then no further one is tried.
 * @param patience the request's, or NULL: not bounded
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
 * @return what expect_patience_spend() is given, in microseconds
 */
apr_interval_time_t expect_patience_clock(void);

/**
 * Count what a pattern took.
 * @param patience the request's, or NULL
 * @param since    from expect_patience_clock(), called before
 */
void expect_patience_spend(expect_patience_t *patience,
                           apr_interval_time_t since);

#endif
