/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The URL of a Redis server:
 *
 *     redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]
 *     redis+unix://[[USER]:PASSWORD@]PATH[/DB]
 *
 * The last part of a path is DB if it is a number: to name a socket that is
 * itself called by a number, write the DB behind it.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_URL_H
#define EXPECT_REDIS_URL_H

#include "apr_pools.h"

typedef struct redis_url_t {
    /** a name or an address, without brackets; NULL: a path is used */
    const char *host;
    int port;
    const char *path;
    int db;
    /** NULL: none */
    const char *user, *password;
    /** for people, without the password */
    const char *shown;
} redis_url_t;

/**
 * Parse a URL.
 * @param p   pool for the parts
 * @param url with one of the two schemes, in either case
 * @return NULL, or what is wrong, and what is accepted; the URL, which may hold
 *         a password, is not shown
 */
const char *redis_url_parse(apr_pool_t *p, const char *url,
                            redis_url_t *parsed);

#endif
