/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request on its way: begin, take the rules, decide.
 */

#include "httpd.h"
#include "http_config.h"

#include "connection.h"
#include "content.h"
#include "refusal.h"
#include "request.h"
#include "rules.h"
#include "trace.h"

int expect_request_head(expect_head_t *head, const request_rec *r, int asked)
{
    if (EXPECT_LENGTH_IS_OPEN(r)) {
        expect_head_set(head, r->headers_in, EXPECT_LENGTH_UNKNOWN, asked);
        return 1;
    }
    return expect_head_read(head, r->headers_in, asked);
}

expect_request_t *expect_request_begin(request_rec *r)
{
    expect_request_t *e;
    expect_head_t head;

    /* RFC 9110, 10.1.1: an HTTP/1.0 client cannot mean to wait */
    if (r->main || r->prev || (r->method_number == M_CONNECT && r->proxyreq)
        || !expect_request_head(&head, r,
                                r->expecting_100
                                && r->proto_num >= HTTP_VERSION(1, 1))) {
        return NULL;
    }

    e = apr_pcalloc(r->pool, sizeof(*e));
    e->stage = EXPECT_AT_DIRECTORY;
    e->head = head;
    e->fields = apr_table_copy(r->pool, r->headers_in);
    e->head.fields = e->fields;
    e->content_length = apr_table_get(e->fields, "Content-Length");
    e->transfer_encoding = apr_table_get(e->fields, "Transfer-Encoding");
    e->facts.head = &e->head;
    e->facts.pool = r->pool;
    e->facts.method = AP_METHOD_BIT << r->method_number;
    e->facts.auth = EXPECT_AUTH_PENDING;
    e->cap = EXPECT_NO_CAP;
    ap_set_module_config(r->request_config, &expect_module, e);
    return e;
}

void expect_request_follow(request_rec *r)
{
    expect_request_t *e = expect_request_get(r->prev);

    if (e && (!e->taken_in || e->state == EXPECT_OPEN
              || e->state == EXPECT_ADMITTED
              || e->state == EXPECT_DETECTED)) {
        ap_set_module_config(r->request_config, &expect_module, e);
        e->facts.r = r;
        e->stage = EXPECT_AT_DIRECTORY;
        e->asked_at = EXPECT_AT_HEAD;
    }
}

static int is_exempt(const expect_dir_conf_t *conf, const expect_head_t *head)
{
    return !expect_conf_governs(conf)
           || (conf->scope == EXPECT_SCOPE_EXPECTATION && !head->asked);
}

void expect_request_take_rules(request_rec *r, expect_request_t *e,
                               request_rec *in)
{
    const expect_dir_conf_t *conf = expect_conf_of(in->per_dir_config);
    int is_first = !e->taken_in;

    e->facts.r = in;
    e->taken_in = in;
    e->section = in->per_dir_config;
    if (!is_first && conf == e->conf) {
        return;
    }
    if (is_exempt(conf, &e->head)) {
        e->state = e->state == EXPECT_OPEN ? EXPECT_EXEMPT : e->state;
        return;
    }
    expect_content_guard(r, e);
    if (!e->ended) {
        expect_connection_hold(r);
    }
    /* what the lookup has detected is logged already */
    if (e->state == EXPECT_DETECTED && conf->engine == EXPECT_ENGINE_DETECT) {
        return;
    }
    e->conf = conf;
    e->state = EXPECT_OPEN;
    e->asked_at = EXPECT_AT_HEAD;
    e->facts.trace = expect_trace_for(in, &e->facts);
    e->rules = expect_conf_rules(in->pool, conf);
    /* rules that are all known at the directory are evaluated once: only those
     * that are evaluated again need a memory */
    e->memo = e->rules->known_at <= EXPECT_AT_DIRECTORY
                  ? NULL
                  : apr_pcalloc(in->pool,
                                e->rules->leaves * sizeof(*e->memo));
}

/* Whether nothing that comes later can change what is undecided now. */
static int is_last(const request_rec *r, const expect_request_t *e,
                   expect_stage_e stage)
{
    if (stage == EXPECT_AT_HANDLER) {
        /* it goes on in the redirect */
        return !expect_target_is_rewritten(r);
    }
    return stage >= EXPECT_AT_USER && stage >= e->rules->known_at;
}

expect_answer_t expect_request_decide(expect_request_t *e,
                                      expect_stage_e stage)
{
    request_rec *r = e->facts.r;
    apr_table_t *fields = r->headers_in;
    expect_answer_t answer;

    /* providers of Require read the head, too */
    r->headers_in = e->fields;
    e->judging = 1;
    answer = expect_rule_decide(e->rules, &e->facts, stage, e->memo);
    e->judging = 0;
    r->headers_in = fields;
    return answer;
}

void expect_request_bound(expect_request_t *e, apr_off_t cap,
                          const expect_rule_t *rule)
{
    unsigned detects = e->conf->engine == EXPECT_ENGINE_DETECT;

    if (cap != EXPECT_NO_CAP
        && (e->cap == EXPECT_NO_CAP || detects < e->cap_detects
            || (detects == e->cap_detects && cap < e->cap))) {
        e->cap = cap;
        e->cap_rule = rule;
        e->cap_detects = detects;
    }
}

int expect_request_judge(request_rec *r, expect_request_t *e,
                         expect_stage_e stage)
{
    expect_answer_t answer;

    /* it was sent inside a read, and the reader may have gone on */
    if (e->answered) {
        return e->status;
    }
    /* another read at the same stage knows no more */
    if (e->state != EXPECT_OPEN || stage <= e->asked_at) {
        return DECLINED;
    }

    e->asked_at = stage;
    answer = expect_request_decide(e, stage);
    switch (answer.value) {
    case EXPECT_DENIED:
    case EXPECT_ERROR:
        return expect_refuse(r, e, &answer);
    case EXPECT_UNKNOWN:
        if (!is_last(r, e, stage)) {
            expect_request_bound(e, answer.held, answer.held_rule);
            return DECLINED;
        }
        /* what stays unknown does not admit */
        answer = expect_request_decide(e, EXPECT_AT_END);
        return expect_refuse(r, e, &answer);
    default:
        /* an alternative that is still open could widen the cap */
        if (answer.cap == EXPECT_NO_CAP || stage >= e->rules->known_at
            || is_last(r, e, stage)) {
            expect_admit(r, e, &answer);
        }
        else {
            expect_request_bound(e, answer.held, answer.held_rule);
        }
        return DECLINED;
    }
}
