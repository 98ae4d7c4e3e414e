/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How much of the processor the patterns of one request may take. Tenants write
 * them, and one that backtracks takes a fifth of a second before it gives up.
 */

#ifndef EXPECT_PATIENCE_H
#define EXPECT_PATIENCE_H

#include "httpd.h"

#include "apr_time.h"

/**
 * Whether there is none left: a pattern of this request has given up, or its
 * patterns have taken too long. Then no further one is tried.
 * @param r a judged request, or a subrequest, redirect or lookup of one
 * @return 1 or 0
 */
int expect_patience_is_over(const request_rec *r);

/**
 * Note that a pattern has given up.
 * @param r the request
 */
void expect_patience_end(const request_rec *r);

/**
 * Begin to measure.
 * @return what expect_patience_spend() is given
 */
apr_interval_time_t expect_patience_clock(void);

/**
 * Count what a pattern took.
 * @param r     the request
 * @param since from expect_patience_clock(), called before
 */
void expect_patience_spend(const request_rec *r, apr_interval_time_t since);

#endif
