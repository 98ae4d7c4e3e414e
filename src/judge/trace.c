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

/* Set by a process that serves no requests, before the first one. */
static expect_trace_t *observer;

const char *expect_trace_said(const expect_answer_t *answer)
{
    static const char *const words[] = {
        "not known yet", "granted", "denied", "does not apply", "error"
    };

    return words[answer->value];
}

const char *expect_trace_saw(const expect_facts_t *facts,
                             const expect_rule_t *rule)
{
    expect_accepts_t accepts = expect_accepts_anything;

    if (rule->type->accepts) {
        rule->type->accepts(facts->pool, facts, rule->arg, &accepts);
    }
    return accepts.length != EXPECT_UNLIMITED
               ? apr_off_t_toa(facts->pool, accepts.length) : accepts.announced;
}

static void trace_log(const expect_facts_t *facts, expect_stage_e stage,
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

/* "content-length 2097152, asks", for the log. */
static const char *trace_announced(const expect_facts_t *facts)
{
    const expect_head_t *head = facts->head;
    const char *length =
        head->length == EXPECT_LENGTH_UNKNOWN
            ? "content of unknown length"
            : apr_psprintf(facts->pool, "%" APR_OFF_T_FMT " bytes of content",
                           head->length);

    return apr_pstrcat(facts->pool, length, head->expects_100
                       ? ", Expect: 100-continue" : ", no Expect", NULL);
}

expect_trace_t *expect_trace_for(const request_rec *in,
                                 const expect_facts_t *facts)
{
    if (observer) {
        return observer;
    }
    if (!APLOGrdebug(in)) {
        return NULL;
    }
    if (APLOGrtrace1(in)) {
        ap_log_rerror(APLOG_MARK, APLOG_TRACE1, 0, in,
                      "expect: %s, %s; the target is %s", in->method,
                      trace_announced(facts),
                      in->filename ? expect_quoted_path(facts->pool,
                                                        in->filename)
                                   : "not a file");
    }
    return trace_log;
}
