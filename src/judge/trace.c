/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request in full, at LogLevel expect:debug.
 *
 *     expect: at directory: content-length max=10 saw 11: denied
 *     (ExpectRequire at /srv/uploads/.htaccess:3)
 */

#include "httpd.h"
#include "http_log.h"

#include "apr_strings.h"

#include "base/quote.h"
#include "judge/trace.h"
#include "tree/describe.h"

APLOG_USE_MODULE(expect);

/* Set where no server is started, before there is any request. */
static expect_trace_t *observer;

const char *expect_trace_said(const expect_answer_t *answer)
{
    static const char *const names[] = {
        "not known yet", "granted", "denied", "does not apply", "error"
    };

    return names[answer->value];
}

const char *expect_trace_saw(const expect_facts_t *facts,
                             const expect_rule_t *rule)
{
    expect_accepts_t told = expect_accepts_anything;

    if (rule->type->accepts) {
        rule->type->accepts(facts->pool, facts, rule->arg, &told);
    }
    return told.length != EXPECT_UNLIMITED
               ? apr_off_t_toa(facts->pool, told.length) : told.announced;
}

static void log_rule(const expect_facts_t *facts, expect_stage_e stage,
                     const expect_rule_t *rule, const expect_answer_t *answer)
{
    const char *saw = expect_trace_saw(facts, rule);

    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, facts->r,
                  "expect: at %s: %s%s%s: %s (ExpectRequire at %s)",
                  expect_stage_name(stage),
                  expect_quoted(facts->pool, rule->text, EXPECT_LINE_MAX),
                  saw ? " saw " : "", saw ? saw : "",
                  expect_trace_said(answer),
                  expect_quoted_place(facts->pool, rule));
}

void expect_trace_observe(expect_trace_t *trace)
{
    observer = trace;
}

expect_trace_t *expect_trace_for(const request_rec *in,
                                 const expect_facts_t *facts)
{
    const expect_head_t *head = facts->head;

    if (observer) {
        return observer;
    }
    if (!APLOGrdebug(in)) {
        return NULL;
    }
    ap_log_rerror(APLOG_MARK, APLOG_TRACE1, 0, in,
                  "expect: %s announces %" APR_OFF_T_FMT " bytes%s, %s; the "
                  "target is %s", in->method, head->length,
                  head->length == EXPECT_LENGTH_UNKNOWN ? " (unknown)" : "",
                  head->expects_100 ? "asks" : "does not ask",
                  in->filename ? expect_quoted_path(facts->pool, in->filename)
                               : "not a file");
    return log_rule;
}
