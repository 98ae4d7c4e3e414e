/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What may be read of a judged request's content, and the last moment before
 * anybody reads it.
 */

#ifndef EXPECT_FILTER_H
#define EXPECT_FILTER_H

#include "httpd.h"

#include "judge/request.h"

/** Register the input filter. */
void expect_filter_register(void);

/**
 * Stand between a request's readers and its content, unless the filter is
 * there already.
 * @param r the request that will read it: the main one, or an internal
 *          redirect that took its place
 * @param e its state, which says what the filter does
 */
void expect_filter_install(request_rec *r, expect_request_t *e);

/**
 * Let nobody read content of a request that is refused without a state.
 * @param r the request
 */
void expect_filter_refuse_all(request_rec *r);

/**
 * Let a request that announced no content have none, whatever a RequestHeader
 * of some .htaccess adds to its fields (RFC 9112, 6.3: without Content-Length
 * and Transfer-Encoding the content's length is zero). It costs a request
 * without content a few instructions: HTTP_IN is replaced where it stands.
 * @param r a request without content, main or redirected
 */
void expect_framing_none(request_rec *r);

/**
 * Take from the fields of such a request what announces content, for handlers
 * that look there.
 * @param r the request
 */
void expect_framing_unannounce(request_rec *r);

/**
 * Read all content and throw it away, within the bounds of a refusal's end.
 * @param r the request
 * @return 1 if it was read to its end; 0: the connection has to be closed
 */
int expect_content_discard(request_rec *r);

/**
 * Stand there again, if somebody who has read the content (mod_ssl, for
 * SSLVerifyClient in a directory) has put it in the place of its source and of
 * all filters.
 * @param r the main request, or its ErrorDocument
 * @param e its state
 */
void expect_filter_reinstall(request_rec *r, expect_request_t *e);

/**
 * Do what the filter does when it is started, where it was not there: decide
 * all that is left, and stand there again.
 * @param r the request whose handler is about to run
 * @param e its state, not started
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_start_late(request_rec *r, expect_request_t *e);

#endif
