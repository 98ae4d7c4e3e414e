/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The first look at an upload.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_request.h"

#include "access.h"
#include "conf.h"
#include "content.h"
#include "first.h"
#include "httpd_compat.h"
#include "options.h"
#include "refusal.h"
#include "request.h"

/* As core in ap_check_request_header(), or 2.5 with HttpExpectStrict On. */
static int read_expect(request_rec *r)
{
    const char *expect = apr_table_get(r->headers_in, "Expect");

    if (!expect || !*expect || r->expecting_100) {
        return DECLINED;
    }
    if (ap_cstr_casecmp(expect, "100-continue")) {
        return HTTP_EXPECTATION_FAILED;
    }
    if (!EXPECT_CORE_READS_EXPECT) {
        r->expecting_100 = 1;
    }
    return DECLINED;
}

int expect_first_catch_up(request_rec *r)
{
    if (r->main || r->prev) {
        return DECLINED;
    }
    if (!EXPECT_CORE_CHECKS_LENGTH
        && !expect_head_has_valid_length(r->headers_in)) {
        return HTTP_BAD_REQUEST;
    }
    return EXPECT_CORE_READS_EXPECT && !EXPECT_CORE_MAY_ADMIT_UNKNOWN
               ? DECLINED : read_expect(r);
}

/* `OPTIONS *` and TRACE are for the server and lead to no section: httpd
 * answers them before there is another occasion. */
static int is_for_server(const request_rec *r)
{
    return r->method_number == M_TRACE
           || (r->method_number == M_OPTIONS && r->uri && !strcmp(r->uri, "*"));
}

static int judge_server(request_rec *r, expect_request_t *e)
{
    int status;

    expect_request_take_rules(r, e, r);
    status = expect_request_judge(r, e, EXPECT_AT_HANDLER);
    expect_count_passed(r, e);
    return status;
}

int expect_first_at_head(request_rec *r)
{
    expect_request_t *e;

    if (r->prev) {
        expect_access_denied(r->prev);
        r->status = r->prev->status;
        expect_refusal_inherit(r);
        return DECLINED;
    }
    e = expect_request_begin(r);
    if (!e) {
        return DECLINED;
    }
    if (is_for_server(r)) {
        return judge_server(r, e);
    }
    expect_content_guard(r, e);
    return DECLINED;
}

/* Whatever the answer, content is not read for it. */
static int leave_unread(request_rec *r, expect_request_t *e)
{
    expect_let_deny(r, e, r->status);
    if (e->state == EXPECT_REFUSED) {
        expect_forget_content(r);
    }
    return DECLINED;
}

/* The request failed before its section was known. Its content would go to the
 * ErrorDocument, and it is for the document's section to let it, now; or httpd
 * would take it in and drop it. */
static int judge_failed(request_rec *r, expect_request_t *e)
{
    expect_answer_t answer;

    if (e->state == EXPECT_OPEN) {
        answer = expect_request_decide(e, EXPECT_AT_DIRECTORY);
        if (answer.value == EXPECT_GRANTED || answer.value == EXPECT_NEUTRAL) {
            expect_admit(r, e, &answer);
            return DECLINED;
        }
    }
    return leave_unread(r, e);
}

int expect_first_without_content(request_rec *r)
{
    if (!expect_conf_governs(expect_conf_of(r->per_dir_config))
        || (r->prev && expect_request_get(expect_request_first(r)))) {
        return 0;
    }
    expect_content_none(r);
    return 1;
}

int expect_first_at_section(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (e && e->looking_up) {
        return DONE;
    }
    if (r->method_number == M_OPTIONS && !r->prev) {
        expect_options_tell(r);
    }
    if (!e) {
        expect_first_without_content(r);
        return DECLINED;
    }
    if (r->prev && e->taken_in) {
        return DECLINED;
    }
    if (e->state == EXPECT_REFUSED || e->state == EXPECT_CUT_OFF) {
        /* somebody has read already, and the answer is out */
        return e->status;
    }
    expect_request_take_rules(r, e, r);
    /* RFC 9110, 9.3.6: CONNECT has no content; and where httpd is no proxy, it
     * is a request to the handlers like any other */
    if (r->method_number == M_CONNECT) {
        return leave_unread(r, e);
    }
    return r->prev && ap_is_HTTP_ERROR(r->prev->status)
               ? judge_failed(r, e)
               : expect_request_judge(r, e, EXPECT_AT_DIRECTORY);
}

void expect_first_failed(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (!e || e->taken_in || e->state == EXPECT_REFUSED || r->prev
        || r->method_number == M_CONNECT) {
        return;
    }
    expect_request_take_rules(r, e, r);
    judge_failed(r, e);
}
