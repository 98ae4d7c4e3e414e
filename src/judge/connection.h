/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The state of one connection: whether content of a judged request is still
 * unread on it, and whether a request on it was refused.
 */

#ifndef EXPECT_CONNECTION_H
#define EXPECT_CONNECTION_H

#include "httpd.h"

typedef struct expect_connection_t {
    /** content of a judged request was not read to its end */
    unsigned is_unread : 1;
    /** the filter of that content is reading it */
    unsigned is_reading : 1;
    /** the handler of that request was about to run, or has run */
    unsigned is_handled : 1;
    /** the filter of content/unread.c is in place */
    unsigned has_filter : 1;
    /** how the connection ends: set when a request on it was refused */
    const struct expect_linger_t *linger;
} expect_connection_t;

/**
 * Get the state of a connection.
 * @param c the connection; over HTTP/2, that of a stream
 * @return never NULL; it lives as long as c->pool
 */
expect_connection_t *expect_connection_get(conn_rec *c);

#endif
