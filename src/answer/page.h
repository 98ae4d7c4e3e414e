/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the client reads of a refusal.
 */

#ifndef EXPECT_PAGE_H
#define EXPECT_PAGE_H

#include "httpd.h"

#include "judge/request.h"

/** Register the output filter. */
void expect_page_register(void);

/**
 * Prepare the response: the fields that say what is accepted, and, where the
 * directory has no ErrorDocument for the status, httpd's error page with the
 * sentence in it, or an RFC 9457 problem if Accept prefers that.
 * @param r       the refused request
 * @param status  the HTTP status of the response
 * @param rule    the name of the rule
 * @param reason  the sentence, without a full stop
 * @param accepts what is accepted
 */
void expect_page_prepare(request_rec *r, int status, const char *rule,
                         const char *reason, const expect_accepts_t *accepts);

/**
 * Finish the response that was prepared: its media type, its fields, and a page
 * in the place of an ErrorDocument that cannot be had. For insert_error_filter.
 * @param r any request that is answered with an error
 */
void expect_page_finish(request_rec *r);

#endif
