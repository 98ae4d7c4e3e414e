/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The ledger: uploads in flight, and quotas, in memory that all processes of a
 * server share.
 *
 * - One robust mutex (POSIX, shared between processes) guards it. Under the
 *   mutex nothing is allocated, logged or waited for. If a process dies while
 *   it holds the mutex, the next one adds all counts up again from the places,
 *   which are true: see memory.h.
 * - Each process is an owner: it holds a robust mutex of its own, so that any
 *   other can see that it has died, whatever has killed it, and whatever MPM it
 *   belongs to. The places of a dead owner are given back when somebody would
 *   be refused because of them, at most every 100 ms, and when the figures are
 *   read.
 * - Keys are kept as a keyed hash (SipHash): no address and no name of a user
 *   is in the memory, and nobody can choose keys that collide.
 * - A quota is the generic cell rate algorithm, by a clock that cannot be set:
 *   see gcra.h.
 * - If there are more keys than records, those that are idle make room. If none
 *   is, the newcomers share one record for each limit.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_LEDGER_H
#define EXPECT_LEDGER_H

#include "apr_pools.h"
#include "apr_time.h"

/** What a limit counts. */
typedef enum {
    EXPECT_LIMIT_IN_FLIGHT = 0, /* uploads that are under way, their bytes */
    EXPECT_LIMIT_QUOTA          /* uploads admitted in a period, their bytes */
} expect_limit_e;

/** No limit on uploads or bytes. */
#define EXPECT_LIMIT_NONE ((apr_int64_t)-1)

/** A limit: what a rule says. Each of uploads and bytes is positive, or
 *  EXPECT_LIMIT_NONE. */
typedef struct expect_limit_t {
    expect_limit_e kind;
    apr_int64_t uploads;
    apr_int64_t bytes;
    /** a quota: microseconds in which all of it comes back; positive */
    apr_interval_time_t period;
    /** written by a tenant: it is kept in the tenants' share of the ledger */
    int is_tenants;
    /** which rule this is: from expect_ledger_id() */
    unsigned char id[16];
    /** what that was made of: the same on all servers with the same
     *  configuration */
    const char *name;
} expect_limit_t;

/** A limit under one key, as one upload meets it. Filled in by the caller up to
 *  length, the rest by the ledger; zeroed at first. */
typedef struct expect_claim_t {
    const expect_limit_t *limit;
    /** the key's bytes; none for a limit that all share */
    const void *key;
    apr_size_t key_length;
    /** bytes of content announced; negative: not known */
    apr_int64_t length;

    /* what was found */

    /** what is left, before this upload has taken anything: 0 or more;
     *  EXPECT_LIMIT_NONE where there is no limit */
    apr_int64_t left_uploads;
    apr_int64_t left_bytes;
    /** refused: microseconds until this upload would be admitted; 0: nobody can
     *  know (in flight) */
    apr_interval_time_t wait;
    /** refused: this upload alone is larger than the whole limit */
    int is_too_large;

    /* what was taken: the ledger's own */

    apr_uint64_t digest;
    apr_uint32_t record;
    apr_uint32_t place;
    /** the ledger decides, though there is a store: see fleet.c */
    int is_apart;
    /** its bytes are in the figures as those of another claim of the upload */
    int is_counted;
    /** bytes taken so far, and of these the last that were taken at once */
    apr_int64_t taken, last;
    /** of a quota: whose turn it was, and until when it can be given back; see
     *  gcra.h; 0: not taken */
    apr_uint64_t uploads_turn, uploads_end;
    apr_uint64_t bytes_turn, bytes_end;
} expect_claim_t;

/** How a take or a draw ended. */
typedef enum {
    EXPECT_LEDGER_TAKEN = 0,
    EXPECT_LEDGER_REFUSED,  /* a limit is reached: nothing was taken */
    EXPECT_LEDGER_DOWN,     /* there is no ledger, or it cannot be locked; or
                             * all of its places are held */
    EXPECT_LEDGER_LATE,     /* only of the store: see store.h */
    EXPECT_LEDGER_NO_STORE  /* the store does not answer, and this server must
                             * not decide alone: fleet.h */
} expect_ledger_e;

/** For metrics and the page. */
typedef struct expect_ledger_figures_t {
    /** now */
    apr_uint64_t uploads_in_flight;     /* uploads, each once for each limit */
    apr_uint64_t bytes_in_flight;
    apr_uint32_t keys;                  /* records in use */
    apr_uint32_t keys_max;
    /** since the ledger was made */
    apr_uint64_t reserved_bytes;
    apr_uint64_t refunded_bytes;
    apr_uint64_t full;                  /* takes that had to share a record */
    apr_uint64_t reaped;                /* places of processes that have died */
} expect_ledger_figures_t;

/** What is in flight under one limit, over all of its keys. */
typedef struct expect_ledger_use_t {
    unsigned char id[16];
    apr_uint64_t uploads;
    apr_uint64_t bytes;
} expect_ledger_use_t;

typedef struct expect_ledger_t expect_ledger_t;

/**
 * The bytes of memory that a ledger takes.
 * @param keys   records; a quarter of them are for limits of tenants
 * @param places uploads in flight that can be held, each once for each limit
 */
apr_size_t expect_ledger_size(apr_uint32_t keys, apr_uint32_t places);

/**
 * Make a ledger.
 *
 * The memory must stay mapped in each process until that has ended: the kernel
 * writes to it when a process dies, for the others to see. At exit(), httpd
 * destroys all pools, and with them memory of apr_shm_create(): so map it by
 * mmap(), MAP_SHARED | MAP_ANONYMOUS, and do not unmap it in a cleanup.
 *
 * @param ledger that much memory, zeroed
 * @param keys, places as for expect_ledger_size()
 * @param secret random bytes: nobody outside of the server may know them
 * @return 0 if the system has no robust mutexes that processes share
 */
int expect_ledger_init(expect_ledger_t *ledger, apr_uint32_t keys,
                       apr_uint32_t places, const unsigned char secret[16]);

/**
 * Make the id of a limit.
 * @param id     filled in
 * @param secret the same bytes
 * @param name   what tells the rule apart from any other rule of the server
 */
void expect_ledger_id(unsigned char id[16], const unsigned char secret[16],
                      const char *name);

/**
 * Make this process known to the others, which see then whether it lives. To be
 * called in child_init, by the main thread: the one that lives as long as the
 * process does. A process that is forked later and has one thread needs no such
 * call (mpm_itk).
 * @param ledger NULL: does nothing
 */
void expect_ledger_join(expect_ledger_t *ledger);

/**
 * Look whether an upload would be admitted now. Nothing is taken.
 * @param ledger NULL: it is down
 * @param claim  filled in
 */
expect_ledger_e expect_ledger_peek(expect_ledger_t *ledger,
                                   expect_claim_t *claim);

/**
 * Take all claims of an upload, or none of them.
 * @param ledger  NULL: it is down
 * @param claims  n of them, of different limits; what was found is filled in
 * @param n       how many
 * @param refused set to the index of the first that is reached
 */
expect_ledger_e expect_ledger_take(expect_ledger_t *ledger,
                                   expect_claim_t *claims, int n,
                                   int *refused);

/**
 * Keep a record of its own for each claim of a tenant, for the decision that is
 * under way. Where there is no room in the tenants' share, the claim is marked
 * as apart: the ledger counts it with other new keys.
 * @param ledger NULL, or it cannot be locked: none is marked
 * @param claims n of them; is_apart is set
 * @param is_kept 0: nothing is taken, only look
 * @return how many are apart
 */
int expect_ledger_keep(expect_ledger_t *ledger, expect_claim_t *claims, int n,
                       int is_kept);

/**
 * The decision has refused them: keep their records no longer. Else clients
 * that are refused could fill the tenants' share.
 * @param ledger, claims, n as above
 */
void expect_ledger_unkeep(expect_ledger_t *ledger, expect_claim_t *claims,
                          int n);

/**
 * Write down what an upload takes that others have admitted: see fleet.h. It is
 * taken even if a limit is passed, but no more is spent of a quota than all of
 * it. If it cannot be written down, the upload goes on without it.
 * @param ledger NULL: it is down
 * @param claims n of them, of different limits; zero or more are taken
 * @param n      how many
 */
void expect_ledger_book(expect_ledger_t *ledger, expect_claim_t *claims, int n);

/**
 * The same for more bytes, of content of unknown length.
 * @param bytes how many
 */
void expect_ledger_book_more(expect_ledger_t *ledger, expect_claim_t *claims,
                             int n, apr_int64_t bytes);

/**
 * Take more bytes, for content of unknown length: as many as all claims have
 * left, at most those wanted; all claims get the same.
 * @param bytes   in: wanted; out: taken, 0 if a limit is reached
 * @param refused set to the index of the tightest, if not all were taken
 */
expect_ledger_e expect_ledger_draw(expect_ledger_t *ledger,
                                   expect_claim_t *claims, int n,
                                   apr_int64_t *bytes, int *refused);

/**
 * The content is over: the places are given back, and of the bytes that were
 * taken, those that were not received. A quota gives back only what time has
 * not given back already.
 *
 * To be called exactly once for each take that succeeded. If the ledger cannot
 * be locked, the places are marked, and given back by whoever locks it later.
 * In a process that is about to end (expect_ledger_leave()) this does nothing:
 * the places are given back as those of a dead owner. So it may run in a signal
 * handler that ends the process.
 * @param received bytes of content
 * @param keep_upload 1: the upload counts in a quota of uploads; 0: that is
 *                given back as well (it was refused by others later)
 */
void expect_ledger_settle(expect_ledger_t *ledger, expect_claim_t *claims,
                          int n, apr_int64_t received, int keep_upload);

/**
 * The process is about to end: it locks nothing any more, and what it holds is
 * given back. May run in a signal handler.
 */
void expect_ledger_leave(void);

/**
 * Read the figures; gives back what dead owners held.
 * @param use filled in with up to n limits that have something in flight;
 *            limits of tenants are not among them
 * @param n   in: room in use; out: how many
 */
expect_ledger_e expect_ledger_read(expect_ledger_t *ledger,
                                   expect_ledger_figures_t *figures,
                                   expect_ledger_use_t *use, int *n);

#endif
