/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * content-length [min=SIZE] [max=SIZE] [known]
 *
 *     ExpectRequire content-length max=100M known
 *
 * This file knows APR only, no httpd.
 */

#include <string.h>

#include "apr_strings.h"

#include "base/size.h"
#include "rules/arguments.h"
#include "rules/registry.h"

#define BAD_REQUEST 400
#define LENGTH_REQUIRED 411
#define CONTENT_TOO_LARGE 413

typedef struct {
    /* bytes; EXPECT_UNLIMITED where not given */
    apr_off_t min, max;
    /* as written: "1M" */
    const char *min_text, *max_text;
    int known;
} length_arg_t;

#define ACCEPTED "content-length takes [min=SIZE] [max=SIZE] [known]"

static const char *length_parse_word(apr_pool_t *p, length_arg_t *a,
                                     const char *word)
{
    apr_off_t *size;
    const char **text;

    if (!strcasecmp(word, "known")) {
        if (a->known) {
            return expect_rule_wrong(p, word, "given twice", ACCEPTED);
        }
        a->known = 1;
        return NULL;
    }
    if (!strncasecmp(word, "min=", 4)) {
        size = &a->min;
        text = &a->min_text;
    }
    else if (!strncasecmp(word, "max=", 4)) {
        size = &a->max;
        text = &a->max_text;
    }
    else {
        return expect_rule_wrong(p, word, "unknown argument", ACCEPTED);
    }
    if (*text) {
        return expect_rule_wrong(p, word, "given twice", ACCEPTED);
    }
    *text = word + 4;
    if (!expect_size_parse(size, *text)) {
        return expect_rule_wrong(p, word, **text ? "not a SIZE, or too large"
                                                 : "the SIZE is missing",
                                 EXPECT_SIZE_ACCEPTED);
    }
    return NULL;
}

static const char *length_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg)
{
    length_arg_t *a = apr_pcalloc(p, sizeof(*a));
    int i;

    a->min = a->max = EXPECT_UNLIMITED;
    for (i = 0; i < argc; ++i) {
        const char *err = length_parse_word(p, a, argv[i]);

        if (err) {
            return err;
        }
    }
    if (!argc) {
        return expect_rule_wrong(p, NULL, "an argument is missing", ACCEPTED);
    }
    if (a->max != EXPECT_UNLIMITED && a->min > a->max) {
        return expect_rule_wrong(p, apr_psprintf(p, "min=%s max=%s",
                                                 a->min_text, a->max_text),
                                 "min is over max, no length is within",
                                 "min must not be over max");
    }
    *arg = a;
    return NULL;
}

/*
 * Content of unknown length is granted under max=, because it is cut off at the
 * first byte over it. It cannot be known to reach min=, nor to fall short of
 * it: neither min= nor its negation is granted. Only `not ... known` is.
 */
static expect_value_e length_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const length_arg_t *a = arg;
    apr_off_t length = facts->head->length;

    if (length == EXPECT_LENGTH_UNKNOWN) {
        if (a->known || a->min > 0) {
            answer->status = LENGTH_REQUIRED;
            answer->survives_not = !a->known;
            return EXPECT_DENIED;
        }
        answer->max = a->max;
        return EXPECT_GRANTED;
    }
    if (a->max != EXPECT_UNLIMITED && length > a->max) {
        answer->status = CONTENT_TOO_LARGE;
        return EXPECT_DENIED;
    }
    if (length < a->min) {
        answer->status = BAD_REQUEST;
        return EXPECT_DENIED;
    }
    return EXPECT_GRANTED;
}

static const char *length_reason_unknown(apr_pool_t *p, const length_arg_t *a,
                                         int status, int negated)
{
    if (negated) {
        return "content of unknown length is not accepted here";
    }
    /* it was cut off */
    if (status == CONTENT_TOO_LARGE) {
        return apr_pstrcat(p, "content of unknown length exceeded max=",
                           apr_off_t_toa(p, a->max), NULL);
    }
    return "content-length is required";
}

static const char *length_reason(apr_pool_t *p, const expect_facts_t *facts,
                                 const void *arg, int status, int negated)
{
    const length_arg_t *a = arg;
    apr_off_t length = facts->head->length;

    if (length == EXPECT_LENGTH_UNKNOWN) {
        return length_reason_unknown(p, a, status, negated);
    }
    if (negated) {
        return apr_psprintf(p, "content-length %" APR_OFF_T_FMT
                            " is not accepted", length);
    }
    return apr_pstrcat(p, "content-length ", apr_off_t_toa(p, length),
                       status == CONTENT_TOO_LARGE ? " is over max="
                                                   : " is under min=",
                       apr_off_t_toa(p, status == CONTENT_TOO_LARGE
                                            ? a->max : a->min), NULL);
}

static void length_accepts(apr_pool_t *p, const expect_facts_t *facts,
                           const void *arg, expect_accepts_t *accepts)
{
    const length_arg_t *a = arg;

    (void)p;
    if (facts && facts->head->length != EXPECT_LENGTH_UNKNOWN) {
        accepts->length = facts->head->length;
    }
    accepts->min = a->min;
    accepts->max = a->max;
}

const expect_rule_type_t expect_rule_content_length = {
    .name = "content-length",
    .known_at = EXPECT_AT_HEAD,
    .status = BAD_REQUEST,
    .parse = length_parse,
    .check = length_check,
    .reason = length_reason,
    .accepts = length_accepts
};
