/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a head announces: lines "Name: value". Held against a second reading of
 * Content-Length, and against what must not change a media type or a coding:
 * case, parameters, being read again.
 */

#include <string.h>

#include "fuzz.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "base/head.h"

/* The bytes of a Content-Length that is one, else 0. */
static apr_off_t length_of(const char *value)
{
    unsigned __int128 length = 0;

    if (!value || !*value || strspn(value, "0123456789") != strlen(value)) {
        return 0;
    }
    for (; *value; ++value) {
        length = length * 10 + (*value - '0');
        if (length > APR_INT64_MAX) {
            return 0;
        }
    }
    return (apr_off_t)length;
}

static char *upper(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text);
    char *c;

    for (c = copy; *c; ++c) {
        *c = apr_toupper(*c);
    }
    return copy;
}

static int is_lower_token(const char *word)
{
    const char *c;

    for (c = word; *c; ++c) {
        if (*c >= 'A' && *c <= 'Z') {
            return 0;
        }
    }
    return expect_is_token(word);
}

static int same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void check_type(apr_pool_t *p, const expect_media_type_t *m,
                       const char *value)
{
    const char *slash;

    MUST(m, value);
    if (!m->type) {
        MUST(value, value);
        return;
    }
    slash = strchr(m->type, '/');
    MUST(slash && is_lower_token(slash + 1), m->type);
    MUST(is_lower_token(apr_pstrmemdup(p, m->type, slash - m->type)),
         m->type);
    MUST(same(expect_media_type(p, m->type), m->type), m->type);
    MUST(!expect_media_type(p, apr_pstrcat(p, m->type, ", x/y", NULL))
         && !expect_media_type(p, apr_pstrcat(p, m->type, ";a=\"b\", x/y",
                                              NULL)), m->type);
    MUST(same(m->major, apr_pstrcat(p, apr_pstrmemdup(p, m->type,
                                                      slash + 1 - m->type),
                                    "*", NULL)), m->major);
    MUST(!m->suffix == !strchr(slash, '+'), m->type);
    MUST(!m->suffix || same(strrchr(m->suffix, '+'), strrchr(m->type, '+')),
         m->suffix);
    if (value) {
        MUST(same(expect_media_type(p, upper(p, value)), m->type), value);
        MUST(same(expect_media_type(p, apr_pstrcat(p, value, ";x=\"y,z\"",
                                                   NULL)), m->type), value);
        MUST(!strncasecmp(value + strspn(value, " \t"), m->type,
                          strlen(m->type)), value);
    }
}

static const apr_array_header_t *codings_of(apr_pool_t *p, const char *value)
{
    apr_table_t *fields = apr_table_make(p, 2);
    expect_head_t head;

    apr_table_setn(fields, "Transfer-Encoding", "chunked");
    if (value) {
        apr_table_setn(fields, "Content-Encoding", value);
    }
    MUST(expect_head_read(&head, fields, 0), NULL);
    return expect_head_codings(p, &head);
}

static int same_words(const apr_array_header_t *a,
                      const apr_array_header_t *b)
{
    int i;

    for (i = 0; i < a->nelts && i < b->nelts; ++i) {
        if (!same(APR_ARRAY_IDX(a, i, const char *),
                  APR_ARRAY_IDX(b, i, const char *))) {
            return 0;
        }
    }
    return a->nelts == b->nelts;
}

static void check_codings(apr_pool_t *p, const apr_array_header_t *codings,
                          const char *value)
{
    const char *again = NULL;
    int i;

    MUST(codings && codings->nelts, value);
    if (!APR_ARRAY_IDX(codings, 0, const char *)) {
        MUST(codings->nelts == 1 && value, value);
        return;
    }
    for (i = 0; i < codings->nelts; ++i) {
        const char *coding = APR_ARRAY_IDX(codings, i, const char *);

        MUST(coding && is_lower_token(coding), value);
        MUST(strcmp(coding, "x-gzip") && strcmp(coding, "x-compress"), value);
        again = again ? apr_pstrcat(p, again, ", ", coding, NULL) : coding;
    }
    MUST(same_words(codings_of(p, again), codings), value);
    if (value) {
        MUST(same_words(codings_of(p, upper(p, value)), codings), value);
        MUST(same_words(codings_of(p, apr_pstrcat(p, " ,", value, " ,,\t",
                                                  NULL)), codings), value);
    }
}

void fuzz_head(fuzz_input_t *in)
{
    apr_pool_t *p = in->pool;
    apr_table_t *fields = fuzz_fields(p, in->text);
    int coded = apr_table_get(fields, "Transfer-Encoding") != NULL;
    apr_off_t length = length_of(apr_table_get(fields, "Content-Length"));
    expect_head_t head;
    int announced = expect_head_read(&head, fields, 1);

    MUST(announced == (coded || length), NULL);
    MUST(!announced || expect_head_has_content(fields), NULL);
    if (!announced) {
        apr_table_setn(fields, "Transfer-Encoding", "chunked");
        MUST(expect_head_read(&head, fields, 0), NULL);
        coded = 1;
    }
    MUST(head.length == (coded ? EXPECT_LENGTH_UNKNOWN : length), NULL);
    check_type(p, expect_head_media_type(p, &head),
               apr_table_get(fields, "Content-Type"));
    check_codings(p, expect_head_codings(p, &head),
                  apr_table_get(fields, "Content-Encoding"));
}
