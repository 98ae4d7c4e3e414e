/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The addresses of a host.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_ADDRESSES_H
#define EXPECT_REDIS_ADDRESSES_H

#include "redis/process.h"

/**
 * Find them; may wait for long.
 * @param addresses filled in, or the reason why there is none
 */
void redis_addresses_find(const char *host, redis_addresses_t *addresses);

/** This one has not answered in time: it is tried last the next time. */
void redis_addresses_turn(redis_process_t *process, const char *late);

#endif
