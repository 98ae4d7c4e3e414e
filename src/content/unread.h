/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * No byte of a judged request's content becomes a request.
 */

#ifndef EXPECT_UNREAD_H
#define EXPECT_UNREAD_H

#include "httpd.h"

/** Register the filter of the connection. */
void expect_unread_register(void);

/**
 * Let nothing but the content filter read from a request's connection until
 * its content is read to its end; then the content filter clears is_unread.
 * Any other reader finds the end of the connection, so that content is never
 * parsed as the next request, whatever a handler left unread (RFC 9112, 9.3: a
 * server that does not read all of the content closes the connection).
 * @param r the request, HTTP/1.x; over HTTP/2, where streams are separate,
 *          nothing is done
 */
void expect_unread_hold(request_rec *r);

#endif
