/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rule tree: Kleene's tables, the status and the max of an answer, when a
 * rule is evaluated, and how a refusal is described; with rules made for the
 * purpose.
 */

/* links: src/base/head.c src/base/quote.c src/tree/tree.c src/tree/evaluate.c src/tree/describe.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "apr_strings.h"

#include "tree/describe.h"
#include "tree/evaluate.h"
#include "tree/tree.h"
#include "pool.h"

#define METHOD_PUT 1
#define MAX_LEAVES 128

/* --- rules with a given result ---------------------------------------- */

typedef struct {
    expect_value_e value;
    int status;             /* 0: the row's */
    apr_off_t max;
    int survives_not;
    int calls;
    /* what it accepts */
    apr_off_t accepts_max;
    const apr_array_header_t *types;
} given_t;

static expect_value_e given_check(const expect_facts_t *facts, const void *arg,
                                 expect_answer_t *answer)
{
    given_t *result = (given_t *)arg;

    assert_non_null(facts);
    assert_true(answer->max == EXPECT_UNLIMITED);
    result->calls++;
    if (result->status) {
        answer->status = result->status;
    }
    answer->max = result->max;
    answer->survives_not = result->survives_not;
    return result->value;
}

static const char *given_reason(apr_pool_t *p, const expect_facts_t *facts,
                                const void *arg, int status, int negated)
{
    (void)facts;
    (void)arg;
    return apr_psprintf(p, "reason %d %d", status, negated);
}

static void given_accepts(apr_pool_t *p, const expect_facts_t *facts,
                          const void *arg, expect_accepts_t *accepts)
{
    const given_t *result = arg;

    (void)p;
    accepts->announced = facts ? "announced" : NULL;
    accepts->max = result->accepts_max;
    accepts->accepted = result->types;
    accepts->is_types = result->types != NULL;
    accepts->field = result->types ? "Accept" : NULL;
}

#define TYPE(word, stage, http)   \
    {                             \
        .name = word,             \
        .known_at = stage,        \
        .status = http,           \
        .check = given_check,     \
        .reason = given_reason,   \
        .accepts = given_accepts  \
    }

static const expect_rule_type_t type_head = TYPE("head", EXPECT_AT_HEAD, 400);
static const expect_rule_type_t type_directory =
    TYPE("directory", EXPECT_AT_DIRECTORY, 412);
static const expect_rule_type_t type_user = TYPE("user", EXPECT_AT_USER, 403);

static expect_rule_t *leaf(const expect_rule_type_t *type, given_t *result)
{
    expect_rule_t *rule = expect_rule_leaf(pool, type, result);

    rule->text = type->name;
    return rule;
}

static given_t *given(expect_value_e value, int status, apr_off_t max)
{
    given_t *result = apr_pcalloc(pool, sizeof(*result));

    result->value = value;
    result->status = status;
    result->max = max;
    result->accepts_max = EXPECT_UNLIMITED;
    return result;
}

static expect_rule_t *says(expect_value_e value)
{
    return leaf(&type_head, given(value, 0, EXPECT_UNLIMITED));
}

static expect_rule_t *denies(int status)
{
    return leaf(&type_head, given(EXPECT_DENIED, status, EXPECT_UNLIMITED));
}

static expect_rule_t *up_to(apr_off_t max)
{
    return leaf(&type_head, given(EXPECT_GRANTED, 0, max));
}

static expect_rule_t *survives_not(void)
{
    given_t *result = given(EXPECT_DENIED, 415, EXPECT_UNLIMITED);

    result->survives_not = 1;
    return leaf(&type_head, result);
}

static expect_rule_t *not(expect_rule_t *rule)
{
    rule->negated = 1;
    return rule;
}

static int calls(const expect_rule_t *rule)
{
    return ((const given_t *)rule->arg)->calls;
}

static expect_rule_t *holding(expect_kind_e kind, const expect_rule_t *a,
                              const expect_rule_t *b, const expect_rule_t *c)
{
    expect_rule_t *rule = expect_rule_container(pool, kind);

    expect_rule_add(rule, a);
    if (b) {
        expect_rule_add(rule, b);
    }
    if (c) {
        expect_rule_add(rule, c);
    }
    return rule;
}

/* --- evaluating ------------------------------------------------------- */

static expect_answer_t decide_with(const expect_rule_t *rule,
                                   expect_stage_e stage,
                                   expect_answer_t *memo)
{
    expect_head_t head;
    expect_facts_t facts;

    memset(&head, 0, sizeof(head));
    memset(&facts, 0, sizeof(facts));
    facts.head = &head;
    facts.pool = pool;
    facts.method = METHOD_PUT;
    facts.auth = EXPECT_AUTH_PENDING;
    return expect_rule_evaluate(rule, &facts, stage, memo);
}

/* Evaluates once, with a memo of its own: the sanitizers see a write after its
 * end. */
static expect_answer_t decide(const expect_rule_t *rule)
{
    expect_answer_t memo[MAX_LEAVES];

    assert_in_range(rule->leaves, 0, MAX_LEAVES);
    memset(memo, 0, sizeof(memo));
    return decide_with(rule, EXPECT_AT_HANDLER, memo);
}

static const char *name_of(expect_value_e value)
{
    static const char *const names[] = { "U", "G", "D", "N", "E" };

    return names[value];
}

/* --- the tables ------------------------------------------------------- */

#define U EXPECT_UNKNOWN
#define G EXPECT_GRANTED
#define D EXPECT_DENIED
#define N EXPECT_NEUTRAL

static const expect_value_e values[] = { U, G, D, N };

static void check_table(const char *what, expect_kind_e kind,
                        const expect_value_e (*table)[4])
{
    int i, j;

    for (i = 0; i < 4; i++) {
        for (j = 0; j < 4; j++) {
            expect_value_e got = decide(holding(kind, says(values[i]),
                                                says(values[j]), NULL)).value;

            if (got != table[i][j]) {
                fail_msg("%s(%s, %s) is %s, not %s", what,
                         name_of(values[i]), name_of(values[j]),
                         name_of(got), name_of(table[i][j]));
            }
        }
    }
}

static void test_all(void **state)
{
    static const expect_value_e table[4][4] = {
        /*       U  G  D  N */
        /* U */ { U, U, D, U },
        /* G */ { U, G, D, G },
        /* D */ { D, D, D, D },
        /* N */ { U, G, D, N },
    };

    (void)state;
    check_table("All", EXPECT_ALL, table);
}

static void test_any(void **state)
{
    static const expect_value_e table[4][4] = {
        /*       U  G  D  N */
        /* U */ { U, G, U, U },
        /* G */ { G, G, G, G },
        /* D */ { U, G, D, D },
        /* N */ { U, G, D, N },
    };

    (void)state;
    check_table("Any", EXPECT_ANY, table);
}

static void test_none(void **state)
{
    static const expect_value_e table[4][4] = {
        /*       U  G  D  N */
        /* U */ { U, D, U, U },
        /* G */ { D, D, D, D },
        /* D */ { U, D, G, G },
        /* N */ { U, D, G, N },
    };

    (void)state;
    check_table("None", EXPECT_NONE, table);
}

static void test_not(void **state)
{
    (void)state;
    assert_int_equal(decide(not(says(U))).value, U);
    assert_int_equal(decide(not(says(G))).value, D);
    assert_int_equal(decide(not(says(D))).value, G);
    assert_int_equal(decide(not(says(N))).value, N);
    assert_int_equal(decide(says(U)).value, U);
    assert_int_equal(decide(says(G)).value, G);
    assert_int_equal(decide(says(D)).value, D);
    assert_int_equal(decide(says(N)).value, N);
}

/* not and None undo each other; one child is as good as itself. */
static void test_single(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 4; i++) {
        expect_value_e v = values[i];

        assert_int_equal(decide(holding(EXPECT_ALL, says(v), NULL,
                                        NULL)).value, v);
        assert_int_equal(decide(holding(EXPECT_ANY, says(v), NULL,
                                        NULL)).value, v);
        assert_int_equal(decide(holding(EXPECT_NONE, not(says(v)), NULL,
                                        NULL)).value, v);
        assert_int_equal(decide(holding(EXPECT_NONE,
                             holding(EXPECT_NONE, says(v), NULL, NULL),
                             NULL, NULL)).value, v);
    }
}

/* An error neither grants nor becomes a grant when it is inverted. */
static void test_error(void **state)
{
    expect_answer_t a;

    (void)state;
    assert_int_equal(decide(says(EXPECT_ERROR)).value, EXPECT_ERROR);
    assert_int_equal(decide(not(says(EXPECT_ERROR))).value, EXPECT_ERROR);
    a = decide(holding(EXPECT_ALL, says(G), says(EXPECT_ERROR), NULL));
    assert_int_equal(a.value, EXPECT_ERROR);
    a = decide(holding(EXPECT_ANY, says(D), says(EXPECT_ERROR), NULL));
    assert_int_equal(a.value, EXPECT_ERROR);
    a = decide(holding(EXPECT_NONE, says(EXPECT_ERROR), says(D), NULL));
    assert_int_equal(a.value, EXPECT_ERROR);
    a = decide(holding(EXPECT_NONE, says(EXPECT_ERROR), NULL, NULL));
    assert_int_equal(a.value, EXPECT_ERROR);
}

/* A denial that survives inversion stays a denial, wherever the rule stands. */
static void test_survives(void **state)
{
    expect_rule_t *rule = not(survives_not());
    expect_answer_t a;

    (void)state;
    assert_int_equal(decide(survives_not()).value, D);
    a = decide(rule);
    assert_int_equal(a.value, D);
    assert_int_equal(a.status, 415);
    assert_ptr_equal(a.rule, rule);

    assert_int_equal(decide(holding(EXPECT_NONE, survives_not(), NULL,
                                    NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE, survives_not(), denies(0),
                                    NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE, denies(0), survives_not(),
                                    NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE, denies(0), denies(401),
                                    survives_not())).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE, survives_not(), denies(401),
                                    NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE, denies(401), survives_not(),
                                    NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE,
                         holding(EXPECT_ANY, denies(0), survives_not(), NULL),
                         NULL, NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_NONE, not(survives_not()), NULL,
                                    NULL)).value, D);
    assert_int_equal(decide(holding(EXPECT_ALL, says(G), not(survives_not()),
                                    NULL)).value, D);
    /* Another rule's denial is enough for All, and is inverted. */
    assert_int_equal(decide(holding(EXPECT_NONE,
                         holding(EXPECT_ALL, survives_not(), denies(0), NULL),
                         NULL, NULL)).value, G);
    assert_int_equal(decide(holding(EXPECT_NONE,
                         holding(EXPECT_ALL, denies(0), survives_not(), NULL),
                         NULL, NULL)).value, G);
    assert_int_equal(decide(holding(EXPECT_NONE,
                         holding(EXPECT_ALL, survives_not(), says(G),
                                 survives_not()),
                         NULL, NULL)).value, D);
    /* A rule that is unknown may deny later. */
    assert_int_equal(decide(holding(EXPECT_NONE,
                         holding(EXPECT_ALL, survives_not(), says(U), NULL),
                         NULL, NULL)).value, U);
    assert_int_equal(decide(holding(EXPECT_NONE,
                         holding(EXPECT_ALL, says(U), survives_not(), NULL),
                         NULL, NULL)).value, U);
    /* Another alternative may still hold. */
    assert_int_equal(decide(holding(EXPECT_ANY, not(survives_not()), says(G),
                                    NULL)).value, G);
}

/* --- which rule decides ----------------------------------------------- */

/* Among alternatives the first denial counts, whatever the others are; at the
 * end, a denial counts rather than an alternative that is unknown. */
static void test_reason_of_alternatives(void **state)
{
    expect_rule_t *first = denies(413);
    expect_rule_t *unknown = leaf(&type_user, given(U, 403, EXPECT_UNLIMITED));
    expect_rule_t *orders[] = {
        holding(EXPECT_ANY, first, unknown, survives_not()),
        holding(EXPECT_ANY, unknown, first, survives_not())
    };
    expect_answer_t a = decide(holding(EXPECT_ANY, first, survives_not(),
                                       NULL));
    int i;

    (void)state;
    assert_ptr_equal(a.rule, first);
    assert_int_equal(a.status, 413);
    assert_false(a.survives_not);
    assert_true(a.survives_none);
    for (i = 0; i < 2; ++i) {
        expect_answer_t memo[3] = { { 0 } };

        a = decide_with(orders[i], EXPECT_AT_HANDLER, memo);
        assert_int_equal(a.value, U);
        a = decide_with(orders[i], EXPECT_AT_END, memo);
        assert_int_equal(a.value, D);
        assert_ptr_equal(a.rule, first);
    }
    assert_int_equal(calls(unknown), 2);
    {
        /* None would invert that to a grant */
        expect_rule_t *none = holding(EXPECT_NONE, denies(413),
                                      leaf(&type_user,
                                           given(U, 403, EXPECT_UNLIMITED)),
                                      NULL);
        expect_answer_t memo[2] = { { 0 } };

        assert_int_equal(decide_with(none, EXPECT_AT_HANDLER, memo).value, U);
        assert_int_equal(decide_with(none, EXPECT_AT_END, memo).value, U);
    }
}

static void test_first_denial(void **state)
{
    expect_rule_t *first = denies(413), *second = denies(415);
    expect_answer_t a;

    (void)state;
    a = decide(holding(EXPECT_ALL, says(G), first, second));
    assert_int_equal(a.value, D);
    assert_ptr_equal(a.rule, first);
    assert_int_equal(a.status, 413);
    assert_false(a.negated);

    a = decide(holding(EXPECT_ALL, says(U), second, first));
    assert_ptr_equal(a.rule, second);
    assert_int_equal(a.status, 415);

    a = decide(holding(EXPECT_ANY, says(N), second, first));
    assert_int_equal(a.value, D);
    assert_ptr_equal(a.rule, second);
    assert_int_equal(a.status, 415);

    /* A container's answer names the leaf below. */
    a = decide(holding(EXPECT_ALL, says(G),
                       holding(EXPECT_ANY, first, second, NULL), NULL));
    assert_ptr_equal(a.rule, first);
    assert_int_equal(a.status, 413);
}

static void test_row_status(void **state)
{
    expect_rule_t *rule = leaf(&type_directory,
                               given(D, 0, EXPECT_UNLIMITED));
    expect_answer_t a = decide(rule);

    (void)state;
    assert_int_equal(a.status, 412);
    assert_ptr_equal(a.rule, rule);
}

static void test_negated_denial(void **state)
{
    expect_rule_t *rule = not(says(G)), *inner = says(G);
    expect_answer_t a = decide(rule);

    (void)state;
    assert_ptr_equal(a.rule, rule);
    assert_true(a.negated);
    assert_int_equal(a.status, 400);

    a = decide(holding(EXPECT_NONE, says(D), inner, NULL));
    assert_int_equal(a.value, D);
    assert_ptr_equal(a.rule, inner);
    assert_true(a.negated);
    assert_int_equal(a.status, 400);

    /* Inverted twice: the result of the rule itself. */
    inner = not(denies(413));
    a = decide(holding(EXPECT_NONE, inner, NULL, NULL));
    assert_int_equal(a.value, D);
    assert_ptr_equal(a.rule, inner);
    assert_false(a.negated);
}

/* A client that may try again with a password should see the 401. */
static void test_any_prefers_401(void **state)
{
    expect_rule_t *ip = denies(403), *user = denies(401);
    expect_answer_t a;

    (void)state;
    a = decide(holding(EXPECT_ANY, ip, user, NULL));
    assert_int_equal(a.value, D);
    assert_int_equal(a.status, 401);
    assert_ptr_equal(a.rule, user);

    a = decide(holding(EXPECT_ANY, user, ip, NULL));
    assert_int_equal(a.status, 401);
    assert_ptr_equal(a.rule, user);

    a = decide(holding(EXPECT_ANY, ip,
                       holding(EXPECT_ALL, says(G), user, NULL), NULL));
    assert_int_equal(a.status, 401);

    /* So it is if the other alternative could not be evaluated. */
    a = decide(holding(EXPECT_ANY, survives_not(), user, NULL));
    assert_int_equal(a.status, 401);
    a = decide(holding(EXPECT_ANY, user, survives_not(), NULL));
    assert_int_equal(a.status, 401);

    /* In All a login would not help: the first denial counts. */
    a = decide(holding(EXPECT_ALL, ip, user, NULL));
    assert_int_equal(a.status, 403);
    assert_ptr_equal(a.rule, ip);
}

static void test_reason(void **state)
{
    expect_facts_t facts;
    expect_answer_t a = decide(holding(EXPECT_ALL, denies(413), says(G),
                                       NULL));

    (void)state;
    memset(&facts, 0, sizeof(facts));
    facts.pool = pool;
    facts.method = METHOD_PUT;
    assert_non_null(strstr(expect_rule_reason(pool, &a, &facts),
                           "reason 413 0"));
    a = decide(not(says(G)));
    assert_non_null(strstr(expect_rule_reason(pool, &a, &facts),
                           "reason 400 1"));
    /* A rule that is unknown at the end refuses as well, and has a sentence. */
    a = decide(holding(EXPECT_ALL, says(G), says(U), NULL));
    assert_int_equal(a.value, U);
    assert_true(*expect_rule_reason(pool, &a, &facts));
}

/* --- limits ------------------------------------------------------------- */

#define NO EXPECT_UNLIMITED

static void test_limits(void **state)
{
    static const struct {
        expect_kind_e kind;
        apr_off_t a, b, max;
    } rows[] = {
        { EXPECT_ALL, 10, 20, 10 },
        { EXPECT_ALL, 20, 10, 10 },
        { EXPECT_ALL, 10, NO, 10 },
        { EXPECT_ALL, NO, 10, 10 },
        { EXPECT_ALL, 0, 10, 0 },
        { EXPECT_ALL, NO, NO, NO },
        { EXPECT_ANY, 10, 20, 20 },
        { EXPECT_ANY, 20, 10, 20 },
        { EXPECT_ANY, 0, 10, 10 },
        { EXPECT_ANY, 10, NO, NO },
        { EXPECT_ANY, NO, 10, NO },
        { EXPECT_ANY, NO, NO, NO },
    };
    size_t i;

    (void)state;
    assert_true(decide(up_to(10)).max == 10);
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        expect_answer_t a = decide(holding(rows[i].kind, up_to(rows[i].a),
                                           up_to(rows[i].b), NULL));

        assert_int_equal(a.value, G);
        if (a.max != rows[i].max) {
            fail_msg("row %d: max %" APR_INT64_T_FMT, (int)i, a.max);
        }
    }
}

static void test_limits_of_others(void **state)
{
    expect_answer_t a;

    (void)state;
    /* A denied or neutral alternative's max does not count. */
    a = decide(holding(EXPECT_ANY, leaf(&type_head, given(D, 0, 50)), up_to(10),
                       NULL));
    assert_int_equal(a.value, G);
    assert_true(a.max == 10);
    a = decide(holding(EXPECT_ANY, leaf(&type_head, given(N, 0, NO)), up_to(10),
                       NULL));
    assert_true(a.max == 10);
    a = decide(holding(EXPECT_ALL, leaf(&type_head, given(N, 0, 5)), up_to(10),
                       NULL));
    assert_true(a.max == 10);
    a = decide(holding(EXPECT_ALL, leaf(&type_head, given(N, 0, NO)), up_to(10),
                       NULL));
    assert_true(a.max == 10);

    /* No max after not and None. */
    a = decide(not(leaf(&type_head, given(D, 0, 10))));
    assert_int_equal(a.value, G);
    assert_true(a.max == NO);
    a = decide(holding(EXPECT_NONE, leaf(&type_head, given(D, 0, 10)), NULL,
                       NULL));
    assert_int_equal(a.value, G);
    assert_true(a.max == NO);

    /* Nested: the ceiling of the outer All holds whatever Any offers. */
    a = decide(holding(EXPECT_ALL, up_to(30),
                       holding(EXPECT_ANY, up_to(20), up_to(40), NULL), NULL));
    assert_true(a.max == 30);
    a = decide(holding(EXPECT_ANY, up_to(5),
                       holding(EXPECT_ALL, up_to(20), up_to(40), NULL), NULL));
    assert_true(a.max == 20);
}

/* The early max of an undecided tree: what nothing can widen any more. */
static void test_early_limits(void **state)
{
    expect_rule_t *open = leaf(&type_user, given(G, 0, NO));
    expect_answer_t a;

    (void)state;
    a = decide_with(holding(EXPECT_ALL, up_to(10), open, NULL),
                    EXPECT_AT_ENV, NULL);
    assert_int_equal(a.value, U);
    assert_true(a.early_max == 10 && a.early_rule && a.max == NO);
    a = decide_with(holding(EXPECT_ALL, open, up_to(10), up_to(5)),
                  EXPECT_AT_ENV, NULL);
    assert_true(a.early_max == 5);

    /* An alternative that is unknown could be without a bound. */
    a = decide_with(holding(EXPECT_ANY, up_to(10), open, NULL),
                    EXPECT_AT_ENV, NULL);
    assert_int_equal(a.value, G);
    assert_true(a.max == 10 && a.early_max == NO);
    a = decide_with(holding(EXPECT_ALL, up_to(30),
                          holding(EXPECT_ANY, up_to(10), open, NULL), NULL),
                  EXPECT_AT_ENV, NULL);
    assert_int_equal(a.value, G);
    assert_true(a.max == 10 && a.early_max == 30);
    a = decide_with(holding(EXPECT_ALL,
                          holding(EXPECT_ALL, up_to(7), open, NULL), open,
                          NULL), EXPECT_AT_ENV, NULL);
    assert_int_equal(a.value, U);
    assert_true(a.early_max == 7);
    a = decide_with(holding(EXPECT_NONE, holding(EXPECT_ALL, up_to(7), open,
                                               NULL), NULL, NULL),
                  EXPECT_AT_ENV, NULL);
    assert_true(a.early_max == NO);
}

/* --- when a rule is evaluated, and how often --------------------------- */

static void test_stages(void **state)
{
    expect_rule_t *rule = leaf(&type_user, given(D, 0, NO));
    expect_answer_t memo[MAX_LEAVES];
    int stage;

    (void)state;
    memset(memo, 0, sizeof(memo));
    for (stage = EXPECT_AT_HEAD; stage < EXPECT_AT_USER; stage++) {
        assert_int_equal(decide_with(rule, stage, memo).value, U);
        assert_int_equal(calls(rule), 0);
    }
    assert_int_equal(decide_with(rule, EXPECT_AT_USER, memo).value, D);
    assert_int_equal(calls(rule), 1);
}

/* `not` of an unknown result is unknown. */
static void test_stages_negated(void **state)
{
    expect_rule_t *rule = not(leaf(&type_user, given(D, 0, NO)));
    expect_answer_t memo[MAX_LEAVES];

    (void)state;
    memset(memo, 0, sizeof(memo));
    assert_int_equal(decide_with(rule, EXPECT_AT_HEAD, memo).value, U);
    assert_int_equal(decide_with(rule, EXPECT_AT_AUTH, memo).value, U);
    assert_int_equal(decide_with(rule, EXPECT_AT_USER, memo).value, G);
}

/* A provider may be evaluated before its answer is final. */
static void test_earliest(void **state)
{
    given_t *result = given(U, 0, NO);
    expect_rule_t *rule = leaf(&type_user, result);
    expect_answer_t memo[MAX_LEAVES];

    (void)state;
    assert_int_equal(rule->earliest, EXPECT_AT_USER);
    assert_int_equal(rule->final, EXPECT_AT_USER);
    rule->earliest = EXPECT_AT_DIRECTORY;
    memset(memo, 0, sizeof(memo));

    assert_int_equal(decide_with(rule, EXPECT_AT_HEAD, memo).value, U);
    assert_int_equal(result->calls, 0);
    assert_int_equal(decide_with(rule, EXPECT_AT_DIRECTORY, memo).value, U);
    assert_int_equal(result->calls, 1);
    result->value = G;
    assert_int_equal(decide_with(rule, EXPECT_AT_USER, memo).value, G);
    assert_int_equal(result->calls, 2);

    /* If it denies early, that counts at once. */
    result->value = D;
    memset(memo, 0, sizeof(memo));
    assert_int_equal(decide_with(rule, EXPECT_AT_DIRECTORY, memo).value, D);
    assert_int_equal(result->calls, 3);
}

static void test_memo(void **state)
{
    expect_value_e said;

    (void)state;
    for (said = EXPECT_GRANTED; said <= EXPECT_NEUTRAL; said++) {
        given_t *result = given(said, 0, said == G ? 10 : NO);
        expect_rule_t *known = leaf(&type_head, result);
        expect_rule_t *late = leaf(&type_user, given(G, 0, NO));
        expect_rule_t *tree = holding(EXPECT_ALL, known, late, NULL);
        expect_answer_t memo[MAX_LEAVES], a;

        memset(memo, 0, sizeof(memo));
        decide_with(tree, EXPECT_AT_HEAD, memo);
        assert_int_equal(calls(known), 1);
        assert_int_equal(calls(late), 0);

        /* Its result would be another one now, but is kept. */
        result->value = said == G ? D : G;
        result->max = 99;
        decide_with(tree, EXPECT_AT_DIRECTORY, memo);
        a = decide_with(tree, EXPECT_AT_HANDLER, memo);
        assert_int_equal(a.value, said == D ? D : G);
        assert_int_equal(calls(known), 1);
        assert_in_range(calls(late), said == D ? 0 : 1, 1);
        if (said == D) {
            assert_ptr_equal(a.rule, known);
            assert_int_equal(a.status, 400);
        }
        if (said == G) {
            assert_true(a.max == 10);
        }
    }
}

/* Without a memo the answers are the same, and every leaf is evaluated. */
static void test_no_memo(void **state)
{
    expect_rule_t *first = says(D), *second = up_to(10);
    expect_rule_t *tree = holding(EXPECT_ANY, first, second, NULL);
    int i;

    (void)state;
    for (i = 1; i < 3; i++) {
        expect_answer_t a = decide_with(tree, EXPECT_AT_HANDLER, NULL);

        assert_int_equal(a.value, G);
        assert_true(a.max == 10);
        assert_int_equal(calls(first), i);
        assert_int_equal(calls(second), i);
    }
    tree = holding(EXPECT_ALL, says(G), leaf(&type_user, given(D, 0, NO)),
                   NULL);
    assert_int_equal(decide_with(tree, EXPECT_AT_HEAD, NULL).value, U);
    assert_int_equal(decide_with(tree, EXPECT_AT_USER, NULL).value, D);
}

/* Each leaf has its own place in the memo, however deep it stands. */
static void test_memo_places(void **state)
{
    expect_rule_t *l[6], *tree;
    expect_answer_t memo[MAX_LEAVES + 1];
    expect_answer_t mark;
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        l[i] = not(denies(0));
    }
    tree = holding(EXPECT_ALL, l[0],
                   holding(EXPECT_ALL, l[1],
                           holding(EXPECT_ALL, l[2], l[3], NULL), NULL),
                   NULL);
    expect_rule_add(tree, l[4]);
    expect_rule_add(tree, holding(EXPECT_NONE, denies(0), NULL, NULL));
    expect_rule_add(tree, l[5]);
    assert_int_equal(tree->leaves, 7);

    memset(memo, 0, sizeof(memo));
    memset(&mark, 0xa5, sizeof(mark));
    memo[7] = mark;
    assert_int_equal(decide_with(tree, EXPECT_AT_HANDLER, memo).value, G);
    assert_int_equal(decide_with(tree, EXPECT_AT_HANDLER, memo).value, G);
    for (i = 0; i < 6; i++) {
        assert_int_equal(calls(l[i]), 1);
    }
    assert_memory_equal(&memo[7], &mark, sizeof(mark));
}

/* A short cut through a container does not shift its neighbours' places: the
 * first rule is decided late, and skips one that was evaluated before. */
static void test_memo_short_cuts(void **state)
{
    int all;

    (void)state;
    for (all = 0; all < 2; all++) {
        expect_rule_t *late = leaf(&type_user, given(all ? D : G, 0, NO));
        expect_rule_t *skipped = says(all ? G : D);
        /* the last rule decides; its result is the contrary of the skipped
         * rule's */
        expect_rule_t *last = says(all ? D : G);
        expect_rule_t *tree =
            holding(all ? EXPECT_ANY : EXPECT_ALL,
                    holding(all ? EXPECT_ALL : EXPECT_ANY, late, skipped,
                            NULL), last, NULL);
        expect_answer_t memo[MAX_LEAVES];

        assert_int_equal(tree->leaves, 3);
        memset(memo, 0, sizeof(memo));
        assert_int_equal(decide_with(tree, EXPECT_AT_HEAD, memo).value, U);
        assert_int_equal(decide_with(tree, EXPECT_AT_ENV, memo).value, U);
        assert_int_equal(decide_with(tree, EXPECT_AT_HANDLER, memo).value,
                         all ? D : G);
        assert_int_equal(calls(late), 1);
        assert_int_equal(calls(skipped), 1);
        assert_int_equal(calls(last), 1);
    }
}

/* --- trees ------------------------------------------------------------ */

/* A rule that is evaluated before its answer is final. */
static expect_rule_t *early(expect_value_e value)
{
    expect_rule_t *rule = leaf(&type_user, given(value, 0, EXPECT_UNLIMITED));

    rule->earliest = EXPECT_AT_ENV;
    return rule;
}

/* A rule that is evaluated early can refuse, but not admit: by itself, after
 * `not`, in None, and in None within None. */
static void test_too_early(void **state)
{
    static const expect_value_e now[] = { EXPECT_GRANTED, EXPECT_DENIED };
    int i, turns;

    (void)state;
    for (i = 0; i < 2; ++i) {
        for (turns = 0; turns < 8; ++turns) {
            expect_rule_t *rule = early(now[i]);
            int odd = (turns & 1) ^ (turns >> 1 & 1) ^ (turns >> 2 & 1);
            int lets = (now[i] == EXPECT_GRANTED) != odd;
            int waits = lets || now[i] == EXPECT_GRANTED;

            if (turns & 1) {
                rule = not(rule);
            }
            if (turns & 2) {
                rule = holding(EXPECT_NONE, rule, NULL, NULL);
            }
            if (turns & 4) {
                rule = holding(EXPECT_NONE, rule, NULL, NULL);
            }
            assert_int_equal(decide_with(rule, EXPECT_AT_DIRECTORY, NULL).value,
                             EXPECT_UNKNOWN);
            assert_int_equal(decide_with(rule, EXPECT_AT_ENV, NULL).value,
                             waits ? EXPECT_UNKNOWN : EXPECT_DENIED);
            assert_int_equal(decide_with(rule, EXPECT_AT_USER, NULL).value,
                             lets ? EXPECT_GRANTED : EXPECT_DENIED);
        }
    }
}

static void test_counts(void **state)
{
    expect_rule_t *early = says(G), *late = leaf(&type_user, given(G, 0, NO));
    expect_rule_t *tree, *inner;

    (void)state;
    assert_int_equal(early->kind, EXPECT_RULE);
    assert_int_equal(early->leaves, 1);
    assert_string_equal(early->name, "head");
    assert_ptr_equal(early->type, &type_head);
    assert_int_equal(expect_rule_container(pool, EXPECT_ANY)->leaves, 0);

    inner = holding(EXPECT_NONE, late, early, NULL);
    assert_int_equal(inner->leaves, 2);
    assert_int_equal(inner->final, EXPECT_AT_USER);
    tree = holding(EXPECT_ALL, early, inner, early);
    assert_int_equal(tree->kind, EXPECT_ALL);
    assert_int_equal(tree->leaves, 4);
    assert_int_equal(tree->final, EXPECT_AT_USER);
    assert_int_equal(tree->children->nelts, 3);
    tree = holding(EXPECT_ANY, early, early, NULL);
    assert_int_equal(tree->final, EXPECT_AT_HEAD);
}

static void test_limited(void **state)
{
    expect_rule_t *rule = denies(413);
    expect_answer_t a;

    (void)state;
    rule->limited = METHOD_PUT << 1;
    a = decide(rule);
    assert_int_equal(a.value, N);
    assert_int_equal(calls(rule), 0);
    a = decide(holding(EXPECT_ALL, rule, says(G), NULL));
    assert_int_equal(a.value, G);

    rule = denies(413);
    rule->limited = METHOD_PUT | METHOD_PUT << 1;
    assert_int_equal(decide(rule).value, D);

    /* Inverted it still does not apply. */
    rule = not(says(G));
    rule->limited = METHOD_PUT << 1;
    assert_int_equal(decide(rule).value, N);
    assert_int_equal(decide(holding(EXPECT_NONE, rule, NULL, NULL)).value, N);
}

/* --- refusals --------------------------------------------------------- */

static expect_rule_t *over(apr_off_t max)
{
    given_t *result = given(EXPECT_DENIED, 413, EXPECT_UNLIMITED);

    result->accepts_max = max;
    return leaf(&type_head, result);
}

static expect_rule_t *within(apr_off_t max)
{
    given_t *result = given(EXPECT_GRANTED, 0, EXPECT_UNLIMITED);

    result->accepts_max = max;
    return leaf(&type_head, result);
}

static expect_refusal_t refuse(const expect_rule_t *tree)
{
    expect_answer_t answer = decide(tree);
    expect_head_t head;
    expect_facts_t facts;
    expect_refusal_t refusal;

    memset(&head, 0, sizeof(head));
    memset(&facts, 0, sizeof(facts));
    memset(&refusal, 0xa5, sizeof(refusal));
    facts.head = &head;
    facts.pool = pool;
    expect_rule_refusal(pool, tree, &answer, &facts, &refusal);
    return refusal;
}

static void test_refusal(void **state)
{
    expect_rule_t *rule = over(20);
    expect_refusal_t a = refuse(holding(EXPECT_ALL, says(G), rule, NULL));

    (void)state;
    assert_int_equal(a.status, 413);
    assert_ptr_equal(a.rule, rule);
    assert_string_equal(a.reason, "reason 413 0");
    assert_string_equal(a.accepts.announced, "announced");
    assert_true(a.accepts.max == 20);

    /* negated: what the rule accepts is what is refused */
    a = refuse(not(within(20)));
    assert_int_equal(a.status, 400);
    assert_string_equal(a.reason, "reason 400 1");
    assert_null(a.accepts.announced);
    assert_true(a.accepts.max == EXPECT_UNLIMITED);

    a = refuse(says(EXPECT_ERROR));
    assert_int_equal(a.status, 500);
    assert_string_equal(a.reason, "head cannot be evaluated");
    a = refuse(leaf(&type_user, given(U, 0, EXPECT_UNLIMITED)));
    assert_int_equal(a.status, 403);
    assert_string_equal(a.reason,
                        "user cannot be checked: the request has no user");
}

/* The bounds are those of all rules; the announced value is that of the one. */
static void test_refusal_of_tree(void **state)
{
    expect_rule_t *limited = over(20);
    expect_rule_t *tree = expect_rule_container(pool, EXPECT_ALL);
    expect_refusal_t a = refuse(holding(EXPECT_ALL, over(20), within(10),
                                        NULL));
    int i;

    (void)state;
    assert_true(a.accepts.max == 10);
    assert_string_equal(a.accepts.announced, "announced");
    a = refuse(holding(EXPECT_ANY, over(20), over(30), NULL));
    assert_true(a.accepts.max == 30);

    /* the rule that refuses has no bounds: none are given */
    a = refuse(holding(EXPECT_ALL, within(10), denies(403), NULL));
    assert_int_equal(a.status, 403);
    assert_true(a.accepts.max == EXPECT_UNLIMITED);

    /* it stands in <Limit>: its own */
    limited->limited = METHOD_PUT;
    a = refuse(holding(EXPECT_ALL, limited, within(10), NULL));
    assert_true(a.accepts.max == 20);

    /* 100 leaves: those of all; 101: its own */
    expect_rule_add(tree, over(20));
    for (i = 1; i < 100; ++i) {
        expect_rule_add(tree, within(10));
    }
    assert_true(refuse(tree).accepts.max == 10);
    expect_rule_add(tree, within(10));
    assert_true(refuse(tree).accepts.max == 20);
}

/* A list of types is that of the tree, unless that is too long. */
static void test_refusal_types(void **state)
{
    apr_array_header_t *few = apr_array_make(pool, 2, sizeof(const char *));
    apr_array_header_t *many = apr_array_make(pool, 600, sizeof(const char *));
    apr_array_header_t *one = apr_array_make(pool, 1, sizeof(const char *));
    given_t *refuses = given(EXPECT_DENIED, 415, EXPECT_UNLIMITED);
    given_t *other = given(EXPECT_GRANTED, 0, EXPECT_UNLIMITED);
    given_t *third = given(EXPECT_GRANTED, 0, EXPECT_UNLIMITED);
    expect_rule_t *tree = holding(EXPECT_ALL, leaf(&type_head, refuses),
                                  leaf(&type_head, other),
                                  leaf(&type_head, third));
    int i;

    (void)state;
    APR_ARRAY_PUSH(few, const char *) = "image/*";
    APR_ARRAY_PUSH(few, const char *) = "text/plain";
    APR_ARRAY_PUSH(one, const char *) = "text/plain";
    for (i = 0; i < 600; ++i) {
        APR_ARRAY_PUSH(many, const char *) = apr_psprintf(pool, "image/x%d",
                                                          i);
    }
    refuses->types = few;
    other->types = one;
    assert_int_equal(refuse(tree).accepts.accepted->nelts, 1);
    /* too long to join */
    third->types = many;
    assert_ptr_equal(refuse(tree).accepts.accepted, few);
    /* the joined list is too long */
    other->types = few;
    many->nelts = 200;
    assert_ptr_equal(refuse(tree).accepts.accepted, few);
}

/* --- rules that remember ---------------------------------------------- */

static const expect_rule_type_t type_remembers = {
    .name = "remembers",
    .known_at = EXPECT_AT_HANDLER,
    .status = 429,
    .check = given_check,
    .remembers = 1
};

static expect_rule_t *claims(expect_value_e value)
{
    return leaf(&type_remembers, given(value, 0, EXPECT_UNLIMITED));
}

/* All (a claim (All (claim b))), or without the claims. */
static expect_rule_t *tree_of(const expect_rule_t *a, const expect_rule_t *b,
                              const expect_rule_t *claim,
                              const expect_rule_t *other)
{
    return claim ? holding(EXPECT_ALL, a, claim,
                           holding(EXPECT_ALL, other, b, NULL))
                 : holding(EXPECT_ALL, a, holding(EXPECT_ALL, b, NULL, NULL),
                           NULL);
}

static int admits(const expect_answer_t *answer)
{
    return answer->value == G || answer->value == N;
}

static void check_apart(const expect_facts_t *facts, const expect_rule_t *tree,
                        const expect_rule_t *without)
{
    expect_answer_t memo[MAX_LEAVES] = { { 0 } };
    expect_answer_t expected, others, again, whole, claim;
    expect_grants_t grants, apart;
    int holds;

    expected = expect_rule_evaluate(without, facts, EXPECT_AT_HANDLER, NULL);
    others = expect_rule_evaluate_others(tree, facts, EXPECT_AT_HANDLER, memo);
    again = expect_rule_evaluate_others(tree, facts, EXPECT_AT_HANDLER, memo);
    assert_int_equal(others.value, expected.value);
    assert_int_equal(again.value, expected.value);
    assert_ptr_equal(others.rule, expected.rule);
    assert_ptr_equal(again.rule, expected.rule);
    assert_int_equal(others.max, expected.max);
    assert_ptr_equal(others.max_rule, expected.max_rule);

    whole = expect_rule_evaluate_claims(tree, facts, EXPECT_AT_HANDLER, NULL,
                                        &grants);
    holds = expect_rule_claim(&claim, tree, facts, EXPECT_AT_HANDLER, &apart);
    assert_int_equal(admits(&whole), admits(&others) && holds);
    if (admits(&whole)) {
        assert_int_equal(whole.max, others.max);
        assert_int_equal(apart.n, grants.n);
        assert_memory_equal(apart.rules, grants.rules,
                            apart.n * sizeof(*apart.rules));
    }
    else if (admits(&others) && whole.value == D) {
        assert_false(admits(&claim));
        assert_int_equal(claim.status, 429);
    }
}

/* Where rules that remember are no alternatives, they can be judged apart: with
 * the same result as all rules together. */
static void test_apart(void **state)
{
    expect_head_t head = { 0 };
    expect_facts_t facts = { .head = &head, .pool = pool,
                             .method = METHOD_PUT };
    int i;

    (void)state;
    /* there is something that they are taken from */
    facts.claims = (struct expect_claims_t *)&head;
    for (i = 0; i < 256; ++i) {
        expect_rule_t *a = says(values[i % 4]);
        expect_rule_t *b = leaf(&type_user, given(values[i / 4 % 4], 0, i));

        check_apart(&facts,
                    tree_of(a, b, claims(values[i / 16 % 4]),
                            claims(values[i / 64])),
                    tree_of(a, b, NULL, NULL));
    }
}

/* Judged apart or together, each leaf has the same place in the memo. */
static void test_apart_memo(void **state)
{
    expect_head_t head = { 0 };
    expect_facts_t facts = { .head = &head, .pool = pool,
                             .method = METHOD_PUT };
    expect_rule_t *b = says(G);
    expect_rule_t *tree = tree_of(says(G), b, claims(G), claims(G));
    expect_answer_t memo[MAX_LEAVES] = { { 0 } };
    expect_answer_t answer;
    expect_grants_t grants;

    (void)state;
    facts.claims = (struct expect_claims_t *)&head;
    answer = expect_rule_evaluate_others(tree, &facts, EXPECT_AT_HANDLER, memo);
    assert_int_equal(answer.value, G);
    answer = expect_rule_evaluate_claims(tree, &facts, EXPECT_AT_HANDLER, memo,
                                         &grants);
    assert_int_equal(answer.value, G);
    assert_int_equal(calls(b), 1);
}

/* One that another method meets is not claimed, and none before it is known. */
static void test_apart_limited(void **state)
{
    expect_head_t head = { 0 };
    expect_facts_t facts = { .head = &head, .pool = pool,
                             .method = METHOD_PUT };
    expect_rule_t *first = claims(G), *second = claims(G), *limited = claims(D);
    expect_rule_t *tree = holding(EXPECT_ALL, first, limited, second);
    expect_grants_t grants;
    expect_answer_t answer;

    (void)state;
    facts.claims = (struct expect_claims_t *)&head;
    limited->limited = ~METHOD_PUT;
    assert_true(expect_rule_claim(&answer, tree, &facts, EXPECT_AT_HANDLER,
                                  &grants));
    assert_int_equal(grants.n, 2);
    assert_ptr_equal(grants.rules[0], first);
    assert_ptr_equal(grants.rules[1], second);
    assert_int_equal(calls(limited), 0);
    assert_false(expect_rule_claim(&answer, tree, &facts, EXPECT_AT_USER,
                                   &grants));
    assert_int_equal(answer.value, U);
    assert_int_equal(grants.n, 0);
}

/* No more than there is room for are granted. */
static void test_apart_many(void **state)
{
    expect_head_t head = { 0 };
    expect_facts_t facts = { .head = &head, .pool = pool,
                             .method = METHOD_PUT };
    expect_rule_t *tree = expect_rule_container(pool, EXPECT_ALL);
    expect_grants_t grants;
    expect_answer_t answer;
    int i;

    (void)state;
    facts.claims = (struct expect_claims_t *)&head;
    for (i = 0; i < EXPECT_CLAIMS_MAX; ++i) {
        expect_rule_add(tree, claims(G));
    }
    assert_true(expect_rule_claim(&answer, tree, &facts, EXPECT_AT_HANDLER,
                                  &grants));
    assert_int_equal(grants.n, EXPECT_CLAIMS_MAX);
    expect_rule_add(tree, claims(G));
    assert_false(expect_rule_claim(&answer, tree, &facts, EXPECT_AT_HANDLER,
                                   &grants));
    assert_int_equal(answer.value, U);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_not),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_error),
        cmocka_unit_test(test_survives),
        cmocka_unit_test(test_first_denial),
        cmocka_unit_test(test_row_status),
        cmocka_unit_test(test_negated_denial),
        cmocka_unit_test(test_any_prefers_401),
        cmocka_unit_test(test_reason),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limits_of_others),
        cmocka_unit_test(test_early_limits),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_stages_negated),
        cmocka_unit_test(test_earliest),
        cmocka_unit_test(test_memo),
        cmocka_unit_test(test_no_memo),
        cmocka_unit_test(test_memo_places),
        cmocka_unit_test(test_memo_short_cuts),
        cmocka_unit_test(test_reason_of_alternatives),
        cmocka_unit_test(test_too_early),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_refusal_of_tree),
        cmocka_unit_test(test_refusal_types),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_apart_memo),
        cmocka_unit_test(test_apart_limited),
        cmocka_unit_test(test_apart_many),
    };

    return cmocka_run_group_tests_name("rule", tests, pool_create,
                                       pool_destroy);
}
