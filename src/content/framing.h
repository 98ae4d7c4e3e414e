/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The fields that frame content: what is read is what was judged.
 */

#ifndef EXPECT_FRAMING_H
#define EXPECT_FRAMING_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Restore Content-Length and Transfer-Encoding to the values that were judged:
 * HTTP_IN reads them when content is first read, and RequestHeader of some
 * .htaccess may have changed them. Behind the first read nothing is restored:
 * the reader may remove them (mod_cgi does, for a redirect).
 * @param r the request that reads
 * @param e its state
 */
void expect_framing_restore(request_rec *r, const expect_request_t *e);

/**
 * Announce no content: what answers in place of a refused request (a script, or
 * an origin behind a proxy) would wait for it.
 * @param r an internal redirect, or a request that failed; its header fields
 *          become its own
 */
void expect_framing_remove(request_rec *r);

/**
 * Remove what announces content from a request that announced none when it was
 * sent, for handlers that look at its fields.
 * @param r the request
 */
void expect_framing_unannounce(request_rec *r);

#endif
