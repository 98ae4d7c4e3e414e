/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Uploads that take, draw and settle in any order, under two limits of uploads
 * in flight and two quotas, held against sums. Each step is four bytes. The
 * quotas come back in a year, so time changes nothing but rounding.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

#include "ledger/ledger.h"

#define LIMITS 4
#define UPLOADS 8
#define YEAR apr_time_from_sec(86400 * 365)

static const unsigned char secret[16] = "of this one test";
/* what each limit has left, by its one key */
static apr_int64_t left_uploads[LIMITS], left_bytes[LIMITS];
static expect_limit_t limits[LIMITS];
static expect_claim_t claims[UPLOADS][LIMITS];
static int is_taken[UPLOADS];

/* A new ledger in the same memory, as a process never leaves the one that it
 * has joined: what the memory was right behind that. */
static expect_ledger_t *begin(void)
{
    static expect_ledger_t *ledger;
    static void *fresh;
    apr_size_t size = expect_ledger_size(16, 32);
    int i;

    if (!ledger) {
        ledger = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        MUST(ledger != MAP_FAILED
             && expect_ledger_init(ledger, 16, 32, secret), NULL);
        expect_ledger_join(ledger);
        fresh = memcpy(malloc(size), ledger, size);
    }
    memcpy(ledger, fresh, size);
    for (i = 0; i < LIMITS; ++i) {
        limits[i].kind = i % 2 ? EXPECT_LIMIT_QUOTA : EXPECT_LIMIT_IN_FLIGHT;
        limits[i].uploads = left_uploads[i] = i < 2 ? 3 : 100;
        limits[i].bytes = left_bytes[i] = i < 2 ? 1000 : 300;
        limits[i].period = YEAR;
        expect_ledger_id(limits[i].id, secret, i < 2 ? i ? "a" : "b"
                                                     : i < 3 ? "c" : "d");
    }
    memset(is_taken, 0, sizeof(is_taken));
    return ledger;
}

static int is_quota(int i)
{
    return limits[i].kind == EXPECT_LIMIT_QUOTA;
}

/* A quota may know no more whose turn a refund was: then it gives back less,
 * never more. */
static int is_left(int i, apr_int64_t found, apr_int64_t left)
{
    return found == left || (is_quota(i) && found >= 0 && found < left);
}

static void take(expect_ledger_t *ledger, expect_claim_t *upload, int *taken,
                 apr_int64_t length)
{
    apr_int64_t bytes = length < 0 ? 1 : length;
    int refused = -1, i, is_enough = 1;
    expect_ledger_e result;

    memset(upload, 0, LIMITS * sizeof(*upload));
    for (i = 0; i < LIMITS; ++i) {
        upload[i].limit = &limits[i];
        upload[i].length = length;
    }
    result = expect_ledger_take(ledger, upload, LIMITS, &refused);
    MUST(result != EXPECT_LEDGER_DOWN, NULL);
    *taken = result == EXPECT_LEDGER_TAKEN;
    for (i = 0; i < LIMITS; ++i) {
        is_enough &= upload[i].left_uploads >= 1
                     && upload[i].left_bytes >= bytes;
        MUST(*taken || refused <= i || is_enough, NULL);
        MUST(is_left(i, upload[i].left_uploads, left_uploads[i]), NULL);
        MUST(is_left(i, upload[i].left_bytes, left_bytes[i]), NULL);
        left_uploads[i] -= *taken;
        left_bytes[i] -= *taken ? upload[i].taken : 0;
    }
    MUST(*taken == is_enough, NULL);
}

static void draw(expect_ledger_t *ledger, expect_claim_t *upload,
                 apr_int64_t wanted)
{
    apr_int64_t bytes = wanted, least = wanted;
    int refused, i;

    expect_ledger_draw(ledger, upload, LIMITS, &bytes, &refused);
    for (i = 0; i < LIMITS; ++i) {
        MUST(is_left(i, upload[i].left_bytes, left_bytes[i]), NULL);
        least = least < upload[i].left_bytes ? least : upload[i].left_bytes;
        left_bytes[i] -= bytes;
    }
    MUST(bytes == least, NULL);
    MUST((refused < 0) == (bytes == wanted), NULL);
}

static void settle(expect_ledger_t *ledger, expect_claim_t *upload,
                   apr_int64_t received, int keep_upload)
{
    int i;

    for (i = 0; i < LIMITS; ++i) {
        apr_int64_t unused = upload[i].taken > received
                                 ? upload[i].taken - received : 0;

        if (is_quota(i)) {
            left_uploads[i] += !keep_upload;
            left_bytes[i] += unused < upload[i].last ? unused
                                                     : upload[i].last;
        }
        else {
            ++left_uploads[i];
            left_bytes[i] += upload[i].taken;
        }
    }
    expect_ledger_settle(ledger, upload, LIMITS, received, keep_upload);
}

void fuzz_ledger(fuzz_input_t *in)
{
    expect_ledger_t *ledger = begin();
    const unsigned char *step = (const unsigned char *)in->text;
    const unsigned char *end = step + in->size;

    for (; end - step >= 4; step += 4) {
        int i = step[0] % UPLOADS;
        apr_int64_t bytes = step[2] * 256 + step[3];

        if (!is_taken[i]) {
            take(ledger, claims[i], &is_taken[i],
                 step[1] % 4 ? bytes % 400 : -1);
        }
        else if (step[1] % 2) {
            draw(ledger, claims[i], bytes % 200);
        }
        else {
            settle(ledger, claims[i], bytes % 400, step[1] / 2 % 2);
            is_taken[i] = 0;
        }
    }
}
