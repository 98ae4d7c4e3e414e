/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The steps of a refusal.
 */

#include "httpd.h"
#include "http_log.h"

#include "apr_strings.h"

#include "answer/linger.h"
#include "answer/notes.h"
#include "answer/page.h"
#include "answer/refusal.h"
#include "config/section.h"
#include "judge/verdict.h"
#include "tree/describe.h"

APLOG_USE_MODULE(expect);

static void refusal_log(request_rec *r, const expect_notice_t *notice)
{
    const char *place = "";

    if (!APLOG_R_IS_LEVEL(r, notice->level)) {
        return;
    }
    if (notice->at) {
        place = apr_pstrcat(r->pool, " (ExpectRequire at ",
                            expect_quoted_place(r->pool, notice->at), ")",
                            NULL);
    }
    ap_log_rerror(APLOG_MARK, notice->level, 0, r, "expect: %s %d: %s%s",
                  notice->is_dry_run ? "would refuse" : "refused",
                  notice->status, notice->reason, place);
}

void expect_refusal_send(request_rec *r, const expect_notice_t *notice)
{
    expect_notes_refusal(r, notice->is_dry_run ? EXPECT_WORD_DETECT
                                               : EXPECT_WORD_REFUSE,
                         notice->rule, notice->status, notice->reason);
    refusal_log(r, notice);
    if (notice->counted_as != EXPECT_N_COUNTS) {
        expect_count(r, notice->counted_as, notice->rule, notice->status,
                     notice->reason, notice->bytes, notice->client_waits);
    }
    if (notice->is_dry_run) {
        return;
    }
    expect_page_prepare(r, notice->status, notice->rule, notice->reason,
                        notice->accepts);
    expect_linger_begin(r);
}
