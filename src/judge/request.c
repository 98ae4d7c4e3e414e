/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request on its way: begin, take the rules, decide.
 */

#include "httpd.h"
#include "http_config.h"

#include "judge/connection.h"
#include "content/filter.h"
#include "answer/enforce.h"
#include "judge/request.h"
#include "rules/target.h"
#include "config/merge.h"
#include "tree/evaluate.h"
#include "judge/trace.h"

const expect_facts_t *expect_request_facts(const request_rec *r)
{
    const expect_request_t *e = expect_request_get(expect_announced_first(r));

    return e ? &e->facts : NULL;
}

expect_request_t *expect_request_begin(request_rec *r)
{
    expect_request_t *e;
    expect_head_t head;

    /* RFC 9110, 10.1.1: an HTTP/1.0 client cannot mean to wait */
    if (r->main || r->prev || (r->method_number == M_CONNECT && r->proxyreq)
        || !expect_announced_head(&head, r,
                                  r->expecting_100
                                  && r->proto_num >= HTTP_VERSION(1, 1))) {
        return NULL;
    }

    e = apr_pcalloc(r->pool, sizeof(*e));
    e->stage = EXPECT_AT_DIRECTORY;
    e->head = head;
    e->fields = apr_table_copy(r->pool, r->headers_in);
    e->head.fields = e->fields;
    e->content.length = apr_table_get(e->fields, "Content-Length");
    e->content.transfer_encoding = apr_table_get(e->fields, "Transfer-Encoding");
    e->facts.head = &e->head;
    e->facts.patience = &e->patience;
    e->facts.pool = r->pool;
    e->facts.method = AP_METHOD_BIT << r->method_number;
    e->facts.auth = EXPECT_AUTH_PENDING;
    e->content.max = EXPECT_UNLIMITED;
    ap_set_module_config(r->request_config, &expect_module, e);
    return e;
}

void expect_request_continue(request_rec *r)
{
    expect_request_t *e = expect_request_get(r->prev);

    if (e && (!e->section.entered_by || e->outcome.verdict == EXPECT_UNDECIDED
              || e->outcome.verdict == EXPECT_ADMITTED
              || e->outcome.verdict == EXPECT_WOULD_REFUSE)) {
        ap_set_module_config(r->request_config, &expect_module, e);
        e->facts.r = r;
        e->stage = EXPECT_AT_DIRECTORY;
        e->section.evaluated_to = EXPECT_AT_HEAD;
    }
}

static int is_exempt(const expect_dir_conf_t *conf, const expect_head_t *head)
{
    return !expect_conf_governs(conf)
           || (conf->scope == EXPECT_SCOPE_EXPECTATION && !head->expects_100);
}

void expect_request_enter_section(request_rec *r, expect_request_t *e,
                               request_rec *in)
{
    const expect_dir_conf_t *conf = expect_conf_of(in->per_dir_config);
    int is_first = !e->section.entered_by;

    e->facts.r = in;
    e->section.entered_by = in;
    e->section.vector = in->per_dir_config;
    if (!is_first && conf == e->section.conf) {
        return;
    }
    if (is_exempt(conf, &e->head)) {
        expect_verdict_set(&e->outcome.verdict, e->outcome.verdict == EXPECT_UNDECIDED ? EXPECT_NOT_JUDGED : e->outcome.verdict);
        return;
    }
    expect_filter_install(r, e);
    if (!e->content.ended) {
        expect_unread_hold(r);
    }
    /* what the lookup has detected is logged already */
    if (e->outcome.verdict == EXPECT_WOULD_REFUSE && conf->engine == EXPECT_ENGINE_DETECT) {
        return;
    }
    e->section.conf = conf;
    expect_verdict_set(&e->outcome.verdict, EXPECT_UNDECIDED);
    e->section.evaluated_to = EXPECT_AT_HEAD;
    e->facts.trace = expect_trace_for(in, &e->facts);
    e->section.rules = expect_conf_rules(in->pool, conf);
    /* rules that are all known at the directory are evaluated once: only those
     * that are evaluated again need a memory */
    e->section.answers = e->section.rules->final <= EXPECT_AT_DIRECTORY
                  ? NULL
                  : apr_pcalloc(in->pool,
                                e->section.rules->leaves * sizeof(*e->section.answers));
}

/* Whether nothing that comes later can change what is undecided now. */
static int is_last(const request_rec *r, const expect_request_t *e,
                   expect_stage_e stage)
{
    if (stage == EXPECT_AT_HANDLER) {
        /* it goes on in the redirect */
        return !expect_target_is_rewritten(r);
    }
    return stage >= EXPECT_AT_USER && stage >= e->section.rules->final;
}

expect_answer_t expect_judge_evaluate(expect_request_t *e,
                                      expect_stage_e stage)
{
    request_rec *r = e->facts.r;
    apr_table_t *fields = r->headers_in;
    expect_answer_t answer;

    /* providers of Require read the head, too */
    r->headers_in = e->fields;
    e->busy = EXPECT_EVALUATING;
    answer = expect_rule_evaluate(e->section.rules, &e->facts, stage, e->section.answers);
    e->busy = EXPECT_IDLE;
    r->headers_in = fields;
    return answer;
}

void expect_request_limit(expect_request_t *e, apr_off_t cap,
                          const expect_rule_t *rule)
{
    unsigned detects = e->section.conf->engine == EXPECT_ENGINE_DETECT;

    if (cap != EXPECT_UNLIMITED
        && (e->content.max == EXPECT_UNLIMITED || detects < e->content.is_dry_run
            || (detects == e->content.is_dry_run && cap < e->content.max))) {
        e->content.max = cap;
        e->content.max_rule = rule;
        e->content.is_dry_run = detects;
    }
}

int expect_enforce(request_rec *r, expect_request_t *e,
                         expect_stage_e stage)
{
    expect_answer_t answer;

    /* it was sent inside a read, and the reader may have gone on */
    if (e->content.answered) {
        return e->outcome.status;
    }
    /* another read at the same stage knows no more */
    if (e->outcome.verdict != EXPECT_UNDECIDED || stage <= e->section.evaluated_to) {
        return DECLINED;
    }

    e->section.evaluated_to = stage;
    answer = expect_judge_evaluate(e, stage);
    switch (answer.value) {
    case EXPECT_DENIED:
    case EXPECT_ERROR:
        return expect_enforce_refuse(r, e, &answer);
    case EXPECT_UNKNOWN:
        if (!is_last(r, e, stage)) {
            expect_request_limit(e, answer.held, answer.held_rule);
            return DECLINED;
        }
        /* what survives_none unknown does not admit */
        answer = expect_judge_evaluate(e, EXPECT_AT_END);
        return expect_enforce_refuse(r, e, &answer);
    default:
        /* an alternative that is still open could widen the cap */
        if (answer.cap == EXPECT_UNLIMITED || stage >= e->section.rules->final
            || is_last(r, e, stage)) {
            expect_enforce_admit(r, e, &answer);
        }
        else {
            expect_request_limit(e, answer.held, answer.held_rule);
        }
        return DECLINED;
    }
}
