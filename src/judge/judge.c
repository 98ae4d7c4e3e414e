/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the rules in force say of a request.
 */

#include "httpd.h"

#include "judge/judge.h"
#include "rules/target.h"
#include "tree/evaluate.h"

expect_answer_t expect_judge_claims(expect_request_t *e, expect_stage_e stage,
                                    apr_array_header_t *claiming)
{
    request_rec *r = e->facts.r;
    apr_table_t *fields = r->headers_in;
    expect_busy_e busy = e->busy;
    expect_answer_t answer;

    /* providers of Require read r->headers_in: they see the head as sent */
    r->headers_in = e->fields;
    e->busy = EXPECT_EVALUATING;
    answer = expect_rule_evaluate_claims(e->section.rules, &e->facts, stage,
                                         e->section.answers, claiming);
    e->busy = busy;
    r->headers_in = fields;
    return answer;
}

expect_answer_t expect_judge_evaluate(expect_request_t *e,
                                      expect_stage_e stage)
{
    return expect_judge_claims(e, stage, NULL);
}

/* Rules that remember are evaluated last: when the handler is about to run, or
 * somebody reads content earlier. */
static int may_claim(const expect_request_t *e, expect_stage_e stage)
{
    return e->section.rules->remembers && stage > e->section.claimed_to
           && (stage == EXPECT_AT_HANDLER || e->content.is_early);
}

/* All other rules have had their last say: only the ledger can still decide. */
static int waits_for_ledger(const expect_request_t *e)
{
    return e->section.rules->remembers
           && e->section.evaluated_to > EXPECT_AT_HEAD
           && e->section.evaluated_to >= e->section.rules->others_final;
}

/* Whether rules that remember make a difference: they decide, or one of them is
 * an alternative that allows more bytes. */
static int could_grant_more(const expect_answer_t *answer)
{
    return answer->value == EXPECT_UNKNOWN
           || (answer->value == EXPECT_GRANTED
               && answer->max != EXPECT_UNLIMITED);
}

/* Whether nothing that comes later can change what is unknown now. */
static int judge_is_last(const request_rec *r, const expect_request_t *e,
                         expect_stage_e stage)
{
    if (stage == EXPECT_AT_HANDLER) {
        /* mod_rewrite redirects: the rules are evaluated again there */
        return !expect_target_is_rewritten(r);
    }
    return stage >= EXPECT_AT_USER && stage >= e->section.rules->final;
}

/*
 * Evaluate the rules that remember as well.
 * @param answer in: the result without them; out: with them
 * @return 1 if the request is admitted, once everything is taken
 */
static int judge_with_ledger(expect_answer_t *answer,
                             apr_array_header_t **claiming,
                             expect_request_t *e, expect_stage_e stage)
{
    int is_capped = answer->value == EXPECT_GRANTED
                    && stage != EXPECT_AT_HANDLER;

    e->section.claimed_to = stage;
    *claiming = apr_array_make(e->facts.pool, 4,
                               sizeof(const expect_rule_t *));
    *answer = expect_judge_claims(e, stage, *claiming);
    return answer->value == EXPECT_NEUTRAL
           || (answer->value == EXPECT_GRANTED
               && (!is_capped || answer->max == EXPECT_UNLIMITED));
}

expect_decision_e expect_judge(expect_answer_t *answer,
                               apr_array_header_t **claiming,
                               const request_rec *r, expect_request_t *e,
                               expect_stage_e stage)
{
    *claiming = NULL;
    /* a further read at the same stage brings no new facts */
    if (e->outcome.verdict != EXPECT_UNDECIDED
        || ((stage <= e->section.evaluated_to || waits_for_ledger(e))
            && !may_claim(e, stage))) {
        return EXPECT_DECIDE_LATER;
    }

    e->section.evaluated_to = stage;
    *answer = expect_judge_evaluate(e, stage);
    if (may_claim(e, stage) && could_grant_more(answer)
        && judge_with_ledger(answer, claiming, e, stage)) {
        return EXPECT_DECIDE_ADMIT;
    }
    switch (answer->value) {
    case EXPECT_DENIED:
    case EXPECT_ERROR:
        return EXPECT_DECIDE_REFUSE;
    case EXPECT_UNKNOWN:
        if (judge_is_last(r, e, stage)) {
            /* still unknown at the last stage: refuse */
            *answer = expect_judge_evaluate(e, EXPECT_AT_END);
            return EXPECT_DECIDE_REFUSE;
        }
        break;
    default:
        /* an undecided alternative may allow more bytes */
        if (answer->max == EXPECT_UNLIMITED
            || stage >= e->section.rules->final
            || judge_is_last(r, e, stage)) {
            return EXPECT_DECIDE_ADMIT;
        }
    }
    expect_request_limit(e, answer->early_max, answer->early_rule);
    return EXPECT_DECIDE_LATER;
}
