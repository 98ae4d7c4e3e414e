/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The promises of src/count/tally.h and text.h: sums stay right while several
 * processes count and some are killed, spans of time are told apart, no entry
 * of the ring is torn, and text is always UTF-8.
 */

/* links: src/count/tally.c src/count/report.c src/count/text.c */

#include <setjmp.h>
#include <signal.h>
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

#include "apr_general.h"

#include "base/size.h"
#include "count/tally.h"
#include "count/text.h"
#include "event.h"

#define MINUTE apr_time_from_sec(60)
/* a quarter of an hour begins here */

static expect_tally_t *tally;
static expect_report_t report;

static int setup(void **state)
{
    (void)state;
    tally = mmap(NULL, expect_tally_size(), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    expect_tally_init(tally, START);
    return tally == MAP_FAILED;
}

static int teardown(void **state)
{
    (void)state;
    return munmap(tally, expect_tally_size());
}

static void count(expect_count_e decision, const char *rule, apr_int64_t bytes,
                  int waited, apr_time_t when)
{
    expect_event_t event = an_event(rule, "too much", 1);

    event.time = when;
    event.decision = decision;
    event.bytes = bytes;
    event.waited = waited;
    expect_tally_count(tally, &event);
}

static void look(apr_time_t now)
{
    expect_tally_read(&report, tally, now);
}

/* --- totals and rules ------------------------------------------------- */

static void test_totals(void **state)
{
    (void)state;
    count(EXPECT_N_CONTINUE, NULL, 10, 1, START);
    count(EXPECT_N_REFUSE, "ip", 100, 1, START);
    count(EXPECT_N_REFUSE, "ip", 1000, 0, START);
    count(EXPECT_N_REFUSE, "auth", -1, 1, START);
    count(EXPECT_N_DETECT, "auth", 5, 1, START);
    count(EXPECT_N_DETECT, "auth", 5, 1, START);
    count(EXPECT_N_CUT_OFF, "content-length", 77, 0, START);
    count(EXPECT_N_WOULD_CUT, "content-length", 78, 0, START);
    look(START);
    assert_int_equal(report.totals[EXPECT_N_CONTINUE], 1);
    assert_int_equal(report.totals[EXPECT_N_REFUSE], 3);
    assert_int_equal(report.totals[EXPECT_N_DETECT], 2);
    assert_int_equal(report.totals[EXPECT_N_CUT_OFF], 1);
    assert_int_equal(report.totals[EXPECT_N_WOULD_CUT], 1);
    assert_int_equal(report.totals[EXPECT_N_BYTES_SPARED], 100);
    assert_int_equal(report.totals[EXPECT_N_BYTES_REFUSED], 1100);
    assert_int_equal(report.totals[EXPECT_N_BYTES_CUT_OFF], 77);

    assert_int_equal(report.n_rules, 3);
    assert_string_equal(report.rules[0].rule, "auth");
    assert_int_equal(report.rules[0].n[EXPECT_N_REFUSE], 1);
    assert_int_equal(report.rules[0].n[EXPECT_N_DETECT], 2);
    assert_string_equal(report.rules[1].rule, "content-length");
    assert_string_equal(report.rules[2].rule, "ip");
}

static void test_announced_is_bounded(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 3; ++i) {
        count(EXPECT_N_REFUSE, "ip", APR_INT64_MAX, 1, START);
    }
    look(START);
    assert_true(report.totals[EXPECT_N_BYTES_SPARED]
                == 3 * EXPECT_SIZE_SUMMED_MAX);
}

static void test_carry(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 5; ++i) {
        count(EXPECT_N_REFUSE, "ip", APR_INT64_C(0xfffffffff), 1, START);
    }
    look(START);
    assert_true(report.totals[EXPECT_N_BYTES_SPARED]
                == 5 * APR_UINT64_C(0xfffffffff));
}

static void test_more_rules_than_room(void **state)
{
    char rule[32];
    apr_uint64_t sum = 0, other = 0;
    int i, round;

    (void)state;
    for (round = 0; round < 2; ++round) {
        for (i = 0; i < 200; ++i) {
            sprintf(rule, "rule-%d", i);
            count(EXPECT_N_REFUSE, rule, 0, 0, START);
        }
    }
    count(EXPECT_N_REFUSE, "other", 0, 0, START);
    look(START);
    assert_int_equal(report.n_rules, EXPECT_TALLY_RULES);
    for (i = 0; i < report.n_rules; ++i) {
        sum += report.rules[i].n[EXPECT_N_REFUSE];
        if (!strcmp(report.rules[i].rule, "other")) {
            other = report.rules[i].n[EXPECT_N_REFUSE];
        }
        else {
            assert_int_equal(report.rules[i].n[EXPECT_N_REFUSE], 2);
        }
    }
    assert_int_equal(sum, 401);
    assert_int_equal(other, 401 - 2 * (EXPECT_TALLY_RULES - 1));
    assert_int_equal(report.totals[EXPECT_N_REFUSE], 401);
}

static void test_long_name(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    count(EXPECT_N_REFUSE, name, 0, 0, START);
    count(EXPECT_N_REFUSE, name, 0, 0, START);
    look(START);
    assert_int_equal(report.n_rules, 1);
    assert_int_equal(strlen(report.rules[0].rule),
                     EXPECT_TALLY_RULE_SIZE - 1);
    assert_int_equal(report.rules[0].n[EXPECT_N_REFUSE], 2);
}

/* --- spans of time ---------------------------------------------------- */

static void test_minutes(void **state)
{
    int i, last = EXPECT_TALLY_MINUTES - 1;

    (void)state;
    for (i = 0; i < 90; ++i) {
        count(EXPECT_N_CONTINUE, NULL, 0, 0, START + i * MINUTE);
        if (i % 2) {
            count(EXPECT_N_REFUSE, "ip", i, 1, START + i * MINUTE + 1);
        }
    }
    /* nothing for five minutes, and then one */
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START + 95 * MINUTE);
    look(START + 96 * MINUTE);
    assert_int_equal(report.minutes[last][EXPECT_N_CONTINUE], 0);
    assert_int_equal(report.minutes[last - 1][EXPECT_N_CONTINUE], 1);
    for (i = 90; i < 95; ++i) {
        assert_int_equal(report.minutes[last - 96 + i][EXPECT_N_CONTINUE], 0);
        assert_int_equal(report.minutes[last - 96 + i][EXPECT_N_REFUSE], 0);
    }
    for (i = 96 - last; i < 90; ++i) {
        const apr_uint64_t *n = report.minutes[last - 96 + i];

        assert_int_equal(n[EXPECT_N_CONTINUE], 1);
        assert_int_equal(n[EXPECT_N_REFUSE], i % 2);
        assert_int_equal(n[EXPECT_N_BYTES_SPARED], i % 2 ? i : 0);
    }
    /* 96 is in the seventh quarter: 15 each, but for 5 less one */
    last = EXPECT_TALLY_QUARTERS - 1;
    assert_int_equal(report.quarters[last][EXPECT_N_CONTINUE], 1);
    for (i = 1; i <= 6; ++i) {
        assert_int_equal(report.quarters[last - i][EXPECT_N_CONTINUE], 15);
    }
    assert_int_equal(report.quarters[last - 7][EXPECT_N_CONTINUE], 0);
}

static void test_stale_buckets(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 60; ++i) {
        count(EXPECT_N_CONTINUE, NULL, 0, 0, START + i * MINUTE);
    }
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START + 100000 * MINUTE);
    look(START + 100000 * MINUTE);
    for (i = 0; i < EXPECT_TALLY_MINUTES - 1; ++i) {
        assert_int_equal(report.minutes[i][EXPECT_N_CONTINUE], 0);
    }
    assert_int_equal(report.minutes[i][EXPECT_N_CONTINUE], 1);
    look(START + 200000 * MINUTE);
    assert_int_equal(report.minutes[i][EXPECT_N_CONTINUE], 0);
    assert_int_equal(report.totals[EXPECT_N_CONTINUE], 61);
}

/* A clock that goes forward and back again. */
static void test_clock(void **state)
{
    apr_uint64_t sum = 0;
    int i;

    (void)state;
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START);
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START + 30 * MINUTE);
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START + 1 * MINUTE);
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START + 30 * MINUTE);
    count(EXPECT_N_CONTINUE, NULL, 0, 0, START + 2 * MINUTE);
    look(START + 31 * MINUTE);
    for (i = 0; i < EXPECT_TALLY_MINUTES; ++i) {
        assert_true(report.minutes[i][EXPECT_N_CONTINUE] <= 5);
        sum += report.minutes[i][EXPECT_N_CONTINUE];
    }
    assert_int_equal(sum, 5);
    assert_int_equal(report.totals[EXPECT_N_CONTINUE], 5);
}

/* --- the last refusals ------------------------------------------------ */

static void test_events(void **state)
{
    char reason[32];
    expect_event_t event = an_event("ip", reason, 1);
    int i;

    (void)state;
    look(START);
    assert_int_equal(report.n_events, 0);
    for (i = 0; i < 100; ++i) {
        sprintf(reason, "number %d", i);
        event.time = START + i;
        expect_tally_count(tally, &event);
        count(EXPECT_N_CONTINUE, NULL, 0, 0, START);
    }
    look(START);
    assert_int_equal(report.n_events, EXPECT_TALLY_EVENTS);
    for (i = 0; i < report.n_events; ++i) {
        sprintf(reason, "number %d", 99 - i);
        assert_string_equal(report.events[i].reason, reason);
        assert_string_equal(report.events[i].rule, "ip");
        assert_string_equal(report.events[i].method, "PUT");
        assert_int_equal(report.events[i].status, 413);
        assert_true(report.events[i].time == START + 99 - i);
    }
}

/* --- many at a time --------------------------------------------------- */

#define WORKERS 4
#define ROUNDS 5000

/* Sentences of one letter, so that a torn one can be seen. */
static void work(int worker, int rounds)
{
    char reason[EXPECT_TALLY_REASON_SIZE], rule[32];
    expect_event_t event = an_event(rule, reason, 1);
    int i;

    event.bytes = 3;
    for (i = 0; i < rounds; ++i) {
        memset(reason, 'a' + worker, sizeof(reason) - 1);
        reason[i % (sizeof(reason) - 1)] = '\0';
        sprintf(rule, "rule-%d", i % 50);
        event.time = START + i % 2000 * MINUTE / 100;
        event.decision = i % 4 ? EXPECT_N_REFUSE : EXPECT_N_CONTINUE;
        expect_tally_count(tally, &event);
    }
}

static void check_events(void)
{
    int i;

    for (i = 0; i < report.n_events; ++i) {
        const char *reason = report.events[i].reason;

        assert_int_equal(strspn(reason, (char[]){ *reason, '\0' }),
                         strlen(reason));
    }
}

static void test_processes(void **state)
{
    pid_t pids[WORKERS];
    int i, left = WORKERS, seen = 0;

    (void)state;
    for (i = 0; i < WORKERS; ++i) {
        pids[i] = fork();
        if (!pids[i]) {
            work(i, ROUNDS);
            _exit(0);
        }
    }
    while (left) {
        look(START);
        check_events();
        seen += report.n_events;
        left -= waitpid(-1, NULL, WNOHANG) > 0;
    }
    look(START + 20 * MINUTE);
    assert_true(seen > 0);
    assert_int_equal(report.totals[EXPECT_N_CONTINUE], WORKERS * ROUNDS / 4);
    assert_int_equal(report.totals[EXPECT_N_REFUSE],
                     WORKERS * ROUNDS / 4 * 3);
    assert_true(report.totals[EXPECT_N_BYTES_SPARED]
                == WORKERS * ROUNDS / 4 * 9);
    assert_int_equal(report.n_rules, 50);
}

/* Processes are killed anywhere: the others go on, and each entry is whole. */
static void test_killed(void **state)
{
    apr_uint64_t before;
    int i;

    (void)state;
    for (i = 0; i < 100; ++i) {
        pid_t pid = fork();

        if (!pid) {
            work(i % 26, 1000000000);
            _exit(0);
        }
        usleep(rand() % 2000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    look(START);
    check_events();
    before = report.totals[EXPECT_N_REFUSE];
    work(0, 400);
    look(START);
    assert_int_equal(report.totals[EXPECT_N_REFUSE], before + 300);
    assert_int_equal(report.n_events, EXPECT_TALLY_EVENTS);
    check_events();
    assert_true(report.n_rules <= 50);
}

/* --- lingering connections -------------------------------------------- */

#define SECONDS(n) apr_time_from_sec(n)

static apr_uint64_t lingering(apr_time_t now)
{
    expect_tally_read(&report, tally, now);
    return report.lingering;
}

/* The report of a process counts for a while, and can be taken back. */
static void test_lingering(void **state)
{
    int a = EXPECT_TALLY_NO_PLACE, b = EXPECT_TALLY_NO_PLACE;

    (void)state;
    assert_int_equal(lingering(START), 0);
    expect_tally_lingering(tally, &a, 1000, 0, START);
    assert_int_equal(a, EXPECT_TALLY_NO_PLACE);
    expect_tally_lingering(tally, &a, 1000, 5, START);
    /* the same place, were it free */
    expect_tally_lingering(tally, &b, 1000 + EXPECT_TALLY_PLACES, 7, START);
    assert_int_not_equal(a, b);
    assert_int_equal(lingering(START), 12);
    expect_tally_lingering(tally, &a, 1000, 6, START + SECONDS(3));
    assert_int_equal(lingering(START + SECONDS(3)), 13);

    /* the other was killed */
    assert_int_equal(lingering(START + SECONDS(4)), 6);
    expect_tally_lingering(tally, &a, 1000, 0, START + SECONDS(4));
    assert_int_equal(lingering(START + SECONDS(4)), 0);
    assert_int_equal(a, EXPECT_TALLY_NO_PLACE);

    /* or it was only held up, and its place is taken: both find one */
    expect_tally_lingering(tally, &a, 1000 + EXPECT_TALLY_PLACES * 2, 1,
                           START + SECONDS(9));
    expect_tally_lingering(tally, &b, 1000 + EXPECT_TALLY_PLACES, 7,
                           START + SECONDS(9));
    assert_int_equal(lingering(START + SECONDS(9)), 8);

    /* the clock was set back */
    assert_int_equal(lingering(START), 0);
}

static void test_lingering_crowd(void **state)
{
    int places[EXPECT_TALLY_PLACES + 1];
    int i;

    (void)state;
    for (i = 0; i <= EXPECT_TALLY_PLACES; ++i) {
        places[i] = EXPECT_TALLY_NO_PLACE;
        expect_tally_lingering(tally, &places[i], 5000 + i, 2, START);
    }
    assert_int_equal(lingering(START), 2 * EXPECT_TALLY_PLACES);
    expect_tally_lingering(tally, &places[3], 5003, 0, START);
    expect_tally_lingering(tally, &places[EXPECT_TALLY_PLACES],
                           5000 + EXPECT_TALLY_PLACES, 2, START);
    assert_int_equal(lingering(START), 2 * EXPECT_TALLY_PLACES);

    expect_tally_drained(tally, APR_INT64_C(1) << 40);
    expect_tally_drained(tally, 5);
    expect_tally_read(&report, tally, START);
    assert_true(report.drained == (APR_UINT64_C(1) << 40) + 5);
}

/* --- text ------------------------------------------------------------- */

static void test_text(void **state)
{
    static const struct {
        const char *from, *to;
    } rows[] = {
        { "", "" },
        { "plain", "plain" },
        { "a\"b<c>&\\'", "a\"b<c>&\\'" },
        { "esc\033[31m\r\n\t\177", "esc?[31m????" },
        { "gr\303\266\303\237e", "gr\303\266\303\237e" },
        { "\342\202\254 \360\237\230\200", "\342\202\254 \360\237\230\200" },
        { "\303", "?" },
        { "\342\202", "??" },
        { "\377\376", "??" },
        { "\300\257", "??" },                   /* overlong */
        { "\340\200\257", "???" },
        { "\355\240\200", "???" },              /* a surrogate */
        { "\364\220\200\200", "????" },         /* over U+10FFFF */
        { "\302\205", "??" },                   /* C1 */
        { "\342\200\256x", "???x" },            /* U+202E */
        { "exactly fifteen", "exactly fifteen" },
        { "sixteen is over!", "sixteen is o..." },
        { "eleven 1234\360\237\230\200", "eleven 1234\360\237\230\200" },
        { "twelve 12345\360\237\230\200", "twelve 12345..." }
    };
    apr_size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        char to[16];
        char *from = strdup(rows[i].from);

        expect_text_copy(to, sizeof(to), from);
        assert_string_equal(to, rows[i].to);
        free(from);
    }
}

/* Any bytes, any size: the copy ends with NUL and within its size. */
static void test_text_random(void **state)
{
    int i, j;

    (void)state;
    for (i = 0; i < 20000; ++i) {
        apr_size_t size = 4 + rand() % 12;
        char *to = malloc(size);
        char *from = malloc(20), again[20];

        for (j = 0; j < 19; ++j) {
            from[j] = (char)(rand() % 3 ? rand() % 256 : 0xc0 | rand() % 64);
        }
        from[19] = '\0';
        expect_text_copy(to, size, from);
        assert_true(strlen(to) < size);
        expect_text_copy(again, sizeof(again), to);
        assert_string_equal(again, to);
        free(to);
        free(from);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_totals),
        TEST(test_announced_is_bounded),
        TEST(test_carry),
        TEST(test_more_rules_than_room),
        TEST(test_long_name),
        TEST(test_minutes),
        TEST(test_stale_buckets),
        TEST(test_clock),
        TEST(test_events),
        TEST(test_processes),
        TEST(test_killed),
        TEST(test_lingering),
        TEST(test_lingering_crowd),
        TEST(test_text),
        TEST(test_text_random)
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
