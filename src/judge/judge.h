/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the rules in force say of a request. Nothing is done about it here.
 */

#ifndef EXPECT_JUDGE_H
#define EXPECT_JUDGE_H

#include "judge/request.h"

typedef enum {
    EXPECT_DECIDE_LATER = 0, /* the rules need what is not known yet */
    EXPECT_DECIDE_ADMIT,
    EXPECT_DECIDE_REFUSE
} expect_decision_e;

/**
 * Evaluate the rules with what is known now. While they are evaluated,
 * e->facts.r->headers_in is the head as it was sent, and e->busy says so.
 * @param e     the state; a section was entered that has rules
 * @param stage how far the request has come
 * @return the result of the whole tree
 */
expect_answer_t expect_judge_evaluate(expect_request_t *e,
                                      expect_stage_e stage);

/**
 * Evaluate the rules, also those that remember, with what the ledger has now.
 * @param e        the state, undecided
 * @param stage    how far the request has come
 * @param grants   filled in: see expect_rule_evaluate_claims()
 * @return the result of the whole tree
 */
expect_answer_t expect_judge_claims(expect_request_t *e, expect_stage_e stage,
                                    expect_grants_t *grants);

/**
 * Whether there is something to decide.
 * @param e     the state
 * @param stage how far the request has come
 * @return 0 if the verdict stands already, or nothing new is known
 */
int expect_judge_is_due(const expect_request_t *e, expect_stage_e stage);

/**
 * Decide with what is known now. At the last stage that any rule needs, an
 * unknown result is a refusal.
 * @param answer on REFUSE and ADMIT: the result of the rules that decided
 * @param grants on ADMIT: what must be taken from the ledger; NULL: nothing
 * @param r      the main request, or an internal redirect that continues it
 * @param e      the state; expect_judge_is_due()
 * @param stage  how far the request has come
 * @return what is to be done
 */
expect_decision_e expect_judge(expect_answer_t *answer,
                               expect_grants_t **grants,
                               const request_rec *r, expect_request_t *e,
                               expect_stage_e stage);

#endif
