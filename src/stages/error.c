/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * At insert_error_filter: a response with an error begins.
 */

#include "httpd.h"

#include "answer/enforce.h"
#include "answer/once.h"
#include "answer/page.h"
#include "content/filter.h"
#include "stages/stages.h"

void expect_error_stage(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (!e) {
        if (expect_unsupported_is(r)) {
            expect_unsupported_refuse(r);
            expect_filter_refuse_all(r);
        }
    }
    else if (!e->section.entered_by) {
        expect_failed_judge(r, e);
    }
    else {
        expect_access_denied(r);
    }
    expect_count_outcome(r, e);
    expect_page_finish(r);
    /* last: what stands here already is dropped with the rest */
    expect_once_keep(r);
}
