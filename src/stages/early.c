/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * At post_read_request: the head is known, the section is not.
 */

#include <string.h>

#include "httpd.h"

#include "answer/enforce.h"
#include "content/filter.h"
#include "content/start.h"
#include "stages/stages.h"

/* `OPTIONS *` and TRACE lead to no section: httpd answers them before
 * header_parser. */
static int early_is_for_server(const request_rec *r)
{
    return r->method_number == M_TRACE
           || (r->method_number == M_OPTIONS && r->uri && !strcmp(r->uri, "*"));
}

static int early_judge_server(request_rec *r, expect_request_t *e)
{
    int status;

    expect_content_enter(r, e, r);
    status = expect_enforce(r, e, EXPECT_AT_HANDLER);
    expect_count_outcome(r, e);
    return status;
}

int expect_early_judge(request_rec *r)
{
    expect_request_t *e = expect_request_begin(r);

    if (!e) {
        return DECLINED;
    }
    if (early_is_for_server(r)) {
        return early_judge_server(r, e);
    }
    expect_filter_install(r, e);
    return DECLINED;
}
