/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The limits of the server's configuration, by id: the ledger itself knows no
 * rule. Rules of .htaccess files are not among them.
 *
 * The list is made while the configuration is read, and const from then on;
 * children inherit it.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_NAMED_H
#define EXPECT_NAMED_H

#include "apr_pools.h"
#include "apr_tables.h"

#include "ledger/ledger.h"

typedef struct expect_named_t {
    const expect_limit_t *limit;
    /** the rule for people: "in-flight uploads=4 key=ip" */
    const char *text;
    /** there can be several keys, and each has the whole limit */
    int is_per_key;
} expect_named_t;

/**
 * Begin an empty list.
 * @param p the configuration's pool
 */
void expect_named_begin(apr_pool_t *p);

/**
 * Add a limit, unless there is one with its id: a file with rules may be
 * included several times.
 * @param named the limit; all that it points to lives as long as the list
 */
void expect_named_add(const expect_named_t *named);

/**
 * The list, as the rules stand in the configuration.
 * @return of expect_named_t
 */
const apr_array_header_t *expect_named_all(void);

#endif
