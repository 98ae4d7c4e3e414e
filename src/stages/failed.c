/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A request that fails before its section is known. Its content would go to the
 * ErrorDocument, or httpd would read it and throw it away. That happens only if
 * the rules admit it: those of the ErrorDocument's section, or of the server.
 */

#include "httpd.h"

#include "answer/enforce.h"
#include "content/framing.h"
#include "content/start.h"
#include "judge/judge.h"
#include "stages/stages.h"

int expect_failed_leave_unread(request_rec *r, expect_request_t *e)
{
    expect_enforce_yield(r, e, r->status);
    if (e->outcome.verdict == EXPECT_REFUSED) {
        expect_framing_remove(r);
    }
    return DECLINED;
}

int expect_failed_document(request_rec *r, expect_request_t *e)
{
    expect_answer_t answer;

    if (e->outcome.verdict == EXPECT_UNDECIDED) {
        answer = expect_judge_evaluate(e, EXPECT_AT_DIRECTORY);
        if (answer.value == EXPECT_GRANTED || answer.value == EXPECT_NEUTRAL) {
            expect_enforce_admit(r, e, &answer);
            return DECLINED;
        }
    }
    return expect_failed_leave_unread(r, e);
}

void expect_failed_judge(request_rec *r, expect_request_t *e)
{
    if (e->outcome.verdict == EXPECT_REFUSED || r->prev
        || r->method_number == M_CONNECT) {
        return;
    }
    expect_content_enter(r, e, r);
    expect_failed_document(r, e);
}
