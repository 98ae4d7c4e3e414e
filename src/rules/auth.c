/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * auth: httpd's access control (Require, Satisfy, AuthType) admits the request
 *
 *     ExpectRequire auth
 */

#include "httpd.h"

#include "apr_strings.h"

#include "rules/arguments.h"
#include "rules/registry.h"

static const char *auth_parse(apr_pool_t *p, int argc,
                              const char *const *argv, const void **arg)
{
    (void)arg;
    return expect_rule_no_argument(p, argc, argv, "auth takes none");
}

static expect_value_e auth_check(const expect_facts_t *facts, const void *arg,
                                 expect_answer_t *answer)
{
    (void)arg;
    if (facts->auth == EXPECT_AUTH_PENDING) {
        return EXPECT_UNKNOWN;
    }
    if (facts->auth == 0) {
        return EXPECT_GRANTED;
    }
    answer->status = facts->auth;
    return EXPECT_DENIED;
}

static const char *auth_reason(apr_pool_t *p, const expect_facts_t *facts,
                               const void *arg, int status, int negated)
{
    (void)arg;
    (void)status;
    if (negated) {
        return "auth: access control admits the request, which is not "
               "accepted";
    }
    return apr_psprintf(p, "auth: access control answers %d", facts->auth);
}

const expect_rule_type_t expect_rule_auth = {
    .name = "auth",
    .known_at = EXPECT_AT_AUTH,
    .status = HTTP_FORBIDDEN,
    .parse = auth_parse,
    .check = auth_check,
    .reason = auth_reason
};
