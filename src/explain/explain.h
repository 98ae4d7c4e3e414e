/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What would become of an upload, and why.
 */

#ifndef EXPECT_EXPLAIN_H
#define EXPECT_EXPLAIN_H

#include "httpd.h"

#include "apr_file_io.h"

#include "explain/query.h"

/**
 * Answer a question.
 * @param p        pool for the work
 * @param s        the main server
 * @param out      where the answer is written
 * @param question what was asked
 */
void expect_explain(apr_pool_t *p, server_rec *s, apr_file_t *out,
                    const expect_query_t *question);

#endif
