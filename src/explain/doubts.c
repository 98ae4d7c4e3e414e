/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Doubts about the rules of a section.
 */

#include <string.h>

#include "httpd.h"

#include "apr_strings.h"

#include "explain/doubts.h"
#include "explain/show.h"
#include "rules/limits.h"
#include "tree/describe.h"

static void doubts_warn(const expect_doubts_t *d, const expect_rule_t *rule,
                        const char *warning)
{
    expect_show_print(d->p, d->out, "    warning: %s (%s:%u): %s\n",
                      rule->text, rule->file, rule->line, warning);
}

/* Compares word by word, so that blanks and quotes do not count. */
static int rule_is(apr_pool_t *p, const expect_rule_t *rule, const char *text)
{
    const char *written = rule->text;

    while (*written && *text) {
        if (strcasecmp(ap_getword_conf(p, &written),
                       ap_getword_conf(p, &text))) {
            return 0;
        }
    }
    return !*written && !*text;
}

static int rule_always_holds(apr_pool_t *p, const expect_rule_t *rule)
{
    return rule_is(p, rule, "all granted") || rule_is(p, rule, "not all denied")
           || rule_is(p, rule, "content-length min=0");
}

static int rule_never_holds(apr_pool_t *p, const expect_rule_t *rule)
{
    return rule_is(p, rule, "all denied") || rule_is(p, rule, "not all granted")
           || rule_is(p, rule, "not auth");
}

/* The max of a rule or a tree that has one, otherwise EXPECT_UNLIMITED. */
static apr_off_t rule_max(apr_pool_t *p, const expect_rule_t *rule)
{
    expect_accepts_t accepts;

    expect_rule_accepts_all(p, rule, NULL, &accepts);
    return accepts.max;
}

static void doubts_check_max(const expect_doubts_t *d,
                             const expect_rule_t *rule, apr_off_t tightest)
{
    apr_off_t max = rule_max(d->p, rule);

    if (max == EXPECT_UNLIMITED) {
        return;
    }
    if (tightest != EXPECT_UNLIMITED && max > tightest) {
        doubts_warn(d, rule,
                    apr_psprintf(d->p, "a tighter max=%" APR_OFF_T_FMT
                                 " is in force", tightest));
    }
    if (d->limit > 0 && max > d->limit) {
        doubts_warn(d, rule,
                    apr_psprintf(d->p, "LimitRequestBody %" APR_OFF_T_FMT
                                 " is smaller: requests that are not proxied "
                                 "are refused later, by httpd", d->limit));
    }
}

/* An upload larger than a whole limit is refused whenever it comes. */
static void doubts_check_bytes(const expect_doubts_t *d,
                               const expect_rule_t *rule, apr_off_t tightest)
{
    const expect_limit_t *limit = expect_limits_limit(rule->arg);

    if (limit->bytes != EXPECT_LIMIT_NONE && tightest != EXPECT_UNLIMITED
        && limit->bytes < tightest) {
        doubts_warn(d, rule,
                    apr_psprintf(d->p, "max=%" APR_OFF_T_FMT " is in force: an "
                                 "upload over %" APR_INT64_T_FMT " bytes is "
                                 "admitted by that, and never by this rule",
                                 tightest, limit->bytes));
    }
}

static void doubts_check_leaf(const expect_doubts_t *d,
                              const expect_rule_t *rule, expect_kind_e parent,
                              apr_off_t tightest)
{
    if (parent == EXPECT_ANY && rule_always_holds(d->p, rule)) {
        doubts_warn(d, rule, "this alternative always holds, so the others "
                    "have no effect");
    }
    if (parent == EXPECT_ALL && rule_never_holds(d->p, rule)) {
        doubts_warn(d, rule, "this rule can never hold, so every upload is "
                    "refused");
    }
    if (d->no_challenge && rule->needs_access && !rule->negated) {
        doubts_warn(d, rule, "ExpectStatus is specific, but no AuthType is set "
                    "here: no client is challenged to log in, and a Require "
                    "that needs a user ends in 500");
    }
    doubts_check_max(d, rule, tightest);
    if (rule->remembers && parent == EXPECT_ALL) {
        doubts_check_bytes(d, rule, tightest);
    }
}

/* @param tightest the smallest max that always has to hold */
static void doubts_check(const expect_doubts_t *d, const expect_rule_t *rules,
                         apr_off_t tightest)
{
    int i;

    for (i = 0; i < rules->children->nelts; ++i) {
        const expect_rule_t *child =
            APR_ARRAY_IDX(rules->children, i, const expect_rule_t *);

        if (child->kind == EXPECT_RULE) {
            doubts_check_leaf(d, child, rules->kind, tightest);
        }
        else {
            doubts_check(d, child, tightest);
        }
    }
}

void expect_doubts_print(const expect_doubts_t *d, const expect_rule_t *rules)
{
    doubts_check(d, rules, rule_max(d->p, rules));
}
