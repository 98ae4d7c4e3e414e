/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The state of one judged request: how it begins, which section it enters.
 */

#include "httpd.h"
#include "http_config.h"

#include "base/announced.h"
#include "config/merge.h"
#include "judge/request.h"
#include "judge/trace.h"
#include "ledger/claims.h"
#include "ledger/fleet.h"

/* RFC 9110, 9.3.6: a CONNECT request to a proxy has no content. */
static int request_is_tunnel(const request_rec *r)
{
    return r->method_number == M_CONNECT && r->proxyreq;
}

const expect_facts_t *expect_request_facts(const request_rec *r)
{
    const expect_request_t *e = expect_request_get(expect_announced_first(r));

    return e ? &e->facts : NULL;
}

expect_request_t *expect_request_begin(request_rec *r)
{
    expect_request_t *e;
    expect_head_t head;

    /* RFC 9110, 10.1.1: the expectation of an HTTP/1.0 client is ignored */
    if (r->main || r->prev || request_is_tunnel(r)
        || !expect_announced_head(&head, r,
                                  r->expecting_100
                                  && r->proto_num >= HTTP_VERSION(1, 1))) {
        return NULL;
    }

    e = apr_pcalloc(r->pool, sizeof(*e));
    e->fields = apr_table_copy(r->pool, r->headers_in);
    e->head = head;
    e->head.fields = e->fields;
    e->facts.head = &e->head;
    e->facts.pool = r->pool;
    e->facts.method = AP_METHOD_BIT << r->method_number;
    e->facts.auth = EXPECT_AUTH_PENDING;
    e->facts.patience = &e->patience;
    e->stage = EXPECT_AT_DIRECTORY;
    e->content.length = apr_table_get(e->fields, "Content-Length");
    e->content.transfer_encoding = apr_table_get(e->fields,
                                                 "Transfer-Encoding");
    e->content.max = EXPECT_UNLIMITED;
    ap_set_module_config(r->request_config, &expect_module, e);
    return e;
}

void expect_request_continue(request_rec *r)
{
    expect_request_t *e = expect_request_get(r->prev);

    if (e && (!e->section.entered_by
              || e->outcome.verdict == EXPECT_UNDECIDED
              || e->outcome.verdict == EXPECT_ADMITTED
              || e->outcome.verdict == EXPECT_WOULD_REFUSE)) {
        ap_set_module_config(r->request_config, &expect_module, e);
        e->facts.r = r;
        e->stage = EXPECT_AT_DIRECTORY;
        e->section.evaluated_to = EXPECT_AT_HEAD;
        e->section.claimed_to = EXPECT_AT_HEAD;
    }
}

static int request_is_exempt(const expect_dir_conf_t *conf,
                             const expect_head_t *head)
{
    return !expect_conf_governs(conf)
           || (conf->scope == EXPECT_SCOPE_EXPECTATION && !head->expects_100);
}

/* Rules that are all final at the stage of the directory are evaluated once,
 * those that remember apart. Only rules that are evaluated again need their
 * earlier answers. */
static expect_answer_t *request_make_answers(apr_pool_t *p,
                                             const expect_rule_t *rules)
{
    return expect_request_final(rules) <= EXPECT_AT_DIRECTORY
               ? NULL : apr_pcalloc(p, rules->leaves * sizeof(expect_answer_t));
}

/* Rules that remember are rare: other requests cost nothing more. */
static void request_prepare_claims(expect_request_t *e)
{
    int looks;

    if (!e->facts.claims) {
        e->facts.claims = expect_claims_make(e->facts.pool);
        e->section.grants = apr_palloc(e->facts.pool,
                                       sizeof(*e->section.grants));
    }
    /* nothing is taken in a trial: the look decides; and the log at debug shows
     * what each rule finds */
    looks = e->section.conf->engine == EXPECT_ENGINE_DETECT || e->facts.trace;
    e->facts.claims->is_too_many =
        e->section.rules->remembers > EXPECT_CLAIMS_MAX;
    /* what the ledger has decides nothing where there is a store */
    e->facts.claims->is_direct =
        !looks && (!e->section.rules->has_alternatives
                   || expect_fleet_has_store());
    e->facts.claims->asks_store = looks;
    expect_fleet_begin(e->facts.claims);
}

int expect_request_enter_section(expect_request_t *e, request_rec *in)
{
    const expect_dir_conf_t *conf = expect_conf_of(in->per_dir_config);
    int is_first = !e->section.entered_by;

    e->facts.r = in;
    e->section.entered_by = in;
    e->section.vector = in->per_dir_config;
    if (!is_first && conf == e->section.conf) {
        return 0;
    }
    if (request_is_exempt(conf, &e->head)) {
        if (e->outcome.verdict == EXPECT_UNDECIDED) {
            expect_verdict_set(&e->outcome.verdict, EXPECT_NOT_JUDGED);
        }
        return 0;
    }
    /* the rules of an earlier section would refuse, and that is logged */
    if (e->outcome.verdict == EXPECT_WOULD_REFUSE
        && conf->engine == EXPECT_ENGINE_DETECT) {
        return 1;
    }
    expect_verdict_set(&e->outcome.verdict, EXPECT_UNDECIDED);
    e->facts.trace = expect_trace_for(in, &e->facts);
    e->section.conf = conf;
    e->section.evaluated_to = EXPECT_AT_HEAD;
    e->section.claimed_to = EXPECT_AT_HEAD;
    e->section.others_hold = 0;
    e->section.rules = expect_conf_rules(in->pool, conf);
    if (e->section.rules->remembers) {
        request_prepare_claims(e);
    }
    e->section.answers = request_make_answers(in->pool, e->section.rules);
    return 1;
}

void expect_request_limit(expect_request_t *e, apr_off_t max,
                          const expect_rule_t *rule)
{
    unsigned is_dry_run = e->section.conf->engine == EXPECT_ENGINE_DETECT;

    if (max != EXPECT_UNLIMITED
        && (e->content.max == EXPECT_UNLIMITED
            || is_dry_run < e->content.is_dry_run
            || (is_dry_run == e->content.is_dry_run && max < e->content.max))) {
        e->content.max = max;
        e->content.max_rule = rule;
        e->content.is_dry_run = is_dry_run;
    }
}

void expect_request_lift_limit(expect_request_t *e)
{
    e->content.max = EXPECT_UNLIMITED;
    e->content.max_rule = NULL;
    e->content.is_dry_run = 0;
}
