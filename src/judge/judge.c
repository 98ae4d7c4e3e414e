/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the rules in force say of a request.
 */

#include "httpd.h"

#include "judge/judge.h"
#include "rules/limits.h"
#include "rules/target.h"
#include "tree/evaluate.h"

/* What an evaluation changes meanwhile. */
typedef struct {
    apr_table_t *fields;
    expect_busy_e busy;
} judge_saved_t;

static judge_saved_t judge_begin(expect_request_t *e)
{
    request_rec *r = e->facts.r;
    judge_saved_t saved = { r->headers_in, e->busy };

    /* providers of Require read r->headers_in: they see the head as sent */
    r->headers_in = e->fields;
    e->busy = EXPECT_EVALUATING;
    return saved;
}

static void judge_end(expect_request_t *e, judge_saved_t saved)
{
    e->facts.r->headers_in = saved.fields;
    e->busy = saved.busy;
}

expect_answer_t expect_judge_claims(expect_request_t *e, expect_stage_e stage,
                                    expect_grants_t *grants)
{
    judge_saved_t saved = judge_begin(e);
    expect_answer_t answer;

    if (grants) {
        expect_limits_look(e->section.rules, &e->facts, stage);
    }
    answer = expect_rule_evaluate_claims(e->section.rules, &e->facts, stage,
                                         e->section.answers, grants);
    judge_end(e, saved);
    return answer;
}

expect_answer_t expect_judge_evaluate(expect_request_t *e,
                                      expect_stage_e stage)
{
    return expect_judge_claims(e, stage, NULL);
}

/* What can be known without the ledger. Rules that remember are judged apart
 * from the others, unless they are alternatives to them. */
static expect_answer_t judge_without_ledger(expect_request_t *e,
                                            expect_stage_e stage)
{
    judge_saved_t saved;
    expect_answer_t answer;

    if (e->section.rules->has_alternatives) {
        return expect_judge_evaluate(e, stage);
    }
    saved = judge_begin(e);
    answer = expect_rule_evaluate_others(e->section.rules, &e->facts, stage,
                                         e->section.answers);
    judge_end(e, saved);
    return answer;
}

/* Rules that remember are evaluated last: when the handler is about to run, or
 * when a module reads content earlier. */
static int may_claim(const expect_request_t *e, expect_stage_e stage)
{
    return (stage == EXPECT_AT_HANDLER || e->content.is_early)
           && e->section.rules->remembers && stage > e->section.claimed_to;
}

/* All other rules have had their last say: only the ledger can still decide. */
static int waits_for_ledger(const expect_request_t *e)
{
    return e->section.others_hold
           || (e->section.rules->remembers
               && e->section.evaluated_to > EXPECT_AT_HEAD
               && e->section.evaluated_to >= e->section.rules->others_final);
}

/* Whether nothing that comes later can change what is unknown now. */
static int judge_is_last(const request_rec *r, const expect_request_t *e,
                         expect_stage_e stage)
{
    if (stage == EXPECT_AT_HANDLER) {
        /* mod_rewrite redirects: the rules are evaluated again there */
        return !expect_target_is_rewritten(r);
    }
    return stage >= EXPECT_AT_USER
           && stage >= expect_request_final(e->section.rules);
}

static int is_admission(const expect_answer_t *answer)
{
    return answer->value == EXPECT_GRANTED || answer->value == EXPECT_NEUTRAL;
}

/* What follows from an answer. */
static expect_decision_e judge_answer(expect_answer_t *answer,
                                      const request_rec *r,
                                      expect_request_t *e,
                                      expect_stage_e stage)
{
    switch (answer->value) {
    case EXPECT_DENIED:
    case EXPECT_ERROR:
        return EXPECT_DECIDE_REFUSE;
    case EXPECT_UNKNOWN:
        if (judge_is_last(r, e, stage)) {
            /* still unknown at the last stage: refuse */
            *answer = judge_without_ledger(e, EXPECT_AT_END);
            return EXPECT_DECIDE_REFUSE;
        }
        break;
    default:
        /* an undecided alternative may allow more bytes */
        if (answer->max == EXPECT_UNLIMITED
            || stage >= expect_request_final(e->section.rules)
            || judge_is_last(r, e, stage)) {
            return EXPECT_DECIDE_ADMIT;
        }
    }
    expect_request_limit(e, answer->early_max, answer->early_rule);
    return EXPECT_DECIDE_LATER;
}

/* --- rules that remember, where they are no alternatives ------------------ */

static expect_decision_e judge_claims(expect_answer_t *answer,
                                      expect_request_t *e,
                                      expect_stage_e stage)
{
    judge_saved_t saved = judge_begin(e);
    int holds;

    expect_limits_look(e->section.rules, &e->facts, stage);
    holds = expect_rule_claim(answer, e->section.rules, &e->facts, stage,
                              e->section.grants);
    judge_end(e, saved);
    if (holds) {
        return EXPECT_DECIDE_ADMIT;
    }
    return answer->value == EXPECT_UNKNOWN ? EXPECT_DECIDE_LATER
                                           : EXPECT_DECIDE_REFUSE;
}

/*
 * Once the others hold, those that remember decide.
 * @param answer in: that of the others, unless they hold already
 */
static expect_decision_e judge_apart(expect_answer_t *answer,
                                     expect_grants_t **grants,
                                     const request_rec *r, expect_request_t *e,
                                     expect_stage_e stage)
{
    apr_off_t max = EXPECT_UNLIMITED;
    const expect_rule_t *max_rule = NULL;
    expect_decision_e decision;
    int is_due = may_claim(e, stage);

    if (is_due) {
        e->section.claimed_to = stage;
    }
    if (!e->section.others_hold) {
        decision = judge_answer(answer, r, e, stage);
        if (!is_admission(answer)) {
            return decision;
        }
        max = answer->max;
        max_rule = answer->max_rule;
        if (decision == EXPECT_DECIDE_ADMIT) {
            e->section.others_hold = 1;
            expect_request_limit(e, max, max_rule);
        }
    }
    if (!is_due) {
        return EXPECT_DECIDE_LATER;
    }
    *grants = e->section.grants;
    decision = judge_claims(answer, e, stage);
    if (decision == EXPECT_DECIDE_ADMIT) {
        expect_request_limit(e, max, max_rule);
    }
    return decision;
}

/* --- rules that remember, where they are alternatives --------------------- */

/* Whether rules that remember make a difference: they decide, or one of them is
 * an alternative that allows more bytes. */
static int could_grant_more(const expect_answer_t *answer)
{
    return answer->value == EXPECT_UNKNOWN
           || (answer->value == EXPECT_GRANTED
               && answer->max != EXPECT_UNLIMITED);
}

/*
 * Evaluate the rules that remember as well.
 * @param answer in: the result without them; out: with them
 * @return 1 if the request is admitted, once everything is taken
 */
static int judge_alternatives(expect_answer_t *answer,
                              expect_grants_t **grants,
                              expect_request_t *e, expect_stage_e stage)
{
    int is_capped = answer->value == EXPECT_GRANTED
                    && stage != EXPECT_AT_HANDLER;

    e->section.claimed_to = stage;
    *grants = e->section.grants;
    *answer = expect_judge_claims(e, stage, *grants);
    return answer->value == EXPECT_NEUTRAL
           || (answer->value == EXPECT_GRANTED
               && (!is_capped || answer->max == EXPECT_UNLIMITED));
}

int expect_judge_is_due(const expect_request_t *e, expect_stage_e stage)
{
    /* a further read at the same stage brings no new facts */
    return e->outcome.verdict == EXPECT_UNDECIDED
           && (may_claim(e, stage)
               || (stage > e->section.evaluated_to && !waits_for_ledger(e)));
}

expect_decision_e expect_judge(expect_answer_t *answer,
                               expect_grants_t **grants,
                               const request_rec *r, expect_request_t *e,
                               expect_stage_e stage)
{
    *grants = NULL;
    if (!e->section.others_hold) {
        e->section.evaluated_to = stage;
        *answer = judge_without_ledger(e, stage);
    }
    if (e->section.rules->remembers && !e->section.rules->has_alternatives) {
        return judge_apart(answer, grants, r, e, stage);
    }
    if (may_claim(e, stage) && could_grant_more(answer)
        && judge_alternatives(answer, grants, e, stage)) {
        return EXPECT_DECIDE_ADMIT;
    }
    return judge_answer(answer, r, e, stage);
}
