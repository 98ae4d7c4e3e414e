/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Builds the rule tree.
 */

#include "apr_strings.h"

#include "tree/tree.h"

const expect_accepts_t expect_accepts_anything = {
    .length = EXPECT_UNLIMITED,
    .min = EXPECT_UNLIMITED,
    .max = EXPECT_UNLIMITED
};

expect_rule_t *expect_rule_leaf(apr_pool_t *p, const expect_rule_type_t *type,
                                const void *arg)
{
    expect_rule_t *rule = apr_pcalloc(p, sizeof(*rule));

    rule->kind = EXPECT_RULE;
    rule->type = type;
    rule->arg = arg;
    rule->name = type->name;
    rule->limited = -1;
    rule->earliest = rule->final = type->known_at;
    rule->needs_access = type->known_at == EXPECT_AT_AUTH;
    rule->remembers = type->remembers;
    rule->leaves = 1;
    return rule;
}

expect_rule_t *expect_rule_container(apr_pool_t *p, expect_kind_e kind)
{
    expect_rule_t *rule = apr_pcalloc(p, sizeof(*rule));

    rule->kind = kind;
    rule->limited = -1;
    rule->children = apr_array_make(p, 4, sizeof(const expect_rule_t *));
    return rule;
}

static expect_stage_e others_final(const expect_rule_t *rule)
{
    if (rule->kind != EXPECT_RULE) {
        return rule->others_final;
    }
    return rule->remembers ? EXPECT_AT_HEAD : rule->final;
}

void expect_rule_add(expect_rule_t *parent, const expect_rule_t *child)
{
    APR_ARRAY_PUSH(parent->children, const expect_rule_t *) = child;
    parent->leaves += child->leaves;
    parent->remembers += child->remembers;
    if (parent->others_final < others_final(child)) {
        parent->others_final = others_final(child);
    }
    parent->has_alternatives |= child->has_alternatives
                                || (parent->kind == EXPECT_ANY
                                    && child->remembers);
    parent->needs_access |= child->needs_access;
    if (parent->final < child->final) {
        parent->final = child->final;
    }
}

const char *expect_stage_name(expect_stage_e stage)
{
    static const char *const names[] = {
        "head", "directory", "env", "auth", "user", "handler", "end"
    };

    return names[stage];
}
