/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Which form of a refusal the client prefers (RFC 9110, 12.5.1).
 */

#ifndef EXPECT_ACCEPT_H
#define EXPECT_ACCEPT_H

#include "apr_pools.h"

/**
 * Find the JSON type that a client prefers.
 * @param p      pool for what is needed meanwhile
 * @param accept the Accept field, or NULL
 * @return "application/problem+json" or "application/json", a constant; NULL
 *         if the client names neither, or gives text/html a higher weight
 */
const char *expect_accept_json(apr_pool_t *p, const char *accept);

#endif
