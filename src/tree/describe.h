/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a tree says of itself: why it refuses, and what it accepts.
 */

#ifndef EXPECT_DESCRIBE_H
#define EXPECT_DESCRIBE_H

#include "tree/tree.h"

/** A refusal by a tree. */
typedef struct expect_refusal_t {
    int status;
    const expect_rule_t *rule;
    const char *reason;
    expect_accepts_t accepts;
} expect_refusal_t;

void expect_rule_refusal(apr_pool_t *p, const expect_rule_t *tree,
                         const expect_answer_t *answer,
                         const expect_facts_t *facts,
                         expect_refusal_t *refusal);

#endif
