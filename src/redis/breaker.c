/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether the store answers.
 */

#include "apr_atomic.h"

#include "redis/breaker.h"
#include "redis/figures.h"
#include "redis/renewer.h"

/* How long the store is not asked after a failure, and after each further one,
 * in microseconds: so a request waits in vain once in a second at most, and the
 * store is used again within two seconds after it is back. */
#define FIRST_PAUSE 1000000
#define NEXT_PAUSE 500000

static redis_breaker_log_fn breaker_log;

void redis_breaker_init(redis_breaker_log_fn log)
{
    breaker_log = log;
}

static void breaker_say(redis_process_t *process,
                        const redis_failure_t *failure)
{
    if (breaker_log && !apr_atomic_read32(&process->is_leaving)) {
        breaker_log(&process->store, failure);
    }
}

redis_may_e redis_breaker_may(redis_process_t *process)
{
    redis_may_e may = REDIS_MAY_NOT;
    apr_time_t now;

    if (apr_atomic_read32(&process->is_leaving)) {
        return REDIS_MAY_NOT;
    }
    if (process->is_forked) {
        int asks = redis_figures_may_ask(FIRST_PAUSE);

        return asks > 0 ? REDIS_MAY_ASK : asks ? REDIS_MAY_TRY : REDIS_MAY_NOT;
    }
    if (!apr_atomic_read32(&process->is_down)) {
        return REDIS_MAY_ASK;
    }
    if (apr_atomic_read32(&process->thread) == REDIS_THREAD_RUNS
        || !redis_process_lock(process)) {
        return REDIS_MAY_NOT;
    }
    now = redis_clock();
    if (now >= process->ask_at) {
        process->ask_at = now + FIRST_PAUSE;
        may = REDIS_MAY_TRY;
    }
    redis_process_unlock(process);
    return may;
}

void redis_breaker_answered(redis_process_t *process, redis_may_e may)
{
    int was_down = may == REDIS_MAY_TRY;

    if (was_down && redis_process_lock(process)) {
        apr_atomic_set32(&process->is_down, 0);
        process->up_at = redis_clock();
        /* what was taken meanwhile, and what the store may have forgotten */
        process->renew_at = process->up_at;
        redis_process_unlock(process);
    }
    if (redis_figures_up(was_down)) {
        breaker_say(process, NULL);
    }
}

void redis_breaker_failed(redis_process_t *process, apr_time_t since,
                          const redis_failure_t *failure)
{
    int is_new = 0;
    apr_time_t now;

    if (!redis_process_lock(process)) {
        return;
    }
    now = redis_clock();
    if (apr_atomic_read32(&process->is_down)) {
        if (now + NEXT_PAUSE > process->ask_at) {
            process->ask_at = now + NEXT_PAUSE;
        }
    }
    else if (since >= process->up_at) {
        /* else it was begun when the store was still down */
        process->ask_at = now + FIRST_PAUSE;
        apr_atomic_set32(&process->is_down, 1);
        is_new = 1;
    }
    redis_process_unlock(process);
    if (is_new) {
        if (redis_figures_down()) {
            breaker_say(process, failure);
        }
        redis_renewer_start(process);
        redis_renewer_wake(process);
    }
}
