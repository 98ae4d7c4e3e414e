/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * content-encoding CODING...
 *
 *     ExpectRequire content-encoding identity gzip
 *
 * This file knows APR only, no httpd.
 */

#include <string.h>

#include "base/head.h"
#include "rules/list.h"
#include "rules/registry.h"

#define UNSUPPORTED_MEDIA_TYPE 415

#define ACCEPTED \
    "a CODING is like gzip, br, zstd, deflate, or identity for none"

static const char *coding_key(apr_pool_t *p, const char *word)
{
    return expect_is_token(word) && strcmp(word, "*") != 0
               ? expect_next_coding(p, &word) : NULL;
}

static const expect_list_words_t coding_words = {
    .usage = "content-encoding takes CODING..., " ACCEPTED,
    .wrong = "not a coding",
    .accepted = ACCEPTED,
    .key = coding_key
};

static const char *coding_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg)
{
    const expect_list_t *list = NULL;
    const char *err = expect_list_parse(p, argc, argv, &coding_words, &list);

    *arg = list;
    return err;
}

/* The first coding that is not accepted; "" if all are; NULL if the field is
 * not a list of codings. */
static const char *coding_refused(const expect_facts_t *facts,
                                  const expect_list_t *list)
{
    const apr_array_header_t *sent = expect_head_codings(facts->pool,
                                                         facts->head);
    int i;

    for (i = 0; i < sent->nelts; ++i) {
        const char *coding = APR_ARRAY_IDX(sent, i, const char *);

        if (!coding || !expect_list_has(list, coding)) {
            return coding;
        }
    }
    return "";
}

static expect_value_e coding_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const apr_array_header_t *sent = expect_head_codings(facts->pool,
                                                         facts->head);
    const char *const *codings = (const char *const *)sent->elts;
    int i, listed = 0;

    for (i = 0; i < sent->nelts; ++i) {
        listed += codings[i] && expect_list_has(arg, codings[i]);
    }
    if (listed == sent->nelts) {
        return EXPECT_GRANTED;
    }
    /* the field is malformed; or some codings are listed and some are not:
     * `not gzip` must refuse "gzip, br" as well */
    answer->survives_not = !codings[0] || listed > 0;
    return EXPECT_DENIED;
}

static const char *coding_reason(apr_pool_t *p, const expect_facts_t *facts,
                                 const void *arg, int status, int negated)
{
    const char *refused = coding_refused(facts, arg);

    (void)status;
    if (!refused) {
        return "content-encoding is not a list of codings";
    }
    if (negated) {
        return "content-encoding is not accepted";
    }
    return expect_list_reason(p, facts, arg, "Content-Encoding", refused);
}

static void coding_accepts(apr_pool_t *p, const expect_facts_t *facts,
                           const void *arg, expect_accepts_t *accepts)
{
    const char *refused =
        facts && apr_table_get(facts->head->fields, "Content-Encoding")
            ? coding_refused(facts, arg) : NULL;

    accepts->announced = refused && *refused
                             ? expect_list_value(p, facts, "Content-Encoding",
                                                 refused)
                             : NULL;
    expect_list_accepts(facts, arg, "Accept-Encoding", accepts);
}

const expect_rule_type_t expect_rule_content_encoding = {
    .name = "content-encoding",
    .known_at = EXPECT_AT_HEAD,
    .status = UNSUPPORTED_MEDIA_TYPE,
    .parse = coding_parse,
    .check = coding_check,
    .reason = coding_reason,
    .accepts = coding_accepts
};
