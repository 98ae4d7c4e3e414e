/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is in the memory of a ledger. All processes of a server share it, and
 * its size never changes: this header, then owners, buckets, records, places.
 * They name each other by index, as each process may have the memory elsewhere.
 *
 * What is true, and what follows from it:
 *
 * - True are the places (who holds what of which record), the owners, each
 *   record's digest and id, and what was spent of a quota. Each of them has a
 *   state, which is written last when it is filled in, and first when it is
 *   given up. So wherever a process is killed, it is there or it is not.
 * - The rest follows: counts of what is in flight, chains, lists of what is
 *   free. repair.c makes all of it anew.
 *
 * Everything in here is written under the mutex. There are two exceptions,
 * both of one atomic word: owner_t's is_gone, and a place that is over.
 */

#ifndef EXPECT_MEMORY_H
#define EXPECT_MEMORY_H

#include <pthread.h>

#include "base/size.h"
#include "ledger/gcra.h"
#include "ledger/ledger.h"

/** No record, place or owner. */
#define LEDGER_NONE 0xffffffffU

/** Records of a share for keys that found no room; limits have one each, as
 *  long as there are no more limits than that. A power of two. */
#define LEDGER_OVERFLOWS 64U

/* A unit test ends the process at such a point. */
#ifndef LEDGER_POINT
#define LEDGER_POINT(name) ((void)0)
#endif

/** Write a word that says whether the rest of a structure counts: behind all
 *  that was written before, and before all that is written later. */
#define STATE_SET(at, value) \
    do { \
        __atomic_store_n((at), (value), __ATOMIC_SEQ_CST); \
        LEDGER_POINT(#at "=" #value); \
    } while (0)
#define STATE_GET(at) __atomic_load_n((at), __ATOMIC_ACQUIRE)

typedef enum {
    SHARE_ADMIN = 0,    /* three quarters of the records */
    SHARE_TENANTS,
    SHARES
} share_e;

/** A process: see owners.h. */
typedef struct owner_t {
    /** locked as long as the process lives */
    pthread_mutex_t life;
    /** the process; 0: the slot is free */
    apr_uint32_t pid;
    /** raised for each process that takes the slot */
    apr_uint32_t generation;
    /** set by the process itself, without the mutex, when it ends */
    apr_uint32_t is_gone;
    /** index of the next free slot */
    apr_uint32_t next;
} owner_t;

/** A limit under one key. */
typedef struct record_t {
    apr_uint64_t digest;
    unsigned char id[16];
    /** 0: free, or an overflow record that nobody has used yet */
    apr_uint32_t is_used;
    /** in the bucket's chain, or in the list of free records */
    apr_uint32_t next;
    /** made while its limit's overflow record had something in flight, which
     *  may be of the same key: it is counted here as well */
    apr_uint32_t counts_overflow;
    /** an overflow record that a second limit has used: what that holds is
     *  counted here until the record is idle */
    apr_uint32_t is_shared;
    /** until when it is kept for a decision that is under way: it is not idle
     *  by then, though nothing is taken yet */
    apr_int64_t kept_until;
    /** in flight */
    apr_int64_t uploads, bytes;
    /** spent; what was spent in turns until then cannot be given back */
    apr_uint64_t born;
    gcra_t quota_uploads, quota_bytes;
} record_t;

typedef enum {
    PLACE_FREE = 0,
    PLACE_HELD,
    PLACE_OVER          /* held, and to be given back: see places.h */
} place_e;

/** An upload in flight, under one limit. */
typedef struct place_t {
    /** a place_e */
    apr_uint32_t state;
    apr_uint32_t record;
    apr_uint32_t owner, generation;
    apr_int64_t bytes;
    /** index of the next free place */
    apr_uint32_t next;
} place_t;

typedef struct share_t {
    /** its records, and behind those its overflow records */
    apr_uint32_t first, records;
    /** how many are used */
    apr_uint32_t used;
    /** list of free records */
    apr_uint32_t free;
    /** where to look for an idle record next */
    apr_uint32_t hand;
    /** the overflow records were used, and may still be */
    apr_uint32_t has_overflow;
    /** when a whole round found no idle record; 0: not so */
    apr_int64_t full_at;
} share_t;

struct expect_ledger_t {
    pthread_mutex_t mutex;
    /** how often it was locked */
    apr_uint32_t locked;
    unsigned char key[16];
    /** how many there are, and where: bytes from the beginning */
    apr_uint32_t n_owners, n_buckets, n_records, n_places;
    apr_size_t at_owners, at_buckets, at_records, at_places;
    share_t shares[SHARES];
    /** lists of what is free; none behind the top has ever been used */
    apr_uint32_t free_owner, top_owner;
    apr_uint32_t free_place, top_place;
    apr_uint32_t places_held;
    /** some process could not give a place back: it is marked */
    apr_uint32_t has_over;
    /** how often something was spent of a quota */
    apr_uint64_t turns;
    /** when dead owners were last looked for */
    apr_int64_t reaped_at;
    /** figures */
    apr_uint64_t bytes_in_flight;
    apr_uint64_t reserved_bytes, refunded_bytes, full, reaped;
};

#define LEDGER_AT(ledger, type, at) ((type *)((char *)(ledger) + (at)))

static inline owner_t *ledger_owners(expect_ledger_t *ledger)
{
    return LEDGER_AT(ledger, owner_t, ledger->at_owners);
}

/** Heads of chains: an index of a record, plus 1; 0: the chain is empty. */
static inline apr_uint32_t *ledger_buckets(expect_ledger_t *ledger)
{
    return LEDGER_AT(ledger, apr_uint32_t, ledger->at_buckets);
}

static inline record_t *ledger_records(expect_ledger_t *ledger)
{
    return LEDGER_AT(ledger, record_t, ledger->at_records);
}

static inline place_t *ledger_places(expect_ledger_t *ledger)
{
    return LEDGER_AT(ledger, place_t, ledger->at_places);
}

#endif
