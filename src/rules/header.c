/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * header NAME [PATTERN]
 *
 *     ExpectRequire header If-Match
 */

#include "httpd.h"

#include "apr_strings.h"

#include "base/head.h"
#include "base/patience.h"
#include "base/quote.h"
#include "rules/arguments.h"
#include "rules/registry.h"

typedef struct {
    const char *name;
    /* NULL: the field need only be there */
    const ap_regex_t *pattern;
} header_arg_t;

#define ACCEPTED "header takes NAME [PATTERN]"

static const char *header_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg)
{
    header_arg_t *a = apr_pcalloc(p, sizeof(*a));

    if (argc < 1) {
        return expect_rule_wrong(p, NULL, "the NAME is missing", ACCEPTED);
    }
    if (argc > 2) {
        return expect_rule_wrong(p, argv[2], "one argument too many", ACCEPTED
                                 ", quotes around a PATTERN with spaces");
    }
    if (!expect_is_token(argv[0])) {
        return expect_rule_wrong(p, argv[0], "not a field name", ACCEPTED);
    }
    a->name = argv[0];
    if (argc == 2
        && !(a->pattern = ap_pregcomp(p, argv[1], AP_REG_EXTENDED))) {
        return expect_rule_wrong(p, argv[1],
                                 "the regular expression does not compile",
                                 "a PATTERN is a Perl-compatible regular "
                                 "expression");
    }
    *arg = a;
    return NULL;
}

/* As ap_regexec(), within the time that the request's patterns may take: later
 * patterns fail as one does that gives up. */
static int header_match(expect_patience_t *patience, const ap_regex_t *pattern,
                        const char *value)
{
    apr_interval_time_t since;
    int match;

    if (expect_patience_is_over(patience)) {
        return AP_REG_ESPACE;
    }
    since = expect_patience_clock();
    match = ap_regexec(pattern, value, 0, NULL, 0);
    expect_patience_spend(patience, since);
    if (match && match != AP_REG_NOMATCH) {
        expect_patience_end(patience);
    }
    return match;
}

static expect_value_e header_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const header_arg_t *a = arg;
    const char *value = apr_table_get(facts->head->fields, a->name);
    int match = !value ? AP_REG_NOMATCH
                : a->pattern ? header_match(facts->patience, a->pattern,
                                            value) : 0;

    if (!match) {
        return EXPECT_GRANTED;
    }
    if (match != AP_REG_NOMATCH) {
        /* the pattern gave up: whether it matches is not known */
        answer->survives_not = 1;
        return EXPECT_DENIED;
    }
    /* RFC 6585, 3: how a server asks for a conditional request */
    if (!ap_cstr_casecmp(a->name, "If-Match")
        || !ap_cstr_casecmp(a->name, "If-Unmodified-Since")) {
        answer->status = HTTP_PRECONDITION_REQUIRED;
    }
    return EXPECT_DENIED;
}

static const char *header_reason(apr_pool_t *p, const expect_facts_t *facts,
                                 const void *arg, int status, int negated)
{
    const header_arg_t *a = arg;
    const char *name = expect_quoted(p, a->name, EXPECT_QUOTED_MAX);

    (void)status;
    if (negated) {
        return apr_psprintf(p, "header %s is not accepted", name);
    }
    return apr_psprintf(p, apr_table_get(facts->head->fields, a->name)
                               ? "header %s does not have the required form"
                               : "header %s is missing",
                        name);
}

const expect_rule_type_t expect_rule_header = {
    .name = "header",
    .known_at = EXPECT_AT_HEAD,
    .status = HTTP_BAD_REQUEST,
    .parse = header_parse,
    .check = header_check,
    .reason = header_reason
};
