/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The three-valued evaluation of a rule tree; the tables are in tree.h.
 */

#ifndef EXPECT_EVALUATE_H
#define EXPECT_EVALUATE_H

#include "tree/tree.h"

/**
 * Evaluate a tree for a request.
 * @param rule  the tree
 * @param facts what is known
 * @param stage how far the request has come: leaves that need more are
 *              unknown. At EXPECT_AT_END no leaf is evaluated: the answers in
 *              memo are combined once more, and a denial among alternatives is
 *              preferred to one that is still unknown, as the better reason
 * @param memo  rule->leaves answers, zeroed at first: each leaf's answer is
 *              kept there, and a leaf whose answer is not unknown is not
 *              evaluated again; NULL: nothing is kept
 * @return the answer. Of several denials the first counts; among alternatives
 *         one with status 401 takes precedence, because the client can still
 *         log in
 */
expect_answer_t expect_rule_evaluate(const expect_rule_t *rule,
                                     const expect_facts_t *facts,
                                     expect_stage_e stage,
                                     expect_answer_t *memo);

/**
 * Evaluate a tree in which only rules that remember are undecided.
 * @param rule, facts, stage, memo as above
 * @param grants emptied, then filled with the leaves that remember and that
 *               the grant rests on: of All those of all children, of Any those
 *               of the alternative that admits
 * @return the answer; a grant holds only if all of these are taken
 */
expect_answer_t expect_rule_evaluate_claims(const expect_rule_t *rule,
                                            const expect_facts_t *facts,
                                            expect_stage_e stage,
                                            expect_answer_t *memo,
                                            expect_grants_t *grants);

/**
 * Evaluate a tree as if the rules that remember were not there.
 * @param rule, facts, stage, memo as above
 */
expect_answer_t expect_rule_evaluate_others(const expect_rule_t *rule,
                                            const expect_facts_t *facts,
                                            expect_stage_e stage,
                                            expect_answer_t *memo);

/**
 * List the rules that remember and that may be evaluated at a stage.
 * @param leaves emptied, then filled
 * @param rule, facts, stage as above
 */
void expect_rule_remembering(expect_grants_t *leaves,
                             const expect_rule_t *rule,
                             const expect_facts_t *facts, expect_stage_e stage);

/**
 * Evaluate only the rules that remember, where no alternative has any
 * (has_alternatives) and all others hold.
 * @param answer set to that of the first that does not hold
 * @param rule, facts, stage, grants as above; there is at least one such rule
 * @return 1 if all of them hold; the answer then says nothing
 */
int expect_rule_claim(expect_answer_t *answer, const expect_rule_t *rule,
                      const expect_facts_t *facts, expect_stage_e stage,
                      expect_grants_t *grants);

#endif
