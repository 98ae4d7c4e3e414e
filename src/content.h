/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What may be read of a judged request's content, and the last moment before
 * anybody reads it.
 */

#ifndef EXPECT_CONTENT_H
#define EXPECT_CONTENT_H

#include "httpd.h"

#include "request.h"

/** Register the input filter. */
void expect_content_register(void);

/**
 * Stand between a request's handler and its content.
 * @param r the request that will read it: the main one, or an internal
 *          redirect that took its place
 * @param e its state, which tells the filter what to do; NULL: the request is
 *          refused
 */
void expect_content_guard(request_rec *r, expect_request_t *e);

/**
 * Stand there again, if somebody who has read the content (mod_ssl, for
 * SSLVerifyClient in a directory) has put it in the place of its source and of
 * all filters.
 * @param r the main request, or its ErrorDocument
 * @param e its state
 */
void expect_content_keep_guard(request_rec *r, expect_request_t *e);

/**
 * Do what the filter does when it is started, where it was not there: decide
 * all that is left, and stand there again.
 * @param r the request whose handler is about to run
 * @param e its state, not started
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_begin_late(request_rec *r, expect_request_t *e);

#endif
