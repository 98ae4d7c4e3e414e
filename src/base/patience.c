/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How much of the processor the patterns of one request may take.
 */

#include <stddef.h>
#include <time.h>

#include "base/patience.h"

/* All patterns of a request together. */
#define PATIENCE_MAX apr_time_from_msec(500)

int expect_patience_is_over(const expect_patience_t *patience)
{
    return patience && patience->is_over;
}

void expect_patience_end(expect_patience_t *patience)
{
    if (patience) {
        patience->is_over = 1;
    }
}

apr_interval_time_t expect_patience_clock(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0
               ? apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 : 0;
}

void expect_patience_spend(expect_patience_t *patience,
                           apr_interval_time_t since)
{
    if (patience) {
        patience->took += expect_patience_clock() - since;
        patience->is_over |= patience->took > PATIENCE_MAX;
    }
}
