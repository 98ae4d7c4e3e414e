/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What in-flight and quota have in common: arguments, keys, sentences.
 */

#ifndef EXPECT_LIMITS_H
#define EXPECT_LIMITS_H

#include "ledger/ledger.h"
#include "tree/tree.h"

/**
 * Parse the arguments.
 * @param p, argc, argv, arg as expect_rule_type_t.parse
 * @param kind which of the two rules
 * @return NULL, or expect_rule_wrong()'s message
 */
const char *expect_limits_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg,
                                expect_limit_e kind);

/* As in expect_rule_type_t. */
const char *expect_limits_finish(struct cmd_parms_struct *cmd,
                                 expect_rule_t *rule, void *arg);
expect_value_e expect_limits_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer);
const char *expect_limits_reason(apr_pool_t *p, const expect_facts_t *facts,
                                 const void *arg, int status, int negated);
void expect_limits_accepts(apr_pool_t *p, const expect_facts_t *facts,
                           const void *arg, expect_accepts_t *accepts);

/**
 * The status of a refusal by the last look at the ledger.
 * @param arg   the rule's arguments
 * @param facts the facts it was evaluated with
 * @return 429, 503 or 413
 */
int expect_limits_refused(const void *arg, const expect_facts_t *facts);

/**
 * Ask the store in one round trip for all rules of a tree that remember, if
 * they only look (asks_store of the claims); else nothing is done. The
 * evaluation that comes next uses the answer.
 * @param tree  the rules in force
 * @param facts, stage those of that evaluation
 */
void expect_limits_look(const expect_rule_t *tree, const expect_facts_t *facts,
                        expect_stage_e stage);

/**
 * Look again what is left, for the response fields: an upload was cut off, and
 * what it has taken is settled.
 * @param facts the facts it was evaluated with
 * @param arg   the rule's arguments
 */
void expect_limits_look_again(const expect_facts_t *facts, const void *arg);

/**
 * Say that content of unknown length was cut off by a rule that remembers.
 * @param p      pool for the result
 * @param facts  the facts it was evaluated with
 * @param arg    the rule's arguments
 * @param read   bytes of content by then
 * @param status set to that of the refusal: 413, or 503 where the store does
 *               not answer
 * @return one sentence without a full stop
 */
const char *expect_limits_cut_off(apr_pool_t *p, const expect_facts_t *facts,
                                  const void *arg, apr_off_t read, int *status);

/**
 * The limit of a rule.
 * @param arg the rule's arguments
 */
const expect_limit_t *expect_limits_limit(const void *arg);

#endif
