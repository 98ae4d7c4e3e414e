/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * in-flight [uploads=N] [bytes=SIZE] [key=KEY]
 *
 *     ExpectRequire in-flight uploads=4 key=ip
 */

#include "httpd.h"

#include "rules/limits.h"
#include "rules/registry.h"

static const char *in_flight_parse(apr_pool_t *p, int argc,
                                   const char *const *argv, const void **arg)
{
    return expect_limits_parse(p, argc, argv, arg, EXPECT_LIMIT_IN_FLIGHT);
}

const expect_rule_type_t expect_rule_in_flight = {
    .name = "in-flight",
    .known_at = EXPECT_AT_HANDLER,
    .status = HTTP_SERVICE_UNAVAILABLE,
    .parse = in_flight_parse,
    .finish = expect_limits_finish,
    .check = expect_limits_check,
    .reason = expect_limits_reason,
    .accepts = expect_limits_accepts,
    .remembers = 1
};
