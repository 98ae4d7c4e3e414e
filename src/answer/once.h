/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One answer and no second one, where it is sent inside a handler's read.
 */

#ifndef EXPECT_ONCE_H
#define EXPECT_ONCE_H

#include "httpd.h"

/** Register the output filter. */
void expect_once_register(void);

/**
 * Whether the handler has begun a response, which stands.
 * @param r the request
 * @return nonzero if the head was sent, or the whole was handed to the output
 *         filters: ap_http_header_filter(), ap_pass_brigade()
 */
int expect_once_has_begun(const request_rec *r);

/**
 * Send nothing of what a request answers from now on.
 * @param r the request: a lookup's copy, or one that is answered already
 */
void expect_once_drop(request_rec *r);

/**
 * Where the refusal was sent inside a handler's read, drop what the handler
 * makes of its failed read (mod_proxy_http2: a 502), and keep the status of
 * the refusal for the access log.
 * @param r a request that is answered with an error, or an internal redirect
 */
void expect_once_keep(request_rec *r);

/**
 * Keep the handler of an ErrorDocument from running inside another handler's
 * read, unless it sends a plain file: mod_wsgi's child crashes otherwise. The
 * module's page is sent in its place.
 * @param r the ErrorDocument's request, or a subrequest of it
 * @return DECLINED: its handler may run; HTTP_NOT_FOUND: it may not
 */
int expect_once_keep_out(request_rec *r);

#endif
