/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The end of a refused connection.
 */

#ifndef EXPECT_LINGER_H
#define EXPECT_LINGER_H

#include "httpd.h"

/**
 * End the connection with this response, without a look at the content.
 * @param r the request that is refused; its response has not begun
 */
void expect_linger_begin(request_rec *r);

/** The hooks of these names. */
int expect_pre_close_connection(conn_rec *c);
void expect_linger_child_init(apr_pool_t *pchild, server_rec *s);

/** Content that is thrown away while its request is under way: by its worker,
 *  so within tighter bounds. */
typedef struct expect_drain_t {
    /** bytes thrown away so far: the caller counts */
    apr_off_t total;
    apr_off_t max;
    apr_time_t end;
    apr_interval_time_t idle;
    apr_socket_t *socket;
    apr_interval_time_t timeout;
} expect_drain_t;

/**
 * Begin to throw content away.
 * @param drain filled in
 * @param r     the request, HTTP/1.x
 */
void expect_drain_begin(expect_drain_t *drain, const request_rec *r);

/**
 * Whether one more read is within the bounds; if so, it takes no longer than
 * the time that is left.
 * @param drain from expect_drain_begin()
 * @return 1 or 0
 */
int expect_drain_goes_on(expect_drain_t *drain);

/**
 * Give the connection its own timeout back.
 * @param drain from expect_drain_begin()
 */
void expect_drain_end(expect_drain_t *drain);

#endif
