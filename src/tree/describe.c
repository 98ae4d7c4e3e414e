/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "tree/describe.h"

/* With more rules than this it would cost more than to refuse does. */
#define RULES_TOLD_MAX 100

/* The bounds of all rules, where the one that refuses has any: who keeps to
 * those of the one would be refused by the next. */
static void tell_in_force(apr_pool_t *p, const expect_rule_t *tree,
                          const expect_rule_t *rule, expect_accepts_t *told)
{
    int has_bounds = told->max != EXPECT_UNLIMITED || told->min > 0;
    int has_types = told->accepted && told->is_types;
    expect_accepts_t all;

    /* of <Limit>: it is not among what is told of all */
    if ((!has_bounds && !has_types) || rule->limited != -1
        || tree->leaves > RULES_TOLD_MAX) {
        return;
    }
    expect_rule_accepts_all(p, tree, &all);
    if (has_bounds) {
        told->max = all.max != EXPECT_UNLIMITED ? all.max : told->max;
        told->min = all.min > 0 ? all.min : told->min;
    }
    if (has_types && !all.is_long && all.accepted && all.accepted->nelts) {
        told->accepted = all.accepted;
    }
}


void expect_rule_refusal(apr_pool_t *p, const expect_rule_t *tree,
                         const expect_answer_t *answer,
                         const expect_facts_t *facts,
                         expect_refusal_t *refusal)
{
    refusal->status = answer->status;
    refusal->rule = answer->rule;
    refusal->reason = expect_rule_reason(p, answer, facts);
    expect_rule_accepts(p, answer, facts, &refusal->accepts);
    tell_in_force(p, tree, answer->rule, &refusal->accepts);
}
