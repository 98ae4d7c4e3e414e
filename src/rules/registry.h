/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The registry: one row for each rule of mod_expect's own. Rules that are authz
 * providers of other modules: provider.h.
 */

#ifndef EXPECT_REGISTRY_H
#define EXPECT_REGISTRY_H

#include "tree/tree.h"

/* Each is defined in the file of its name. */
extern const expect_rule_type_t expect_rule_content_length;
extern const expect_rule_type_t expect_rule_content_type;
extern const expect_rule_type_t expect_rule_content_encoding;
extern const expect_rule_type_t expect_rule_header;
extern const expect_rule_type_t expect_rule_precondition;
extern const expect_rule_type_t expect_rule_free_space;
extern const expect_rule_type_t expect_rule_auth;
extern const expect_rule_type_t expect_rule_handler;
extern const expect_rule_type_t expect_rule_in_flight;
extern const expect_rule_type_t expect_rule_quota;

/** The rule can be used in Require: it needs the head, the client and the file
 *  that the target maps to, and nothing that is known only after access
 *  control. */
#define EXPECT_RULE_IN_REQUIRE 1

typedef struct expect_registry_row_t {
    const expect_rule_type_t *type;
    /** EXPECT_RULE_IN_REQUIRE, or 0 */
    int flags;
} expect_registry_row_t;

/** The rows, ended by one without a type. */
extern const expect_registry_row_t expect_registry[];

/**
 * Find a rule.
 * @param name as written, in upper or lower case
 * @return its type, or NULL
 */
const expect_rule_type_t *expect_registry_find(const char *name);

/**
 * The names of all rules.
 * @param p pool for the result
 * @return names with spaces between
 */
const char *expect_registry_names(apr_pool_t *p);

/**
 * Parse a rule's arguments from a line of the configuration.
 * @param p    the configuration's pool
 * @param type the rule's type
 * @param line the words after the rule's name (ap_getword_conf syntax)
 * @param arg  set to the parsed arguments
 * @return NULL, or the message of expect_rule_type_t.parse
 */
const char *expect_registry_parse(apr_pool_t *p,
                                  const expect_rule_type_t *type,
                                  const char *line, const void **arg);

#endif
