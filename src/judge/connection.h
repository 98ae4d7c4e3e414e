/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is known of a connection: whether content of a judged request is still
 * unread on it, and whether a request on it was refused.
 */

#ifndef EXPECT_CONNECTION_H
#define EXPECT_CONNECTION_H

#include "httpd.h"

typedef struct expect_connection_t {
    /** content of a request that rules govern is not read to its end */
    unsigned is_unread : 1;
    /** the guard of that content is reading it */
    unsigned is_reading : 1;
    /** the handler of that request was about to run, or has run */
    unsigned is_handled : 1;
    /** the filter stands before the connection */
    unsigned has_filter : 1;
    /** a request was refused: how the connection ends, see linger.c; else
     *  NULL */
    const struct expect_linger_t *linger;
} expect_connection_t;

/** Register the connection's filter. */
void expect_unread_register(void);

/**
 * What is known of a connection.
 * @param c the connection; over HTTP/2, a stream's
 * @return never NULL; kept in c->pool
 */
expect_connection_t *expect_connection_get(conn_rec *c);

/**
 * Let nobody but the guard (content.c) read from a request's connection until
 * its content is read to its end, when the guard takes is_unread back. Who
 * tries gets the end of the connection: so content is never taken for the next
 * request, whatever a handler left unread (RFC 9112, 9.3: a server that does
 * not read all of the content closes the connection).
 * @param r the request, HTTP/1.x; over HTTP/2, streams are separate and
 *          nothing is done
 */
void expect_unread_hold(request_rec *r);

#endif
