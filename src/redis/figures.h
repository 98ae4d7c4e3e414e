/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What all processes of this httpd know of the store, in shared memory:
 * figures, and whether it is down, so that one of them logs that and not each.
 * It is written without a lock.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_FIGURES_H
#define EXPECT_REDIS_FIGURES_H

#include "apr_time.h"

#include "ledger/store.h"

/** To be raised with every change of the memory. */
#define REDIS_FIGURES_LAYOUT 1

typedef struct redis_figures_t {
    apr_uint32_t is_down;
    /** by redis_clock() */
    apr_int64_t down_since;
    /** how often the server has ended a connection */
    apr_uint32_t losses;
    apr_uint64_t taken, refused, timeouts, errors;
    apr_uint64_t seconds[EXPECT_STORE_N_BUCKETS];
    apr_uint64_t microseconds;
} redis_figures_t;

/** How a decision ended. */
typedef enum {
    REDIS_TAKEN = 0, REDIS_REFUSED, REDIS_TIMEOUT, REDIS_ERROR
} redis_outcome_e;

/** A clock that cannot be set, in microseconds; the same in all processes. */
apr_time_t redis_clock(void);

/** Use this memory; NULL: nothing is counted. */
void redis_figures_use(redis_figures_t *memory);

void redis_figures_count(redis_outcome_e outcome);

/** Count how long an answer took. */
void redis_figures_time(apr_interval_time_t took);

/**
 * The store is down.
 * @return 1: it was not known before
 */
int redis_figures_down(void);

/**
 * For a process that serves one connection only (mpm_itk), and so knows nothing
 * of the others: whether the store may be asked.
 * @param pause how long nobody asks after a failure, in microseconds
 * @return 1: it is up; -1: it is down, and this process tries for all; 0
 */
int redis_figures_may_ask(apr_interval_time_t pause);

/**
 * The store has answered.
 * @param is_sure 1: this process has found it down before; 0: another one may
 *                have, and is believed for a while
 * @return 1: it was down before
 */
int redis_figures_up(int is_sure);

/** The server has ended a connection: it may have been started again, and have
 *  forgotten which uploads are in flight. */
void redis_figures_lost(void);

/** How often that has happened, in all processes. */
apr_uint32_t redis_figures_losses(void);

void redis_figures_read(expect_store_figures_t *figures);

#endif
