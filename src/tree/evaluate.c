/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Evaluates the rule tree, by the tables of tree.h.
 */

#include "tree/evaluate.h"

#define UNAUTHORIZED 401

typedef struct {
    const expect_facts_t *facts;
    expect_stage_e stage;
    expect_answer_t *memo;
    /* the number of the next leaf, counted from the left */
    int leaf;
    /* how many None enclose the node */
    int negations;
    /* the leaves that remember and that have granted so far; NULL: they are
     * not evaluated */
    expect_grants_t *grants;
    /* leaves that remember are left out, as if they were not there: they stand
     * in All only */
    int is_without_claims;
} walk_t;

static const expect_answer_t NEUTRAL = {
    .value = EXPECT_NEUTRAL,
    .max = EXPECT_UNLIMITED,
    .early_max = EXPECT_UNLIMITED
};

static expect_answer_t evaluate_node(const expect_rule_t *rule, walk_t *walk);

/* Kleene's negation. Only a grant and a denial are changed. */
static void answer_invert(expect_answer_t *answer)
{
    if (answer->survives_none) {
        return;
    }
    answer->negated = !answer->negated;
    if (answer->value == EXPECT_GRANTED) {
        answer->value = EXPECT_DENIED;
    }
    else if (answer->value == EXPECT_DENIED) {
        answer->value = EXPECT_GRANTED;
    }
    answer->max = answer->early_max = EXPECT_UNLIMITED;
    answer->max_rule = answer->early_rule = NULL;
}

/* Set a max, and the rule that sets it, to the tighter of two. */
static void max_tighten(apr_off_t *max, const expect_rule_t **rule,
                        apr_off_t other, const expect_rule_t *other_rule)
{
    if (other != EXPECT_UNLIMITED
        && (*max == EXPECT_UNLIMITED || other < *max)) {
        *max = other;
        *rule = other_rule;
    }
}

/*
 * A rule whose answer may change once the user is known: until then its grant
 * does not count, and neither does an answer that would admit the request.
 * Within an odd number of None, that answer is a denial.
 * @param found the value that the rule returned, before `not`
 */
static int leaf_is_too_early(const expect_rule_t *rule, const walk_t *walk,
                             expect_value_e found,
                             const expect_answer_t *answer)
{
    return walk->stage < rule->final
           && (found == EXPECT_GRANTED
               || answer->value == (walk->negations % 2 ? EXPECT_DENIED
                                                        : EXPECT_GRANTED));
}

/*
 * Whether a leaf is evaluated. Where the login has failed, the request may have
 * a user's name all the same: mod_auth_basic and mod_auth_digest set it before
 * they check the password. Rules that could look at it are not evaluated then.
 */
static int leaf_is_evaluated(const expect_rule_t *rule, const walk_t *walk)
{
    return rule->earliest <= walk->stage && walk->stage < EXPECT_AT_END
           && (walk->stage != EXPECT_AT_AUTH || walk->facts->has_user
               || rule->final <= EXPECT_AT_AUTH);
}

/* Whether a leaf that remembers is evaluated. More than so many never grant. */
static int claim_is_evaluated(const expect_rule_t *rule, const walk_t *walk)
{
    return walk->grants->n < EXPECT_CLAIMS_MAX && walk->facts->claims
           && rule->earliest <= walk->stage;
}

/* A leaf that remembers: its answer is never kept, as others take meanwhile. */
static void evaluate_claim(expect_answer_t *answer, const expect_rule_t *rule,
                           walk_t *walk)
{
    *answer = (expect_answer_t)EXPECT_ANSWER_INIT;
    answer->rule = rule;
    answer->status = rule->type->status;
    if (!(rule->limited & walk->facts->method)) {
        answer->value = EXPECT_NEUTRAL;
    }
    else if (walk->grants && claim_is_evaluated(rule, walk)) {
        answer->value = rule->type->check(walk->facts, rule->arg, answer);
        if (answer->value == EXPECT_GRANTED) {
            walk->grants->rules[walk->grants->n++] = rule;
        }
        if (walk->facts->trace) {
            walk->facts->trace(walk->facts, walk->stage, rule, answer);
        }
    }
}

static expect_answer_t evaluate_leaf(const expect_rule_t *rule, walk_t *walk)
{
    expect_answer_t *memo = walk->memo ? &walk->memo[walk->leaf++] : NULL;
    expect_answer_t answer = EXPECT_ANSWER_INIT;

    if (memo && memo->value != EXPECT_UNKNOWN) {
        return *memo;
    }

    answer.rule = rule;
    answer.status = rule->type->status;
    if (!(rule->limited & walk->facts->method)) {
        answer.value = EXPECT_NEUTRAL;
    }
    else if (leaf_is_evaluated(rule, walk)) {
        expect_value_e found = rule->type->check(walk->facts, rule->arg,
                                                 &answer);

        answer.value = found;
        answer.survives_none = answer.survives_not;
        if (rule->negated) {
            answer_invert(&answer);
        }
        if (leaf_is_too_early(rule, walk, found, &answer)) {
            answer.value = EXPECT_UNKNOWN;
        }
        if (answer.value != EXPECT_GRANTED) {
            answer.max = EXPECT_UNLIMITED;
        }
        answer.early_max = answer.max;
        answer.max_rule = answer.early_rule =
            answer.max != EXPECT_UNLIMITED ? rule : NULL;
        if (walk->facts->trace) {
            walk->facts->trace(walk->facts, walk->stage, rule, &answer);
        }
    }
    if (memo) {
        *memo = answer;
    }
    return answer;
}

/* A leaf that remembers, where those are judged apart. */
static int is_left_out(const expect_rule_t *rule, walk_t *walk)
{
    if (rule->kind != EXPECT_RULE || !walk->is_without_claims) {
        return 0;
    }
    ++walk->leaf;
    return 1;
}

/*
 * All: one denial is enough, and the first is returned. The tightest max holds,
 * whether or not the other rules are known yet.
 * Within None a denial that can be inverted is preferred: one that survives
 * None is returned only if there is no other.
 */
static expect_answer_t evaluate_all(const expect_rule_t *rule, walk_t *walk)
{
    expect_answer_t all = NEUTRAL, survivor = NEUTRAL;
    int i;

    for (i = 0; i < rule->children->nelts; ++i) {
        const expect_rule_t *child =
            APR_ARRAY_IDX(rule->children, i, const expect_rule_t *);
        expect_answer_t one;

        if (child->remembers && is_left_out(child, walk)) {
            continue;
        }
        /* most are leaves, and there may be thousands: a call less for each */
        one = child->kind == EXPECT_RULE && !child->remembers
                  ? evaluate_leaf(child, walk) : evaluate_node(child, walk);

        if (one.value == EXPECT_DENIED && one.survives_none
            && walk->negations) {
            survivor = one;
            continue;
        }
        if (one.value == EXPECT_DENIED || one.value == EXPECT_ERROR) {
            return one;
        }
        if (one.value == EXPECT_NEUTRAL) {
            continue;
        }
        max_tighten(&one.max, &one.max_rule, all.max, all.max_rule);
        max_tighten(&one.early_max, &one.early_rule, all.early_max,
                    all.early_rule);
        if (all.value == EXPECT_NEUTRAL
            || (all.value == EXPECT_GRANTED && one.value == EXPECT_UNKNOWN)) {
            all = one;
        }
        all.max = one.max;
        all.max_rule = one.max_rule;
        all.early_max = one.early_max;
        all.early_rule = one.early_rule;
    }
    if (all.value != EXPECT_GRANTED) {
        all.max = EXPECT_UNLIMITED;
        all.max_rule = NULL;
    }
    /* a child that is still unknown may become a denial that is inverted */
    return survivor.value == EXPECT_DENIED && all.value != EXPECT_UNKNOWN
               ? survivor : all;
}

/*
 * Join two denials of alternatives: the first is returned, unless the second
 * has status 401, because the client can still log in. The joined denial
 * survives None if either does; within None that one is returned, because the
 * other would have been inverted.
 */
static expect_answer_t denials_join(const expect_answer_t *first,
                                    const expect_answer_t *second,
                                    int negations)
{
    int prefers_second =
        negations ? second->survives_none && !first->survives_none
                  : second->status == UNAUTHORIZED
                        && first->status != UNAUTHORIZED;
    expect_answer_t joined = prefers_second ? *second : *first;

    joined.survives_none = first->survives_none || second->survives_none;
    return joined;
}

/* Only the alternative that admits is taken. */
static void grants_cut(expect_grants_t *grants, int n)
{
    if (grants) {
        grants->n = n;
    }
}

/* Those from `chosen` on replace those from `before` on. */
static void grants_choose(expect_grants_t *grants, int before, int chosen)
{
    int i;

    if (grants) {
        for (i = chosen; i < grants->n; ++i) {
            grants->rules[before + i - chosen] = grants->rules[i];
        }
        grants->n -= chosen - before;
    }
}

/* Whether an alternative admits more than those before it. */
static int any_is_wider(const expect_answer_t *any, const expect_answer_t *one)
{
    return one->value == EXPECT_GRANTED
           && (any->value != EXPECT_GRANTED || one->max == EXPECT_UNLIMITED
               || any->max < one->max);
}

/* What is left of alternatives none of which has admitted. */
static expect_answer_t any_join(const expect_answer_t *any,
                                const expect_answer_t *one, int is_end,
                                int negations)
{
    if (any->value == EXPECT_DENIED && one->value == EXPECT_DENIED) {
        return denials_join(any, one, negations);
    }
    if (any->value == EXPECT_NEUTRAL
        || (is_end ? any->value == EXPECT_UNKNOWN
                     && one->value == EXPECT_DENIED
                   : any->value == EXPECT_DENIED)) {
        return *one;
    }
    return *any;
}

/*
 * Any: one grant is enough. After a grant with a max, the other alternatives
 * are evaluated as well: one may have a wider max, or none. At the end a denial
 * is a better reason than an alternative that is unknown.
 */
static expect_answer_t evaluate_any(const expect_rule_t *rule, walk_t *walk)
{
    int is_end = walk->stage == EXPECT_AT_END && !walk->negations;
    expect_answer_t any = NEUTRAL;
    int before = walk->grants ? walk->grants->n : 0;
    int i;

    for (i = 0; i < rule->children->nelts; ++i) {
        int chosen = walk->grants ? walk->grants->n : 0;
        expect_answer_t one =
            evaluate_node(APR_ARRAY_IDX(rule->children, i,
                                        const expect_rule_t *), walk);

        if (one.value == EXPECT_ERROR) {
            return one;
        }
        if (any_is_wider(&any, &one)) {
            grants_choose(walk->grants, before, chosen);
            any = one;
            if (one.max == EXPECT_UNLIMITED) {
                return any;
            }
            continue;
        }
        grants_cut(walk->grants, chosen);
        if (one.value == EXPECT_DENIED || one.value == EXPECT_UNKNOWN) {
            any = any_join(&any, &one, is_end, walk->negations);
        }
    }
    /* an alternative that is still unknown could widen the max */
    if (any.value != EXPECT_GRANTED || walk->stage < rule->final) {
        any.early_max = EXPECT_UNLIMITED;
        any.early_rule = NULL;
    }
    return any;
}

/* None: the result of Any, inverted. */
static expect_answer_t evaluate_none(const expect_rule_t *rule, walk_t *walk)
{
    expect_answer_t none;

    ++walk->negations;
    none = evaluate_any(rule, walk);
    --walk->negations;
    answer_invert(&none);
    return none;
}

static expect_answer_t evaluate_node(const expect_rule_t *rule, walk_t *walk)
{
    int first = walk->leaf;
    expect_answer_t answer;

    switch (rule->kind) {
    case EXPECT_ALL:
        answer = evaluate_all(rule, walk);
        break;
    case EXPECT_ANY:
        answer = evaluate_any(rule, walk);
        break;
    case EXPECT_NONE:
        answer = evaluate_none(rule, walk);
        break;
    default:
        if (!rule->remembers) {
            return evaluate_leaf(rule, walk);
        }
        evaluate_claim(&answer, rule, walk);
    }

    /* the leaves after the one that decided have numbers as well */
    walk->leaf = first + rule->leaves;
    return answer;
}

/* For OPTIONS no method is known: what stands in <Limit> is left out. */
static void remembering_add(const expect_rule_t *rule, walk_t *walk)
{
    int i;

    if (rule->kind == EXPECT_RULE) {
        if (rule->remembers
            && (rule->limited == -1 || (rule->limited & walk->facts->method))
            && claim_is_evaluated(rule, walk)) {
            walk->grants->rules[walk->grants->n++] = rule;
        }
        return;
    }
    for (i = 0; rule->remembers && i < rule->children->nelts; ++i) {
        remembering_add(APR_ARRAY_IDX(rule->children, i,
                                      const expect_rule_t *), walk);
    }
}

void expect_rule_remembering(expect_grants_t *leaves,
                             const expect_rule_t *rule,
                             const expect_facts_t *facts, expect_stage_e stage)
{
    walk_t walk = { .facts = facts, .stage = stage, .grants = leaves };

    leaves->n = 0;
    remembering_add(rule, &walk);
}

/*
 * The leaves that remember, where all of them have to hold.
 * @param answer set to that of the first that does not, else of the last
 * @return 1 if all hold
 */
static int claim_all(expect_answer_t *answer, const expect_rule_t *rule,
                     walk_t *walk)
{
    int i, holds = 1;

    for (i = 0; i < rule->children->nelts && holds; ++i) {
        const expect_rule_t *child =
            APR_ARRAY_IDX(rule->children, i, const expect_rule_t *);

        if (!child->remembers) {
            continue;
        }
        if (child->kind != EXPECT_RULE) {
            holds = claim_all(answer, child, walk);
            continue;
        }
        evaluate_claim(answer, child, walk);
        holds = answer->value == EXPECT_GRANTED
                || answer->value == EXPECT_NEUTRAL;
    }
    return holds;
}

int expect_rule_claim(expect_answer_t *answer, const expect_rule_t *rule,
                      const expect_facts_t *facts, expect_stage_e stage,
                      expect_grants_t *grants)
{
    walk_t walk = { .facts = facts, .stage = stage, .grants = grants };

    grants->n = 0;
    return claim_all(answer, rule, &walk);
}

/* Evaluate the whole tree. */
static expect_answer_t evaluate_root(const expect_rule_t *rule, walk_t *walk)
{
    expect_answer_t answer = evaluate_node(rule, walk);

    /* the status that a check chose says what was missing: where the rule holds
     * and `not` forbids that, the type's own status counts */
    if (answer.negated && answer.rule) {
        answer.status = answer.rule->type->status;
    }
    return answer;
}

expect_answer_t expect_rule_evaluate_claims(const expect_rule_t *rule,
                                            const expect_facts_t *facts,
                                            expect_stage_e stage,
                                            expect_answer_t *memo,
                                            expect_grants_t *grants)
{
    walk_t walk = { .facts = facts, .stage = stage, .memo = memo,
                    .grants = grants };

    grants_cut(grants, 0);
    return evaluate_root(rule, &walk);
}

expect_answer_t expect_rule_evaluate_others(const expect_rule_t *rule,
                                            const expect_facts_t *facts,
                                            expect_stage_e stage,
                                            expect_answer_t *memo)
{
    walk_t walk = { .facts = facts, .stage = stage, .memo = memo,
                    .is_without_claims = 1 };

    return evaluate_root(rule, &walk);
}

expect_answer_t expect_rule_evaluate(const expect_rule_t *rule,
                                     const expect_facts_t *facts,
                                     expect_stage_e stage,
                                     expect_answer_t *memo)
{
    return expect_rule_evaluate_claims(rule, facts, stage, memo, NULL);
}
