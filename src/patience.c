/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How much of the processor the patterns of one request may take.
 */

#include <time.h>

#include "httpd.h"

#include "apr_strings.h"

#include "patience.h"

/* All patterns of a request together. */
#define PATIENCE_MAX apr_time_from_msec(500)

#define KEY "expect-patience"

typedef struct {
    apr_interval_time_t spent;
    int is_over;
} patience_t;

/* Rules stand in Require as well, and are asked of subrequests and redirects:
 * all of them spend what their request has. */
static const request_rec *first_of(const request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

static patience_t *patience_of(const request_rec *r)
{
    void *found = NULL;

    apr_pool_userdata_get(&found, KEY, first_of(r)->pool);
    return found;
}

static patience_t *patience_make(const request_rec *r)
{
    apr_pool_t *p = first_of(r)->pool;
    patience_t *patience = patience_of(r);

    if (!patience) {
        patience = apr_pcalloc(p, sizeof(*patience));
        apr_pool_userdata_setn(patience, KEY, NULL, p);
    }
    return patience;
}

int expect_patience_is_over(const request_rec *r)
{
    const patience_t *patience = patience_of(r);

    return patience && patience->is_over;
}

void expect_patience_end(const request_rec *r)
{
    patience_make(r)->is_over = 1;
}

apr_interval_time_t expect_patience_clock(void)
{
    struct timespec now;

    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0
               ? apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 : 0;
}

void expect_patience_spend(const request_rec *r, apr_interval_time_t since)
{
    apr_interval_time_t spent = expect_patience_clock() - since;
    patience_t *patience;

    /* most take less than a clock tells */
    if (spent < apr_time_from_msec(1)) {
        return;
    }
    patience = patience_make(r);
    patience->spent += spent;
    patience->is_over |= patience->spent > PATIENCE_MAX;
}
