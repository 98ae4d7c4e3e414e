/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The mutex of a ledger, and its clock.
 */

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "ledger/mutex.h"
#include "ledger/repair.h"

#define SECOND APR_INT64_C(1000000000)

apr_int64_t ledger_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

/* Older C libraries and other systems have no lock that gives up by that
 * clock. */
#if defined(__GLIBC__) && defined(_GNU_SOURCE) && !defined(MUTEX_POLLS)
#if __GLIBC_PREREQ(2, 30)
#define HAS_CLOCKLOCK
#endif
#endif

/* POSIX wants robust mutexes since 2008; some that say so have none that
 * processes share. */
#if defined(_POSIX_THREAD_PROCESS_SHARED) && _POSIX_THREAD_PROCESS_SHARED > 0 \
    && _POSIX_VERSION >= 200809L

int mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    int failed;

    if (pthread_mutexattr_init(&attr)) {
        return 0;
    }
    failed = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED)
             || pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST)
             || pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    return !failed;
}

/* Once. pthread_mutex_timedlock() goes by the clock that can be set: it would
 * wait for an hour if that is set back by an hour. */
static int mutex_wait_once(pthread_mutex_t *mutex)
{
    apr_int64_t end = ledger_now() + MUTEX_WAIT_NS;

#ifdef HAS_CLOCKLOCK
    struct timespec until = { end / SECOND, end % SECOND };

    return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &until);
#else
    struct timespec pause = { 0, 20000 };
    int rv;

    while ((rv = pthread_mutex_trylock(mutex)) == EBUSY
           && ledger_now() < end) {
        nanosleep(&pause, NULL);
    }
    return rv;
#endif
}

static int is_timeout(int rv)
{
    return rv == EBUSY || rv == ETIMEDOUT;
}

static int mutex_wait(expect_ledger_t *ledger)
{
    apr_uint32_t before, waits = 0;
    int rv;

    do {
        before = __atomic_load_n(&ledger->locked, __ATOMIC_RELAXED);
        rv = mutex_wait_once(&ledger->mutex);
    } while (is_timeout(rv) && ++waits < MUTEX_WAITS
             && __atomic_load_n(&ledger->locked, __ATOMIC_RELAXED) != before);
    return rv;
}

int ledger_lock_failed(expect_ledger_t *ledger, int error)
{
    if (error == EBUSY) {
        error = mutex_wait(ledger);
    }
    if (error == EOWNERDEAD) {
        ledger_repair(ledger);
        error = pthread_mutex_consistent(&ledger->mutex);
    }
    if (error) {
        return 0;
    }
    ledger_is_locked(ledger);
    return 1;
}

#else

int mutex_init(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

int ledger_lock_failed(expect_ledger_t *ledger, int error)
{
    (void)ledger;
    (void)error;
    return 0;
}

#endif
