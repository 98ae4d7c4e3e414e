/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The mutex of a ledger, and its clock.
 */

#ifndef EXPECT_MUTEX_H
#define EXPECT_MUTEX_H

#include "ledger/memory.h"

/** No process waits longer than that while no other one gets the mutex: the one
 *  that holds it may have been suspended. On a machine with five times the load
 *  it can carry, a process was seen to wait 0.1 s for the processor. */
#define MUTEX_WAIT_NS APR_INT64_C(500000000)
/** Where others get it all the time, one may have to wait so many times. */
#define MUTEX_WAITS 4

/** Nanoseconds of a clock that nobody can set; the same for all processes. */
apr_int64_t ledger_now(void);

/**
 * Make a mutex that processes share, and that can be locked again when its
 * holder has died.
 * @return 0: the system has none
 */
int mutex_init(pthread_mutex_t *mutex);

/** The rest of ledger_lock(): what trylock has returned was an error. */
int ledger_lock_failed(expect_ledger_t *ledger, int error);

static inline void ledger_is_locked(expect_ledger_t *ledger)
{
    __atomic_store_n(&ledger->locked, ledger->locked + 1, __ATOMIC_RELAXED);
}

/**
 * Lock the ledger. If its holder has died, it is repaired first.
 * @return 0: it cannot be locked
 */
static inline int ledger_lock(expect_ledger_t *ledger)
{
    int error = pthread_mutex_trylock(&ledger->mutex);

    if (error) {
        return ledger_lock_failed(ledger, error);
    }
    ledger_is_locked(ledger);
    return 1;
}

static inline void ledger_unlock(expect_ledger_t *ledger)
{
    pthread_mutex_unlock(&ledger->mutex);
}

#endif
