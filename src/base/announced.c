/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Reads what a request of httpd announces.
 */

#include "base/announced.h"

int expect_announced_head(expect_head_t *head, const request_rec *r,
                          int expects_100)
{
    if (EXPECT_LENGTH_IS_OPEN(r)) {
        expect_head_set(head, r->headers_in, EXPECT_LENGTH_UNKNOWN,
                        expects_100);
        return 1;
    }
    return expect_head_read(head, r->headers_in, expects_100);
}
