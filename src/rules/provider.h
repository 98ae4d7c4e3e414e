/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Authz providers as rules: what Require knows, ExpectRequire knows.
 */

#ifndef EXPECT_PROVIDER_H
#define EXPECT_PROVIDER_H

#include "http_config.h"

#include "tree/tree.h"

/**
 * Make a rule of an authz provider (mod_auth.h).
 * @param cmd  the directive being read
 * @param name the provider's name, as in Require
 * @param args the rest of the line, as Require passes it to the provider
 * @param rule set to the leaf, or to NULL if there is no such provider
 * @return NULL, or the provider's own message about its arguments
 */
const char *expect_provider_rule(cmd_parms *cmd, const char *name,
                                 const char *args, expect_rule_t **rule);

/**
 * The names of the providers that are loaded, without mod_expect's own.
 * @param p pool for the result
 * @return names with spaces between
 */
const char *expect_provider_names(apr_pool_t *p);

#endif
