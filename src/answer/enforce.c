/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a decision does: status, connection, log line, notes.
 */

#include <string.h>

#include "httpd.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"

#include "apr_strings.h"

#include "answer/page.h"
#include "content/filter.h"
#include "count/counters.h"
#include "answer/linger.h"
#include "tree/describe.h"
#include "answer/enforce.h"

APLOG_USE_MODULE(expect);

/* and the variable, for CustomLog ... env= */
#define ENV_VERDICT "EXPECT_VERDICT"

static void set_verdict(request_rec *r, const char *verdict)
{
    apr_table_setn(r->notes, EXPECT_NOTE_VERDICT, verdict);
    apr_table_setn(r->subprocess_env, ENV_VERDICT, verdict);
}

static void set_notes(request_rec *r, const char *verdict, const char *rule,
                      int status, const char *reason)
{
    set_verdict(r, verdict);
    apr_table_setn(r->notes, EXPECT_NOTE_RULE, rule);
    apr_table_setn(r->notes, EXPECT_NOTE_STATUS, apr_itoa(r->pool, status));
    apr_table_setn(r->notes, EXPECT_NOTE_REASON, reason);
}

static int refusal_status(const expect_request_t *e,
                          const expect_answer_t *answer)
{
    if (answer->value == EXPECT_ERROR) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return e->head.expects_100 && e->section.conf->status != EXPECT_STATUS_SPECIFIC
               ? HTTP_EXPECTATION_FAILED : answer->status;
}

/* The log line and the notes of a refusal, or of one that would be. */
static void tell(request_rec *r, int detect, const expect_rule_t *rule,
                 int level, int status, const char *reason)
{
    set_notes(r, detect ? EXPECT_WORD_DETECT : EXPECT_WORD_REFUSE,
              rule->name, status, reason);
    ap_log_rerror(APLOG_MARK, level, 0, r,
                  "expect: %s %d: %s (ExpectRequire at %s)",
                  detect ? "would refuse" : "refused", status, reason,
                  expect_quoted_place(r->pool, rule));
}

static int would_refuse(expect_request_t *e)
{
    expect_verdict_set(&e->outcome.verdict, EXPECT_WOULD_REFUSE);
    e->outcome.logged = 1;
    return DECLINED;
}

/* With more rules than this it would cost more than to refuse does. */
#define RULES_TOLD_MAX 100

/* The bounds of all rules, where the one that refuses has any: who keeps to
 * those of the one would be refused by the next. */
static void tell_in_force(apr_pool_t *p, const expect_request_t *e,
                          const expect_rule_t *rule, expect_accepts_t *told)
{
    int has_bounds = told->max != EXPECT_UNLIMITED || told->min > 0;
    int has_types = told->accepted && told->is_types;
    expect_accepts_t all;

    /* of <Limit>: it is not among what is told of all */
    if ((!has_bounds && !has_types) || rule->limited != -1
        || e->section.rules->leaves > RULES_TOLD_MAX) {
        return;
    }
    expect_rule_accepts_all(p, e->section.rules, &all);
    if (has_bounds) {
        told->max = all.max != EXPECT_UNLIMITED ? all.max : told->max;
        told->min = all.min > 0 ? all.min : told->min;
    }
    if (has_types && !all.is_long && all.accepted && all.accepted->nelts) {
        told->accepted = all.accepted;
    }
}

int expect_enforce_refuse(request_rec *r, expect_request_t *e,
                  const expect_answer_t *answer)
{
    const expect_rule_t *rule = answer->rule;
    ap_conf_vector_t *per_dir_config = r->per_dir_config;
    const struct ap_logconf *log = r->log;
    int detect = e->section.conf->engine == EXPECT_ENGINE_DETECT;
    int fault = answer->value == EXPECT_ERROR;
    int status = refusal_status(e, answer);
    const char *reason =
        fault ? apr_pstrcat(r->pool, rule->name, " cannot be evaluated", NULL)
              : expect_rule_reason(r->pool, answer, &e->facts);

    /* the section's own LogLevel and ErrorDocument are in force, also where
     * only the lookup has come that far */
    r->per_dir_config = e->facts.r->per_dir_config;
    r->log = e->facts.r->log;

    tell(r, detect, rule, fault ? APLOG_ERR : APLOG_INFO, status, reason);
    e->outcome.status = status;
    if (detect) {
        r->per_dir_config = per_dir_config;
        r->log = log;
        e->outcome.rule = rule;
        e->outcome.reason = reason;
        return would_refuse(e);
    }
    expect_count(r, EXPECT_N_REFUSE, rule->name, status, reason,
                 e->head.length, e->head.expects_100 && r->expecting_100);
    expect_verdict_set(&e->outcome.verdict, EXPECT_REFUSED);
    expect_rule_accepts(r->pool, answer, &e->facts, &e->outcome.accepts);
    tell_in_force(r->pool, e, rule, &e->outcome.accepts);
    expect_page_prepare(r, status, rule->name, reason, &e->outcome.accepts);
    expect_linger_begin(r);
    return status;
}

void expect_count_outcome(const request_rec *r, expect_request_t *e)
{
    if (!e || e->outcome.counted) {
        return;
    }
    if (e->outcome.verdict == EXPECT_ADMITTED) {
        e->outcome.counted = 1;
        expect_count(r, EXPECT_N_CONTINUE, NULL, 0, NULL, 0, 0);
    }
    else if (e->outcome.verdict == EXPECT_WOULD_REFUSE && e->outcome.rule) {
        e->outcome.counted = 1;
        expect_count(r, EXPECT_N_DETECT, e->outcome.rule->name, e->outcome.status,
                     e->outcome.reason, 0, 0);
    }
}

int expect_enforce_cut_off(request_rec *r, expect_request_t *e)
{
    const expect_answer_t answer = {
        EXPECT_DENIED, HTTP_REQUEST_ENTITY_TOO_LARGE, 0, 0, 0, e->content.max_rule,
        EXPECT_UNLIMITED, NULL, EXPECT_UNLIMITED, NULL
    };
    const char *reason =
        apr_pstrcat(r->pool, "content-length was not announced, and is over "
                    "max=", apr_off_t_toa(r->pool, e->content.max), NULL);

    expect_count_outcome(r, e);
    tell(r, e->content.is_dry_run, e->content.max_rule, APLOG_INFO, answer.status, reason);
    expect_count(r, e->content.is_dry_run ? EXPECT_N_WOULD_CUT : EXPECT_N_CUT_OFF,
                 e->content.max_rule->name, answer.status, reason, e->content.read, 0);
    if (e->content.is_dry_run) {
        e->content.max = EXPECT_UNLIMITED;
        return would_refuse(e);
    }
    expect_verdict_set(&e->outcome.verdict, EXPECT_CUT_OFF);
    e->outcome.status = answer.status;
    if (!r->sent_bodyct) {
        /* mod_proxy leaves the 100 here that it saw last; and a handler that
         * failed before it read, its error: this is answered in its place */
        r->status = HTTP_OK;
    }
    expect_rule_accepts(r->pool, &answer, &e->facts, &e->outcome.accepts);
    expect_page_prepare(r, answer.status, e->content.max_rule->name, reason, &e->outcome.accepts);
    expect_linger_begin(r);
    return answer.status;
}

void expect_enforce_yield(request_rec *r, expect_request_t *e, int status)
{
    if (e->outcome.verdict != EXPECT_UNDECIDED) {
        return;
    }
    if (e->section.conf->engine == EXPECT_ENGINE_DETECT) {
        expect_verdict_set(&e->outcome.verdict, EXPECT_NOT_JUDGED);
        return;
    }
    expect_verdict_set(&e->outcome.verdict, EXPECT_REFUSED);
    e->outcome.status = status;
    expect_linger_begin(r);
}

void expect_enforce_admit(request_rec *r, expect_request_t *e,
                  const expect_answer_t *answer)
{
    expect_request_limit(e, answer->cap, answer->cap_rule);
    if (e->outcome.logged) {
        expect_verdict_set(&e->outcome.verdict, EXPECT_WOULD_REFUSE);
        return;
    }
    expect_verdict_set(&e->outcome.verdict, EXPECT_ADMITTED);
    set_verdict(r, EXPECT_WORD_CONTINUE);
}

/* Core has refused this one before any hook could run, and we have not told
 * of it yet. */
static int is_unsupported(const request_rec *r)
{
    const char *expect;

    return r->status == HTTP_EXPECTATION_FAILED && !r->expecting_100
           && !r->main && !r->prev && !expect_request_get(r)
           && !apr_table_get(r->notes, EXPECT_NOTE_VERDICT)
           && (expect = apr_table_get(r->headers_in, "Expect")) && *expect;
}

/* What is among others, or there twice, still says that the client waits. */
static void count_unsupported(request_rec *r, const char *reason)
{
    const char *expect = apr_table_get(r->headers_in, "Expect");
    expect_head_t head;

    if (!expect_announced_head(&head, r, 0)) {
        head.length = 0;
    }
    expect_count(r, EXPECT_N_REFUSE, "expectation",
                 HTTP_EXPECTATION_FAILED, reason, head.length,
                 ap_strcasestr(expect, "100-continue") != NULL);
}

static void refuse_unsupported(request_rec *r)
{
    const char *reason = "only the expectation 100-continue is supported, "
                         "once and alone; leave the Expect field out";

    set_notes(r, EXPECT_WORD_REFUSE, "expectation",
              HTTP_EXPECTATION_FAILED, reason);
    count_unsupported(r, reason);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "expect: refused %d: %s",
                  HTTP_EXPECTATION_FAILED, reason);
    expect_page_prepare(r, HTTP_EXPECTATION_FAILED, "expectation", reason,
                        &expect_accepts_anything);
    expect_linger_begin(r);
}

void expect_unknown_expectation(request_rec *r)
{
    if (is_unsupported(r)) {
        refuse_unsupported(r);
        expect_filter_refuse_all(r);
    }
}

static void inherit_note(request_rec *r, const char *name)
{
    const char *value = apr_table_get(r->prev->notes, name);

    if (value) {
        apr_table_setn(r->notes, name, value);
    }
}

void expect_framing_remove(request_rec *r)
{
    r->headers_in = apr_table_copy(r->pool, r->headers_in);
    apr_table_unset(r->headers_in, "Content-Length");
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    apr_table_unset(r->headers_in, "Expect");
    /* mod_proxy would ask the origin for a 100, and hand it on */
    r->expecting_100 = 0;
}

void expect_redirect_continue(request_rec *r)
{
    expect_request_t *e = expect_request_get(r->prev);
    int unsupported = is_unsupported(r->prev);
    const char *verdict;

    expect_request_continue(r);
    expect_page_only_one(r);
    if (e) {
        expect_fields_restore(r, e);
    }
    if (e && e->section.rules) {
        expect_filter_reinstall(r, e);
    }
    if (unsupported) {
        /* the ErrorDocument has its own filters already */
        refuse_unsupported(r->prev);
        expect_filter_refuse_all(r);
    }
    verdict = apr_table_get(r->prev->notes, EXPECT_NOTE_VERDICT);
    if (verdict) {
        set_verdict(r, verdict);
        inherit_note(r, EXPECT_NOTE_RULE);
        inherit_note(r, EXPECT_NOTE_STATUS);
        inherit_note(r, EXPECT_NOTE_REASON);
    }
    if (unsupported || (e && e->outcome.verdict == EXPECT_REFUSED)) {
        expect_framing_remove(r);
    }
}
