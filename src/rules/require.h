/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Rules as authz providers: mod_expect's own rules can be used in Require.
 */

#ifndef EXPECT_REQUIRE_H
#define EXPECT_REQUIRE_H

#include "httpd.h"

#include "tree/tree.h"

/**
 * The facts of a request.
 * @param r any request
 * @return the facts of the request that the client sent, from which r comes;
 *         NULL if that has no content
 */
typedef const expect_facts_t *expect_require_facts_fn(const request_rec *r);

/**
 * Register the rules that have EXPECT_RULE_IN_REQUIRE as authz providers.
 * @param p        the process's configuration pool
 * @param facts_of called when such a rule is evaluated
 */
void expect_require_register(apr_pool_t *p,
                             expect_require_facts_fn *facts_of);

#endif
