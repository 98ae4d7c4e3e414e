/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request in full, at LogLevel expect:debug.
 *
 *     expect: at head: content-length max=10 saw 11: denied (ExpectRequire at
 *     /srv/uploads/.htaccess:3)
 */

#include "httpd.h"
#include "http_log.h"

#include "trace.h"

APLOG_USE_MODULE(expect);

int expect_trace_wanted(const request_rec *in, const expect_facts_t *facts)
{
    const expect_head_t *head = facts->head;

    if (!APLOGrdebug(in)) {
        return 0;
    }
    ap_log_rerror(APLOG_MARK, APLOG_TRACE1, 0, in,
                  "expect: %s announces %" APR_OFF_T_FMT " bytes%s, %s; the "
                  "target is %s", in->method, head->length,
                  head->length == EXPECT_LENGTH_UNKNOWN ? " (unknown)" : "",
                  head->asked ? "asks" : "does not ask",
                  in->filename ? in->filename : "not a file");
    return 1;
}

static const char *said(const expect_answer_t *answer)
{
    static const char *const names[] = {
        "not known yet", "granted", "denied", "does not apply", "error"
    };

    return names[answer->value];
}

void expect_trace_rule(const expect_facts_t *facts, expect_stage_e stage,
                       const expect_rule_t *rule,
                       const expect_answer_t *answer)
{
    expect_told_t told = expect_told_nothing;

    if (rule->type->tell) {
        rule->type->tell(facts->pool, facts, rule->arg, &told);
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, facts->r,
                  "expect: at %s: %s%s%s: %s (ExpectRequire at %s:%u)",
                  expect_stage_name(stage), rule->text,
                  told.announced ? " saw " : "",
                  told.announced ? told.announced : "", said(answer),
                  rule->file, rule->line);
}
