/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What all processes of this httpd know of the store.
 */

#include <string.h>
#include <time.h>

#include "redis/figures.h"

/* How long a process that has found the store down is believed, while others
 * get answers, in microseconds: it may have died since. */
#define BELIEVED 2000000

#define ADD(at, n) __atomic_fetch_add((at), (n), __ATOMIC_RELAXED)
#define GET(at) __atomic_load_n((at), __ATOMIC_RELAXED)
#define SET(at, n) __atomic_store_n((at), (n), __ATOMIC_RELAXED)

/* Set while httpd starts; of one process if there is no shared memory. */
static redis_figures_t own, *shared = &own;

apr_time_t redis_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec((apr_time_t)now.tv_sec) + now.tv_nsec / 1000;
}

void redis_figures_use(redis_figures_t *memory)
{
    shared = memory ? memory : &own;
}

void redis_figures_count(redis_outcome_e outcome)
{
    switch (outcome) {
    case REDIS_TAKEN:
        ADD(&shared->taken, 1);
        break;
    case REDIS_REFUSED:
        ADD(&shared->refused, 1);
        break;
    case REDIS_TIMEOUT:
        ADD(&shared->timeouts, 1);
        break;
    default:
        ADD(&shared->errors, 1);
    }
}

void redis_figures_time(apr_interval_time_t took)
{
    static const apr_interval_time_t bounds[] = EXPECT_STORE_BUCKETS;
    int i = 0;

    while (i < EXPECT_STORE_N_BUCKETS - 1 && took > bounds[i]) {
        ++i;
    }
    ADD(&shared->seconds[i], 1);
    ADD(&shared->microseconds, (apr_uint64_t)took);
}

int redis_figures_down(void)
{
    apr_uint32_t up = 0;

    SET(&shared->down_since, redis_clock());
    return __atomic_compare_exchange_n(&shared->is_down, &up, 1, 0,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

int redis_figures_may_ask(apr_interval_time_t pause)
{
    apr_int64_t since = GET(&shared->down_since), now = redis_clock();

    if (!GET(&shared->is_down)) {
        return 1;
    }
    return now - since >= pause
           && __atomic_compare_exchange_n(&shared->down_since, &since, now, 0,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
               ? -1 : 0;
}

int redis_figures_up(int is_sure)
{
    apr_uint32_t down = 1;

    if (!GET(&shared->is_down)
        || (!is_sure && redis_clock() - GET(&shared->down_since) < BELIEVED)) {
        return 0;
    }
    return __atomic_compare_exchange_n(&shared->is_down, &down, 0, 0,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void redis_figures_lost(void)
{
    ADD(&shared->losses, 1);
}

apr_uint32_t redis_figures_losses(void)
{
    return GET(&shared->losses);
}

void redis_figures_read(expect_store_figures_t *figures)
{
    int i;

    memset(figures, 0, sizeof(*figures));
    figures->is_up = !GET(&shared->is_down);
    figures->taken = GET(&shared->taken);
    figures->refused = GET(&shared->refused);
    figures->timeouts = GET(&shared->timeouts);
    figures->errors = GET(&shared->errors);
    for (i = 0; i < EXPECT_STORE_N_BUCKETS; ++i) {
        figures->seconds[i] = GET(&shared->seconds[i]);
    }
    figures->microseconds = GET(&shared->microseconds);
}
