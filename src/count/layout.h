/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The layout of the tally in shared memory, for its writer (tally.c) and its
 * reader (report.c), and for nobody else.
 *
 * Every member is read while other processes write it, so each access is one
 * atomic operation on 32 or 64 bits. Any change here, and a change of
 * tally_hash(), needs another EXPECT_TALLY_LAYOUT: after a graceful restart
 * that loads another version of the module, both versions may write to it.
 */

#ifndef EXPECT_LAYOUT_H
#define EXPECT_LAYOUT_H

#include <string.h>

#include "apr.h"
#include "apr_atomic.h"
#include "apr_version.h"

#include "count/tally.h"

/* --- a counter ----------------------------------------------------------- */

/*
 * A counter of 64 bits. APR has atomic ones since 1.7, but where the machine
 * has none, APR guards them by a lock that other processes do not see. There,
 * and before 1.7, the counter is two words and a carry. Such a counter may read
 * short by 2^32 for the moment between the two adds.
 */
#if !defined(EXPECT_TALLY_WORDS) && APR_VERSION_AT_LEAST(1, 7, 0) \
    && APR_SIZEOF_VOIDP == 8
typedef struct counter_t {
    volatile apr_uint64_t value;
} counter_t;

static APR_INLINE void counter_add(counter_t *counter, apr_uint64_t n)
{
    apr_atomic_add64(&counter->value, n);
}

static APR_INLINE apr_uint64_t counter_get(counter_t *counter)
{
    return apr_atomic_read64(&counter->value);
}

static APR_INLINE void counter_set(counter_t *counter, apr_uint64_t n)
{
    apr_atomic_set64(&counter->value, n);
}
#else
typedef struct counter_t {
    volatile apr_uint32_t low;
    volatile apr_uint32_t high;
} counter_t;

static APR_INLINE void counter_add(counter_t *counter, apr_uint64_t n)
{
    apr_uint32_t low = (apr_uint32_t)n;
    apr_uint32_t high = (apr_uint32_t)(n >> 32);
    apr_uint32_t old = apr_atomic_add32(&counter->low, low);

    high += (apr_uint32_t)(old + low) < low;
    if (high) {
        apr_atomic_add32(&counter->high, high);
    }
}

static APR_INLINE apr_uint64_t counter_get(counter_t *counter)
{
    apr_uint32_t high, low;

    do {
        high = apr_atomic_read32(&counter->high);
        low = apr_atomic_read32(&counter->low);
    } while (high != apr_atomic_read32(&counter->high));
    return (apr_uint64_t)high << 32 | low;
}

static APR_INLINE void counter_set(counter_t *counter, apr_uint64_t n)
{
    apr_atomic_set32(&counter->high, (apr_uint32_t)(n >> 32));
    apr_atomic_set32(&counter->low, (apr_uint32_t)n);
}
#endif

/* --- text in words ------------------------------------------------------- */

/* Text is kept in words of 32 bits: it is read while others write it, and two
 * may write it at a time, so each word has to be written as one. */
#define WORDS(size) (((size) + 3) / 4)

static APR_INLINE void words_put(volatile apr_uint32_t *to,
                                 const apr_uint32_t *from, int n)
{
    int i;

    for (i = 0; i < n; ++i) {
        apr_atomic_set32(&to[i], from[i]);
    }
}

static APR_INLINE void words_get(apr_uint32_t *to,
                                 volatile apr_uint32_t *from, int n)
{
    int i;

    for (i = 0; i < n; ++i) {
        to[i] = apr_atomic_read32(&from[i]);
    }
}

typedef union name_t {
    char text[EXPECT_TALLY_RULE_SIZE];
    apr_uint32_t words[WORDS(EXPECT_TALLY_RULE_SIZE)];
} name_t;

typedef union past_t {
    expect_past_event_t event;
    apr_uint32_t words[WORDS(sizeof(expect_past_event_t))];
} past_t;

/* --- the block ----------------------------------------------------------- */

/* A rule and its decisions. Its key is a hash of its name: the process that
 * swaps the key in has taken the slot, and no slot is ever given back. */
typedef struct slot_t {
    volatile apr_uint32_t key;
    volatile apr_uint32_t named;
    volatile apr_uint32_t rule[WORDS(sizeof(name_t))];
    counter_t n[EXPECT_N_COUNTS];
} slot_t;

/* What all slots added up to when a span of time began. Its tag is span * 2,
 * and one more while it is being written. */
typedef struct bucket_t {
    volatile apr_uint32_t tag;
    volatile apr_uint32_t unused;
    counter_t n[EXPECT_N_COUNTS];
} bucket_t;

/* A refusal. seq is ticket * 2, and one more while it is being written; sum
 * covers the event up to the end of its sentence, so that an entry which two
 * writers have mixed is recognised. */
typedef struct entry_t {
    volatile apr_uint32_t seq;
    volatile apr_uint32_t sum;
    volatile apr_uint32_t event[WORDS(sizeof(past_t))];
} entry_t;

/* A process, how many refused connections linger in it, and when it reported
 * that, in seconds. */
typedef struct place_t {
    volatile apr_uint32_t pid;
    volatile apr_uint32_t held;
    volatile apr_uint32_t reported;
} place_t;

#define SLOT_ADMITTED 0
#define SLOT_OTHER 1
#define SLOT_FIRST 2

struct expect_tally_t {
    apr_time_t since;
    volatile apr_uint32_t tickets;
    volatile apr_uint32_t unused;
    slot_t slots[EXPECT_TALLY_RULES + 1];
    bucket_t minutes[EXPECT_TALLY_MINUTES];
    bucket_t quarters[EXPECT_TALLY_QUARTERS];
    entry_t events[EXPECT_TALLY_EVENTS];
    counter_t drained;
    place_t places[EXPECT_TALLY_PLACES];
};

/* --- what writer and reader compute alike -------------------------------- */

/* FNV-1a. */
#define HASH_INIT 2166136261U

static APR_INLINE apr_uint32_t hash_add(apr_uint32_t sum, apr_uint32_t n)
{
    return (sum ^ n) * 16777619U;
}

static APR_INLINE void slot_get_name(name_t *rule, slot_t *slot)
{
    words_get(rule->words, slot->rule, WORDS(sizeof(*rule)));
}

static APR_INLINE apr_uint32_t span_of_minute(apr_time_t now)
{
    return (apr_uint32_t)(apr_time_sec(now) / 60);
}

/* The words of an event up to the end of its sentence. Each costs a refusal an
 * atomic write, and those behind the end, of an older event, are never used. */
static APR_INLINE int past_words(const past_t *past)
{
    return (int)WORDS(APR_OFFSETOF(expect_past_event_t, reason)
                      + strlen(past->event.reason) + 1);
}

static APR_INLINE apr_uint32_t past_sum(const past_t *past)
{
    apr_uint32_t sum = HASH_INIT;
    int i, n = past_words(past);

    for (i = 0; i < n; ++i) {
        sum = hash_add(sum, past->words[i]);
    }
    return sum;
}

static APR_INLINE apr_uint32_t place_second(apr_time_t now)
{
    return (apr_uint32_t)apr_time_sec(now);
}

/* Whether the report of a process is still fresh. It is not if the clock was
 * set back meanwhile. */
static APR_INLINE int place_is_fresh(place_t *place, apr_time_t now)
{
    return place_second(now) - apr_atomic_read32(&place->reported)
           <= EXPECT_TALLY_FRESH_SECONDS;
}

#endif
