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
 * - Each section that is entered makes the request undecided: DirectoryIndex
 *   and ErrorDocuments lead to sections of their own, also after it was
 *   admitted or would be refused. A section without rules makes an undecided
 *   request one that is not judged.
 * - A request that is not judged is refused if its section cannot be looked up,
 *   or if a login step has more content than is thrown away.
 * - Content of unknown length can go over its max whatever the verdict is: a
 *   limit that was set holds on in later sections.
 */
static const unsigned verdict_follows[EXPECT_VERDICTS] = {
    /* NOT_JUDGED */
    TO(EXPECT_UNDECIDED) | TO(EXPECT_WOULD_REFUSE) | TO(EXPECT_REFUSED)
        | TO(EXPECT_CUT_OFF),
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
    int is_legal = (verdict_follows[*verdict] & TO(to)) != 0;

#ifdef EXPECT_DEBUG
    ap_assert(is_legal);
#endif
    if (is_legal) {
        *verdict = to;
    }
}
