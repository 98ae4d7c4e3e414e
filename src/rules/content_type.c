/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * content-type TYPE...
 *
 *     ExpectRequire content-type application/pdf image/png
 *
 * This file knows APR only, no httpd.
 */

#include <string.h>

#include "apr_strings.h"

#include "base/head.h"
#include "rules/list.h"
#include "rules/registry.h"

#define UNSUPPORTED_MEDIA_TYPE 415

typedef struct {
    const expect_list_t *list;
    /* the type that covers all, or some wildcard, is among them */
    int any;
    int wildcards;
} type_arg_t;

#define ACCEPTED \
    "a TYPE is like image/png, image/*, application/*+json or */*"

static int type_is_pattern(apr_pool_t *p, const char *word)
{
    const char *slash = strchr(word, '/');
    const char *subtype;

    if (!slash) {
        return 0;
    }
    if (!strcmp(word, "*/*")) {
        return 1;
    }
    if (strchr(apr_pstrmemdup(p, word, slash - word), '*')
        || !expect_is_token(apr_pstrmemdup(p, word, slash - word))) {
        return 0;
    }
    subtype = slash + 1;
    if (subtype[0] == '*') {
        if (!subtype[1]) {
            return 1;
        }
        if (subtype[1] != '+' || !subtype[2]) {
            return 0;
        }
        subtype += 2;
    }
    return expect_is_token(subtype) && !strchr(subtype, '*');
}

static const char *type_key(apr_pool_t *p, const char *word)
{
    return type_is_pattern(p, word)
               ? expect_lower(p, word, word + strlen(word)) : NULL;
}

static const expect_list_words_t type_words = {
    .usage = "content-type takes TYPE..., " ACCEPTED,
    .wrong = "not a media type",
    .accepted = ACCEPTED,
    .key = type_key
};

static const char *type_parse(apr_pool_t *p, int argc,
                              const char *const *argv, const void **arg)
{
    type_arg_t *a = apr_pcalloc(p, sizeof(*a));
    const char *err = expect_list_parse(p, argc, argv, &type_words, &a->list);
    int i;

    if (err) {
        return err;
    }
    for (i = 0; i < argc; ++i) {
        a->any |= !strcmp(argv[i], "*/*");
        a->wildcards |= strchr(argv[i], '*') != NULL;
    }
    *arg = a;
    return NULL;
}

/* Wildcards are words of the list as whole types are: a type is looked up as
 * itself and as each wildcard that covers it. */
static expect_value_e type_check(const expect_facts_t *facts, const void *arg,
                                 expect_answer_t *answer)
{
    const type_arg_t *a = arg;
    const expect_media_type_t *sent =
        expect_head_media_type(facts->pool, facts->head);

    if (!sent->type) {
        answer->survives_not = 1;
        return EXPECT_DENIED;
    }
    return a->any || expect_list_has(a->list, sent->type)
           || (a->wildcards
               && (expect_list_has(a->list, sent->major)
                   || (sent->suffix
                       && expect_list_has(a->list, sent->suffix))))
               ? EXPECT_GRANTED : EXPECT_DENIED;
}

static const char *type_reason(apr_pool_t *p, const expect_facts_t *facts,
                               const void *arg, int status, int negated)
{
    const type_arg_t *a = arg;
    const char *type = expect_head_media_type(p, facts->head)->type;

    (void)status;
    if (!type) {
        return "content-type is not a media type";
    }
    if (negated) {
        return apr_pstrcat(p, "content-type ",
                           expect_list_value(p, facts, "Content-Type", type),
                           " is not accepted", NULL);
    }
    return expect_list_reason(p, facts, a->list, "Content-Type", type);
}

static void type_accepts(apr_pool_t *p, const expect_facts_t *facts,
                         const void *arg, expect_accepts_t *accepts)
{
    const type_arg_t *a = arg;
    const char *type = facts
                       && apr_table_get(facts->head->fields, "Content-Type")
                           ? expect_head_media_type(p, facts->head)->type
                           : NULL;

    accepts->announced = type ? expect_list_value(p, facts, "Content-Type",
                                                  type)
                              : NULL;
    expect_list_accepts(facts, a->list, "Accept", accepts);
    accepts->is_types = 1;
}

const expect_rule_type_t expect_rule_content_type = {
    .name = "content-type",
    .known_at = EXPECT_AT_HEAD,
    .status = UNSUPPORTED_MEDIA_TYPE,
    .parse = type_parse,
    .check = type_check,
    .reason = type_reason,
    .accepts = type_accepts
};
