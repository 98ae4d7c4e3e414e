/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether the store answers, as far as this process knows. While it does not,
 * no request waits for it: the thread asks it until it answers again. (That is
 * what is called a circuit breaker.)
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_BREAKER_H
#define EXPECT_REDIS_BREAKER_H

#include "redis/link.h"
#include "redis/process.h"

/** May the store be asked? */
typedef enum {
    REDIS_MAY_NOT = 0,
    REDIS_MAY_ASK,
    REDIS_MAY_TRY   /* the store is down, and there is no thread that asks:
                     * this request finds out for all others */
} redis_may_e;

/**
 * Log that the store does not answer, or (failure is NULL) that it does again.
 */
typedef void (*redis_breaker_log_fn)(const redis_store_t *store,
                                     const redis_failure_t *failure);

void redis_breaker_init(redis_breaker_log_fn log);

redis_may_e redis_breaker_may(redis_process_t *process);

/**
 * A command was answered.
 * @param may what redis_breaker_may() has said; REDIS_MAY_TRY for the thread
 */
void redis_breaker_answered(redis_process_t *process, redis_may_e may);

/**
 * A command was not answered.
 * @param since when it was begun, by redis_clock()
 */
void redis_breaker_failed(redis_process_t *process, apr_time_t since,
                          const redis_failure_t *failure);

#endif
