/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * src/ledger: limits, quotas, a ledger that is full, and processes that are
 * killed anywhere. All of it is compiled in here, with a clock that the tests
 * set, and points at which a process can end itself.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apr_general.h"

/* The only clock of the ledger: none that can be set. It stands still unless a
 * test moves it; 0: it runs. */
static apr_int64_t clock_ns;

static int clock_of_tests(clockid_t id, struct timespec *now)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    if (!clock_ns) {
        return clock_gettime(id, now);
    }
    now->tv_sec = clock_ns / 1000000000;
    now->tv_nsec = clock_ns % 1000000000;
    return 0;
}

/* Points in the ledger are counted down; at the last, the process is killed. */
static long points_left;

static void point(void)
{
    if (points_left && !--points_left) {
        raise(SIGKILL);
    }
}

#define LEDGER_POINT(name) point()
#define clock_gettime clock_of_tests
#define time(at) the_ledger_reads_no_such_clock(at)
#define gettimeofday the_ledger_reads_no_such_clock
#define apr_time_now the_ledger_reads_no_such_clock

#include "ledger/check.c"
#include "ledger/figures.c"
#include "ledger/gcra.c"
#include "ledger/ledger.c"
#include "ledger/memory.c"
#include "ledger/mutex.c"
#include "ledger/owners.c"
#include "ledger/places.c"
#include "ledger/records.c"
#include "ledger/repair.c"
#include "ledger/settle.c"

#undef time
#undef clock_gettime

#define KEYS 64
#define PLACES 256
#define START (SECOND * 1000)
#define SECONDS(n) ((n) * APR_INT64_C(1000000))
#define NONE EXPECT_LIMIT_NONE

static const unsigned char secret[16] = "of this one test";
static expect_ledger_t *ledger;
static apr_size_t ledger_bytes;
static int refused;

static void ledger_map(apr_uint32_t keys, apr_uint32_t places)
{
    ledger_bytes = expect_ledger_size(keys, places);
    ledger = mmap(NULL, ledger_bytes, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(ledger != MAP_FAILED);
    assert_true(expect_ledger_init(ledger, keys, places, secret));
}

static int setup(void **state)
{
    (void)state;
    clock_ns = START;
    ledger_map(KEYS, PLACES);
    return 0;
}

static int setup_running(void **state)
{
    setup(state);
    clock_ns = 0;
    return 0;
}

/* As a process that ends would: nothing of it stays in the list of mutexes
 * that this thread holds. */
static int teardown(void **state)
{
    (void)state;
    if (self.ledger == ledger && self.owner != LEDGER_NONE) {
        pthread_mutex_unlock(&ledger_owners(ledger)[self.owner].life);
        self.ledger = NULL;
    }
    return munmap(ledger, ledger_bytes);
}

static expect_limit_t a_limit(expect_limit_e kind, apr_int64_t uploads,
                              apr_int64_t bytes, const char *name)
{
    expect_limit_t limit = { .kind = kind, .uploads = uploads, .bytes = bytes,
                             .period = SECONDS(60) };

    expect_ledger_id(limit.id, secret, name);
    return limit;
}

static expect_limit_t in_flight(apr_int64_t uploads, apr_int64_t bytes)
{
    return a_limit(EXPECT_LIMIT_IN_FLIGHT, uploads, bytes, "in-flight");
}

static expect_limit_t quota(apr_int64_t uploads, apr_int64_t bytes)
{
    return a_limit(EXPECT_LIMIT_QUOTA, uploads, bytes, "quota");
}

static expect_claim_t a_claim(const expect_limit_t *limit, const char *key,
                              apr_int64_t length)
{
    expect_claim_t claim;

    memset(&claim, 0, sizeof(claim));
    claim.limit = limit;
    claim.key = key;
    claim.key_length = strlen(key);
    claim.length = length;
    return claim;
}

/* Take one claim. */
static int take(expect_claim_t *claim, const expect_limit_t *limit,
                const char *key, apr_int64_t length)
{
    *claim = a_claim(limit, key, length);
    return expect_ledger_take(ledger, claim, 1, &refused);
}

/* The same for so many keys, "0" and so on. */
static void take_many(const expect_limit_t *limit, int n, apr_int64_t length)
{
    expect_claim_t claim;
    char key[16];
    int i;

    for (i = 0; i < n; ++i) {
        sprintf(key, "%d", i);
        assert_int_equal(take(&claim, limit, key, length),
                         EXPECT_LEDGER_TAKEN);
    }
}

static void settle(expect_claim_t *claim, apr_int64_t received)
{
    expect_ledger_settle(ledger, claim, 1, received, 1);
}

#define assert_taken(result) assert_int_equal(result, EXPECT_LEDGER_TAKEN)
#define assert_refused(result) assert_int_equal(result, EXPECT_LEDGER_REFUSED)

/* Where other processes work at the same time, the machine may be slow. */
#define PATIENCE 100

static expect_ledger_figures_t figures(void)
{
    expect_ledger_figures_t read;
    int n = 0, tries = 0;

    while (expect_ledger_read(ledger, &read, NULL, &n) != EXPECT_LEDGER_TAKEN) {
        assert_true(++tries < PATIENCE);
    }
    return read;
}

/* --- all that follows from what is true ---------------------------------- */

static void check_records(const share_t *share)
{
    record_t *records = ledger_records(ledger);
    apr_uint32_t used = 0, unused = 0, i;

    for (i = share->first; i < share->first + share->records; ++i) {
        if (records[i].is_used) {
            assert_int_equal(record_find(ledger, records[i].digest,
                                         records[i].id), i);
            ++used;
        }
    }
    for (i = share->free; i != LEDGER_NONE; i = records[i].next) {
        assert_false(records[i].is_used);
        assert_true(unused++ < share->records);
    }
    assert_int_equal(used, share->used);
    assert_int_equal(used + unused, share->records);
}

/* Counts are equal to places, lists and chains are whole. */
static void check_ledger(void)
{
    place_t *places = ledger_places(ledger);
    record_t *records = ledger_records(ledger);
    apr_int64_t *uploads = calloc(ledger->n_records, sizeof(*uploads));
    apr_int64_t *bytes = calloc(ledger->n_records, sizeof(*bytes));
    apr_uint32_t held = 0, unused = 0, i;
    int tries = 0;

    while (!ledger_lock(ledger)) {
        assert_true(++tries < PATIENCE);
    }
    for (i = 0; i < ledger->n_places; ++i) {
        if (places[i].state != PLACE_FREE) {
            ++uploads[places[i].record];
            bytes[places[i].record] += places[i].bytes;
            ++held;
        }
    }
    for (i = 0; i < ledger->n_records; ++i) {
        assert_int_equal(records[i].uploads, uploads[i]);
        assert_int_equal(records[i].bytes, bytes[i]);
    }
    for (i = ledger->free_place; i != LEDGER_NONE; i = places[i].next) {
        assert_int_equal(places[i].state, PLACE_FREE);
        assert_true(unused++ < ledger->n_places);
    }
    assert_int_equal(held, ledger->places_held);
    assert_int_equal(held + unused, ledger->top_place);
    for (i = 0; i < SHARES; ++i) {
        check_records(&ledger->shares[i]);
    }
    ledger_unlock(ledger);
    free(uploads);
    free(bytes);
}

/* --- in flight ----------------------------------------------------------- */

static void test_uploads(void **state)
{
    expect_limit_t limit = in_flight(3, NONE);
    expect_claim_t claims[4], other;
    int i;

    (void)state;
    for (i = 0; i < 3; ++i) {
        assert_taken(take(&claims[i], &limit, "me", 1000));
        assert_int_equal(claims[i].left_uploads, 3 - i);
        assert_int_equal(claims[i].left_bytes, NONE);
    }
    assert_refused(take(&claims[3], &limit, "me", 0));
    assert_int_equal(refused, 0);
    assert_int_equal(claims[3].left_uploads, 0);
    assert_int_equal(claims[3].wait, 0);
    assert_false(claims[3].is_too_large);
    assert_refused(expect_ledger_peek(ledger, &claims[3]));

    assert_taken(take(&other, &limit, "you", 1));
    check_ledger();
    settle(&claims[1], 1000);
    assert_taken(expect_ledger_peek(ledger, &claims[3]));
    assert_int_equal(claims[3].left_uploads, 1);
    assert_taken(take(&claims[1], &limit, "me", 1000));
    assert_refused(take(&claims[3], &limit, "me", 1));
    for (i = 0; i < 3; ++i) {
        settle(&claims[i], 0);
    }
    settle(&other, 1);
    assert_int_equal(figures().uploads_in_flight, 0);
    assert_int_equal(figures().bytes_in_flight, 0);
    assert_int_equal(figures().reserved_bytes, 4001);
    assert_int_equal(figures().refunded_bytes, 3000);
    check_ledger();
}

static void test_bytes(void **state)
{
    expect_limit_t limit = in_flight(NONE, 1000);
    expect_claim_t a, b, c;

    (void)state;
    assert_refused(take(&a, &limit, "", 1001));
    assert_true(a.is_too_large);
    assert_refused(take(&a, &limit, "", APR_INT64_MAX));
    assert_true(a.is_too_large);
    assert_taken(take(&a, &limit, "", 600));
    assert_refused(take(&b, &limit, "", 401));
    assert_false(b.is_too_large);
    assert_int_equal(b.left_bytes, 400);
    assert_int_equal(b.left_uploads, NONE);
    assert_taken(take(&b, &limit, "", 400));
    assert_taken(take(&c, &limit, "", 0));
    settle(&c, 0);
    /* of unknown length: it would be cut off at once */
    assert_refused(take(&c, &limit, "", -1));
    settle(&b, 400);
    assert_taken(take(&c, &limit, "", -1));
    settle(&a, 600);
    settle(&c, 0);
    check_ledger();
    assert_int_equal(figures().uploads_in_flight, 0);
}

/* What a client announces without sending it: no sum overflows. */
static void test_huge(void **state)
{
    expect_limit_t by_uploads = in_flight(8, NONE);
    expect_limit_t by_bytes = in_flight(NONE, APR_INT64_MAX);
    expect_claim_t claims[4];
    apr_int64_t sum = 3 * EXPECT_SIZE_SUMMED_MAX;
    int i;

    (void)state;
    for (i = 0; i < 3; ++i) {
        assert_taken(take(&claims[i], &by_uploads, "me", APR_INT64_MAX));
    }
    assert_int_equal(ledger_records(ledger)[claims[0].record].bytes, sum);
    assert_int_equal(figures().bytes_in_flight, sum);
    assert_int_equal(figures().reserved_bytes, sum);

    /* a bound of bytes counts them all; the figures are clipped */
    assert_taken(take(&claims[3], &by_bytes, "you", APR_INT64_MAX - 5));
    assert_int_equal(figures().reserved_bytes, sum + EXPECT_SIZE_SUMMED_MAX);
    assert_refused(take(&claims[3], &by_bytes, "you", 6));
    assert_int_equal(claims[3].left_bytes, 5);
    check_ledger();

    settle(&claims[0], 7);
    assert_int_equal(figures().refunded_bytes, EXPECT_SIZE_SUMMED_MAX - 7);
    settle(&claims[1], 0);
    settle(&claims[2], APR_INT64_MAX);
    assert_int_equal(figures().refunded_bytes, 2 * EXPECT_SIZE_SUMMED_MAX - 7);
    assert_int_equal(ledger_records(ledger)[claims[0].record].bytes, 0);
}

static void test_all_or_none(void **state)
{
    expect_limit_t few = in_flight(1, NONE), many = in_flight(5, NONE);
    expect_limit_t spent = quota(2, NONE);
    expect_claim_t claims[3], again[3], one;
    int i;

    (void)state;
    expect_ledger_id(many.id, secret, "many");
    claims[0] = a_claim(&spent, "", 10);
    claims[1] = a_claim(&many, "a", 10);
    claims[2] = a_claim(&few, "a", 10);
    memcpy(again, claims, sizeof(claims));
    assert_taken(expect_ledger_take(ledger, claims, 3, &refused));
    for (i = 0; i < 3; ++i) {
        assert_refused(expect_ledger_take(ledger, again, 3, &refused));
        assert_int_equal(refused, 2);
        assert_int_equal(again[0].left_uploads, 1);
        assert_int_equal(again[1].left_uploads, 4);
        assert_int_equal(again[2].left_uploads, 0);
    }
    assert_int_equal(figures().uploads_in_flight, 2);
    assert_int_equal(figures().bytes_in_flight, 20);
    check_ledger();

    /* a claim that is not kept gives the upload back */
    expect_ledger_settle(ledger, claims, 3, 0, 0);
    assert_taken(take(&one, &spent, "", 0));
    assert_taken(take(&one, &spent, "", 0));
    assert_refused(take(&one, &spent, "", 0));
    assert_int_equal(figures().uploads_in_flight, 0);
    check_ledger();
}

/* The same limit under the same key twice. */
static void test_same(void **state)
{
    expect_limit_t limit = in_flight(3, 100), spent = quota(3, 100);
    expect_claim_t claims[2], more[2];
    apr_int64_t bytes = 1000;

    (void)state;
    claims[0] = claims[1] = a_claim(&limit, "a", 10);
    memcpy(more, claims, sizeof(claims));
    assert_taken(expect_ledger_take(ledger, claims, 2, &refused));
    assert_refused(expect_ledger_take(ledger, more, 2, &refused));
    assert_int_equal(refused, 1);
    assert_taken(expect_ledger_draw(ledger, claims, 2, &bytes, &refused));
    assert_int_equal(bytes, 40);
    expect_ledger_settle(ledger, claims, 2, 10, 1);
    assert_int_equal(figures().uploads_in_flight, 0);
    check_ledger();

    claims[0] = claims[1] = a_claim(&spent, "a", 50);
    assert_taken(expect_ledger_take(ledger, claims, 2, &refused));
    assert_refused(take(&more[0], &spent, "a", 1));
    expect_ledger_settle(ledger, claims, 2, 0, 0);
    check_ledger();
    claims[0] = claims[1] = a_claim(&spent, "a", 51);
    assert_refused(expect_ledger_take(ledger, claims, 2, &refused));
}

static void test_no_places(void **state)
{
    expect_limit_t limit = in_flight(1000, NONE);
    expect_claim_t claims[PLACES + 1], two[2];
    int i;

    (void)state;
    for (i = 0; i < PLACES; ++i) {
        assert_taken(take(&claims[i], &limit, "", 0));
    }
    assert_int_equal(take(&claims[i], &limit, "", 0), EXPECT_LEDGER_DOWN);
    settle(&claims[7], 0);
    two[0] = a_claim(&limit, "x", 0);
    two[1] = a_claim(&limit, "y", 0);
    assert_int_equal(expect_ledger_take(ledger, two, 2, &refused),
                     EXPECT_LEDGER_DOWN);
    assert_taken(take(&claims[7], &limit, "", 0));
    for (i = 0; i < PLACES; ++i) {
        settle(&claims[i], 0);
    }
    check_ledger();
}

/* Tenants hold all places that they can: the administrator's rules have some. */
static void test_places_of_tenants(void **state)
{
    expect_limit_t limit = in_flight(1000, NONE), tenants;
    expect_claim_t claims[PLACES + 1], one;
    int n = 0;

    (void)state;
    tenants = a_limit(EXPECT_LIMIT_IN_FLIGHT, 1000, NONE, "tenants");
    tenants.is_tenants = 1;
    while (n < PLACES
           && take(&claims[n], &tenants, "", 0) == EXPECT_LEDGER_TAKEN) {
        ++n;
    }
    assert_int_equal(n, PLACES - PLACES / 4);
    assert_taken(take(&one, &limit, "", 0));
    /* both rules for one upload */
    claims[n] = a_claim(&limit, "", 0);
    claims[n + 1] = a_claim(&tenants, "", 0);
    assert_int_equal(expect_ledger_take(ledger, &claims[n], 2, &refused),
                     EXPECT_LEDGER_DOWN);
    settle(&one, 0);
    while (n) {
        settle(&claims[--n], 0);
    }
    check_ledger();
}

static void test_none(void **state)
{
    expect_limit_t limit = in_flight(1, NONE);
    expect_claim_t claim = a_claim(&limit, "", 0);
    expect_ledger_figures_t read;
    apr_int64_t bytes = 5;
    int n = 0;

    (void)state;
    assert_int_equal(expect_ledger_peek(NULL, &claim), EXPECT_LEDGER_DOWN);
    assert_int_equal(expect_ledger_take(NULL, &claim, 1, &refused),
                     EXPECT_LEDGER_DOWN);
    assert_int_equal(expect_ledger_draw(NULL, &claim, 1, &bytes, &refused),
                     EXPECT_LEDGER_DOWN);
    assert_int_equal(bytes, 0);
    expect_ledger_settle(NULL, &claim, 1, 0, 1);
    expect_ledger_join(NULL);
    assert_int_equal(expect_ledger_read(NULL, &read, NULL, &n),
                     EXPECT_LEDGER_DOWN);
    assert_int_equal(read.keys_max, 0);
}

/* Whoever reads the memory finds no key in it; and where a key is kept depends
 * on the secret. */
static void test_keys_are_hidden(void **state)
{
    static const char key[] = "alice, who is nobody's business";
    expect_limit_t held = in_flight(2, NONE), spent = quota(2, NONE);
    expect_claim_t claim, other;
    expect_ledger_t *first = ledger;
    apr_size_t first_bytes = ledger_bytes;

    (void)state;
    assert_taken(take(&claim, &held, key, 5));
    assert_taken(take(&other, &spent, key, 5));
    assert_true(claim.digest != other.digest);
    assert_null(memmem(ledger, ledger_bytes, "alice", 5));

    ledger_map(KEYS, PLACES);
    other = a_claim(&held, key, 5);
    expect_ledger_peek(ledger, &other);
    assert_true(other.digest == claim.digest);
    assert_true(expect_ledger_init(memset(ledger, 0, ledger_bytes), KEYS,
                                   PLACES,
                                   (const unsigned char *)"another secret.."));
    expect_ledger_peek(ledger, &other);
    assert_true(other.digest != claim.digest);
    munmap(ledger, ledger_bytes);
    ledger = first;
    ledger_bytes = first_bytes;
}

/* --- quotas -------------------------------------------------------------- */

/* Numbers that do not divide the period. */
static void test_quota_exact(void **state)
{
    static const int numbers[] = { 1, 2, 3, 7, 1000, 999999 };
    expect_claim_t claim;
    apr_size_t row;
    int i;

    (void)state;
    for (row = 0; row < sizeof(numbers) / sizeof(numbers[0]); ++row) {
        expect_limit_t limit = quota(numbers[row], NONE);
        apr_int64_t begun = clock_ns;

        for (i = 0; i < numbers[row]; ++i) {
            assert_taken(take(&claim, &limit, "", 5));
            assert_int_equal(claim.left_uploads, numbers[row] - i);
        }
        assert_refused(take(&claim, &limit, "", 5));
        assert_int_equal(claim.left_uploads, 0);

        /* it is admitted when it was said, and not before */
        clock_ns += claim.wait * 1000 - 1000;
        assert_refused(take(&claim, &limit, "", 5));
        assert_int_equal(claim.wait, 1);
        clock_ns += 1000;
        assert_taken(take(&claim, &limit, "", 5));
        assert_true(clock_ns - begun - 60 * SECOND / numbers[row] <= 1000);

        /* all of it is back after a period */
        clock_ns += 60 * SECOND + 1;
        for (i = 0; i < numbers[row]; ++i) {
            assert_taken(take(&claim, &limit, "", 5));
        }
        assert_refused(take(&claim, &limit, "", 5));
        clock_ns += 60 * SECOND + 1;
    }
}

static void test_quota_bytes(void **state)
{
    expect_limit_t limit = quota(NONE, APR_INT64_C(10) << 30);
    expect_claim_t a, b;

    (void)state;
    limit.period = SECONDS(86400);
    assert_refused(take(&a, &limit, "", limit.bytes + 1));
    assert_true(a.is_too_large);
    assert_int_equal(a.wait, 0);
    assert_taken(take(&a, &limit, "", 3333333333));
    assert_taken(take(&b, &limit, "", limit.bytes - 3333333333));
    assert_refused(take(&b, &limit, "", 1));
    assert_int_equal(b.left_bytes, 0);

    /* half a day brings half of it back */
    clock_ns += 43200 * SECOND;
    assert_refused(take(&b, &limit, "", limit.bytes / 2 + 1));
    assert_int_equal(b.left_bytes, limit.bytes / 2);
    assert_int_equal(b.wait, 9);
    assert_taken(take(&b, &limit, "", limit.bytes / 2));

    /* whichever takes longer */
    limit = quota(1, 100);
    assert_taken(take(&a, &limit, "both", 50));
    assert_refused(take(&b, &limit, "both", 100));
    assert_int_equal(b.wait, SECONDS(60));
    clock_ns += 15 * SECOND;
    assert_refused(take(&b, &limit, "both", 1));
    assert_int_equal(b.wait, SECONDS(45));
}

/* The largest numbers: nothing overflows. */
/* Who takes whatever there is, whenever there is some: over any one period it
 * is never more than twice the quota, and once it is that. */
static void test_quota_of_any_period(void **state)
{
    enum { STEPS = 100, LIMIT = 50 };
    expect_limit_t limit = quota(LIMIT, NONE);
    int taken[5 * STEPS] = { 0 };
    int i, window = 0, most = 0;

    (void)state;
    for (i = 0; i < 5 * STEPS; ++i) {
        expect_claim_t claim;

        /* all is saved up once more */
        if (i < 2 * STEPS || i >= 3 * STEPS) {
            while (taken[i] <= LIMIT
                   && take(&claim, &limit, "", 5) == EXPECT_LEDGER_TAKEN) {
                ++taken[i];
            }
        }
        window += taken[i] - (i > STEPS ? taken[i - STEPS - 1] : 0);
        most = window > most ? window : most;
        clock_ns += 60 * SECOND / STEPS;
    }
    assert_int_equal(taken[0], LIMIT);
    assert_int_equal(taken[3 * STEPS], LIMIT);
    assert_int_equal(most, 2 * LIMIT);
}

static void test_quota_huge(void **state)
{
    expect_limit_t limit = quota(APR_INT64_MAX, APR_INT64_MAX);
    expect_claim_t claim;

    (void)state;
    limit.period = APR_INT64_MAX;
    assert_taken(take(&claim, &limit, "", APR_INT64_MAX));
    assert_refused(take(&claim, &limit, "", 1));
    assert_true(claim.left_bytes <= 1);
    limit.period = 1;
    limit.bytes = APR_INT64_MAX;
    assert_taken(take(&claim, &limit, "fast", APR_INT64_MAX));
    clock_ns += 1000;
    assert_taken(take(&claim, &limit, "fast", APR_INT64_MAX));
}

static void test_refund(void **state)
{
    expect_limit_t limit = quota(NONE, 1000);
    expect_claim_t a, b, c;

    (void)state;
    assert_taken(take(&a, &limit, "", 600));
    assert_taken(take(&b, &limit, "", 400));
    settle(&a, 100);
    assert_refused(take(&c, &limit, "", 501));
    assert_int_equal(c.left_bytes, 500);
    settle(&b, 0);
    assert_taken(take(&c, &limit, "", 900));
    settle(&c, 900);
    assert_refused(take(&c, &limit, "", 1));

    /* what time has given back is not given back again */
    clock_ns += 60 * SECOND + 1;
    assert_taken(take(&a, &limit, "", 1000));
    clock_ns += 30 * SECOND;
    settle(&a, 0);
    assert_refused(take(&b, &limit, "", 1001));
    assert_int_equal(b.left_bytes, 1000);
    assert_taken(take(&b, &limit, "", 1000));
    clock_ns += 60 * SECOND + 1;
    assert_taken(take(&c, &limit, "", 1000));
    settle(&b, 0);
    assert_refused(take(&a, &limit, "", 1));
    settle(&c, 0);
    clock_ns += 61 * SECOND;

    /* a gives back, so b's part has come back earlier than b knows */
    assert_taken(take(&a, &limit, "", 500));
    assert_taken(take(&b, &limit, "", 500));
    settle(&a, 0);
    clock_ns += 30 * SECOND;
    assert_taken(take(&c, &limit, "", 500));
    settle(&b, 0);
    assert_refused(take(&a, &limit, "", 501));
    assert_int_equal(a.left_bytes, 500);
}

/* So much is given back that the sums would overflow: they are forgotten, and
 * what was spent before that is not given back. */
static void test_refund_sums(void **state)
{
    expect_limit_t limit = quota(NONE, 1000);
    expect_claim_t first, claim;
    int i;

    (void)state;
    limit.period = APR_INT64_MAX;
    assert_taken(take(&first, &limit, "", 400));
    for (i = 0; i < 100; ++i) {
        assert_taken(take(&claim, &limit, "", 500));
        assert_in_range(claim.left_bytes, 599, 600);
        settle(&claim, 0);
    }
    settle(&first, 0);
    assert_taken(take(&claim, &limit, "", 0));
    assert_in_range(claim.left_bytes, 599, 600);
}

static void test_settle_after_eviction(void **state)
{
    expect_limit_t limit = quota(NONE, 1000);
    expect_claim_t a, b, c;
    char key[16];
    int i;

    (void)state;
    assert_taken(take(&a, &limit, "", 500));
    assert_taken(take(&b, &limit, "", 500));
    settle(&a, 0);
    clock_ns += 30 * SECOND + 1;
    /* all records are taken over by others: b could still give back, if it
     * were not known that its record has gone */
    take_many(&limit, KEYS / 4 * 3, 500);
    expect_ledger_settle(ledger, &b, 1, 0, 0);
    for (i = 0; i < KEYS / 4 * 3; ++i) {
        sprintf(key, "%d", i);
        assert_refused(take(&c, &limit, key, 501));
    }
    assert_int_equal(figures().full, 0);

    /* nor may it give back to a new record of its own key */
    clock_ns += 15 * SECOND;
    a = b;
    clock_ns += 60 * SECOND;
    assert_taken(take(&c, &limit, "", 500));
    a.bytes_end = clock_ns + 10 * SECOND;
    expect_ledger_settle(ledger, &a, 1, 0, 0);
    assert_refused(take(&c, &limit, "", 501));
}

/* --- a quota against its model ------------------------------------------- */

#define CHARGES 400

typedef struct charge_t {
    apr_int64_t at, amount, used;
    expect_claim_t claim;
    int is_settled;
} charge_t;

/* What would be left, had everybody taken only what they used in the end; all
 * units come back at one per nanosecond. */
static apr_int64_t model_left(const charge_t *charges, int n,
                              apr_int64_t limit, apr_int64_t now)
{
    apr_int64_t until = 0;
    int i;

    for (i = 0; i < n; ++i) {
        until = until > charges[i].at ? until : charges[i].at;
        until += charges[i].is_settled ? charges[i].used : charges[i].amount;
    }
    return until > now ? limit - (until - now) : limit;
}

/*
 * Random takes and refunds: never is more left than if nobody had ever taken
 * what they gave back.
 */
static int quota_run(unsigned seed)
{
    static charge_t charges[CHARGES];
    expect_limit_t limit = quota(NONE, 60 * SECOND);
    expect_claim_t look;
    int n = 0, i;

    srand(seed);
    while (n < CHARGES) {
        charge_t *charge = &charges[n];
        apr_int64_t left;

        switch (rand() % 4) {
        case 0:
            clock_ns += (rand() % 3 ? 1 : 20) * (apr_int64_t)(rand() % SECOND);
            break;
        case 1:
        case 2:
            charge->amount = rand() % (20 * SECOND) + 1;
            if (take(&charge->claim, &limit, "", charge->amount)
                == EXPECT_LEDGER_TAKEN) {
                charge->at = clock_ns;
                charge->used = charge->amount * (rand() % 3) / 2;
                charge->is_settled = 0;
                ++n;
            }
            break;
        default:
            i = n ? n - 1 - rand() % (n < 10 ? n : 10) : 0;
            if (n && !charges[i].is_settled) {
                settle(&charges[i].claim, charges[i].used);
                charges[i].is_settled = 1;
            }
        }
        look = a_claim(&limit, "", 0);
        expect_ledger_peek(ledger, &look);
        left = model_left(charges, n, limit.bytes, clock_ns);
        assert_true(look.left_bytes <= left);
    }
    return n;
}

static void test_quota_model(void **state)
{
    unsigned seed;
    int taken = 0;

    for (seed = 1; seed <= 200; ++seed) {
        taken += quota_run(seed);
        teardown(state);
        setup(state);
    }
    assert_int_equal(taken, 200 * CHARGES);
}

/* --- draw ---------------------------------------------------------------- */

static void test_draw(void **state)
{
    expect_limit_t held = in_flight(5, 1000), spent = quota(5, 600);
    expect_claim_t claims[2], other;
    apr_int64_t bytes = 100;

    (void)state;
    claims[0] = a_claim(&held, "a", -1);
    claims[1] = a_claim(&spent, "a", -1);
    assert_taken(expect_ledger_take(ledger, claims, 2, &refused));
    assert_taken(expect_ledger_draw(ledger, claims, 2, &bytes, &refused));
    assert_int_equal(bytes, 100);
    assert_int_equal(refused, -1);
    bytes = 700;
    assert_taken(expect_ledger_draw(ledger, claims, 2, &bytes, &refused));
    assert_int_equal(bytes, 500);
    assert_int_equal(refused, 1);
    assert_true(claims[1].is_too_large);
    bytes = 1;
    assert_refused(expect_ledger_draw(ledger, claims, 2, &bytes, &refused));
    assert_int_equal(bytes, 0);
    assert_int_equal(refused, 1);
    assert_int_equal(figures().bytes_in_flight, 600);

    /* now what is in flight is the tightest */
    clock_ns += 60 * SECOND + 1;
    assert_taken(take(&other, &held, "a", 300));
    bytes = 200;
    assert_taken(expect_ledger_draw(ledger, claims, 2, &bytes, &refused));
    assert_int_equal(bytes, 100);
    assert_int_equal(refused, 0);
    bytes = 0;
    assert_taken(expect_ledger_draw(ledger, claims, 2, &bytes, &refused));
    bytes = -1;
    assert_int_equal(expect_ledger_draw(ledger, claims, 2, &bytes, &refused),
                     EXPECT_LEDGER_DOWN);
    check_ledger();

    /* 60 of the last 100 have not come */
    expect_ledger_settle(ledger, claims, 2, 640, 1);
    settle(&other, 300);
    other = a_claim(&spent, "a", 0);
    assert_taken(expect_ledger_peek(ledger, &other));
    assert_int_equal(other.left_bytes, 560);
    assert_int_equal(figures().reserved_bytes, 1000);
    assert_int_equal(figures().refunded_bytes, 60);
    assert_int_equal(figures().uploads_in_flight, 0);
    check_ledger();
}

/* --- what a store has admitted -------------------------------------------- */

/* It is written down whatever the limits are. */
static void test_book(void **state)
{
    expect_limit_t held = in_flight(1, 100), spent = quota(1, 600);
    expect_claim_t claims[4], other;
    int i;

    (void)state;
    for (i = 0; i < 2; ++i) {
        claims[2 * i] = a_claim(&held, "a", 400);
        claims[2 * i + 1] = a_claim(&spent, "a", 400);
        expect_ledger_book(ledger, &claims[2 * i], 2);
    }
    assert_int_equal(figures().uploads_in_flight, 2);
    assert_int_equal(figures().bytes_in_flight, 800);
    check_ledger();
    assert_refused(take(&other, &held, "a", 1));
    assert_int_equal(other.left_uploads, 0);
    assert_int_equal(other.left_bytes, 0);

    /* but no more than all of a quota is outstanding */
    assert_refused(take(&other, &spent, "a", 600));
    assert_int_equal(other.wait, SECONDS(60));
    expect_ledger_book_more(ledger, &claims[2], 2, 50);
    assert_int_equal(figures().bytes_in_flight, 850);
    assert_refused(take(&other, &spent, "a", 600));
    assert_int_equal(other.wait, SECONDS(60));

    /* of the second one's 450 bytes, 200 were spent here */
    expect_ledger_settle(ledger, &claims[2], 2, 0, 0);
    assert_refused(take(&other, &spent, "a", 1));
    assert_int_equal(other.left_bytes, 200);
    assert_int_equal(other.left_uploads, 0);
    expect_ledger_settle(ledger, &claims[0], 2, 400, 1);
    assert_int_equal(figures().uploads_in_flight, 0);
    check_ledger();
}

/* What cannot be written down goes on without. */
static void test_book_none(void **state)
{
    expect_limit_t held = in_flight(1000, NONE);
    expect_claim_t claims[PLACES], one = a_claim(&held, "", 5);
    int i;

    (void)state;
    expect_ledger_book(NULL, &one, 1);
    expect_ledger_book_more(NULL, &one, 1, 5);
    settle(&one, 0);
    for (i = 0; i < PLACES; ++i) {
        assert_taken(take(&claims[i], &held, "", 0));
    }
    one = a_claim(&held, "", 5);
    expect_ledger_book(ledger, &one, 1);
    expect_ledger_book_more(ledger, &one, 1, 5);
    assert_int_equal(figures().uploads_in_flight, PLACES);
    assert_int_equal(figures().bytes_in_flight, 0);
    settle(&one, 0);
    /* as settle does where the ledger cannot be locked */
    place_is_over(ledger, one.place, one.record);
    while (i) {
        settle(&claims[--i], 0);
    }
    check_ledger();
}

/* --- a ledger that is full ----------------------------------------------- */

static void test_flood(void **state)
{
    expect_limit_t limit = in_flight(2, NONE), spent = quota(2, NONE);
    expect_claim_t claim, known[2], strangers[2];
    char key[16];
    int i, taken = 0, room = KEYS / 4 * 3;

    (void)state;
    assert_taken(take(&known[0], &limit, "known", 0));
    assert_taken(take(&known[1], &spent, "known", 0));
    for (i = 0; i < 10 * KEYS; ++i) {
        sprintf(key, "%d", i);
        taken += take(&claim, &spent, key, 0) == EXPECT_LEDGER_TAKEN;
        clock_ns += 1000;
    }
    /* each that found a record, and two that share one */
    assert_int_equal(taken, room - 2 + 2);
    assert_int_equal(figures().full, 2);
    assert_int_equal(figures().keys, room);
    assert_int_equal(figures().keys_max, KEYS);
    check_ledger();

    /* who is known has what was left, and no more */
    assert_taken(take(&known[0], &limit, "known", 0));
    assert_refused(take(&claim, &limit, "known", 0));
    assert_taken(take(&claim, &spent, "known", 0));
    assert_refused(take(&claim, &spent, "known", 0));

    /* strangers have the limit together, whatever their keys */
    assert_taken(take(&strangers[0], &limit, "stranger 1", 0));
    assert_taken(take(&strangers[1], &limit, "stranger 2", 0));
    assert_refused(take(&claim, &limit, "stranger 3", 0));

    /* there is room again: nobody has the limit twice */
    clock_ns += 61 * SECOND;
    assert_taken(take(&claim, &spent, "stranger 1", 0));
    assert_refused(take(&claim, &limit, "stranger 1", 0));
    assert_refused(take(&claim, &limit, "stranger 4", 0));
    settle(&strangers[0], 0);
    assert_taken(take(&strangers[0], &limit, "stranger 1", 0));
    assert_refused(take(&claim, &limit, "stranger 1", 0));
    settle(&strangers[1], 0);
    assert_taken(take(&claim, &limit, "stranger 1", 0));
    assert_refused(take(&claim, &limit, "stranger 1", 0));
    check_ledger();
}

/* What a quota's overflow record has spent counts for who was in it. */
static void test_flood_quota(void **state)
{
    expect_limit_t spent = quota(3, NONE), held = in_flight(9, NONE);
    expect_claim_t claims[KEYS], claim;
    char key[16];
    int i, room = KEYS / 4 * 3;

    (void)state;
    for (i = 0; i < room; ++i) {
        sprintf(key, "%d", i);
        assert_taken(take(&claims[i], &held, key, 0));
    }
    for (i = 0; i < 3; ++i) {
        assert_taken(take(&claim, &spent, "me", 0));
    }
    assert_refused(take(&claim, &spent, "me", 0));
    settle(&claims[0], 0);
    clock_ns += SECOND;
    assert_refused(take(&claim, &spent, "me", 0));
    clock_ns += 19 * SECOND;
    assert_taken(take(&claim, &spent, "me", 0));
    assert_int_equal(figures().full, 3);
    assert_refused(take(&claim, &spent, "me", 0));
    check_ledger();
}

/* More limits than overflow records: they get stricter, never laxer. */
static void test_flood_of_limits(void **state)
{
    expect_limit_t held = in_flight(1, NONE), limits[100];
    expect_claim_t claim;
    char key[32];
    int i, taken = 0;

    (void)state;
    take_many(&held, KEYS / 4 * 3, 0);
    for (i = 0; i < 100; ++i) {
        limits[i] = i % 2 ? in_flight(1, NONE) : quota(1, NONE);
        sprintf(key, "limit %d", i);
        expect_ledger_id(limits[i].id, secret, key);
        taken += take(&claim, &limits[i], "a", 0) == EXPECT_LEDGER_TAKEN;
        assert_refused(take(&claim, &limits[i], "b", 0));
    }
    assert_true(taken >= (int)LEDGER_OVERFLOWS);
    check_ledger();
}

/* A limit that shares an overflow record is remembered there, also when others
 * become idle meanwhile. */
static void test_shared_overflow(void **state)
{
    expect_limit_t held = in_flight(1, NONE), limits[LEDGER_OVERFLOWS];
    expect_limit_t late = in_flight(2, NONE);
    expect_claim_t claim, first[LEDGER_OVERFLOWS], mine[4];
    char key[32];
    int i, taken = 0;

    (void)state;
    take_many(&held, KEYS / 4 * 3, 0);
    for (i = 0; i < (int)LEDGER_OVERFLOWS; ++i) {
        limits[i] = in_flight(1, NONE);
        sprintf(key, "limit %d", i);
        expect_ledger_id(limits[i].id, secret, key);
        assert_taken(take(&first[i], &limits[i], "a", 0));
    }
    expect_ledger_id(late.id, secret, "late");
    assert_taken(take(&mine[taken++], &late, "a", 0));
    assert_refused(take(&claim, &late, "a", 0));
    for (i = 0; i < (int)LEDGER_OVERFLOWS; ++i) {
        settle(&first[i], 0);
        if (take(&mine[taken], &late, "a", 0) == EXPECT_LEDGER_TAKEN) {
            assert_true(++taken <= 2);
        }
        check_ledger();
    }
    assert_int_equal(taken, 2);
    while (taken) {
        settle(&mine[--taken], 0);
    }
    /* and nothing of that is left */
    assert_taken(take(&mine[0], &late, "b", 0));
    assert_taken(take(&mine[1], &late, "b", 0));
    assert_refused(take(&claim, &late, "b", 0));
    check_ledger();
}

static void test_tenants(void **state)
{
    expect_limit_t tenant = quota(1, NONE), admin = quota(1, NONE);
    expect_claim_t claim;
    char key[16];
    int i, taken = 0;

    (void)state;
    tenant.is_tenants = 1;
    expect_ledger_id(tenant.id, secret, "tenant");
    for (i = 0; i < 10 * KEYS; ++i) {
        sprintf(key, "%d", i);
        taken += take(&claim, &tenant, key, 0) == EXPECT_LEDGER_TAKEN;
    }
    assert_int_equal(taken, KEYS / 4 + 1);
    take_many(&admin, KEYS / 4 * 3, 0);
    assert_int_equal(figures().full, 1);
    assert_int_equal(figures().keys, KEYS);
    check_ledger();
}

/* One record is left for two claims of a tenant, whichever comes first: it is
 * kept for that one, and the other is apart. */
static void test_keep(void **state)
{
    expect_limit_t spent = quota(1, NONE), held = in_flight(1, NONE);
    expect_claim_t folder, claims[2];

    (void)state;
    spent.is_tenants = held.is_tenants = 1;
    spent.period = SECONDS(3600);
    expect_ledger_id(spent.id, secret, "spent");
    expect_ledger_id(held.id, secret, "held");
    take_many(&spent, KEYS / 4 - 1, 0);
    assert_taken(take(&folder, &held, "folder", 0));
    settle(&folder, 0);
    claims[0] = a_claim(&held, "folder", 0);
    claims[1] = a_claim(&spent, "new", 0);
    assert_int_equal(expect_ledger_keep(ledger, &claims[1], 1, 0), 0);
    assert_int_equal(expect_ledger_keep(ledger, claims, 2, 1), 1);
    assert_false(claims[0].is_apart);
    assert_true(claims[1].is_apart);
    /* for as long as a store may take to answer */
    clock_ns += 10 * SECOND;
    assert_int_equal(expect_ledger_keep(ledger, &claims[1], 1, 0), 1);
    clock_ns += 10 * SECOND;
    assert_int_equal(expect_ledger_keep(ledger, &claims[1], 1, 0), 0);
    /* the other way round */
    claims[0] = a_claim(&spent, "newer", 0);
    claims[1] = a_claim(&held, "folder", 0);
    assert_int_equal(expect_ledger_keep(ledger, claims, 2, 1), 1);
    assert_false(claims[0].is_apart);
    assert_true(claims[1].is_apart);
    /* refused: then another may have it, and the record of this one has gone */
    expect_ledger_unkeep(ledger, claims, 1);
    clock_ns += SECOND;
    assert_int_equal(expect_ledger_keep(ledger, &claims[1], 1, 1), 0);
    assert_int_equal(expect_ledger_keep(ledger, claims, 1, 1), 1);
    check_ledger();
}

/* What is apart takes no record of its own, and while it is in an overflow
 * record, no other key of its limit gets one. */
static void test_keep_overflow(void **state)
{
    expect_limit_t spent = quota(1, NONE), held = in_flight(1, NONE);
    expect_claim_t claims[2];

    (void)state;
    spent.is_tenants = held.is_tenants = 1;
    expect_ledger_id(spent.id, secret, "spent");
    expect_ledger_id(held.id, secret, "held");
    claims[0] = a_claim(&spent, "new", 0);
    claims[0].is_apart = 1;
    assert_taken(expect_ledger_take(ledger, claims, 1, &refused));
    assert_int_equal(figures().full, 1);
    assert_int_equal(figures().keys, 0);
    claims[0] = a_claim(&spent, "newer", 0);
    claims[1] = a_claim(&held, "folder", 0);
    assert_int_equal(expect_ledger_keep(ledger, claims, 2, 1), 1);
    assert_true(claims[0].is_apart);
    assert_false(claims[1].is_apart);
    check_ledger();
}

/* --- readers ------------------------------------------------------------- */

static void test_read(void **state)
{
    expect_limit_t a = in_flight(9, NONE), b = in_flight(9, NONE);
    expect_claim_t claims[4];
    expect_ledger_figures_t read;
    expect_ledger_use_t use[3];
    int i, n = 3;

    (void)state;
    expect_ledger_id(b.id, secret, "another");
    for (i = 0; i < 4; ++i) {
        assert_taken(take(&claims[i], i == 2 ? &b : &a, i ? "x" : "y", 10));
    }
    assert_taken(expect_ledger_read(ledger, &read, use, &n));
    assert_int_equal(n, 2);
    assert_memory_equal(use[0].id, a.id, 16);
    assert_int_equal(use[0].uploads, 3);
    assert_int_equal(use[0].bytes, 30);
    assert_memory_equal(use[1].id, b.id, 16);
    assert_int_equal(use[1].uploads, 1);
    assert_int_equal(read.uploads_in_flight, 4);
    assert_int_equal(read.keys, 3);
    n = 1;
    assert_taken(expect_ledger_read(ledger, &read, use, &n));
    assert_int_equal(n, 1);
    assert_int_equal(use[0].uploads, 3);
    assert_memory_not_equal(a.id, b.id, 16);
}

/* --- processes that die -------------------------------------------------- */

/* What each process of the tests below does, again and again. */
static void work(int rounds, unsigned seed)
{
    expect_limit_t held = in_flight(1000, NONE), spent = quota(1000, 100000);
    expect_claim_t claims[8][2];
    char keys[8][16];
    int is_taken[8] = { 0 }, i;

    alarm(60);
    srand(seed);
    spent.period = 20000;
    for (; rounds; --rounds) {
        i = rand() % 8;
        if (is_taken[i]) {
            apr_int64_t bytes = rand() % 10;

            expect_ledger_draw(ledger, claims[i], 2, &bytes, &refused);
            expect_ledger_settle(ledger, claims[i], 2, rand() % 30,
                                 rand() % 2);
            is_taken[i] = 0;
            continue;
        }
        /* more keys than there are records */
        sprintf(keys[i], "%d", rand() % (KEYS * 2));
        claims[i][0] = a_claim(&held, keys[i], rand() % 3 ? rand() % 20 : -1);
        claims[i][1] = a_claim(&spent, keys[i], claims[i][0].length);
        is_taken[i] = expect_ledger_take(ledger, claims[i], 2, &refused)
                      == EXPECT_LEDGER_TAKEN;
    }
}

static void check_empty(void)
{
    expect_ledger_figures_t read = figures();

    assert_int_equal(read.uploads_in_flight, 0);
    assert_int_equal(read.bytes_in_flight, 0);
    check_ledger();
}

static void wait_killed(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Two at a time, killed at any moment. */
static void test_killed(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 200; ++i) {
        pid_t pids[2];
        int j;

        for (j = 0; j < 2; ++j) {
            pids[j] = fork();
            if (!pids[j]) {
                work(-1, i * 2 + j);
            }
        }
        usleep(rand() % 5000);
        for (j = 0; j < 2; ++j) {
            kill(pids[j], SIGKILL);
            wait_killed(pids[j]);
            check_ledger();
        }
        check_empty();
    }
    assert_true(figures().reaped > 0);
    work(100, 1);
    check_ledger();
}

/* At each point of the ledger, in turn: whoever comes next finds it whole. The
 * point is in a repair, too, if the one before was killed under the mutex. */
static void test_killed_at_each_point(void **state)
{
    int i, died_locked = 0;

    (void)state;
    for (i = 1; i <= 1500; ++i) {
        pid_t pid = fork();

        if (!pid) {
            points_left = i % 400 + 1;
            work(-1, i);
        }
        wait_killed(pid);
        if (i % 3 == 0) {
            pid = fork();
            if (!pid) {
                points_left = i % 10 + 1;
                work(-1, i);
            }
            wait_killed(pid);
        }
        died_locked += pthread_mutex_trylock(&ledger->mutex) == EOWNERDEAD
                           ? (ledger_repair(ledger),
                              pthread_mutex_consistent(&ledger->mutex), 1)
                           : 0;
        pthread_mutex_unlock(&ledger->mutex);
        check_ledger();
        check_empty();
    }
    assert_true(died_locked > 1000);
}

/* Someone refused finds that those in the way are dead. */
static void test_refused_reaps(void **state)
{
    expect_limit_t limit = in_flight(2, NONE);
    expect_claim_t claim;
    pid_t pid = fork();

    (void)state;
    if (!pid) {
        take(&claim, &limit, "", 7);
        take(&claim, &limit, "", 7);
        raise(SIGKILL);
    }
    wait_killed(pid);
    assert_int_equal(ledger->places_held, 2);
    assert_taken(take(&claim, &limit, "", 7));
    assert_int_equal(ledger->places_held, 1);
    assert_int_equal(figures().reaped, 2);
    settle(&claim, 7);
    check_empty();
}

/* More processes than slots, one after the other: each is forked by one that
 * has joined, as under mpm_itk. */
static void test_forked(void **state)
{
    expect_limit_t limit = in_flight(2, NONE);
    expect_claim_t mine, claim;
    int i;

    (void)state;
    expect_ledger_join(ledger);
    assert_taken(take(&mine, &limit, "", 7));
    for (i = 0; i < PLACES * 2; ++i) {
        pid_t pid = fork();

        if (!pid) {
            int failed;

            /* not its own */
            settle(&mine, 7);
            failed = take(&claim, &limit, "", 7) != EXPECT_LEDGER_TAKEN;
            failed += take(&claim, &limit, "", 7) != EXPECT_LEDGER_REFUSED;
            _exit(failed);
        }
        assert_int_equal(waitpid(pid, &refused, 0), pid);
        assert_int_equal(refused, 0);
        clock_ns += REAP_PAUSE_NS;
    }
    assert_int_equal(figures().uploads_in_flight, 1);
    assert_true(ledger->top_owner <= ledger->n_owners);
    settle(&mine, 7);
    check_empty();
}

/* One that ends in good order, and has its memory unmapped before, as pools do
 * at exit(). */
/* It is ended before a handler of pthread_atfork() has run in it: what it says
 * is not said of the process that has forked it. */
static void test_forked_leaves(void **state)
{
    expect_limit_t limit = in_flight(1, NONE);
    expect_claim_t claim;
    pid_t pid;

    (void)state;
    expect_ledger_join(ledger);
    pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (!pid) {
        expect_ledger_leave();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &refused, 0), pid);
    assert_int_equal(refused, 0);
    assert_taken(take(&claim, &limit, "", 7));
    settle(&claim, 7);
    check_empty();
}

static void test_leave(void **state)
{
    expect_limit_t limit = in_flight(1, NONE);
    expect_claim_t claim;
    pid_t pid = fork();

    (void)state;
    if (!pid) {
        take(&claim, &limit, "", 7);
        expect_ledger_leave();
        settle(&claim, 7);
        _exit(take(&claim, &limit, "", 7) == EXPECT_LEDGER_DOWN
              && munmap(ledger, ledger_bytes) == 0 ? 3 : 1);
    }
    assert_int_equal(waitpid(pid, &refused, 0), pid);
    assert_int_equal(WEXITSTATUS(refused), 3);
    assert_int_equal(ledger->places_held, 1);
    assert_taken(take(&claim, &limit, "", 7));
    settle(&claim, 7);
    check_empty();
    /* it has the slot of the other, whose mutex nobody could unlock */
    assert_int_equal(self.owner, 0);
}

/* One that has said that it ends, and still runs. */
static void test_leaving(void **state)
{
    expect_limit_t limit = in_flight(1, NONE);
    expect_claim_t claim;
    int i;
    pid_t pid = fork();

    (void)state;
    if (!pid) {
        take(&claim, &limit, "", 7);
        expect_ledger_leave();
        raise(SIGSTOP);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_taken(take(&claim, &limit, "", 7));
    for (i = 0; i < 2; ++i) {
        assert_int_equal(figures().uploads_in_flight, 1);
        /* its slot is not free before it has ended */
        assert_int_equal(self.owner, 1);
        assert_int_equal(ledger_owners(ledger)[0].pid, i ? 0 : pid);
        kill(pid, SIGCONT);
        waitpid(pid, NULL, 0);
    }
    settle(&claim, 7);
    check_empty();
}

/* A process that is stopped while it has the mutex: the others do not wait for
 * it, and what they could not give back is given back later. */
static void test_stopped(void **state)
{
    expect_limit_t limit = in_flight(2, NONE);
    expect_claim_t mine, claim;
    apr_int64_t begun;
    pid_t pid;

    (void)state;
    assert_taken(take(&mine, &limit, "", 7));
    pid = fork();
    if (!pid) {
        ledger_lock(ledger);
        raise(SIGSTOP);
        ledger_unlock(ledger);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    begun = ledger_now();
    assert_int_equal(take(&claim, &limit, "", 7), EXPECT_LEDGER_DOWN);
    assert_true(ledger_now() - begun >= MUTEX_WAIT_NS);
    settle(&mine, 7);
    kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(ledger->places_held, 1);
    limit.uploads = 1;
    assert_taken(take(&claim, &limit, "", 7));
    settle(&claim, 7);
    check_empty();
    assert_int_equal(figures().reaped, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_RUNNING(name) \
    cmocka_unit_test_setup_teardown(name, setup_running, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_uploads),
        TEST(test_bytes),
        TEST(test_huge),
        TEST(test_all_or_none),
        TEST(test_same),
        TEST(test_no_places),
        TEST(test_places_of_tenants),
        TEST(test_none),
        TEST(test_keys_are_hidden),
        TEST(test_quota_exact),
        TEST(test_quota_bytes),
        TEST(test_quota_of_any_period),
        TEST(test_quota_huge),
        TEST(test_refund),
        TEST(test_refund_sums),
        TEST(test_settle_after_eviction),
        TEST(test_quota_model),
        TEST(test_draw),
        TEST(test_book),
        TEST(test_book_none),
        TEST(test_flood),
        TEST(test_flood_quota),
        TEST(test_flood_of_limits),
        TEST(test_shared_overflow),
        TEST(test_tenants),
        TEST(test_keep),
        TEST(test_keep_overflow),
        TEST(test_read),
        TEST_RUNNING(test_killed),
        TEST_RUNNING(test_killed_at_each_point),
        TEST_RUNNING(test_refused_reaps),
        TEST(test_forked),
        TEST(test_forked_leaves),
        TEST_RUNNING(test_leave),
        TEST_RUNNING(test_leaving),
        TEST_RUNNING(test_stopped)
    };

    apr_initialize();
    alarm(300);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
