/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * An expectation that httpd does not know. Core refuses it with 417 before any
 * hook runs, but answers only after it has read the content that the client
 * holds back. Here it is answered at once.
 */

#include "httpd.h"
#include "http_log.h"

#include "answer/notes.h"
#include "answer/refusal.h"
#include "stages/stages.h"

int expect_unsupported_is(const request_rec *r)
{
    const char *expect;

    return r->status == HTTP_EXPECTATION_FAILED && !r->expecting_100
           && !r->main && !r->prev && !expect_request_get(r)
           && !apr_table_get(r->notes, EXPECT_NOTE_VERDICT)
           && (expect = apr_table_get(r->headers_in, "Expect")) && *expect;
}

void expect_unsupported_refuse(request_rec *r)
{
    const char *expect = apr_table_get(r->headers_in, "Expect");
    expect_notice_t notice = { 0 };
    expect_head_t head;

    notice.status = HTTP_EXPECTATION_FAILED;
    notice.rule = "expectation";
    notice.reason = "the only expectation supported is a single "
                    "100-continue; remove the Expect field";
    notice.accepts = &expect_accepts_anything;
    notice.level = APLOG_INFO;
    notice.counted_as = EXPECT_N_REFUSE;
    notice.bytes = expect_announced_head(&head, r, 0) ? head.length : 0;
    /* in a list, or sent twice, 100-continue still means that the client
     * waits */
    notice.client_waits = ap_strcasestr(expect, "100-continue") != NULL;
    expect_refusal_send(r, &notice);
}
