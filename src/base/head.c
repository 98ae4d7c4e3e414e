/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a request head announces: framing, length, media type, codings.
 */

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "base/head.h"

/* RFC 9110, 8.3: the media type of content that is sent without one */
#define DEFAULT_MEDIA_TYPE "application/octet-stream"

/* RFC 9110, 8.6: digits and nothing else */
static int head_parse_length(apr_off_t *length, const char *value)
{
    char *end;

    return apr_isdigit(*value)
           && apr_strtoff(length, value, &end, 10) == APR_SUCCESS && !*end;
}

int expect_head_has_valid_length(const apr_table_t *fields)
{
    const char *value = apr_table_get(fields, "Content-Length");
    apr_off_t length;

    return !value || head_parse_length(&length, value);
}

void expect_head_set(expect_head_t *head, const apr_table_t *fields,
                     apr_off_t length, int expects_100)
{
    head->fields = fields;
    head->length = length;
    head->expects_100 = expects_100;
    head->media_type = NULL;
    head->codings = NULL;
}

int expect_head_read(expect_head_t *head, const apr_table_t *fields,
                     int expects_100)
{
    apr_off_t length = EXPECT_LENGTH_UNKNOWN;

    if (!apr_table_get(fields, "Transfer-Encoding")) {
        const char *value = apr_table_get(fields, "Content-Length");

        if (!value || !head_parse_length(&length, value) || length == 0) {
            return 0;
        }
    }

    expect_head_set(head, fields, length, expects_100);
    return 1;
}

/* RFC 9110, 5.6.2 */
static int token_has(unsigned char c)
{
    return apr_isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *token_skip(const char *s)
{
    while (token_has((unsigned char)*s)) {
        ++s;
    }
    return s;
}

/* RFC 9110, 5.6.3 */
static const char *head_skip_ows(const char *s)
{
    while (*s == ' ' || *s == '\t') {
        ++s;
    }
    return s;
}

char *expect_lower(apr_pool_t *p, const char *from, const char *to)
{
    char *word = apr_pstrmemdup(p, from, to - from);
    char *c;

    for (c = word; *c; ++c) {
        *c = apr_tolower(*c);
    }
    return word;
}

int expect_is_token(const char *word)
{
    return *word && !*token_skip(word);
}

/*
 * Whether the rest of a media type is parameters only. A comma outside quotes
 * begins a second value: applications differ in which of the two they use, so
 * the field is not a media type.
 */
static int media_type_is_parameters(const char *s)
{
    int quoted = 0;

    if (*s && *s != ';') {
        return 0;
    }
    for (; *s; ++s) {
        if (quoted && *s == '\\' && s[1]) {
            ++s;
        }
        else if (*s == '"') {
            quoted = !quoted;
        }
        else if (*s == ',' && !quoted) {
            return 0;
        }
    }
    return !quoted;
}

const char *expect_media_type(apr_pool_t *p, const char *value)
{
    const char *start, *slash, *end;

    if (!value) {
        return DEFAULT_MEDIA_TYPE;
    }

    start = head_skip_ows(value);
    slash = token_skip(start);
    if (slash == start || *slash != '/') {
        return NULL;
    }
    end = token_skip(slash + 1);
    if (end == slash + 1 || !media_type_is_parameters(head_skip_ows(end))) {
        return NULL;
    }
    return expect_lower(p, start, end);
}

const expect_media_type_t *expect_head_media_type(apr_pool_t *p,
                                                  expect_head_t *head)
{
    expect_media_type_t *m;
    const char *subtype, *plus;

    if (head->media_type) {
        return head->media_type;
    }
    m = apr_pcalloc(p, sizeof(*m));
    m->type = expect_media_type(p, apr_table_get(head->fields,
                                                 "Content-Type"));
    if (m->type) {
        subtype = strchr(m->type, '/') + 1;
        plus = strrchr(subtype, '+');
        m->major = apr_pstrcat(p, apr_pstrmemdup(p, m->type,
                                                 subtype - m->type),
                               "*", NULL);
        m->suffix = plus ? apr_pstrcat(p, m->major, plus, NULL) : NULL;
    }
    head->media_type = m;
    return m;
}

int expect_media_type_covers(const char *pattern, const char *type)
{
    const char *star = strstr(pattern, "/*");
    apr_size_t major;
    const char *plus;

    if (!strcmp(pattern, "*/*") || !strcasecmp(pattern, type)) {
        return 1;
    }
    if (!star) {
        return 0;
    }
    major = star - pattern + 1;
    if (strncasecmp(pattern, type, major)) {
        return 0;
    }
    plus = strrchr(type + major, '+');
    return !star[2] || (plus && !strcasecmp(star + 2, plus));
}

const char *expect_next_coding(apr_pool_t *p, const char **value)
{
    const char *start = *value;
    const char *end;
    char *coding;

    /* RFC 9110, 5.6.1.2: empty list elements are skipped */
    while (*start == ',' || *start == ' ' || *start == '\t') {
        ++start;
    }
    if (!*start) {
        return "";
    }

    end = token_skip(start);
    *value = head_skip_ows(end);
    if (end == start || (**value && **value != ',')) {
        return NULL;
    }

    coding = expect_lower(p, start, end);
    if (!strcmp(coding, "x-gzip") || !strcmp(coding, "x-compress")) {
        return coding + 2;
    }
    return coding;
}

const apr_array_header_t *expect_head_codings(apr_pool_t *p,
                                              expect_head_t *head)
{
    const char *value;
    const char *coding = "";
    apr_array_header_t *codings;

    if (head->codings) {
        return head->codings;
    }
    value = apr_table_get(head->fields, "Content-Encoding");
    codings = apr_array_make(p, 2, sizeof(const char *));
    while (value && (coding = expect_next_coding(p, &value)) && *coding) {
        APR_ARRAY_PUSH(codings, const char *) = coding;
    }
    if (!coding) {
        apr_array_clear(codings);
    }
    if (!codings->nelts) {
        APR_ARRAY_PUSH(codings, const char *) = coding ? "identity" : NULL;
    }
    head->codings = codings;
    return codings;
}
