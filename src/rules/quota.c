/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * quota [uploads=N] [bytes=SIZE] per=PERIOD [key=KEY]
 *
 *     ExpectRequire quota bytes=10G per=day key=user
 */

#include "httpd.h"

#include "rules/limits.h"
#include "rules/registry.h"

static const char *quota_parse(apr_pool_t *p, int argc,
                               const char *const *argv, const void **arg)
{
    return expect_limits_parse(p, argc, argv, arg, EXPECT_LIMIT_QUOTA);
}

const expect_rule_type_t expect_rule_quota = {
    .name = "quota",
    .known_at = EXPECT_AT_HANDLER,
    .status = HTTP_SERVICE_UNAVAILABLE,
    .parse = quota_parse,
    .finish = expect_limits_finish,
    .check = expect_limits_check,
    .reason = expect_limits_reason,
    .accepts = expect_limits_accepts,
    .remembers = 1
};
