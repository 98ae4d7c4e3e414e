/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * handler [NAME...]
 *
 *     ExpectRequire handler
 *     ExpectRequire handler cgi-script
 */

#include "httpd.h"

#include "apr_tables.h"

#include "rules/arguments.h"
#include "rules/registry.h"
#include "rules/target.h"

typedef struct {
    /* ended by NULL; none: any but the file handlers */
    const char *const *names;
} handler_arg_t;

static const char *handler_parse(apr_pool_t *p, int argc,
                                 const char *const *argv, const void **arg)
{
    handler_arg_t *a = apr_palloc(p, sizeof(*a));
    const char **copy = apr_pcalloc(p, (argc + 1) * sizeof(*copy));
    int i;

    for (i = 0; i < argc; ++i) {
        if (!*argv[i]) {
            return expect_rule_wrong(p, argv[i], "not a handler's name",
                                     "a NAME is like dav-handler, cgi-script "
                                     "or proxy-server");
        }
        copy[i] = argv[i];
    }
    a->names = copy;
    *arg = a;
    return NULL;
}

static expect_value_e handler_check(const expect_facts_t *facts,
                                    const void *arg, expect_answer_t *answer)
{
    const handler_arg_t *a = arg;
    const char *handler = expect_target_handler(facts->r);
    const char *const *name;

    (void)answer;
    if (expect_target_is_rewritten(facts->r)) {
        return EXPECT_UNKNOWN;
    }
    for (name = a->names; *name; ++name) {
        if (!ap_cstr_casecmp(handler, *name)) {
            return EXPECT_GRANTED;
        }
    }
    return a->names[0] || !expect_target_takes_content(facts->r)
               ? EXPECT_DENIED : EXPECT_GRANTED;
}

static const char *handler_reason(apr_pool_t *p, const expect_facts_t *facts,
                                  const void *arg, int status, int negated)
{
    const handler_arg_t *a = arg;

    (void)p;
    (void)facts;
    (void)status;
    return negated || a->names[0]
               ? "handler: this URL's handler is not accepted"
               : "handler: nothing at this URL accepts content";
}

/* The methods that the file handler takes (RFC 9110, 10.2.1). */
static void handler_accepts(apr_pool_t *p, const expect_facts_t *facts,
                            const void *arg, expect_accepts_t *accepts)
{
    apr_array_header_t *methods = apr_array_make(p, 3, sizeof(const char *));

    (void)facts;
    (void)arg;
    APR_ARRAY_PUSH(methods, const char *) = "GET";
    APR_ARRAY_PUSH(methods, const char *) = "HEAD";
    APR_ARRAY_PUSH(methods, const char *) = "OPTIONS";
    accepts->accepted = methods;
    accepts->field = "Allow";
}

const expect_rule_type_t expect_rule_handler = {
    .name = "handler",
    .known_at = EXPECT_AT_HANDLER,
    .status = HTTP_METHOD_NOT_ALLOWED,
    .parse = handler_parse,
    .check = handler_check,
    .reason = handler_reason,
    .accepts = handler_accepts
};
