/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The store: where several servers remember together. This is the interface
 * between mod_expect.so, which decides, and the module that speaks to the
 * store, like mod_expect_redis.so. Neither links to the other: the latter
 * registers an expect_store_provider_t by ap_register_provider(), for each
 * scheme of a URL that it knows.
 *
 * While the store answers, it is the store that decides: see fleet.h. The
 * functions of a provider are called by any thread of a process, and do not
 * return later than the timeout allows. Nothing that a provider keeps may live
 * in a pool of a request: what an upload holds is given back after that pool
 * was destroyed.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_STORE_H
#define EXPECT_STORE_H

#include "apr_pools.h"
#include "apr_time.h"

#include "ledger/ledger.h"

/** For ap_register_provider(): the name is the scheme, like "redis". The
 *  version is raised with every change of this file. */
#define EXPECT_STORE_GROUP "expect_store"
#define EXPECT_STORE_VERSION "3"

/** What becomes of uploads while the store does not answer. */
typedef enum {
    EXPECT_STORE_LOCAL = 0, /* each server decides by itself */
    EXPECT_STORE_ADMIT,     /* they are admitted, whatever the limits are */
    EXPECT_STORE_REFUSE     /* they are refused with 503 */
} expect_store_error_e;

/** ExpectStore, as it was written. All of it lives as long as the
 *  configuration. */
typedef struct expect_store_conf_t {
    /** the URL, and its scheme in lower case */
    const char *url, *scheme;
    /** what password-file= holds, without the end of the line; NULL */
    const char *password;
    /** microseconds that a request may wait for the store */
    apr_interval_time_t timeout;
    /** microseconds after which a place is free that its server has not
     *  renewed */
    apr_interval_time_t lease;
    expect_store_error_e on_error;
    /** the first word of all keys */
    const char *prefix;
    /** where the directive stands */
    const char *file;
    int line;
} expect_store_conf_t;

/** A limit under one key, for the store. */
typedef struct expect_store_item_t {
    /** which limit, and which key: the same on all servers with the same
     *  configuration */
    unsigned char id[20];
    /** what the limit is; it is copied if it is kept */
    const expect_limit_t *limit;

    /* what was found: as in expect_claim_t */

    apr_int64_t left_uploads;
    apr_int64_t left_bytes;
    /** refused: microseconds until this upload would be admitted; 0: nobody can
     *  know (in flight), or never */
    apr_interval_time_t wait;
} expect_store_item_t;

/** What one upload holds in the store. Only the provider knows its form. */
typedef struct expect_store_upload_t expect_store_upload_t;

/** Upper bounds of the buckets of expect_store_seconds, in microseconds; there
 *  is one bucket more, for all above. */
#define EXPECT_STORE_BUCKETS \
    { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 1000000 }
#define EXPECT_STORE_N_BUCKETS 12

/** Of all processes of this server, since it was started. */
typedef struct expect_store_figures_t {
    /** the store answers */
    int is_up;
    /** how decisions ended: taken, refused, and without an answer: in time, or
     *  at all (no connection, an error) */
    apr_uint64_t taken, refused, timeouts, errors;
    /** how many answers took how long, in microseconds */
    apr_uint64_t seconds[EXPECT_STORE_N_BUCKETS];
    apr_uint64_t microseconds;
} expect_store_figures_t;

typedef struct expect_store_provider_t {
    /**
     * Check the URL, and make it the store's. Called while the configuration is
     * read, at most once for each reading.
     * @param p pool of the configuration
     * @return NULL, or what is wrong with it
     */
    const char *(*configure)(apr_pool_t *p, const expect_store_conf_t *conf);

    /**
     * The URL for people: without a password.
     * @param p pool for the result
     */
    const char *(*shown)(apr_pool_t *p, const expect_store_conf_t *conf);

    /**
     * Look whether an upload would be admitted now. Nothing is taken.
     * @param items   n of them; what was found is filled in
     * @param length  bytes announced; negative: not known
     * @param waited, refused as for take()
     */
    expect_ledger_e (*peek)(expect_store_item_t *items, int n,
                            apr_int64_t length, apr_interval_time_t *waited,
                            int *refused);

    /**
     * Take all, or nothing, in one round trip.
     * @param upload  in: NULL, or what the upload holds already; out: with the
     *                items, if they were taken
     * @param items   n of them; what was found is filled in
     * @param length  bytes announced; negative: not known
     * @param read    bytes of content of unknown length that were read already:
     *                they are taken, and one byte more must be left
     * @param waited  in, out: microseconds that this decision has waited for
     *                the store; all of its questions share one timeout
     * @param refused set to the index of the first that is reached
     * @return EXPECT_LEDGER_DOWN: the store does not answer; EXPECT_LEDGER_LATE:
     *         it has answered earlier questions, and too little time was left
     *         for this one. If it has taken the items all the same, they are
     *         given back as soon as it answers, if that is soon
     */
    expect_ledger_e (*take)(expect_store_upload_t **upload,
                            expect_store_item_t *items, int n,
                            apr_int64_t length, apr_int64_t read,
                            apr_interval_time_t *waited, int *refused);

    /**
     * Add what was admitted without the store, which did not answer. This
     * thread sends nothing. Places are taken as soon as the store answers,
     * whatever the limits are, unless the upload is settled by then. Quotas are
     * not spent later: the ledger of this server has counted them.
     * @param upload, items, n, length, read as for take()
     */
    void (*hold)(expect_store_upload_t **upload,
                 const expect_store_item_t *items, int n, apr_int64_t length,
                 apr_int64_t read);

    /**
     * Add bytes, of content of unknown length, that were admitted without the
     * store. This thread sends nothing. They are in flight in the store as soon
     * as it answers; quotas are not spent later.
     * @param upload what the upload holds
     * @param bytes  how many
     */
    void (*hold_more)(expect_store_upload_t *upload, apr_int64_t bytes);

    /**
     * Take more bytes, for content of unknown length, from all items that the
     * upload holds: as many as all of them have left, at most those wanted. It
     * may take more in advance, and give that back when the upload is settled.
     * @param upload  what the upload holds
     * @param bytes   in: wanted; out: taken
     * @param items   room for what was found, for all items of the upload in
     *                the order in which they were taken; filled in if not all
     *                bytes were taken
     * @param refused set to the index of the tightest, if not all were taken
     * @return EXPECT_LEDGER_DOWN: the store does not answer; nothing was taken,
     *         and *bytes is as it was
     */
    expect_ledger_e (*draw)(expect_store_upload_t *upload, apr_int64_t *bytes,
                            expect_store_item_t *items, int *refused);

    /**
     * The content is over: give back the places, and what was not received of
     * quotas. Called exactly once for each upload, which must not be used any
     * more.
     * @param received    bytes of content
     * @param keep_upload 0: quotas of uploads are given back as well
     * @param may_wait    1: this thread may wait for the answer, so that what
     *                    is given back is there for the next request of the
     *                    same client; 0: this thread sends nothing, because it
     *                    is in a pool cleanup
     */
    void (*settle)(expect_store_upload_t *upload, apr_int64_t received,
                   int keep_upload, int may_wait);

    /** Read the figures. */
    void (*figures)(expect_store_figures_t *figures);
} expect_store_provider_t;

#endif
