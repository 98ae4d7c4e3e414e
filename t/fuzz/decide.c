/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A tree of rules whose results the input gives is compared with Kleene's
 * tables worked out from the bottom up. It is evaluated stage by stage: a tree
 * that refuses early refuses in the end, and no rule is evaluated twice.
 */

#include <string.h>

#include "fuzz.h"

#include "tree/evaluate.h"

#define DEPTH_MAX 5
#define CHILDREN_MAX 4
#define LEAVES_MAX 64

/* The result of a rule, and its result before that is final. */
typedef struct {
    expect_value_e value;
    expect_value_e early;
    expect_stage_e known_at;
    apr_off_t max;
    int survives_not;
    int evaluated;
} given_t;

typedef struct {
    fuzz_input_t *in;
    apr_size_t at;
    int leaves;
    int has_error;
} reader_t;

static unsigned next_byte(reader_t *reader)
{
    return reader->at < reader->in->size
               ? (unsigned char)reader->in->text[reader->at++] : 0;
}

/* How far the request has come; and whether answers are kept. */
static expect_stage_e stage_now;
static int is_kept;

static expect_value_e given_check(const expect_facts_t *facts, const void *arg,
                                  expect_answer_t *answer)
{
    given_t *given = (given_t *)arg;

    (void)facts;
    ++given->evaluated;
    if (stage_now < given->known_at) {
        answer->survives_not = given->early == EXPECT_DENIED
                               && given->survives_not;
        return given->early;
    }
    if (given->value == EXPECT_GRANTED) {
        answer->max = given->max;
    }
    answer->survives_not = given->value == EXPECT_DENIED && given->survives_not;
    return given->value;
}

static const char *given_reason(apr_pool_t *p, const expect_facts_t *facts,
                                const void *arg, int status, int negated)
{
    (void)p;
    (void)facts;
    (void)arg;
    (void)status;
    (void)negated;
    return "given";
}

#define TYPE(stage)               \
    {                             \
        .name = "given",          \
        .known_at = stage,        \
        .status = 400 + stage,    \
        .check = given_check,     \
        .reason = given_reason    \
    }
static const expect_rule_type_t types[] = {
    TYPE(EXPECT_AT_HEAD), TYPE(EXPECT_AT_DIRECTORY), TYPE(EXPECT_AT_ENV),
    TYPE(EXPECT_AT_AUTH), TYPE(EXPECT_AT_USER), TYPE(EXPECT_AT_HANDLER)
};

#define METHOD_PUT 1
#define METHOD_OTHER 2

static expect_rule_t *read_leaf(reader_t *reader)
{
    static const expect_value_e values[] = {
        EXPECT_GRANTED, EXPECT_DENIED, EXPECT_GRANTED, EXPECT_DENIED,
        EXPECT_GRANTED, EXPECT_DENIED, EXPECT_UNKNOWN, EXPECT_ERROR
    };
    unsigned what = next_byte(reader), more = next_byte(reader);
    given_t *given = apr_pcalloc(reader->in->pool, sizeof(*given));
    expect_rule_t *rule;

    given->value = values[what % 8];
    given->survives_not = what / 8 % 4 == 3;
    given->max = what / 32 % 2 ? EXPECT_UNLIMITED : (apr_off_t)(more / 32);
    rule = expect_rule_leaf(reader->in->pool, &types[more % 6], given);
    rule->negated = what / 64 % 2;
    if (rule->final == EXPECT_AT_ENV && more / 8 % 2) {
        rule->final = EXPECT_AT_USER;
    }
    given->known_at = rule->final;
    /* a rule that denies early denies in the end */
    given->early = given->value == EXPECT_DENIED && more / 64 % 2
                      ? EXPECT_DENIED : EXPECT_GRANTED;
    rule->limited = what / 128 ? METHOD_PUT : METHOD_PUT | METHOD_OTHER;
    if (what / 128 && more / 16 % 2) {
        rule->limited = METHOD_OTHER;
    }
    ++reader->leaves;
    reader->has_error |= given->value == EXPECT_ERROR;
    return rule;
}

static expect_rule_t *read_rule(reader_t *reader, int depth)
{
    unsigned what = next_byte(reader);
    int children = what / 4 % CHILDREN_MAX + 1;
    expect_rule_t *rule;

    if (what % 4 == 0 || depth == DEPTH_MAX || reader->leaves > LEAVES_MAX) {
        return read_leaf(reader);
    }
    rule = expect_rule_container(reader->in->pool, (expect_kind_e)(what % 4));
    while (children--) {
        expect_rule_add(rule, read_rule(reader, depth + 1));
    }
    return rule;
}

/* --- Kleene -------------------------------------------------------------- */

/* survives_not: a denial is not inverted. max: of a grant. */
typedef struct {
    expect_value_e value;
    int survives_not;
    apr_off_t max;
} value_t;

static value_t inverted(value_t v)
{
    if (v.value == EXPECT_DENIED && !v.survives_not) {
        v.value = EXPECT_GRANTED;
    }
    else if (v.value == EXPECT_GRANTED) {
        v.value = EXPECT_DENIED;
    }
    v.max = EXPECT_UNLIMITED;
    return v;
}

/* Before its answer is final, only a denial of the request counts. */
static value_t early_value(const expect_rule_t *rule, int nones)
{
    const given_t *given = rule->arg;
    value_t v = {
        .value = given->early,
        .survives_not = given->early == EXPECT_DENIED && given->survives_not,
        .max = EXPECT_UNLIMITED
    };

    if (rule->negated) {
        v = inverted(v);
    }
    if (given->early == EXPECT_GRANTED
        || v.value == (nones % 2 ? EXPECT_DENIED : EXPECT_GRANTED)) {
        v.value = EXPECT_UNKNOWN;
    }
    return v;
}

static value_t leaf_value(const expect_rule_t *rule, expect_stage_e stage,
                          int nones)
{
    const given_t *given = rule->arg;
    value_t v = { given->value, 0, EXPECT_UNLIMITED };

    if (!(rule->limited & METHOD_PUT)) {
        v.value = EXPECT_NEUTRAL;
        return v;
    }
    /* after a failed login the user is not looked at; a kept answer stays */
    if (rule->earliest > stage
        || (stage == EXPECT_AT_AUTH && rule->final > EXPECT_AT_AUTH
            && !(is_kept && rule->earliest < EXPECT_AT_AUTH))) {
        v.value = EXPECT_UNKNOWN;
        return v;
    }
    if (rule->final > stage) {
        return early_value(rule, nones);
    }
    v.survives_not = given->value == EXPECT_DENIED && given->survives_not;
    if (v.value == EXPECT_GRANTED) {
        v.max = given->max;
    }
    return rule->negated ? inverted(v) : v;
}

static apr_off_t tighter(apr_off_t a, apr_off_t b)
{
    return a == EXPECT_UNLIMITED ? b
           : b == EXPECT_UNLIMITED || a < b ? a : b;
}

static apr_off_t wider(apr_off_t a, apr_off_t b)
{
    return a == EXPECT_UNLIMITED || b == EXPECT_UNLIMITED ? EXPECT_UNLIMITED
           : a > b ? a : b;
}

static value_t value_of(const expect_rule_t *rule, expect_stage_e stage,
                        int nones)
{
    /* the number of children with each value */
    int found[EXPECT_ERROR + 1] = { 0 };
    int i, survives_not = 0, turns = 0;
    apr_off_t tightest = EXPECT_UNLIMITED, widest = -2;
    value_t v = { EXPECT_NEUTRAL, 0, EXPECT_UNLIMITED };

    if (rule->kind == EXPECT_RULE) {
        return leaf_value(rule, stage, nones);
    }
    for (i = 0; i < rule->children->nelts; ++i) {
        value_t one = value_of(APR_ARRAY_IDX(rule->children, i,
                                             const expect_rule_t *), stage,
                               nones + (rule->kind == EXPECT_NONE));

        ++found[one.value];
        if (one.value == EXPECT_GRANTED) {
            tightest = tighter(tightest, one.max);
            widest = widest == -2 ? one.max : wider(widest, one.max);
        }
        if (one.value == EXPECT_DENIED) {
            survives_not |= one.survives_not;
            turns |= !one.survives_not;
        }
    }
    if (rule->kind == EXPECT_ALL) {
        /* in None, a denial that can be inverted may still come */
        v.value = turns || (found[EXPECT_DENIED]
                            && !(nones && found[EXPECT_UNKNOWN]))
                      ? EXPECT_DENIED
                  : found[EXPECT_UNKNOWN] ? EXPECT_UNKNOWN
                  : found[EXPECT_GRANTED] ? EXPECT_GRANTED : EXPECT_NEUTRAL;
        /* one that can be inverted is enough */
        v.survives_not = v.value == EXPECT_DENIED && !turns;
        v.max = v.value == EXPECT_GRANTED ? tightest : EXPECT_UNLIMITED;
        return v;
    }
    v.value = found[EXPECT_GRANTED] ? EXPECT_GRANTED
              : found[EXPECT_UNKNOWN] ? EXPECT_UNKNOWN
              : found[EXPECT_DENIED] ? EXPECT_DENIED : EXPECT_NEUTRAL;
    v.survives_not = v.value == EXPECT_DENIED && survives_not;
    v.max = v.value == EXPECT_GRANTED ? widest : EXPECT_UNLIMITED;
    return rule->kind == EXPECT_NONE ? inverted(v) : v;
}

/* --- evaluating ---------------------------------------------------------- */

/* No rule is evaluated again, unless it was unknown. */
static void check_evaluated(const expect_rule_t *rule)
{
    int i;

    if (rule->kind == EXPECT_RULE) {
        given_t *given = (given_t *)rule->arg;

        MUST(given->evaluated <= 1 || given->value == EXPECT_UNKNOWN
             || rule->earliest < rule->final, NULL);
        given->evaluated = 0;
        return;
    }
    for (i = 0; i < rule->children->nelts; ++i) {
        check_evaluated(APR_ARRAY_IDX(rule->children, i,
                                      const expect_rule_t *));
    }
}

static void check_answer(const expect_answer_t *answer, value_t now,
                         value_t last)
{
    MUST(answer->value == now.value, NULL);
    MUST(answer->max == now.max, NULL);
    MUST(answer->value == EXPECT_NEUTRAL || answer->rule, NULL);
    /* an early result is final; only a max may still get wider */
    MUST(answer->value != EXPECT_DENIED || last.value == EXPECT_DENIED, NULL);
    MUST(answer->value != EXPECT_GRANTED || answer->max != EXPECT_UNLIMITED
         || (last.value == EXPECT_GRANTED && last.max == EXPECT_UNLIMITED),
         NULL);
    /* the bound of an undecided tree is a bound in the end as well */
    MUST(answer->early_max == EXPECT_UNLIMITED || last.value != EXPECT_GRANTED
         || (last.max != EXPECT_UNLIMITED && last.max <= answer->early_max),
         NULL);
    MUST(answer->early_max == EXPECT_UNLIMITED || answer->early_rule, NULL);
    MUST(answer->max == EXPECT_UNLIMITED || answer->max_rule, NULL);
}

static int is_same(const expect_answer_t *a, const expect_answer_t *b)
{
    return a->value == b->value && a->status == b->status
           && a->negated == b->negated && a->survives_not == b->survives_not
           && a->rule == b->rule && a->max == b->max;
}

void fuzz_decide(fuzz_input_t *in)
{
    reader_t reader = { .in = in };
    expect_rule_t *rule = read_rule(&reader, 0);
    expect_head_t head = { 0 };
    expect_facts_t facts = {
        .head = &head, .pool = in->pool, .method = METHOD_PUT,
        .auth = EXPECT_AUTH_PENDING
    };
    expect_answer_t answers[EXPECT_AT_HANDLER + 1];
    expect_answer_t *memo = apr_pcalloc(in->pool,
                                        reader.leaves * sizeof(*memo));
    value_t last = value_of(rule, EXPECT_AT_HANDLER, 0);
    int stage;

    MUST(rule->leaves == reader.leaves, NULL);
    is_kept = 0;
    for (stage = EXPECT_AT_HEAD; stage <= EXPECT_AT_HANDLER; ++stage) {
        stage_now = stage;
        answers[stage] = expect_rule_evaluate(rule, &facts, stage, NULL);
        check_evaluated(rule);
        /* a denial and an error may come in either order */
        if (!reader.has_error) {
            check_answer(&answers[stage], value_of(rule, stage, 0), last);
        }
    }
    is_kept = 1;
    for (stage = EXPECT_AT_HEAD; stage <= EXPECT_AT_HANDLER; ++stage) {
        expect_answer_t kept;

        stage_now = stage;
        kept = expect_rule_evaluate(rule, &facts, stage, memo);
        if (!reader.has_error && stage == EXPECT_AT_AUTH) {
            check_answer(&kept, value_of(rule, stage, 0), last);
        }
        else if (!reader.has_error) {
            MUST(is_same(&kept, &answers[stage]), NULL);
        }
    }
    check_evaluated(rule);
}
