/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rule tree: build, decide, explain, tell.
 */

#include <string.h>

#include "apr_strings.h"

#include "base/quote.h"
#include "tree/tree.h"

/* Building */

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

void expect_rule_add(expect_rule_t *parent, const expect_rule_t *child)
{
    APR_ARRAY_PUSH(parent->children, const expect_rule_t *) = child;
    parent->leaves += child->leaves;
    parent->needs_access |= child->needs_access;
    if (parent->final < child->final) {
        parent->final = child->final;
    }
}

const expect_rule_type_t *
expect_rule_type_find(const expect_rule_type_t *table, const char *name)
{
    for (; table->name; ++table) {
        if (!strcasecmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

const char *expect_rule_wrong(apr_pool_t *p, const char *word,
                              const char *wrong, const char *accepted)
{
    if (!word) {
        return apr_pstrcat(p, ": ", wrong, "; ", accepted, NULL);
    }
    return apr_pstrcat(p, " ",
                       *word ? expect_quoted(p, word, EXPECT_WORD_MAX)
                             : "\"\"",
                       ": ", wrong, "; ", accepted, NULL);
}

const char *expect_stage_name(expect_stage_e stage)
{
    static const char *const names[] = {
        "head", "directory", "env", "auth", "user", "handler", "end"
    };

    return names[stage];
}

/* Deciding */

typedef struct {
    const expect_facts_t *facts;
    expect_stage_e stage;
    expect_answer_t *memo;
    /* the number of the next leaf, counted from the left */
    int leaf;
    /* how many None it is in */
    int negations;
} walk_t;

static const expect_answer_t NEUTRAL =
    { EXPECT_NEUTRAL, 0, 0, 0, 0, NULL, EXPECT_UNLIMITED, NULL, EXPECT_UNLIMITED,
      NULL };

static expect_answer_t decide(const expect_rule_t *rule, walk_t *walk);

/* Kleene's negation. What neither grants nor denies survives_none as it is. */
static void negate(expect_answer_t *answer)
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
    answer->cap = answer->held = EXPECT_UNLIMITED;
    answer->cap_rule = answer->held_rule = NULL;
}

/* The tighter of two bounds. */
static void tighten(apr_off_t *cap, const expect_rule_t **rule,
                    apr_off_t other, const expect_rule_t *other_rule)
{
    if (other != EXPECT_UNLIMITED && (*cap == EXPECT_UNLIMITED || other < *cap)) {
        *cap = other;
        *rule = other_rule;
    }
}

/*
 * A rule that may answer otherwise when the user is known: its grant does not
 * count before, nor what would let through. Within an odd number of None that
 * is a denial.
 * @param said what it said, before `not`
 */
static int is_too_early(const expect_rule_t *rule, const walk_t *walk,
                        expect_value_e said, const expect_answer_t *answer)
{
    return walk->stage < rule->final
           && (said == EXPECT_GRANTED
               || answer->value == (walk->negations % 2 ? EXPECT_DENIED
                                                      : EXPECT_GRANTED));
}

/*
 * Whether a leaf is evaluated. Where the login has failed, a name may stand in
 * the request all the same: mod_auth_basic and mod_auth_digest set it before
 * they check the password. What could look at it is not evaluated.
 */
static int is_evaluated(const expect_rule_t *rule, const walk_t *walk)
{
    return rule->earliest <= walk->stage && walk->stage < EXPECT_AT_END
           && (walk->stage != EXPECT_AT_AUTH || walk->facts->has_user
               || rule->final <= EXPECT_AT_AUTH);
}

static expect_answer_t decide_leaf(const expect_rule_t *rule, walk_t *walk)
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
    else if (is_evaluated(rule, walk)) {
        expect_value_e said = rule->type->check(walk->facts, rule->arg,
                                                &answer);

        answer.value = said;
        answer.survives_none = answer.survives_not;
        if (rule->negated) {
            negate(&answer);
        }
        if (is_too_early(rule, walk, said, &answer)) {
            answer.value = EXPECT_UNKNOWN;
        }
        if (answer.value != EXPECT_GRANTED) {
            answer.cap = EXPECT_UNLIMITED;
        }
        answer.held = answer.cap;
        answer.cap_rule = answer.held_rule =
            answer.cap != EXPECT_UNLIMITED ? rule : NULL;
        if (walk->facts->trace) {
            walk->facts->trace(walk->facts, walk->stage, rule, &answer);
        }
    }
    if (memo) {
        *memo = answer;
    }
    return answer;
}

/*
 * All: one denial is enough, and the first is told. The tightest cap holds,
 * whether or not the others are known yet.
 * What None is to turn round is looked through for a denial that lets it: a
 * survives_not one does not.
 */
static expect_answer_t decide_all(const expect_rule_t *rule, walk_t *walk)
{
    expect_answer_t all = NEUTRAL, survives_not = NEUTRAL;
    int i;

    for (i = 0; i < rule->children->nelts; ++i) {
        const expect_rule_t *child =
            APR_ARRAY_IDX(rule->children, i, const expect_rule_t *);
        /* most are leaves, and there may be thousands: a call less for each */
        expect_answer_t one = child->kind == EXPECT_RULE
                                  ? decide_leaf(child, walk)
                                  : decide(child, walk);

        if (one.value == EXPECT_DENIED && one.survives_none && walk->negations) {
            survives_not = one;
            continue;
        }
        if (one.value == EXPECT_DENIED || one.value == EXPECT_ERROR) {
            return one;
        }
        if (one.value == EXPECT_NEUTRAL) {
            continue;
        }
        tighten(&one.cap, &one.cap_rule, all.cap, all.cap_rule);
        tighten(&one.held, &one.held_rule, all.held, all.held_rule);
        if (all.value == EXPECT_NEUTRAL
            || (all.value == EXPECT_GRANTED && one.value == EXPECT_UNKNOWN)) {
            all = one;
        }
        all.cap = one.cap;
        all.cap_rule = one.cap_rule;
        all.held = one.held;
        all.held_rule = one.held_rule;
    }
    if (all.value != EXPECT_GRANTED) {
        all.cap = EXPECT_UNLIMITED;
        all.cap_rule = NULL;
    }
    /* what is not known yet may be such a denial */
    return survives_not.value == EXPECT_DENIED && all.value != EXPECT_UNKNOWN ? survives_not
                                                                      : all;
}

/*
 * Two denials of alternatives: the first is told, but for one that the client
 * could still cure by logging in (401). None must not take them for a grant if
 * it must not take either; there that one is told, as the others let.
 */
static expect_answer_t join_denials(const expect_answer_t *first,
                                    const expect_answer_t *second,
                                    int negations)
{
    int prefers_second =
        negations ? second->survives_none && !first->survives_none
                : second->status == 401 && first->status != 401;
    expect_answer_t told = prefers_second ? *second : *first;

    told.survives_none = first->survives_none || second->survives_none;
    return told;
}

/*
 * Any: one grant is enough. A grant with a cap is looked past for one
 * without, or with a wider one. In the end what denies is told, and not what
 * nobody could tell.
 */
static expect_answer_t decide_any(const expect_rule_t *rule, walk_t *walk)
{
    int is_end = walk->stage == EXPECT_AT_END && !walk->negations;
    expect_answer_t any = NEUTRAL;
    int i;

    for (i = 0; i < rule->children->nelts; ++i) {
        expect_answer_t one =
            decide(APR_ARRAY_IDX(rule->children, i, const expect_rule_t *),
                   walk);

        if (one.value == EXPECT_ERROR
            || (one.value == EXPECT_GRANTED && one.cap == EXPECT_UNLIMITED)) {
            return one;
        }
        if (one.value == EXPECT_NEUTRAL) {
            continue;
        }
        if (one.value == EXPECT_GRANTED) {
            if (any.value != EXPECT_GRANTED || any.cap < one.cap) {
                any = one;
            }
        }
        else if (any.value == EXPECT_DENIED && one.value == EXPECT_DENIED) {
            any = join_denials(&any, &one, walk->negations);
        }
        else if (any.value == EXPECT_NEUTRAL
                 || (is_end ? any.value == EXPECT_UNKNOWN
                              && one.value == EXPECT_DENIED
                            : any.value == EXPECT_DENIED)) {
            any = one;
        }
    }
    /* an alternative that is still open could widen it */
    if (any.value != EXPECT_GRANTED || walk->stage < rule->final) {
        any.held = EXPECT_UNLIMITED;
        any.held_rule = NULL;
    }
    return any;
}

/* None: what Any would say, turned round. */
static expect_answer_t decide_none(const expect_rule_t *rule, walk_t *walk)
{
    expect_answer_t none;

    ++walk->negations;
    none = decide_any(rule, walk);
    --walk->negations;
    negate(&none);
    return none;
}

static expect_answer_t decide(const expect_rule_t *rule, walk_t *walk)
{
    int first = walk->leaf;
    expect_answer_t answer;

    switch (rule->kind) {
    case EXPECT_ALL:
        answer = decide_all(rule, walk);
        break;
    case EXPECT_ANY:
        answer = decide_any(rule, walk);
        break;
    case EXPECT_NONE:
        answer = decide_none(rule, walk);
        break;
    default:
        return decide_leaf(rule, walk);
    }

    /* leaves behind the one that decided are numbered, too */
    walk->leaf = first + rule->leaves;
    return answer;
}

expect_answer_t expect_rule_evaluate(const expect_rule_t *rule,
                                   const expect_facts_t *facts,
                                   expect_stage_e stage,
                                   expect_answer_t *memo)
{
    walk_t walk = { facts, stage, memo, 0, 0 };
    expect_answer_t answer = decide(rule, &walk);

    /* a status names what a rule missed: it says nothing of one that holds
     * and was not to */
    if (answer.negated && answer.rule) {
        answer.status = answer.rule->type->status;
    }
    return answer;
}

/* Explaining */

/* What `not` stands before and could not turn round is not accepted either. */
static int is_negated(const expect_answer_t *answer)
{
    return answer->survives_not ? answer->rule->negated : answer->negated;
}

const char *expect_rule_reason(apr_pool_t *p, const expect_answer_t *answer,
                                const expect_facts_t *facts)
{
    const expect_rule_t *rule = answer->rule;

    if (answer->value == EXPECT_UNKNOWN) {
        return apr_pstrcat(p, rule->name, " cannot be told: there is no user",
                           NULL);
    }
    return rule->type->reason(p, facts, rule->arg, answer->status,
                               is_negated(answer));
}

/* Telling */

const expect_accepts_t expect_accepts_anything =
    { NULL, EXPECT_UNLIMITED, EXPECT_UNLIMITED, EXPECT_UNLIMITED, NULL, 0, NULL, 0, 0 };

/* The longest list that is told of several rules: to join longer ones would
 * cost more than somebody's OPTIONS is worth. */
#define LIST_JOINED_MAX 100

/* And as many words of the lists in a container are looked at, and in all: the
 * rest is taken as too long. */
#define WORDS_JOINED_MAX 500
#define ALL_WORDS_JOINED_MAX 2000

void expect_rule_accepts(apr_pool_t *p, const expect_answer_t *answer,
                      const expect_facts_t *facts, expect_accepts_t *told)
{
    const expect_rule_t *rule = answer->rule;

    *told = expect_accepts_anything;
    if (rule->type->accepts && !is_negated(answer)) {
        rule->type->accepts(p, facts, rule->arg, told);
    }
}

/* Add to a list what of another falls under a third. */
static void add_covered(apr_array_header_t *list,
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

static void tell_joined(expect_accepts_t *told, const apr_array_header_t *list)
{
    told->is_long |= list->nelts > LIST_JOINED_MAX;
    told->accepted = list->nelts > LIST_JOINED_MAX ? NULL : list;
}

/* What both accept, at the most: a list that is left out may accept less. */
static void tell_both(apr_pool_t *p, expect_accepts_t *told,
                      const expect_accepts_t *one)
{
    apr_array_header_t *both;

    if (one->min > told->min) {
        told->min = one->min;
    }
    if (one->max != EXPECT_UNLIMITED
        && (told->max == EXPECT_UNLIMITED || one->max < told->max)) {
        told->max = one->max;
    }
    told->is_long |= one->is_long;
    if (!told->accepted || !one->accepted) {
        told->accepted = told->accepted ? told->accepted : one->accepted;
        return;
    }
    both = apr_array_make(p, 4, sizeof(const char *));
    add_covered(both, told->accepted, one->accepted);
    add_covered(both, one->accepted, told->accepted);
    tell_joined(told, both);
}

/* What either accepts: no bound where one has none. */
static void tell_either(apr_pool_t *p, expect_accepts_t *told,
                        const expect_accepts_t *one)
{
    if (one->min < told->min) {
        told->min = one->min;
    }
    if (told->max != EXPECT_UNLIMITED
        && (one->max == EXPECT_UNLIMITED || one->max > told->max)) {
        told->max = one->max;
    }
    told->is_long |= one->is_long;
    if (!told->accepted || !one->accepted) {
        told->accepted = NULL;
        return;
    }
    tell_joined(told, apr_array_append(p, told->accepted, one->accepted));
}

static void tell_leaf(apr_pool_t *p, const expect_rule_t *rule,
                      expect_accepts_t *told)
{
    *told = expect_accepts_anything;
    if (rule->type->accepts && !rule->negated && rule->limited == -1) {
        rule->type->accepts(p, NULL, rule->arg, told);
        /* lists of anything but media types are not asked for */
        if (told->field && !told->is_types) {
            *told = expect_accepts_anything;
        }
    }
}

/* Leave out a list that would be one too many to join. */
static void bound_list(expect_accepts_t *told, int *words, int *all_words)
{
    int n = told->accepted ? told->accepted->nelts : 0;

    if (n && (*words + n > WORDS_JOINED_MAX
              || *all_words + n > ALL_WORDS_JOINED_MAX)) {
        told->accepted = NULL;
        told->is_long = 1;
        return;
    }
    *words += n;
    *all_words += n;
}

/* all_words: how many of all lists were joined so far. */
static void tell_tree(apr_pool_t *p, const expect_rule_t *rule, int *all_words,
                      expect_accepts_t *told)
{
    int i, words = 0;

    if (rule->kind == EXPECT_RULE) {
        tell_leaf(p, rule, told);
        return;
    }
    *told = expect_accepts_anything;
    if (rule->kind == EXPECT_NONE) {
        return;
    }
    for (i = 0; i < rule->children->nelts; ++i) {
        expect_accepts_t one;

        tell_tree(p, APR_ARRAY_IDX(rule->children, i, const expect_rule_t *),
                  all_words, &one);
        bound_list(&one, &words, all_words);
        if (i == 0) {
            *told = one;
        }
        else if (rule->kind == EXPECT_ALL) {
            tell_both(p, told, &one);
        }
        else {
            tell_either(p, told, &one);
        }
    }
}

void expect_rule_accepts_all(apr_pool_t *p, const expect_rule_t *rule,
                          expect_accepts_t *told)
{
    int all_words = 0;

    tell_tree(p, rule, &all_words, told);
}
