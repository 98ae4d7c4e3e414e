/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a decision does: it admits, refuses, cuts off, or yields.
 */

#include "httpd.h"
#include "http_log.h"
#include "http_protocol.h"

#include "apr_strings.h"

#include "answer/admission.h"
#include "answer/enforce.h"
#include "answer/linger.h"
#include "answer/notes.h"
#include "answer/once.h"
#include "answer/refusal.h"
#include "judge/judge.h"
#include "ledger/claims.h"
#include "rules/limits.h"
#include "tree/describe.h"

/* --- refusals ------------------------------------------------------------ */

static void enforce_detected(expect_request_t *e)
{
    expect_verdict_set(&e->outcome.verdict, EXPECT_WOULD_REFUSE);
    e->outcome.logged = 1;
}

/* Rules that remember answer their own status: after 417 a client would try
 * again at once. */
static int enforce_status(const expect_request_t *e, const expect_rule_t *rule,
                          int rule_status)
{
    return e->head.expects_100 && !rule->remembers
           && e->section.conf->status != EXPECT_STATUS_SPECIFIC
               ? HTTP_EXPECTATION_FAILED : rule_status;
}

/* What is to be said of a refusal by the rules. */
static void enforce_describe(expect_notice_t *notice, const request_rec *r,
                             expect_request_t *e,
                             const expect_answer_t *answer)
{
    int is_error = answer->value == EXPECT_ERROR;
    expect_refusal_t refusal;

    expect_rule_refusal(r->pool, e->section.rules, answer, &e->facts, &refusal);
    e->outcome.accepts = refusal.accepts;
    notice->rule = refusal.rule->name;
    notice->at = refusal.rule;
    notice->accepts = &e->outcome.accepts;
    notice->level = is_error ? APLOG_ERR : APLOG_INFO;
    notice->status = is_error ? refusal.status
                              : enforce_status(e, answer->rule,
                                                refusal.status);
    notice->reason = refusal.reason;
    notice->bytes = e->head.length;
    notice->client_waits = e->head.expects_100 && r->expecting_100;
}

/*
 * The section's own LogLevel and ErrorDocument hold for its refusals. A request
 * that is refused before httpd knows its section has neither yet: it gets what
 * the lookup has found. Under DetectionOnly the request goes on as it was.
 */
static int enforce_refuse(request_rec *r, expect_request_t *e,
                          const expect_answer_t *answer)
{
    ap_conf_vector_t *per_dir_config = r->per_dir_config;
    const struct ap_logconf *log = r->log;
    expect_notice_t notice = { 0 };

    enforce_describe(&notice, r, e, answer);
    notice.is_dry_run = e->section.conf->engine == EXPECT_ENGINE_DETECT;
    notice.counted_as = notice.is_dry_run ? EXPECT_N_COUNTS : EXPECT_N_REFUSE;
    e->outcome.status = notice.status;
    if (!notice.is_dry_run) {
        expect_verdict_set(&e->outcome.verdict, EXPECT_REFUSED);
        /* what an earlier section has taken */
        expect_admission_settle(e);
    }

    r->per_dir_config = e->facts.r->per_dir_config;
    r->log = e->facts.r->log;
    expect_refusal_send(r, &notice);
    if (!notice.is_dry_run) {
        return notice.status;
    }
    r->per_dir_config = per_dir_config;
    r->log = log;
    e->outcome.rule = notice.at;
    e->outcome.reason = notice.reason;
    enforce_detected(e);
    return DECLINED;
}

int expect_enforce_cut_off(request_rec *r, expect_request_t *e)
{
    const expect_rule_t *rule = e->content.max_rule;
    expect_notice_t notice = { 0 };

    expect_count_outcome(r, e);
    if (!e->content.is_dry_run) {
        expect_admission_settle(e);
    }
    e->outcome.accepts = expect_accepts_anything;
    if (rule->remembers) {
        expect_limits_look_again(&e->facts, rule->arg);
    }
    if (rule->type->accepts) {
        rule->type->accepts(r->pool, &e->facts, rule->arg,
                            &e->outcome.accepts);
    }
    notice.status = HTTP_REQUEST_ENTITY_TOO_LARGE;
    notice.rule = rule->name;
    notice.at = rule;
    notice.reason = rule->remembers
        ? expect_limits_cut_off(r->pool, &e->facts, rule->arg, e->content.max,
                                &notice.status)
        : apr_pstrcat(r->pool, "content of unknown length exceeded max=",
                      apr_off_t_toa(r->pool, e->content.max), NULL);
    notice.accepts = &e->outcome.accepts;
    notice.level = APLOG_INFO;
    notice.is_dry_run = e->content.is_dry_run;
    notice.counted_as = notice.is_dry_run ? EXPECT_N_WOULD_CUT
                                          : EXPECT_N_CUT_OFF;
    notice.bytes = e->content.read;
    if (!notice.is_dry_run) {
        expect_verdict_set(&e->outcome.verdict, EXPECT_CUT_OFF);
        e->outcome.status = notice.status;
        if (!expect_once_has_begun(r)) {
            /* mod_proxy leaves the 100 here that it saw last, and a handler
             * that failed before it read leaves its error: the refusal is
             * answered in their place */
            r->status = HTTP_OK;
        }
    }
    expect_refusal_send(r, &notice);
    if (!notice.is_dry_run) {
        return notice.status;
    }
    expect_request_lift_limit(e);
    enforce_detected(e);
    return DECLINED;
}

/* --- other modules' denials, and failures -------------------------------- */

void expect_enforce_close(request_rec *r, expect_request_t *e, int status)
{
    expect_verdict_set(&e->outcome.verdict, EXPECT_REFUSED);
    e->outcome.status = status;
    expect_linger_begin(r);
}

void expect_enforce_exempt(expect_request_t *e)
{
    expect_verdict_set(&e->outcome.verdict, EXPECT_NOT_JUDGED);
    expect_request_lift_limit(e);
}

void expect_enforce_replace_status(request_rec *r, expect_request_t *e,
                                   int status)
{
    r->status = status;
    r->status_line = ap_get_status_line(status);
    e->outcome.replaces_status = 1;
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
    expect_enforce_close(r, e, status);
}

/* --- admission ----------------------------------------------------------- */

void expect_enforce_admit(request_rec *r, expect_request_t *e,
                          const expect_answer_t *answer)
{
    expect_request_limit(e, answer->max, answer->max_rule);
    if (e->outcome.logged) {
        expect_verdict_set(&e->outcome.verdict, EXPECT_WOULD_REFUSE);
        return;
    }
    expect_verdict_set(&e->outcome.verdict, EXPECT_ADMITTED);
    expect_notes_verdict(r, EXPECT_WORD_CONTINUE);
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
        expect_count(r, EXPECT_N_DETECT, e->outcome.rule->name,
                     e->outcome.status, e->outcome.reason, 0, 0);
    }
}

/*
 * An admission rests on what the ledger had when the rules were evaluated. If
 * others have taken it meanwhile, or the store knows more, that rule does not
 * hold any more for this upload. The rules are evaluated again: an alternative
 * may admit. If no time is left to ask the store for that, one that needs no
 * store may admit; else the refusal by the rule that was reached stands.
 */
static int enforce_claims(request_rec *r, expect_request_t *e,
                          expect_stage_e stage, expect_answer_t *answer,
                          expect_grants_t *grants)
{
    expect_claims_t *claims = e->facts.claims;
    const expect_rule_t *reached = NULL, *rule;
    int i;

    if (e->section.conf->engine == EXPECT_ENGINE_DETECT) {
        expect_enforce_admit(r, e, answer);
        return DECLINED;
    }
    for (i = 0; i < EXPECT_CLAIMS_MAX; ++i) {
        if (answer->value != EXPECT_GRANTED
            && answer->value != EXPECT_NEUTRAL) {
            if (reached && claims->is_late) {
                break;
            }
            return enforce_refuse(r, e, answer);
        }
        rule = expect_admission_take(e, grants);
        if (!rule) {
            expect_enforce_admit(r, e, answer);
            return DECLINED;
        }
        if (!reached || !claims->is_late) {
            reached = rule;
        }
        if (!e->section.rules->has_alternatives) {
            break;
        }
        if (i > 0 && e->section.rules->remembers > i + 2) {
            /* two takes were refused, and several rules are left: if there is a
             * store, one look at all of them, not a take of each in turn */
            claims->is_direct = 0;
            claims->asks_store = 1;
        }
        *answer = expect_judge_claims(e, stage, grants);
    }
    answer->value = EXPECT_DENIED;
    answer->rule = reached;
    answer->status = expect_limits_refused(reached->arg, &e->facts);
    return enforce_refuse(r, e, answer);
}

int expect_enforce(request_rec *r, expect_request_t *e, expect_stage_e stage)
{
    expect_grants_t *grants;
    expect_answer_t answer;

    /* the handler may have ignored the error of its read: answer again */
    if (e->content.answered) {
        return e->outcome.status;
    }
    if (!expect_judge_is_due(e, stage)) {
        return DECLINED;
    }
    switch (expect_judge(&answer, &grants, r, e, stage)) {
    case EXPECT_DECIDE_REFUSE:
        return enforce_refuse(r, e, &answer);
    case EXPECT_DECIDE_ADMIT:
        if (grants) {
            return enforce_claims(r, e, stage, &answer, grants);
        }
        expect_enforce_admit(r, e, &answer);
        return DECLINED;
    default:
        return DECLINED;
    }
}
