/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The content rules without httpd: SIZE, messages, and the three rules' values,
 * statuses and limits.
 */

/* links: src/base/head.c src/base/quote.c src/base/size.c src/tree/tree.c src/tree/evaluate.c src/tree/describe.c src/rules/arguments.c src/rules/list.c src/rules/content_length.c src/rules/content_type.c src/rules/content_encoding.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apr_strings.h"

#include "base/quote.h"
#include "base/size.h"
#include "rules/arguments.h"
#include "rules/registry.h"
#include "tree/describe.h"
#include "tree/evaluate.h"
#include "pool.h"

#define K APR_INT64_C(1024)

/* --- expect_size_parse ------------------------------------------------ */

static void test_size_good(void **state)
{
    static const struct {
        const char *word;
        apr_int64_t bytes;
    } rows[] = {
        { "0", 0 }, { "1", 1 }, { "007", 7 }, { "1048576", K * K },
        { "1k", K }, { "1K", K }, { "3m", 3 * K * K }, { "3M", 3 * K * K },
        { "2g", 2 * K * K * K }, { "2G", 2 * K * K * K },
        { "5t", 5 * K * K * K * K }, { "5T", 5 * K * K * K * K },
        { "0T", 0 },
        { "2147483648", APR_INT64_C(2147483648) },
        { "9223372036854775807", APR_INT64_MAX },
        { "9007199254740991K", APR_INT64_MAX - K + 1 },
        { "8388607T", APR_INT64_C(8388607) * K * K * K * K },
        { "00000000000000000000000000000000012", 12 },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        apr_off_t size = -7;

        if (!expect_size_parse(&size, rows[i].word)
            || size != rows[i].bytes) {
            fail_msg("%s: %" APR_INT64_T_FMT, rows[i].word, size);
        }
    }
}

static void test_size_bad(void **state)
{
    static const char *const words[] = {
        "", " ", "-1", "+1", "-0", "K", "M", "abc", "1X", "1B", "1KB", "1KiB",
        "10MM", "1.5M", "1,5", "1 M", " 1", "1 ", "1\t", "\n1", "0x10", "1e3",
        "1_000", "9223372036854775808", "18446744073709551616",
        "18446744073709551617", "99999999999999999999",
        "9007199254740992K", "8796093022208M", "8589934592G", "8388608T",
        "18014398509481985K", "16777217T",
        "99999999999999999999999999999999999999T", "1\xc2\xa0", "\xc2\xb2",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
        apr_off_t size = -7;

        if (expect_size_parse(&size, words[i])) {
            fail_msg("\"%s\" is taken for %" APR_INT64_T_FMT, words[i], size);
        }
    }
}

/* --- the rules -------------------------------------------------------- */

#define MAX_WORDS 8

/* The registry has rules that need httpd. */
static const expect_rule_type_t *type_of(const char *name)
{
    static const expect_rule_type_t *const types[] = {
        &expect_rule_content_length, &expect_rule_content_type,
        &expect_rule_content_encoding
    };
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (!strcmp(types[i]->name, name)) {
            return types[i];
        }
    }
    return NULL;
}

static const char *parse(const char *line, const expect_rule_type_t **type,
                         const void **arg)
{
    char *rest, *word = apr_strtok(apr_pstrdup(pool, line), " ", &rest);
    const char *argv[MAX_WORDS];
    int argc = 0;

    *type = type_of(word);
    assert_non_null(*type);
    while ((word = apr_strtok(NULL, " ", &rest)) && argc < MAX_WORDS) {
        argv[argc++] = word;
    }
    return (*type)->parse(pool, argc, argv, arg);
}

static expect_answer_t evaluate(const char *line, apr_off_t length,
                                const char *name, const char *value)
{
    const expect_rule_type_t *type;
    const void *arg = NULL;
    expect_head_t head;
    expect_facts_t facts;
    apr_table_t *fields = apr_table_make(pool, 2);
    expect_answer_t memo, answer;
    expect_rule_t *leaf;
    int negated = !strncmp(line, "not ", 4);

    assert_null(parse(line + 4 * negated, &type, &arg));
    if (value) {
        apr_table_setn(fields, name, value);
    }
    memset(&head, 0, sizeof(head));
    head.fields = fields;
    head.length = length;
    memset(&facts, 0, sizeof(facts));
    facts.head = &head;
    facts.pool = pool;
    facts.method = 1;
    memset(&memo, 0, sizeof(memo));
    leaf = expect_rule_leaf(pool, type, arg);
    leaf->negated = negated;
    answer = expect_rule_evaluate(leaf, &facts, EXPECT_AT_HEAD, &memo);
    if (answer.value == EXPECT_DENIED) {
        const char *why = expect_rule_reason(pool, &answer, &facts);

        assert_non_null(why);
        assert_non_null(strstr(why, length == EXPECT_LENGTH_UNKNOWN && !value
                                        ? "length" : type->name));
        assert_int_not_equal(why[strlen(why) - 1], '.');
    }
    return answer;
}

#define CHUNKED EXPECT_LENGTH_UNKNOWN
#define ANY_MAX ((apr_off_t)-2)

typedef struct {
    const char *line;
    apr_off_t length;
    const char *value;      /* of the field that the rule reads, or NULL */
    int status;             /* 0: granted */
    apr_off_t max;
} row_t;

static void check_rows(const row_t *row, size_t n, const char *field)
{
    for (; n > 0; n--, row++) {
        expect_answer_t a = evaluate(row->line, row->length, field,
                                     row->value);

        if (a.value != (row->status ? EXPECT_DENIED : EXPECT_GRANTED)
            || (row->status && a.status != row->status)
            || (!row->status && row->max != ANY_MAX && a.max != row->max)) {
            fail_msg("%s, length %" APR_INT64_T_FMT ", %s: value %d,"
                     " status %d, max %" APR_INT64_T_FMT, row->line,
                     row->length, row->value ? row->value : "no field",
                     a.value, a.status, a.max);
        }
    }
}

static void test_content_length(void **state)
{
    static const row_t rows[] = {
        { "content-length max=10", 1, NULL, 0, ANY_MAX },
        { "content-length max=10", 10, NULL, 0, ANY_MAX },
        { "content-length max=10", 11, NULL, 413, 0 },
        { "content-length max=10", CHUNKED, NULL, 0, 10 },
        { "content-length max=0", 1, NULL, 413, 0 },
        { "content-length min=10", 10, NULL, 0, EXPECT_UNLIMITED },
        { "content-length min=10", 9, NULL, 400, 0 },
        { "content-length min=10", APR_INT64_MAX, NULL, 0, EXPECT_UNLIMITED },
        { "content-length min=10", CHUNKED, NULL, 411, 0 },
        { "content-length known", 1, NULL, 0, EXPECT_UNLIMITED },
        { "content-length known", APR_INT64_MAX, NULL, 0, EXPECT_UNLIMITED },
        { "content-length known", CHUNKED, NULL, 411, 0 },
        { "content-length min=5 max=7", 4, NULL, 400, 0 },
        { "content-length min=5 max=7", 5, NULL, 0, ANY_MAX },
        { "content-length min=5 max=7", 7, NULL, 0, ANY_MAX },
        { "content-length max=7 min=5", 8, NULL, 413, 0 },
        { "content-length min=5 max=7", CHUNKED, NULL, 411, 0 },
        { "content-length known max=7", CHUNKED, NULL, 411, 0 },
        { "not content-length max=10", 11, NULL, 0, EXPECT_UNLIMITED },
        { "not content-length max=10", 10, NULL, 400, 0 },
        { "not content-length max=10", CHUNKED, NULL, 400, 0 },
        { "not content-length known", CHUNKED, NULL, 0, EXPECT_UNLIMITED },
        { "content-length KNOWN MAX=1k", 1024, NULL, 0, ANY_MAX },
        { "content-length KNOWN MAX=1k", 1025, NULL, 413, 0 },
        { "content-length min=7 max=7", 7, NULL, 0, ANY_MAX },
        { "content-length max=9223372036854775807", APR_INT64_MAX, NULL, 0,
            ANY_MAX },
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(*rows), "Content-Length");
}

static void test_content_type(void **state)
{
    static const row_t rows[] = {
        { "content-type image/*", 1, "image/png", 0, EXPECT_UNLIMITED },
        { "content-type image/*", CHUNKED, "image/png", 0, EXPECT_UNLIMITED },
        { "content-type IMAGE/*", 1, "image/PNG;x=y", 0, EXPECT_UNLIMITED },
        { "content-type image/*", 1, "imagex/png", 415, 0 },
        { "content-type image/*", 1, "imag/png", 415, 0 },
        { "content-type image/png", 1, "image/png", 0, EXPECT_UNLIMITED },
        { "content-type Image/Png", 1, "image/png", 0, EXPECT_UNLIMITED },
        { "content-type image/png", 1, "image/pngx", 415, 0 },
        { "content-type image/png", 1, "image/pn", 415, 0 },
        { "content-type a/b image/png", 1, "image/png", 0, EXPECT_UNLIMITED },
        { "content-type a/b image/png", 1, "a/png", 415, 0 },
        { "content-type application/*+json", 1, "application/ld+json", 0,
            EXPECT_UNLIMITED },
        { "content-type application/*+json", 1, "application/LD+JSON", 0,
            EXPECT_UNLIMITED },
        { "content-type application/*+json", 1, "application/a+b+json", 0,
            EXPECT_UNLIMITED },
        { "content-type application/*+json", 1, "application/json", 415, 0 },
        { "content-type application/*+json", 1, "application/x+xml", 415, 0 },
        { "content-type application/*+json", 1, "application/x+json5", 415,
            0 },
        { "content-type application/*+json", 1, "image/x+json", 415, 0 },
        { "content-type */*", 1, "x/y", 0, EXPECT_UNLIMITED },
        { "content-type */*", 1, NULL, 0, EXPECT_UNLIMITED },
        { "content-type image/*", 1, NULL, 415, 0 },
        { "content-type application/octet-stream", 1, NULL, 0,
            EXPECT_UNLIMITED },
        { "content-type application/*", 1, NULL, 0, EXPECT_UNLIMITED },
        { "content-type image/*", 1, "image/png, image/png", 415, 0 },
        { "content-type */*", 1, "nonsense", 415, 0 },
        { "content-type */*", 1, "", 415, 0 },
        { "not content-type image/*", 1, "text/x", 0, EXPECT_UNLIMITED },
        { "not content-type image/*", 1, "image/png", 415, 0 },
        { "not content-type image/*", 1, "image/png, image/png", 415, 0 },
        { "not content-type image/*", 1, "nonsense", 415, 0 },
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(*rows), "Content-Type");
}

static void test_content_encoding(void **state)
{
    static const row_t rows[] = {
        { "content-encoding gzip", 1, "gzip", 0, EXPECT_UNLIMITED },
        { "content-encoding GZIP", 1, "gZip", 0, EXPECT_UNLIMITED },
        { "content-encoding gzip", 1, "x-gzip", 0, EXPECT_UNLIMITED },
        { "content-encoding x-gzip", 1, "gzip", 0, EXPECT_UNLIMITED },
        { "content-encoding gzip", 1, "br", 415, 0 },
        { "content-encoding gzip", 1, "gzi", 415, 0 },
        { "content-encoding gzip", 1, "gzip, br", 415, 0 },
        { "content-encoding gzip", 1, "br, gzip", 415, 0 },
        { "content-encoding br gzip", 1, "gzip, br", 0, EXPECT_UNLIMITED },
        { "content-encoding gzip", 1, "gzip, gzip", 0, EXPECT_UNLIMITED },
        { "content-encoding gzip", 1, NULL, 415, 0 },
        { "content-encoding identity", 1, NULL, 0, EXPECT_UNLIMITED },
        { "content-encoding identity", 1, "identity", 0, EXPECT_UNLIMITED },
        { "content-encoding identity", 1, "gzip", 415, 0 },
        { "content-encoding identity gzip", 1, "gzip", 0, EXPECT_UNLIMITED },
        { "content-encoding identity gzip", 1, NULL, 0, EXPECT_UNLIMITED },
        { "content-encoding gzip", 1, "gz ip", 415, 0 },
        { "content-encoding gzip", 1, "gzip, \"x", 415, 0 },
        { "not content-encoding gzip", 1, "br", 0, EXPECT_UNLIMITED },
        { "not content-encoding gzip", 1, "gzip", 415, 0 },
        { "not content-encoding gzip", 1, "gz ip", 415, 0 },
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(*rows), "Content-Encoding");
}

static void test_parse_messages(void **state)
{
    static const struct {
        const char *line, *word;
    } rows[] = {
        { "content-length", NULL },
        { "content-length max=", "max=" },
        { "content-length max=1 nonsense", "nonsense" },
        { "content-length max=1 max=2", "max=2" },
        { "content-type", NULL },
        { "content-type a/b c", "c" },
        { "content-encoding", NULL },
        { "content-encoding gzip b,r", "b,r" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const expect_rule_type_t *type;
        const void *arg = NULL;
        const char *message = parse(rows[i].line, &type, &arg);

        /* "[ word]: what is wrong; what is accepted" */
        assert_non_null(message);
        if (rows[i].word) {
            const char *start = apr_pstrcat(pool, " ", rows[i].word, ": ",
                                            NULL);

            if (strncmp(message, start, strlen(start))) {
                fail_msg("%s: \"%s\"", rows[i].line, message);
            }
        }
        else {
            assert_int_equal(message[0], ':');
        }
        assert_non_null(strstr(message, "; "));
    }
}

/* A sentence shows only a bounded piece of what the client sent. */
static void test_reason_bounded(void **state)
{
    static const char *const lines[] = {
        "content-type image/png", "content-encoding gzip"
    };
    static const char *const names[] = {
        "Content-Type", "Content-Encoding"
    };
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        char *value = apr_palloc(pool, 8001);
        const expect_rule_type_t *type;
        const void *arg = NULL;
        expect_head_t head;
        expect_facts_t facts;
        apr_table_t *fields = apr_table_make(pool, 2);
        expect_answer_t memo, answer;
        const char *why;

        memset(value, 'a', 8000);
        value[8000] = '\0';
        value[1] = '/';
        apr_table_setn(fields, names[i], value);
        assert_null(parse(lines[i], &type, &arg));
        memset(&head, 0, sizeof(head));
        head.fields = fields;
        head.length = 1;
        memset(&facts, 0, sizeof(facts));
        facts.head = &head;
        facts.pool = pool;
        facts.method = 1;
        memset(&memo, 0, sizeof(memo));
        answer = expect_rule_evaluate(expect_rule_leaf(pool, type, arg), &facts,
                                    EXPECT_AT_HEAD, &memo);
        assert_int_equal(answer.value, EXPECT_DENIED);
        why = expect_rule_reason(pool, &answer, &facts);
        assert_true(strlen(why) < 200 + EXPECT_QUOTED_MAX);
    }
}

/* The sentences of content of unknown length. */
static void test_reason_unknown_length(void **state)
{
    static const struct {
        const char *line;
        int status, negated;
        const char *reason;
    } rows[] = {
        { "content-length known", 411, 0, "content-length is required" },
        { "content-length known", 400, 1,
            "content of unknown length is not accepted here" },
        { "content-length max=1k", 413, 0,
            "content of unknown length exceeded max=1024" },
    };
    expect_head_t head;
    expect_facts_t facts;
    size_t i;

    (void)state;
    memset(&head, 0, sizeof(head));
    memset(&facts, 0, sizeof(facts));
    head.length = CHUNKED;
    facts.head = &head;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const expect_rule_type_t *type;
        const void *arg = NULL;

        assert_null(parse(rows[i].line, &type, &arg));
        assert_string_equal(type->reason(pool, &facts, arg, rows[i].status,
                                         rows[i].negated), rows[i].reason);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    assert_string_equal(expect_rule_wrong(pool, "max=", "missing", "a SIZE"),
                        " max=: missing; a SIZE");
    assert_string_equal(expect_rule_wrong(pool, NULL, "missing", "a SIZE"),
                        ": missing; a SIZE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size_good),
        cmocka_unit_test(test_size_bad),
        cmocka_unit_test(test_content_length),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_content_encoding),
        cmocka_unit_test(test_parse_messages),
        cmocka_unit_test(test_reason_bounded),
        cmocka_unit_test(test_reason_unknown_length),
        cmocka_unit_test(test_wrong),
    };

    return cmocka_run_group_tests_name("content", tests, pool_create,
                                       pool_destroy);
}
