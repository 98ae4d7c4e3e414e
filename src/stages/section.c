/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The first look at an upload.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_request.h"

#include "stages/access.h"
#include "config/section.h"
#include "content/filter.h"
#include "stages/stages.h"
#include "base/compat.h"
#include "answer/options.h"
#include "answer/enforce.h"
#include "judge/request.h"

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

int expect_compat_check(request_rec *r)
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

    expect_request_enter_section(r, e, r);
    status = expect_enforce(r, e, EXPECT_AT_HANDLER);
    expect_count_outcome(r, e);
    return status;
}

int expect_early_judge(request_rec *r)
{
    expect_request_t *e;

    if (r->prev) {
        expect_access_denied(r->prev);
        r->status = r->prev->status;
        expect_redirect_continue(r);
        return DECLINED;
    }
    e = expect_request_begin(r);
    if (!e) {
        return DECLINED;
    }
    if (is_for_server(r)) {
        return judge_server(r, e);
    }
    expect_filter_install(r, e);
    return DECLINED;
}

/* Whatever the answer, content is not read for it. */
static int leave_unread(request_rec *r, expect_request_t *e)
{
    expect_enforce_yield(r, e, r->status);
    if (e->outcome.verdict == EXPECT_REFUSED) {
        expect_framing_remove(r);
    }
    return DECLINED;
}

/* The request failed before its section was known. Its content would go to the
 * ErrorDocument, and it is for the document's section to let it, now; or httpd
 * would take it in and drop it. */
static int judge_failed(request_rec *r, expect_request_t *e)
{
    expect_answer_t answer;

    if (e->outcome.verdict == EXPECT_UNDECIDED) {
        answer = expect_judge_evaluate(e, EXPECT_AT_DIRECTORY);
        if (answer.value == EXPECT_GRANTED || answer.value == EXPECT_NEUTRAL) {
            expect_enforce_admit(r, e, &answer);
            return DECLINED;
        }
    }
    return leave_unread(r, e);
}

int expect_section_without_content(request_rec *r)
{
    if (!expect_conf_governs(expect_conf_of(r->per_dir_config))
        || (r->prev && expect_request_get(expect_announced_first(r)))) {
        return 0;
    }
    expect_framing_none(r);
    return 1;
}

int expect_section_judge(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (e && e->busy == EXPECT_LOOKING_UP) {
        return DONE;
    }
    if (r->method_number == M_OPTIONS && !r->prev) {
        expect_options_announce(r);
    }
    if (!e) {
        expect_section_without_content(r);
        return DECLINED;
    }
    if (r->prev && e->section.entered_by) {
        return DECLINED;
    }
    if (e->outcome.verdict == EXPECT_REFUSED || e->outcome.verdict == EXPECT_CUT_OFF) {
        /* somebody has read already, and the answer is out */
        return e->outcome.status;
    }
    expect_request_enter_section(r, e, r);
    /* RFC 9110, 9.3.6: CONNECT has no content; and where httpd is no proxy, it
     * is a request to the handlers like any other */
    if (r->method_number == M_CONNECT) {
        return leave_unread(r, e);
    }
    return r->prev && ap_is_HTTP_ERROR(r->prev->status)
               ? judge_failed(r, e)
               : expect_enforce(r, e, EXPECT_AT_DIRECTORY);
}

void expect_failed_judge(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (!e || e->section.entered_by || e->outcome.verdict == EXPECT_REFUSED || r->prev
        || r->method_number == M_CONNECT) {
        return;
    }
    expect_request_enter_section(r, e, r);
    judge_failed(r, e);
}
