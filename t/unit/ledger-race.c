/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * src/ledger under ThreadSanitizer: two processes with eight threads each try
 * a million times to upload. No access may race with another, limits hold, are
 * reached, and nothing is left when all is over.
 */

/* sanitize: thread */
/* links: src/ledger/check.c src/ledger/figures.c src/ledger/gcra.c src/ledger/ledger.c src/ledger/memory.c src/ledger/owners.c src/ledger/places.c src/ledger/records.c src/ledger/repair.c src/ledger/settle.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apr_general.h"

/* ThreadSanitizer does not know pthread_mutex_clocklock(): with what systems
 * have in its place. */
#define MUTEX_POLLS
#include "ledger/mutex.c"

#define PROCESSES 2
#define THREADS 8
#define ATTEMPTS (1000000 / PROCESSES / THREADS)
#define UPLOADS 5
#define BYTES 1000
#define HELD 3
#define SPENT 1000

static const unsigned char secret[16] = "of this one test";

/* What the threads count themselves, beside the ledger. */
typedef struct seen_t {
    int uploads, most_uploads;
    int bytes, most_bytes;
    int spent, attempts;
} seen_t;

static seen_t *seen;
static expect_ledger_t *ledger;
static expect_limit_t limit, other, quota;

static void *shared(apr_size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(memory != MAP_FAILED);
    return memory;
}

static void seen_add(int *sum, int *most, int n)
{
    int now = __atomic_add_fetch(sum, n, __ATOMIC_SEQ_CST);
    int old = __atomic_load_n(most, __ATOMIC_SEQ_CST);

    while (old < now
           && !__atomic_compare_exchange_n(most, &old, now, 0,
                                           __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST)) {
    }
}

static void attempt(expect_claim_t *claims, int bytes)
{
    int refused, none = 0;
    expect_ledger_e result;

    memset(claims, 0, 3 * sizeof(*claims));
    claims[0].limit = &limit;
    claims[1].limit = &other;
    claims[2].limit = &quota;
    claims[1].key = "key";
    claims[1].key_length = 3;
    claims[0].length = claims[1].length = claims[2].length = bytes;
    do {
        result = expect_ledger_take(ledger, claims, 3, &refused);
        /* the machine may be slow */
    } while (result == EXPECT_LEDGER_DOWN);
    if (result == EXPECT_LEDGER_TAKEN) {
        seen_add(&seen->uploads, &seen->most_uploads, 1);
        seen_add(&seen->bytes, &seen->most_bytes, bytes);
        if (bytes % 7 == 0) {
            sched_yield();
        }
        seen_add(&seen->bytes, &none, -bytes);
        seen_add(&seen->uploads, &none, -1);
        expect_ledger_settle(ledger, claims, 3, bytes / 2, 0);
    }
}

/* The quota of uploads comes back in a year: who takes one keeps it. */
static void spend(expect_limit_t *spends)
{
    expect_claim_t claim;
    int refused;

    memset(&claim, 0, sizeof(claim));
    claim.limit = spends;
    if (expect_ledger_take(ledger, &claim, 1, &refused)
        == EXPECT_LEDGER_TAKEN) {
        __atomic_add_fetch(&seen->spent, 1, __ATOMIC_SEQ_CST);
    }
}

static void *thread_main(void *data)
{
    expect_limit_t yearly = quota;
    expect_claim_t claims[3];
    int i;

    expect_ledger_id(yearly.id, secret, "yearly");
    yearly.uploads = SPENT;
    for (i = 0; i < ATTEMPTS; ++i) {
        attempt(claims, (i * 31 + *(int *)data * 17) % 400);
        if (i % 16 == 0) {
            spend(&yearly);
        }
        __atomic_add_fetch(&seen->attempts, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static int process_main(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], i, failed = 0;

    alarm(600);
    expect_ledger_join(ledger);
    for (i = 0; i < THREADS; ++i) {
        numbers[i] = i;
        failed |= pthread_create(&threads[i], NULL, thread_main, &numbers[i]);
    }
    for (i = 0; i < THREADS; ++i) {
        failed |= pthread_join(threads[i], NULL);
    }
    return failed;
}

static void limits_init(void)
{
    limit.kind = other.kind = EXPECT_LIMIT_IN_FLIGHT;
    limit.uploads = UPLOADS;
    limit.bytes = BYTES;
    other.uploads = HELD;
    other.bytes = EXPECT_LIMIT_NONE;
    quota.kind = EXPECT_LIMIT_QUOTA;
    quota.uploads = quota.bytes = APR_INT64_C(1) << 40;
    quota.period = apr_time_from_sec(86400 * 365);
    expect_ledger_id(limit.id, secret, "one");
    expect_ledger_id(other.id, secret, "two");
    expect_ledger_id(quota.id, secret, "three");
}

static void test_race(void **state)
{
    expect_ledger_figures_t figures;
    pid_t pids[PROCESSES];
    int i, status, n = 0;

    (void)state;
    limits_init();
    seen = shared(sizeof(*seen));
    ledger = shared(expect_ledger_size(100, 100));
    assert_true(expect_ledger_init(ledger, 100, 100, secret));
    for (i = 0; i < PROCESSES; ++i) {
        pids[i] = fork();
        if (!pids[i]) {
            _exit(process_main());
        }
    }
    for (i = 0; i < PROCESSES; ++i) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        /* ThreadSanitizer's own status, if it has found anything */
        assert_int_equal(status, 0);
    }
    assert_int_equal(seen->attempts, PROCESSES * THREADS * ATTEMPTS);
    assert_int_equal(seen->most_uploads, HELD);
    assert_true(seen->most_bytes <= BYTES);
    assert_int_equal(seen->spent, SPENT);
    assert_int_equal(expect_ledger_read(ledger, &figures, NULL, &n),
                     EXPECT_LEDGER_TAKEN);
    assert_int_equal(figures.uploads_in_flight, 0);
    assert_int_equal(figures.bytes_in_flight, 0);
    assert_int_equal(figures.reaped, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race)
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
