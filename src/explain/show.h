/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How sections and their rules are shown to the administrator: by the dump of
 * all sections, and by the explanation of one upload.
 */

#ifndef EXPECT_SHOW_H
#define EXPECT_SHOW_H

#include "httpd.h"

#include "apr_file_io.h"

#include "config/section.h"

/**
 * Make text of any origin safe for a terminal: control characters, bytes that
 * are not UTF-8, and characters that turn the direction of writing are written
 * as \n, \r, \t or \xHH.
 * @param p      pool for the result
 * @param text   a NUL stands behind it
 * @param length its bytes
 * @return one line without its end
 */
const char *expect_show_safely(apr_pool_t *p, const char *text,
                               apr_size_t length);

/**
 * Make a line in which only its end is a control character.
 * @param p      pool for the result
 * @param format as of printf(); its last character is the end of the line
 * @param args   its arguments; text in them may have any origin
 * @return the line with its end
 */
const char *expect_show_line(apr_pool_t *p, const char *format, va_list args);

/**
 * Print such a line.
 * @param p      pool for the work
 * @param out    where it is printed
 * @param format as of expect_show_line()
 */
void expect_show_print(apr_pool_t *p, apr_file_t *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * The note that is shown below a rule.
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
 * @param depth of its indentation, in steps of two blanks
 * @param note  makes the note below each leaf; NULL: there are no notes
 * @param data  for note
 * @return lines, each with its end
 */
const char *expect_show_rules(apr_pool_t *p, const expect_rule_t *rules,
                              int depth, expect_show_note_t *note,
                              void *data);

/**
 * Find a directive by a part of its arguments.
 * @param tree the configuration, or a part of it
 * @param name the directive, in upper or lower case
 * @param part text that its arguments contain
 * @return the first one; NULL: there is none
 */
const ap_directive_t *expect_show_find(const ap_directive_t *tree,
                                       const char *name, const char *part);

/**
 * The name of a server.
 * @param p pool for the result
 * @param s the main server or a virtual host
 * @return "VirtualHost files.example.org:443 (httpd.conf:30)", or "Server"
 */
const char *expect_show_server(apr_pool_t *p, const server_rec *s);

#endif
