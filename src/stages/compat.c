/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * At post_read_request: what core of other versions does itself.
 */

#include "httpd.h"

#include "stages/stages.h"

/* As core in ap_check_request_header(), or 2.5 with HttpExpectStrict On. */
static int compat_read_expect(request_rec *r)
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
               ? DECLINED : compat_read_expect(r);
}
