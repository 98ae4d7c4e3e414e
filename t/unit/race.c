/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * src/count under ThreadSanitizer: threads of several processes count and read
 * at the same time. The ring of refusals goes round many times, and all rules
 * meet for the first time. No access may race with another, and every sum is
 * right in the end.
 */

/* sanitize: thread */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "apr_atomic.h"
#include "apr_general.h"

/* APR's atomic operations are in a library that was not built for
 * ThreadSanitizer: the compiler's, which it sees, take their place. */
#define ORDER __ATOMIC_SEQ_CST
#define apr_atomic_read32(at) __atomic_load_n(at, ORDER)
#define apr_atomic_set32(at, n) __atomic_store_n(at, n, ORDER)
#define apr_atomic_add32(at, n) __atomic_fetch_add(at, n, ORDER)
#define apr_atomic_inc32(at) __atomic_fetch_add(at, 1, ORDER)
#define apr_atomic_read64(at) __atomic_load_n(at, ORDER)
#define apr_atomic_set64(at, n) __atomic_store_n(at, n, ORDER)
#define apr_atomic_add64(at, n) __atomic_fetch_add(at, n, ORDER)
#define apr_atomic_cas32(at, n, old) swap(at, n, old)

static apr_uint32_t swap(volatile apr_uint32_t *at, apr_uint32_t n,
                         apr_uint32_t old)
{
    __atomic_compare_exchange_n(at, &old, n, 0, ORDER, ORDER);
    return old;
}

#include "count/tally.c"
#include "count/report.c"
#include "count/text.c"
#include "event.h"

#define MINUTE apr_time_from_sec(60)

#define PROCESSES 3
#define WRITERS 3
#define READERS 2
#define ROUNDS 3000
#define RULES 40

static expect_tally_t *tally;

/* Sentences of one letter, so that a torn one can be seen. */
static void *count(void *letter)
{
    char reason[EXPECT_TALLY_REASON_SIZE], rule[32];
    expect_event_t event = an_event(rule, reason, 3);
    int i;

    for (i = 0; i < ROUNDS; ++i) {
        memset(reason, *(char *)letter, sizeof(reason) - 1);
        reason[i % (sizeof(reason) - 1)] = '\0';
        sprintf(rule, "rule-%d", i % RULES);
        event.time = START + i * MINUTE / 100;
        event.decision = i % 4 ? EXPECT_N_REFUSE : EXPECT_N_CONTINUE;
        expect_tally_count(tally, &event);
    }
    return NULL;
}

static void *look(void *unused)
{
    expect_report_t *report = malloc(sizeof(*report));
    int i, j;

    (void)unused;
    for (i = 0; i < ROUNDS / 100; ++i) {
        expect_tally_read(report, tally, START + i * MINUTE);
        for (j = 0; j < report->n_events; ++j) {
            const char *reason = report->events[j].reason;

            if (strspn(reason, (char[]){ *reason, '\0' })
                != strlen(reason)) {
                abort();
            }
        }
        for (j = 0; j < report->n_rules; ++j) {
            if (strncmp(report->rules[j].rule, "rule-", 5)) {
                abort();
            }
        }
    }
    free(report);
    return NULL;
}

/* One process's share of the work. */
static void work(int process)
{
    pthread_t threads[WRITERS + READERS];
    char letters[WRITERS];
    int i;

    for (i = 0; i < WRITERS; ++i) {
        letters[i] = (char)('a' + process * WRITERS + i);
        pthread_create(&threads[i], NULL, count, &letters[i]);
    }
    for (; i < WRITERS + READERS; ++i) {
        pthread_create(&threads[i], NULL, look, NULL);
    }
    for (i = 0; i < WRITERS + READERS; ++i) {
        pthread_join(threads[i], NULL);
    }
}

static void test_race(void **state)
{
    enum { DECISIONS = PROCESSES * WRITERS * ROUNDS };
    expect_report_t *report = malloc(sizeof(*report));
    int i, status, ended = 0;

    (void)state;
    tally = mmap(NULL, expect_tally_size(), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(tally != MAP_FAILED);
    expect_tally_init(tally, START);
    for (i = 1; i < PROCESSES; ++i) {
        if (!fork()) {
            work(i);
            /* with ThreadSanitizer's status, if it has seen anything */
            exit(0);
        }
    }
    work(0);
    while (wait(&status) > 0) {
        assert_int_equal(status, 0);
        ++ended;
    }
    assert_int_equal(ended, PROCESSES - 1);

    /* two that met in one place of the ring may have left nothing there */
    for (i = 0; i < EXPECT_TALLY_EVENTS; ++i) {
        expect_event_t event = an_event("rule-0", "z", 3);

        event.decision = EXPECT_N_DETECT;
        expect_tally_count(tally, &event);
    }
    expect_tally_read(report, tally, START + ROUNDS * MINUTE / 100);
    assert_int_equal(report->totals[EXPECT_N_CONTINUE], DECISIONS / 4);
    assert_int_equal(report->totals[EXPECT_N_REFUSE], DECISIONS / 4 * 3);
    assert_true(report->totals[EXPECT_N_BYTES_SPARED] == DECISIONS / 4 * 9);
    assert_int_equal(report->n_events, EXPECT_TALLY_EVENTS);
    free(report);
}

/* A writer that a whole round of the ring has overtaken writes nothing. */
static void test_overtaken(void **state)
{
    expect_report_t *report = malloc(sizeof(*report));
    expect_event_t event = an_event("rule-0", "of the round before", 3);
    apr_uint32_t ticket;
    int i;

    (void)state;
    event.decision = EXPECT_N_DETECT;
    ticket = apr_atomic_read32(&tally->tickets);
    for (i = 0; i < 2; ++i) {
        apr_atomic_set32(&tally->tickets, ticket);
        expect_tally_count(tally, &event);
        event.reason = "late";
        ticket -= EXPECT_TALLY_EVENTS;
    }
    apr_atomic_set32(&tally->tickets, ticket + 2 * EXPECT_TALLY_EVENTS + 1);
    expect_tally_read(report, tally, START);
    assert_int_equal(report->n_events, EXPECT_TALLY_EVENTS);
    assert_string_equal(report->events[0].reason, "of the round before");
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_race),
        cmocka_unit_test(test_overtaken)
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
