/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The bridge to httpd's registry of authz providers (mod_auth.h).
 */

#ifndef EXPECT_PROVIDER_H
#define EXPECT_PROVIDER_H

#include "http_config.h"

#include "rules/registry.h"

/**
 * Make a rule of an authz provider.
 * @param cmd  the directive being read
 * @param name the provider's name, as in Require
 * @param args the rest of the line, as Require hands it to the provider
 * @param rule set to the leaf, or to NULL if there is no such provider
 * @return NULL, or the provider's own message about its arguments
 */
const char *expect_authz_rule(cmd_parms *cmd, const char *name,
                              const char *args, expect_rule_t **rule);

/**
 * The names of the providers that are loaded, but for mod_expect's own.
 * @param p pool for the result
 * @return names with spaces between
 */
const char *expect_authz_names(apr_pool_t *p);

/**
 * Register mod_expect's rules as authz providers. Not auth: Require cannot
 * ask for its own verdict; nor handler, which is known only after Require.
 * @param p the process's configuration pool
 */
void expect_authz_register(apr_pool_t *p);

#endif
