/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is in force for a request: how the rules of sections are joined
 * (ExpectMerging).
 */

#ifndef EXPECT_MERGE_H
#define EXPECT_MERGE_H

#include "config/section.h"

/** merge_dir_config of the module record. Its cost is constant. */
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
 * @param p    pool for temporary results
 * @param conf a section as merged by httpd, or NULL
 * @return the value for the section that was merged last: EXPECT_MERGING_AND,
 *         _OR or _OFF
 */
int expect_conf_merging(apr_pool_t *p, const expect_dir_conf_t *conf);

#endif
