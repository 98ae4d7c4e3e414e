/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The answer to a query: how an upload would be handled, and why.
 */

#ifndef EXPECT_EXPLAIN_H
#define EXPECT_EXPLAIN_H

#include "httpd.h"

#include "apr_file_io.h"

#include "explain/query.h"

/**
 * Answer a query.
 * @param p     pool for the work
 * @param s     the main server
 * @param out   where the answer is written
 * @param query the query
 */
void expect_explain(apr_pool_t *p, server_rec *s, apr_file_t *out,
                    const expect_query_t *query);

#endif
