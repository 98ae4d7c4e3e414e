/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rules in force in every section of a server, after merging.
 */

#ifndef EXPECT_SECTIONS_H
#define EXPECT_SECTIONS_H

#include "httpd.h"

#include "apr_file_io.h"

/**
 * Print every section of a server in which something of mod_expect's is
 * written, and its doubts.
 * @param p           pool for the work
 * @param out         where it is printed
 * @param s           the main server or a virtual host
 * @param auth_varies some AuthType of the configuration is an expression,
 *                    whose value depends on the request
 */
void expect_sections_print(apr_pool_t *p, apr_file_t *out, server_rec *s,
                           int auth_varies);

#endif
