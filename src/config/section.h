/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The configuration of a section: what is written there. merge.h has what is in
 * force for a request.
 */

#ifndef EXPECT_SECTION_H
#define EXPECT_SECTION_H

#include "http_config.h"

#include "tree/tree.h"

/* The values of the settings. 0: not set, which has the effect of 1. */
enum { EXPECT_ENGINE_ON = 1, EXPECT_ENGINE_OFF, EXPECT_ENGINE_DETECT };
enum { EXPECT_STATUS_417 = 1, EXPECT_STATUS_SPECIFIC };
enum { EXPECT_SCOPE_CONTENT = 1, EXPECT_SCOPE_EXPECTATION };
enum { EXPECT_MERGING_AND = 1, EXPECT_MERGING_OR, EXPECT_MERGING_OFF };

/** The word for each value, 0 included; ended by NULL. */
extern const char *const expect_engine_words[];
extern const char *const expect_status_words[];
extern const char *const expect_scope_words[];
extern const char *const expect_merging_words[];

/* Where a section stands: on that depends which sections are above it. */
typedef enum {
    EXPECT_IN_SERVER = 0, /* outside of all sections */
    EXPECT_FOLDER,        /* a <Directory> */
    EXPECT_IN_FOLDER,     /* an .htaccess file, or within one, or within a
                           * <Directory> */
    EXPECT_ALONE          /* any other section, and sections nested in it */
} expect_standing_e;

typedef struct expect_dir_conf_t expect_dir_conf_t;

/**
 * A section with directives of mod_expect, or two sections merged. httpd's
 * vector of a section without such directives has NULL.
 *
 * Which rules are in force depends on ExpectMerging of all sections further
 * out, but httpd merges inner sections with each other before it merges them
 * with outer ones. So a merge only remembers its two sides, and
 * expect_conf_rules() reads them from the outside in, for requests that need
 * it.
 */
struct expect_dir_conf_t {
    /** the nearest value that is set, or 0 */
    int engine;
    int status;
    int scope;
    /** ExpectMerging as written in this section; and in the nearest section
     *  that it is nested in. Both are 0 in a merge: see outer and inner */
    int merging;
    int merging_around;
    /** where it stands */
    expect_standing_e standing;
    /** the depth of its folder: the number of slashes in the path */
    int depth;
    /** this section's own rules, an implicit All; NULL: none */
    expect_rule_t *own;
    /** the container that is being read; NULL: own */
    expect_rule_t *open;
    /** this section has rules, or one that was merged has */
    int has_rules;
    /** the two sides of a merge, else NULL */
    const expect_dir_conf_t *outer;
    const expect_dir_conf_t *inner;
};

extern module AP_MODULE_DECLARE_DATA expect_module;

/**
 * What is written in a section, or in the sections that were merged.
 * @param section httpd's vector of a section, or of a request (per_dir_config)
 * @return NULL if there is no directive of mod_expect
 */
static APR_INLINE const expect_dir_conf_t *
expect_conf_of(const ap_conf_vector_t *section)
{
    return ap_get_module_config(section, &expect_module);
}

/**
 * What is written in a section, for a directive that changes it.
 * @param cmd the directive being read
 * @return the section's configuration, made if it has none yet
 */
expect_dir_conf_t *expect_section_get(cmd_parms *cmd);

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
 * Whether a denial of the rules refuses the request: not under DetectionOnly,
 * and not under Off.
 * @param conf a section as merged by httpd
 * @return 1 or 0
 */
static APR_INLINE int expect_conf_refuses(const expect_dir_conf_t *conf)
{
    return conf->engine != EXPECT_ENGINE_OFF
           && conf->engine != EXPECT_ENGINE_DETECT;
}

/** The depth of a <DirectoryMatch>: httpd merges it after all folders. */
#define EXPECT_DEPTH_MATCH APR_INT32_MAX

#endif
