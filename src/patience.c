/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How much of the processor the patterns of one request may take.
 */

#include <time.h>

#include "httpd.h"

#include "patience.h"
#include "request.h"

/* All patterns of a request together. */
#define PATIENCE_MAX apr_time_from_msec(500)

/* Rules stand in Require as well, and are evaluated for subrequests, redirects
 * and lookups: all of them spend what their request has. NULL: that is not
 * judged. */
static expect_request_t *spender(const request_rec *r)
{
    return expect_request_get(expect_request_first(r));
}

int expect_patience_is_over(const request_rec *r)
{
    const expect_request_t *e = spender(r);

    return e && e->patience_is_over;
}

void expect_patience_end(const request_rec *r)
{
    expect_request_t *e = spender(r);

    if (e) {
        e->patience_is_over = 1;
    }
}

apr_interval_time_t expect_patience_clock(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0
               ? apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 : 0;
}

void expect_patience_spend(const request_rec *r, apr_interval_time_t since)
{
    expect_request_t *e = spender(r);

    if (e) {
        e->patterns_took += expect_patience_clock() - since;
        e->patience_is_over |= e->patterns_took > PATIENCE_MAX;
    }
}
