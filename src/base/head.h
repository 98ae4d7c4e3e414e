/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a request head announces about the content that would follow it.
 *
 * This file knows APR only, no httpd: it can be tested and fuzzed bare.
 */

#ifndef EXPECT_HEAD_H
#define EXPECT_HEAD_H

#include "apr_pools.h"
#include "apr_tables.h"

/** The length of content that is sent without announcing one (chunked). */
#define EXPECT_LENGTH_UNKNOWN ((apr_off_t)-1)

/** A media type, and the wildcards that cover it. */
typedef struct expect_media_type_t {
    /** in lower case, "image/svg+xml"; NULL: the field is not a media type */
    const char *type;
    /** "image/" and a star */
    const char *major;
    /** "image/" and a star and "+xml"; NULL: it has no suffix */
    const char *suffix;
} expect_media_type_t;

typedef struct expect_head_t {
    /** the header fields, as httpd keeps them: a row for each field, its lines
     *  joined */
    const apr_table_t *fields;
    /** bytes announced by Content-Length, or EXPECT_LENGTH_UNKNOWN */
    apr_off_t length;
    /** the client waits for 100 Continue before it sends its content */
    int expects_100;
    /** NULL until they are needed: see the functions below */
    const expect_media_type_t *media_type;
    const apr_array_header_t *codings;
} expect_head_t;

/**
 * Whether the fields that announce content are there: a cheap test, for
 * requests without content.
 * @param fields the request's header fields
 * @return 0 if no content is announced, 1 if expect_head_read() must be called
 *         to know
 */
static APR_INLINE int expect_head_has_content(const apr_table_t *fields)
{
    return apr_table_get(fields, "Transfer-Encoding")
           || apr_table_get(fields, "Content-Length");
}

/**
 * Whether Content-Length is a length, if it is there.
 * @param fields the request's header fields
 * @return 1 or 0
 */
int expect_head_has_valid_length(const apr_table_t *fields);

/**
 * Read what a head announces.
 * @param head   filled in when the result is 1, untouched otherwise
 * @param fields the request's header fields, Content-Length already checked by
 *               ap_read_request() or expect_compat_check()
 * @param expects_100  the request carries Expect: 100-continue and its version
 *               gives that a meaning: HTTP/1.1 or later (RFC 9110, 10.1.1)
 * @return 1 if content is announced (RFC 9112, 6.3: Transfer-Encoding, or a
 *         Content-Length over 0), else 0
 */
int expect_head_read(expect_head_t *head, const apr_table_t *fields,
                     int expects_100);

/**
 * Make a head whose length is known from elsewhere.
 * @param head   filled in
 * @param fields the request's header fields
 * @param length bytes, over 0, or EXPECT_LENGTH_UNKNOWN
 * @param expects_100  as for expect_head_read()
 */
void expect_head_set(expect_head_t *head, const apr_table_t *fields,
                     apr_off_t length, int expects_100);

/**
 * The media type of the content (RFC 9110, 8.3.1), without parameters.
 * @param p    pool for the result
 * @param head the head; remembers the answer
 * @return never NULL; "application/octet-stream" if none was sent (RFC 9110,
 *         8.3), its type NULL if the field is not one media type
 */
const expect_media_type_t *expect_head_media_type(apr_pool_t *p,
                                                  expect_head_t *head);

/**
 * The codings of the content (RFC 9110, 8.4).
 * @param p    pool for the result
 * @param head the head; remembers the answer
 * @return never NULL; the codings as char *, lower case, "x-" aliases as
 *         their modern names (RFC 9110, 8.4.1); "identity" alone if none was
 *         sent, NULL alone if the field is not a list of codings
 */
const apr_array_header_t *expect_head_codings(apr_pool_t *p,
                                              expect_head_t *head);

/**
 * The media type in a field value.
 * @param p     pool for the result
 * @param value a Content-Type field's value; NULL: none was sent
 * @return as expect_media_type_t.type
 */
const char *expect_media_type(apr_pool_t *p, const char *value);

/**
 * Whether a media type or wildcard covers another one, by the syntax of the
 * rule content-type.
 * @param pattern the wider one, in upper or lower case
 * @param type    the narrower one
 * @return 1 or 0
 */
int expect_media_type_covers(const char *pattern, const char *type);

/**
 * Parse the next coding of a Content-Encoding field (RFC 9110, 8.4).
 * @param p     pool for the result
 * @param value in: where to begin; out: the end of the coding
 * @return the coding in lower case, "x-" aliases as their modern names
 *         (RFC 9110, 8.4.1); "" at the end of the field; NULL if there is
 *         something else than a coding
 */
const char *expect_next_coding(apr_pool_t *p, const char **value);

/**
 * A copy in lower case.
 * @param p    pool for the result
 * @param from the first character
 * @param to   the end: one after the last character
 * @return the copy, terminated by NUL
 */
char *expect_lower(apr_pool_t *p, const char *from, const char *to);

/**
 * Whether a word is a token (RFC 9110, 5.6.2).
 * @param word the word, terminated by NUL
 * @return 1 if it is, 0 if it is empty or has another character
 */
int expect_is_token(const char *word);

#endif
