/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Which verdict may follow which.
 */

#include "httpd.h"

#include "judge/verdict.h"

#define TO(verdict) (1U << (verdict))

/*
 * A row for each verdict: what may follow it.
 *
 * DirectoryIndex and ErrorDocuments lead to sections of their own, so what was
 * admitted or would be refused may become undecided again. Content that is
 * counted goes over its max whatever the verdict was by then.
 */
static const unsigned follows[EXPECT_VERDICTS] = {
    /* NOT_JUDGED */
    TO(EXPECT_NOT_JUDGED) | TO(EXPECT_UNDECIDED) | TO(EXPECT_REFUSED)
        | TO(EXPECT_WOULD_REFUSE) | TO(EXPECT_CUT_OFF),
    /* UNDECIDED */
    TO(EXPECT_NOT_JUDGED) | TO(EXPECT_UNDECIDED) | TO(EXPECT_ADMITTED)
        | TO(EXPECT_WOULD_REFUSE) | TO(EXPECT_REFUSED) | TO(EXPECT_CUT_OFF),
    /* ADMITTED */
    TO(EXPECT_UNDECIDED) | TO(EXPECT_WOULD_REFUSE) | TO(EXPECT_CUT_OFF),
    /* WOULD_REFUSE */
    TO(EXPECT_UNDECIDED) | TO(EXPECT_WOULD_REFUSE) | TO(EXPECT_CUT_OFF),
    /* REFUSED */
    0,
    /* CUT_OFF */
    0
};

void expect_verdict_set(expect_verdict_e *verdict, expect_verdict_e to)
{
    int is_legal = (follows[*verdict] & TO(to)) != 0;

    AP_DEBUG_ASSERT(is_legal);
    if (is_legal) {
        *verdict = to;
    }
}
