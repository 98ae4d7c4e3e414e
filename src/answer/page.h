/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the client reads of a refusal: the response's body and fields.
 */

#ifndef EXPECT_PAGE_H
#define EXPECT_PAGE_H

#include "httpd.h"

#include "judge/request.h"

/** Register the output filters. */
void expect_page_register(void);

/**
 * Set the fields that tell what is accepted once more where content was cut
 * off while a handler read: the header filter forgets what was set before an
 * error that came from a handler.
 * @param r the request that is answered, or its ErrorDocument
 * @param e the state of the request that was cut off
 */
void expect_fields_restore(request_rec *r, const expect_request_t *e);

/**
 * Prepare the response: the fields that tell what is accepted, and, where the
 * directory has no ErrorDocument for the status, httpd's error page with the
 * sentence in it, or an RFC 9457 problem if Accept prefers that.
 * @param r      the refused request
 * @param status the HTTP status of the response
 * @param rule   the rule's name
 * @param reason the sentence, without a full stop
 * @param told   what is accepted
 */
void expect_page_prepare(request_rec *r, int status, const char *rule,
                         const char *reason, const expect_accepts_t *told);

/**
 * Finish the response that was prepared: its media type, its fields, and a page
 * in the place of an ErrorDocument that could not be had. For
 * insert_error_filter.
 * @param r any request that is answered with an error
 */
void expect_page_finish(request_rec *r);

/**
 * Keep an answer that has gone out while a handler was reading as the only
 * one: what the handler makes of its failed read (mod_proxy_http2: 502) must
 * not follow it, nor stand in the access log.
 * @param r a request that is answered with an error, or an internal redirect
 */
void expect_page_only_one(request_rec *r);

/**
 * Send nothing of what a request answers.
 * @param r the request: a lookup's copy, or one that is answered already
 */
void expect_page_drop(request_rec *r);

/**
 * Keep the handler of an ErrorDocument from running inside another handler's
 * read, unless it sends a plain file: mod_wsgi's child crashes of it. The page
 * of expect_page_prepare() is sent in its place.
 * @param r the ErrorDocument's request, or a subrequest of it
 * @return DECLINED: its handler may run; HTTP_NOT_FOUND: it may not
 */
int expect_page_keep_out(request_rec *r);

/**
 * The value of Upload-Limit (draft-ietf-httpbis-resumable-upload): a
 * dictionary of integers (RFC 9651, 3.2 and 3.3.1).
 * @param p    pool for the result
 * @param told the bounds
 * @return "max-size=100, min-size=1"; NULL if there is no bound
 */
const char *expect_fields_upload_limit(apr_pool_t *p,
                                     const expect_accepts_t *told);

/**
 * A list as a field's value (RFC 9110, 5.6.1).
 * @param p     pool for the result
 * @param words char *
 * @return the words with ", " between
 */
const char *expect_fields_list(apr_pool_t *p, const apr_array_header_t *words);

#endif
