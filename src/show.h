/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How sections and their rules are shown to the administrator: by the dump of
 * all sections, and by the explanation of one upload.
 */

#ifndef EXPECT_SHOW_H
#define EXPECT_SHOW_H

#include "httpd.h"

#include "conf.h"

/**
 * What is to be shown below a rule.
 * @param data the caller's
 * @param rule a leaf
 * @return one line without its end; NULL: nothing
 */
typedef const char *expect_show_note_t(void *data, const expect_rule_t *rule);

/**
 * A section's settings.
 * @param p    pool for the result
 * @param conf a section as merged by httpd, or NULL
 * @return "engine On, status 417, scope content"
 */
const char *expect_show_settings(apr_pool_t *p,
                                 const expect_dir_conf_t *conf);

/**
 * A tree of rules, each with the stage at which it is known, file and line.
 * @param p     pool for the result
 * @param rules the tree
 * @param depth of its indentation, by two blanks
 * @param note  what is shown below each leaf; NULL: nothing
 * @param data  for note
 * @return lines, each with its end
 */
const char *expect_show_rules(apr_pool_t *p, const expect_rule_t *rules,
                              int depth, expect_show_note_t *note,
                              void *data);

/**
 * Find a directive by what it says.
 * @param tree the configuration, or a part of it
 * @param name the directive, in any case
 * @param part what stands in its arguments
 * @return the first; NULL: there is none
 */
const ap_directive_t *expect_show_find(const ap_directive_t *tree,
                                       const char *name, const char *part);

/**
 * A server.
 * @param p pool for the result
 * @param s the main server or a virtual host
 * @return "VirtualHost files.example.org:443 (httpd.conf:30)", or "Server"
 */
const char *expect_show_server(apr_pool_t *p, const server_rec *s);

#endif
