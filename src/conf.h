/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The configuration of a section: what was written there, and what is in
 * force after merging.
 */

#ifndef EXPECT_CONF_H
#define EXPECT_CONF_H

#include "http_config.h"

#include "rule.h"

typedef enum {
    EXPECT_ENGINE_UNSET = 0, EXPECT_ENGINE_ON, EXPECT_ENGINE_OFF,
    EXPECT_ENGINE_DETECT
} expect_engine_e;

typedef enum {
    EXPECT_STATUS_UNSET = 0, EXPECT_STATUS_417, EXPECT_STATUS_SPECIFIC
} expect_status_e;

typedef enum {
    EXPECT_SCOPE_UNSET = 0, EXPECT_SCOPE_CONTENT, EXPECT_SCOPE_EXPECTATION
} expect_scope_e;

typedef enum {
    EXPECT_MERGING_UNSET = 0, EXPECT_MERGING_AND, EXPECT_MERGING_OR,
    EXPECT_MERGING_OFF
} expect_merging_e;

typedef struct expect_dir_conf_t expect_dir_conf_t;

/**
 * A section in which something was written, NULL in httpd's vector where
 * nothing was; or two merged. What rules are in force depends on ExpectMerging
 * of all sections further out, and httpd merges inner sections with each
 * other before it merges them with outer ones: so a merge only remembers its
 * two sides, and expect_conf_rules() reads them from the outside in, for
 * requests that need it.
 */
struct expect_dir_conf_t {
    /** nearest value set, or unset: the defaults are 1 */
    expect_engine_e engine;
    expect_status_e status;
    expect_scope_e scope;
    /** as written in this section; unset in a merge: see outer and inner */
    expect_merging_e merging;
    /** this section's own rules, an implicit All; NULL: none */
    expect_rule_t *own;
    /** the container that is being read; NULL: own */
    expect_rule_t *open;
    /** there are rules in this section, or in one that was merged in */
    int has_rules;
    /** a merge: the two sides, else NULL */
    const expect_dir_conf_t *outer;
    const expect_dir_conf_t *inner;
};

/** merge_dir_config of the module record: constant cost. */
void *expect_conf_merge(apr_pool_t *p, void *basev, void *addv);

/**
 * The rules in force.
 * @param p    pool for the nodes that join sections
 * @param conf a section as merged by httpd, or NULL
 * @return the tree, NULL if there are no rules
 */
const expect_rule_t *expect_conf_rules(apr_pool_t *p,
                                       const expect_dir_conf_t *conf);

/**
 * Parse a rule's arguments from a line of the configuration.
 * @param p    the configuration's pool
 * @param type the rule's row
 * @param line what stands behind the rule's name (ap_getword_conf syntax)
 * @param arg  set to the parsed arguments
 * @return NULL, or the message of expect_rule_type_t.parse
 */
const char *expect_conf_parse_rule(apr_pool_t *p,
                                   const expect_rule_type_t *type,
                                   const char *line, const void **arg);

/**
 * Whether what the rules deny is refused, and not only told of or let be.
 * @param conf a section as merged by httpd
 * @return 1 or 0
 */
static APR_INLINE int expect_conf_refuses(const expect_dir_conf_t *conf)
{
    return conf->engine != EXPECT_ENGINE_OFF
           && conf->engine != EXPECT_ENGINE_DETECT;
}

/** The directives, for the module record. */
extern const command_rec expect_directives[];

#endif
