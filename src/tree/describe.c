/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Describes a rule tree: places, reasons, what is accepted.
 */

#include <string.h>

#include "apr_strings.h"

#include "base/quote.h"
#include "tree/describe.h"

#define INTERNAL_SERVER_ERROR 500

/* The longest list that is made of several rules' lists: to join longer ones
 * would cost more than an OPTIONS is worth. */
#define LIST_JOINED_MAX 100

/* As many words of the lists in one container are joined, and in all: a list
 * beyond that counts as too long. */
#define WORDS_JOINED_MAX 500
#define ALL_WORDS_JOINED_MAX 2000

/* In a tree with more leaves than this, a refusal describes only the rule that
 * refuses. */
#define LEAVES_DESCRIBED_MAX 100

const char *expect_quoted_place(apr_pool_t *p, const expect_rule_t *rule)
{
    return apr_psprintf(p, "%s:%u", expect_quoted_path(p, rule->file),
                        rule->line);
}

/* Reasons */

/* A denial that survived `not` is negated if `not` was written: the sentence
 * of such a rule is that its value is not accepted. */
static int refusal_is_negated(const expect_answer_t *answer)
{
    return answer->survives_not ? answer->rule->negated : answer->negated;
}

const char *expect_rule_reason(apr_pool_t *p, const expect_answer_t *answer,
                               const expect_facts_t *facts)
{
    const expect_rule_t *rule = answer->rule;

    if (answer->value == EXPECT_ERROR) {
        return apr_pstrcat(p, rule->name, " cannot be evaluated", NULL);
    }
    if (answer->value == EXPECT_UNKNOWN) {
        return apr_pstrcat(p, rule->name,
                           " cannot be checked: the request has no user",
                           NULL);
    }
    return rule->type->reason(p, facts, rule->arg, answer->status,
                              refusal_is_negated(answer));
}

/* What a tree accepts */

/* Add to a list those types of another list that a third list covers. */
static void list_add_covered(apr_array_header_t *list,
                             const apr_array_header_t *types,
                             const apr_array_header_t *patterns)
{
    int i, j;

    for (i = 0; i < types->nelts; ++i) {
        const char *type = APR_ARRAY_IDX(types, i, const char *);
        int known = 0;

        for (j = 0; j < list->nelts && !known; ++j) {
            known = !strcasecmp(APR_ARRAY_IDX(list, j, const char *), type);
        }
        for (j = 0; j < patterns->nelts && !known; ++j) {
            if (expect_media_type_covers(
                    APR_ARRAY_IDX(patterns, j, const char *), type)) {
                APR_ARRAY_PUSH(list, const char *) = type;
                known = 1;
            }
        }
    }
}

static void accepts_set_list(expect_accepts_t *all,
                             const apr_array_header_t *list)
{
    all->is_long |= list->nelts > LIST_JOINED_MAX;
    all->accepted = list->nelts > LIST_JOINED_MAX ? NULL : list;
}

/* Both must hold: the tighter bounds. A list that was left out may be narrower
 * still. */
static void accepts_join_all(apr_pool_t *p, expect_accepts_t *all,
                             const expect_accepts_t *one)
{
    apr_array_header_t *both;

    if (one->min > all->min) {
        all->min = one->min;
    }
    if (one->max != EXPECT_UNLIMITED
        && (all->max == EXPECT_UNLIMITED || one->max < all->max)) {
        all->max = one->max;
    }
    if (one->policy) {
        all->policy = all->policy
            ? apr_pstrcat(p, all->policy, ", ", one->policy, NULL)
            : one->policy;
    }
    if (one->rate_limit) {
        all->rate_limit = all->rate_limit
            ? apr_pstrcat(p, all->rate_limit, ", ", one->rate_limit, NULL)
            : one->rate_limit;
    }
    all->is_long |= one->is_long;
    if (!all->accepted || !one->accepted) {
        all->accepted = all->accepted ? all->accepted : one->accepted;
        return;
    }
    both = apr_array_make(p, 4, sizeof(const char *));
    list_add_covered(both, all->accepted, one->accepted);
    list_add_covered(both, one->accepted, all->accepted);
    accepts_set_list(all, both);
}

/* One of them must hold: the wider bounds, and none where one has none. */
static void accepts_join_any(apr_pool_t *p, expect_accepts_t *all,
                             const expect_accepts_t *one)
{
    if (one->min < all->min) {
        all->min = one->min;
    }
    if (all->max != EXPECT_UNLIMITED
        && (one->max == EXPECT_UNLIMITED || one->max > all->max)) {
        all->max = one->max;
    }
    /* which alternative admits is not known beforehand */
    all->policy = all->rate_limit = NULL;
    all->is_long |= one->is_long;
    if (!all->accepted || !one->accepted) {
        all->accepted = NULL;
        return;
    }
    accepts_set_list(all, apr_array_append(p, all->accepted,
                                           one->accepted));
}

static void accepts_of_leaf(apr_pool_t *p, const expect_rule_t *rule,
                            const expect_facts_t *facts,
                            expect_accepts_t *all)
{
    *all = expect_accepts_anything;
    if (rule->type->accepts && !rule->negated && rule->limited == -1) {
        rule->type->accepts(p, rule->remembers ? facts : NULL, rule->arg, all);
        /* no response field lists anything but media types beforehand */
        if (all->field && !all->is_types) {
            *all = expect_accepts_anything;
        }
    }
}

/* Leave out a list that would be one too many to join. */
static void accepts_bound_list(expect_accepts_t *one, int *words,
                               int *all_words)
{
    int n = one->accepted ? one->accepted->nelts : 0;

    if (n && (*words + n > WORDS_JOINED_MAX
              || *all_words + n > ALL_WORDS_JOINED_MAX)) {
        one->accepted = NULL;
        one->is_long = 1;
        return;
    }
    *words += n;
    *all_words += n;
}

/* @param all_words how many words of all lists were joined so far */
static void accepts_of_tree(apr_pool_t *p, const expect_rule_t *rule,
                            const expect_facts_t *facts, int *all_words,
                            expect_accepts_t *all)
{
    int i, words = 0;

    if (rule->kind == EXPECT_RULE) {
        accepts_of_leaf(p, rule, facts, all);
        return;
    }
    *all = expect_accepts_anything;
    if (rule->kind == EXPECT_NONE) {
        return;
    }
    for (i = 0; i < rule->children->nelts; ++i) {
        expect_accepts_t one;

        accepts_of_tree(p, APR_ARRAY_IDX(rule->children, i,
                                         const expect_rule_t *),
                        facts, all_words, &one);
        accepts_bound_list(&one, &words, all_words);
        if (i == 0) {
            *all = one;
        }
        else if (rule->kind == EXPECT_ALL) {
            accepts_join_all(p, all, &one);
        }
        else {
            accepts_join_any(p, all, &one);
        }
    }
}

void expect_rule_accepts_all(apr_pool_t *p, const expect_rule_t *rule,
                             const expect_facts_t *facts,
                             expect_accepts_t *accepts)
{
    int all_words = 0;

    accepts_of_tree(p, rule, facts, &all_words, accepts);
}

/* Refusals */

/* What the rule that refuses would accept: nothing where it describes nothing,
 * or where it holds and `not` or None forbids that. */
static void accepts_of_refusal(apr_pool_t *p, const expect_answer_t *answer,
                               const expect_facts_t *facts,
                               expect_accepts_t *accepts)
{
    const expect_rule_t *rule = answer->rule;

    *accepts = expect_accepts_anything;
    if (rule->type->accepts && answer->value != EXPECT_ERROR
        && !refusal_is_negated(answer)) {
        rule->type->accepts(p, facts, rule->arg, accepts);
    }
}

/* Put the bounds and types of the whole tree in the place of those of the rule
 * that refuses, where it has any. */
static void accepts_extend_to_tree(apr_pool_t *p, const expect_rule_t *tree,
                                   expect_accepts_t *accepts)
{
    int has_bounds = accepts->max != EXPECT_UNLIMITED || accepts->min > 0;
    int has_types = accepts->accepted && accepts->is_types;
    expect_accepts_t all;

    if (!has_bounds && !has_types) {
        return;
    }
    expect_rule_accepts_all(p, tree, NULL, &all);
    if (has_bounds) {
        accepts->max = all.max != EXPECT_UNLIMITED ? all.max : accepts->max;
        accepts->min = all.min > 0 ? all.min : accepts->min;
    }
    if (has_types && !all.is_long && all.accepted && all.accepted->nelts) {
        accepts->accepted = all.accepted;
    }
}

void expect_rule_refusal(apr_pool_t *p, const expect_rule_t *tree,
                         const expect_answer_t *answer,
                         const expect_facts_t *facts,
                         expect_refusal_t *refusal)
{
    const expect_rule_t *rule = answer->rule;

    refusal->status = answer->value == EXPECT_ERROR ? INTERNAL_SERVER_ERROR
                                                    : answer->status;
    refusal->rule = rule;
    refusal->reason = expect_rule_reason(p, answer, facts);
    accepts_of_refusal(p, answer, facts, &refusal->accepts);
    /* a tree of one leaf is described already */
    if (tree && tree->leaves > 1 && tree->leaves <= LEAVES_DESCRIBED_MAX
        && rule->limited == -1) {
        accepts_extend_to_tree(p, tree, &refusal->accepts);
    }
}
