/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The configuration of a section: what was written there, and what is in
 * force after merging.
 */

#ifndef EXPECT_SECTION_H
#define EXPECT_SECTION_H

#include "http_config.h"

#include "tree/tree.h"

/* What the settings can be. 0 is unset, which holds as 1 does. */
enum { EXPECT_ENGINE_ON = 1, EXPECT_ENGINE_OFF, EXPECT_ENGINE_DETECT };
enum { EXPECT_STATUS_417 = 1, EXPECT_STATUS_SPECIFIC };
enum { EXPECT_SCOPE_CONTENT = 1, EXPECT_SCOPE_EXPECTATION };
enum { EXPECT_MERGING_AND = 1, EXPECT_MERGING_OR, EXPECT_MERGING_OFF };

/** The word of each, 0 included; ended by NULL. */
extern const char *const expect_engine_words[];
extern const char *const expect_status_words[];
extern const char *const expect_scope_words[];
extern const char *const expect_merging_words[];

/* Where a section stands: that decides what stands above it. */
typedef enum {
    EXPECT_IN_SERVER = 0, /* outside of all sections */
    EXPECT_FOLDER,        /* a <Directory> */
    EXPECT_IN_FOLDER,     /* an .htaccess file, or within one, or within a
                           * <Directory> */
    EXPECT_ALONE          /* any other, and what is nested in it */
} expect_standing_e;

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
    /** the nearest that is set, or 0 */
    int engine;
    int status;
    int scope;
    /** as written in this section, else in the nearest one that it is nested
     *  in; both 0 in a merge: see outer and inner */
    int merging;
    int merging_around;
    /** where it stands, and in how deep a folder: the slashes of its path */
    expect_standing_e standing;
    int depth;
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

extern module AP_MODULE_DECLARE_DATA expect_module;

/**
 * What is written in a section, or in those that were merged.
 * @param section httpd's vector of a section, or of a request (per_dir_config)
 * @return NULL if there is nothing of mod_expect's
 */
static APR_INLINE const expect_dir_conf_t *
expect_conf_of(const ap_conf_vector_t *section)
{
    return ap_get_module_config(section, &expect_module);
}

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
 * The value of ExpectMerging in force.
 * @param p    pool for what is needed meanwhile
 * @param conf a section as merged by httpd, or NULL
 * @return that of the section that was merged last
 */
int expect_conf_merging(apr_pool_t *p, const expect_dir_conf_t *conf);

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
 * Whether rules govern a section: there are some, and ExpectEngine is not Off.
 * @param conf a section as merged by httpd, or NULL
 * @return 1 or 0
 */
static APR_INLINE int expect_conf_governs(const expect_dir_conf_t *conf)
{
    return conf && conf->has_rules && conf->engine != EXPECT_ENGINE_OFF;
}

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

/**
 * The message of an error.
 * @param cmd  where the directive stands
 * @param read what was read
 * @param err  ": what is wrong; what is accepted"
 * @return the message, with the line in an .htaccess
 */
const char *expect_config_error(cmd_parms *cmd, const char *read,
                              const char *err);

/** The directives, for the module record. */
extern const command_rec expect_directives[];

#endif
