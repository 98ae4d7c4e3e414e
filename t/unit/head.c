/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * src/base/head.h: which heads announce content, and how its type and codings
 * are read.
 */

/* links: src/base/head.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apr_strings.h"

#include "base/head.h"
#include "pool.h"

/* --- expect_head_read ------------------------------------------------- */

static void test_head_read(void **state)
{
    static const struct {
        const char *length, *coding;
        int announced;
        apr_off_t bytes;
    } rows[] = {
        { NULL, NULL, 0, 0 },
        { "0", NULL, 0, 0 },
        { "00", NULL, 0, 0 },
        { "1", NULL, 1, 1 },
        { "0010", NULL, 1, 10 },
        { "104857600", NULL, 1, 104857600 },
        { "4294967296", NULL, 1, APR_INT64_C(4294967296) },
        { "9223372036854775807", NULL, 1, APR_INT64_MAX },
        { NULL, "chunked", 1, EXPECT_LENGTH_UNKNOWN },
        { NULL, "Chunked", 1, EXPECT_LENGTH_UNKNOWN },
        { NULL, "gzip, chunked", 1, EXPECT_LENGTH_UNKNOWN },
        /* RFC 9112, 6.3: Transfer-Encoding overrides Content-Length. */
        { "5", "chunked", 1, EXPECT_LENGTH_UNKNOWN },
        { "0", "chunked", 1, EXPECT_LENGTH_UNKNOWN },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int expects;

        for (expects = 0; expects < 2; expects++) {
            apr_table_t *fields = apr_table_make(pool, 4);
            expect_head_t head;

            memset(&head, 0, sizeof(head));
            head.length = -7;
            head.expects_100 = 7;
            apr_table_setn(fields, "Host", "x");
            if (rows[i].length) {
                apr_table_setn(fields, "content-length", rows[i].length);
            }
            if (rows[i].coding) {
                apr_table_setn(fields, "transfer-encoding", rows[i].coding);
            }
            if (rows[i].announced) {
                assert_true(expect_head_has_content(fields));
            }
            assert_int_equal(expect_head_read(&head, fields, expects),
                             rows[i].announced);
            if (!rows[i].announced) {
                assert_null(head.fields);
                assert_int_equal(head.length, -7);
                assert_int_equal(head.expects_100, 7);
                continue;
            }
            assert_ptr_equal(head.fields, fields);
            assert_true(head.length == rows[i].bytes);
            assert_int_equal(head.expects_100, expects);
        }
    }
}

/* RFC 9110, 8.6; what is no length is no content either. */
static void test_valid_length(void **state)
{
    static const struct {
        const char *length;
        int valid;
    } rows[] = {
        { NULL, 1 }, { "0", 1 }, { "007", 1 }, { "9223372036854775807", 1 },
        { "", 0 }, { " 5", 0 }, { "5 ", 0 }, { "+5", 0 }, { "-5", 0 },
        { "0x5", 0 }, { "5x", 0 }, { "5, 5", 0 }, { "9223372036854775808", 0 }
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        apr_table_t *fields = apr_table_make(pool, 4);
        expect_head_t head;

        if (rows[i].length) {
            apr_table_setn(fields, "Content-Length", rows[i].length);
        }
        assert_int_equal(expect_head_has_valid_length(fields), rows[i].valid);
        if (!rows[i].valid) {
            assert_int_equal(expect_head_read(&head, fields, 0), 0);
        }
    }
}

/* The cheap test may only say no where there is none. */
static void test_has_content(void **state)
{
    apr_table_t *fields = apr_table_make(pool, 4);

    (void)state;
    assert_false(expect_head_has_content(fields));
    apr_table_setn(fields, "Content-Type", "text/plain");
    apr_table_setn(fields, "Expect", "100-continue");
    assert_false(expect_head_has_content(fields));
}

/* --- expect_media_type ------------------------------------------------ */

static void test_media_type(void **state)
{
    static const struct {
        const char *value, *type;
    } rows[] = {
        { NULL, "application/octet-stream" },
        { "image/png", "image/png" },
        { "IMAGE/PNG", "image/png" },
        { "Image/SVG+XML", "image/svg+xml" },
        { "application/vnd.api+json", "application/vnd.api+json" },
        { "x!#$%&'^_`|~/a-b.c1", "x!#$%&'^_`|~/a-b.c1" },
        { "text/plain;charset=utf-8", "text/plain" },
        { "text/plain; charset=utf-8", "text/plain" },
        { "text/plain ; charset=utf-8", "text/plain" },
        { "text/plain\t;\tcharset=utf-8", "text/plain" },
        { "text/plain;", "text/plain" },
        { "text/plain; charset=\"a;b, c\"; x=y", "text/plain" },
        { "multipart/form-data; boundary=--x/y", "multipart/form-data" },
        { " text/plain", "text/plain" },
        { "text/plain ", "text/plain" },
        { "text/plain\t", "text/plain" },
        { "", NULL },
        { " ", NULL },
        { ";", NULL },
        { "image", NULL },
        { "image/", NULL },
        { "/png", NULL },
        { "/", NULL },
        { "image /png", NULL },
        { "image/ png", NULL },
        { "image//png", NULL },
        { "image/png/x", NULL },
        { "image/png x", NULL },
        { "image/png,image/gif", NULL },
        { "image/png, image/png", NULL },
        { "image/png, text/html", NULL },
        { "text/html, image/png;q=1", NULL },
        { "\"image/png\"", NULL },
        { "image/\"png\"", NULL },
        { "image/p(ng", NULL },
        { "image/p@ng", NULL },
        { "image=png", NULL },
        { "image/p\x01ng", NULL },
        { "image/p\x7fng", NULL },
        { "image/p\xc3\xa4ng", NULL },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *type = expect_media_type(pool, rows[i].value);

        if (!type != !rows[i].type
            || (type && strcmp(type, rows[i].type))) {
            fail_msg("%s: %s, not %s", rows[i].value ? rows[i].value : "-",
                     type ? type : "NULL",
                     rows[i].type ? rows[i].type : "NULL");
        }
    }
}

/* A second field's value, joined by a comma, is not hidden by parameters. */
static void test_media_type_joined(void **state)
{
    (void)state;
    assert_null(expect_media_type(pool, "image/png;q=1, text/html"));
    assert_null(expect_media_type(pool, "image/png; a=\"b\", text/html"));
    assert_null(expect_media_type(pool, "image/png;, text/html"));
}

/* A head with one field, or none. */
static expect_head_t head_with(const char *name, const char *value)
{
    apr_table_t *fields = apr_table_make(pool, 2);
    expect_head_t head;

    if (value) {
        apr_table_setn(fields, name, value);
    }
    apr_table_setn(fields, "Content-Length", "1");
    memset(&head, 0, sizeof(head));
    assert_int_equal(expect_head_read(&head, fields, 0), 1);
    return head;
}

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* With its wildcards; read once, also when it makes no sense. */
static void test_head_media_type(void **state)
{
    static const struct {
        const char *value, *type, *major, *suffix;
    } rows[] = {
        { "Image/PNG; x=y", "image/png", "image/*", NULL },
        { "image/SVG+XML", "image/svg+xml", "image/*", "image/*+xml" },
        { "application/a+b+json", "application/a+b+json", "application/*",
            "application/*+json" },
        { "x+y/z", "x+y/z", "x+y/*", NULL },
        { "x+y/z+json", "x+y/z+json", "x+y/*", "x+y/*+json" },
        { NULL, "application/octet-stream", "application/*", NULL },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        expect_head_t head = head_with("content-type", rows[i].value);
        const expect_media_type_t *t = expect_head_media_type(pool, &head);

        assert_non_null(t);
        if (!same(t->type, rows[i].type) || !same(t->major, rows[i].major)
            || !same(t->suffix, rows[i].suffix)) {
            fail_msg("%s: %s, %s, %s", rows[i].value, t->type, t->major,
                     t->suffix ? t->suffix : "-");
        }
        assert_ptr_equal(expect_head_media_type(pool, &head), t);
    }
}

static void test_head_media_type_none(void **state)
{
    static const char *const values[] = {
        "nonsense", "", "image/png, image/png", "image/"
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(values) / sizeof(*values); i++) {
        expect_head_t head = head_with("Content-Type", values[i]);
        const expect_media_type_t *t = expect_head_media_type(pool, &head);

        assert_non_null(t);
        assert_null(t->type);
        assert_ptr_equal(expect_head_media_type(pool, &head), t);
    }
}

static void test_head_codings(void **state)
{
    static const struct {
        const char *value;
        int n;
        const char *list[3];
    } rows[] = {
        { NULL, 1, { "identity" } },
        { "", 1, { "identity" } },
        { " , ", 1, { "identity" } },
        { "identity", 1, { "identity" } },
        { "X-GZip", 1, { "gzip" } },
        { "br, x-gzip,gzip", 3, { "br", "gzip", "gzip" } },
        { "gz ip", 1, { NULL } },
        { "gzip, b/r", 1, { NULL } },
        { "\"gzip\"", 1, { NULL } },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        expect_head_t head = head_with("Content-Encoding", rows[i].value);
        const apr_array_header_t *got = expect_head_codings(pool, &head);
        int j;

        assert_non_null(got);
        assert_int_equal(got->nelts, rows[i].n);
        for (j = 0; j < got->nelts; j++) {
            if (!same(APR_ARRAY_IDX(got, j, const char *),
                      rows[i].list[j])) {
                fail_msg("%s: coding %d", rows[i].value, j);
            }
        }
        assert_ptr_equal(expect_head_codings(pool, &head), got);
    }
}

/* --- expect_next_coding ----------------------------------------------- */

/* The codings joined by '|', "NULL" where one is none. */
static const char *codings(const char *value)
{
    const char *all = "";
    int n;

    for (n = 0; n < 50; n++) {
        const char *coding = expect_next_coding(pool, &value);

        if (!coding) {
            return apr_pstrcat(pool, all, *all ? "|" : "", "NULL", NULL);
        }
        if (!*coding) {
            return all;
        }
        all = apr_pstrcat(pool, all, *all ? "|" : "", coding, NULL);
    }
    return "endless";
}

static void test_next_coding(void **state)
{
    static const struct {
        const char *value, *list;
    } rows[] = {
        { "", "" },
        { " ", "" },
        { "gzip", "gzip" },
        { "GZip", "gzip" },
        { "x-gzip", "gzip" },
        { "X-GZIP", "gzip" },
        { "x-compress", "compress" },
        { "X-Compress", "compress" },
        { "x-br", "x-br" },
        { "x-gzip2", "x-gzip2" },
        { "identity", "identity" },
        { "gzip,br", "gzip|br" },
        { "gzip, br", "gzip|br" },
        { "gzip ,\tbr", "gzip|br" },
        { " gzip , br ", "gzip|br" },
        { "deflate, gzip, x-gzip", "deflate|gzip|gzip" },
        /* RFC 9110, 5.6.1.2: a recipient ignores empty elements. */
        { ",", "" },
        { ", gzip", "gzip" },
        { "gzip,", "gzip" },
        { "gzip, , br", "gzip|br" },
        { ",,gzip,,", "gzip" },
        { "gz ip", NULL },
        { "gzip br", NULL },
        { "gzip;q=1", NULL },
        { "gzip, b/r", "gzip|NULL" },
        { "\"gzip\"", "NULL" },
        { "gzip, \"br\"", "gzip|NULL" },
        { "(gzip)", "NULL" },
        { "g\xc3\xa4zip", NULL },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *list = codings(rows[i].value);

        /* NULL: a NULL comes, maybe behind the word in front of it. */
        if (rows[i].list ? strcmp(list, rows[i].list)
                         : !strstr(list, "NULL")) {
            fail_msg("%s: %s, not %s", rows[i].value, list,
                     rows[i].list ? rows[i].list : "... NULL");
        }
    }
}

/* --- expect_is_token -------------------------------------------------- */

static void test_is_token(void **state)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    int c;

    (void)state;
    assert_int_equal(expect_is_token(""), 0);
    assert_int_equal(expect_is_token("If-Match"), 1);
    assert_int_equal(expect_is_token("a b"), 0);
    assert_int_equal(expect_is_token(" a"), 0);
    assert_int_equal(expect_is_token("a "), 0);
    for (c = 1; c < 256; c++) {
        int is = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                 || (c >= '0' && c <= '9') || strchr(others, c) != NULL;
        char first[3] = { (char)c, 'x', '\0' };
        char last[3] = { 'x', (char)c, '\0' };

        if (!expect_is_token(first) != !is || !expect_is_token(last) != !is) {
            fail_msg("character %d is%s one of a token", c, is ? "" : " not");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_read),
        cmocka_unit_test(test_valid_length),
        cmocka_unit_test(test_has_content),
        cmocka_unit_test(test_media_type),
        cmocka_unit_test(test_media_type_joined),
        cmocka_unit_test(test_head_media_type),
        cmocka_unit_test(test_head_media_type_none),
        cmocka_unit_test(test_head_codings),
        cmocka_unit_test(test_next_coding),
        cmocka_unit_test(test_is_token),
    };

    return cmocka_run_group_tests_name("head", tests, pool_create,
                                       pool_destroy);
}
