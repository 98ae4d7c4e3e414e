/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a request of httpd announces, before it has any state of the module's.
 */

#ifndef EXPECT_ANNOUNCED_H
#define EXPECT_ANNOUNCED_H

#include "httpd.h"

#include "base/compat.h"
#include "base/head.h"

/**
 * The request that the client sent, from which redirects and subrequests come.
 * @param r any request
 * @return r itself, if the client sent it
 */
static APR_INLINE const request_rec *
expect_announced_first(const request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

/**
 * Whether a request may have content: a cheap test, for requests without.
 * @param r any request
 * @return 0 if it announces no content, 1 if expect_announced_head() must be
 *         called to know
 */
static APR_INLINE int expect_announced_has_content(const request_rec *r)
{
    return EXPECT_LENGTH_IS_OPEN(r) || expect_head_has_content(r->headers_in);
}

/**
 * Read what a request announces.
 * @param head        filled in when the result is 1, untouched otherwise
 * @param r           any request
 * @param expects_100 as for expect_head_read()
 * @return 1 if it announces content, else 0
 */
int expect_announced_head(expect_head_t *head, const request_rec *r,
                          int expects_100);

#endif
