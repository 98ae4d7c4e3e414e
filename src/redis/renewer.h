/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One thread of a process: it renews the leases of all uploads that are under
 * way, gives back what could not be given back at once, and asks the store
 * whether it answers again. It is started when there is something to do.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_RENEWER_H
#define EXPECT_REDIS_RENEWER_H

#include "redis/process.h"

/** Start it, if it does not run yet. */
void redis_renewer_start(redis_process_t *process);

/** There is something to do. */
void redis_renewer_wake(redis_process_t *process);

/**
 * The process is about to end: have the thread give back all places, and wait
 * for that, but not for long. It may be called in a signal handler.
 */
void redis_renewer_leave(redis_process_t *process);

#endif
