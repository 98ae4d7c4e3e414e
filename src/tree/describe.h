/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the log and the client may know of a rule tree: where a rule stands, why
 * a tree refuses, and what it accepts.
 */

#ifndef EXPECT_DESCRIBE_H
#define EXPECT_DESCRIBE_H

#include "tree/tree.h"

/** A refusal, described. */
typedef struct expect_refusal_t {
    /** the HTTP status of the rule, 500 if its evaluation failed */
    int status;
    /** the leaf that refuses */
    const expect_rule_t *rule;
    /** why, in one sentence without a full stop, fit for the client */
    const char *reason;
    /** what would be accepted */
    expect_accepts_t accepts;
} expect_refusal_t;

/**
 * Describe a refusal. A client that keeps to the bounds of the rule that
 * refuses could be refused by the next one. So if that rule has bounds or a
 * list of media types, those of the whole tree are given; but not if the rule
 * stands in <Limit>, nor in a tree of more than 100 leaves, where that would
 * cost more than the refusal. A list that is too long stays the rule's own.
 * @param p       pool for the result
 * @param tree    the tree in force; NULL: only the rule is described
 * @param answer  from expect_rule_evaluate(): denied, unknown or error
 * @param facts   what is known
 * @param refusal filled in
 */
void expect_rule_refusal(apr_pool_t *p, const expect_rule_t *tree,
                         const expect_answer_t *answer,
                         const expect_facts_t *facts,
                         expect_refusal_t *refusal);

/**
 * Say why a tree refuses.
 * @param p      pool for the result
 * @param answer from expect_rule_evaluate(): denied, unknown or error
 * @param facts  what is known
 * @return one sentence without a full stop, fit for the client
 */
const char *expect_rule_reason(apr_pool_t *p, const expect_answer_t *answer,
                               const expect_facts_t *facts);

/**
 * Describe what a tree accepts, whatever else a request brings.
 * @param p       pool for the result
 * @param rule    the tree
 * @param facts   for rules that remember: who asks; NULL: nobody
 * @param accepts filled in: bounds and media types; of alternatives, as far as
 *                they all have a bound; nothing of negated rules, of None and
 *                of rules in <Limit>
 */
void expect_rule_accepts_all(apr_pool_t *p, const expect_rule_t *rule,
                             const expect_facts_t *facts,
                             expect_accepts_t *accepts);

/**
 * The place where a rule stands.
 * @param p    pool for the result
 * @param rule a leaf or container that was read from the configuration
 * @return "/srv/uploads/.htaccess:3"; a long path is cut at its beginning
 */
const char *expect_quoted_place(apr_pool_t *p, const expect_rule_t *rule);

#endif
