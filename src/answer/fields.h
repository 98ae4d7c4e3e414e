/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The response fields that say what is accepted.
 */

#ifndef EXPECT_FIELDS_H
#define EXPECT_FIELDS_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Set the fields of a refusal: Upload-Limit, Accept or Accept-Encoding, Allow,
 * Retry-After.
 * @param r       the refused request
 * @param status  the HTTP status of the refusal
 * @param accepts what is accepted
 */
void expect_fields_set(request_rec *r, int status,
                       const expect_accepts_t *accepts);

/**
 * Set RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers).
 * @param r       the request
 * @param accepts the policies
 */
void expect_fields_rate_limit(request_rec *r, const expect_accepts_t *accepts);

/**
 * Set them again where content was cut off inside a handler's read: httpd's
 * header filter drops what was set before an error of a handler.
 * @param r the request that is answered, or its ErrorDocument
 * @param e the state of the request that was cut off
 */
void expect_fields_restore(request_rec *r, const expect_request_t *e);

/**
 * Make the value of Upload-Limit (draft-ietf-httpbis-resumable-upload): a
 * dictionary of integers (RFC 9651, 3.2 and 3.3.1).
 * @param p       pool for the result
 * @param accepts the bounds, in bytes
 * @return "max-size=100, min-size=1"; NULL if there is no bound
 */
const char *expect_fields_upload_limit(apr_pool_t *p,
                                       const expect_accepts_t *accepts);

/**
 * Make a field's value of a list (RFC 9110, 5.6.1).
 * @param p     pool for the result
 * @param words char *
 * @return the words, joined by ", "
 */
const char *expect_fields_list(apr_pool_t *p, const apr_array_header_t *words);

#endif
