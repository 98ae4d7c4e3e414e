/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a process has: the store as it is configured, idle connections, what its
 * uploads hold, and whether the store answers.
 *
 * - Nothing of it is in a pool that httpd destroys: the thread (renewer.c) goes
 *   on a little longer than the pool of the process.
 * - A process that was forked from a child (mpm_itk forks for each connection)
 *   begins with nothing: neither the locks nor the connections nor the thread
 *   of the other are its own.
 * - A signal may stop the main thread of a prefork process anywhere, and its
 *   handler ends the process: that handler takes no lock, and the thread does
 *   not wait for ever for a lock that the main thread holds.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_PROCESS_H
#define EXPECT_REDIS_PROCESS_H

#include <pthread.h>
#include <sys/types.h>

#include "apr_pools.h"
#include "apr_time.h"

#include "ledger/store.h"
#include "redis/url.h"

struct redis_link_t;
struct redis_void_t;

/** Addresses of a host that are tried, one after the other. */
#define REDIS_ADDRESSES 4
#define REDIS_ADDRESS_LENGTH 64

typedef struct redis_addresses_t {
    int n;
    char text[REDIS_ADDRESSES][REDIS_ADDRESS_LENGTH];
    /** why there is none */
    char reason[64];
} redis_addresses_t;

/** The store, as it is configured. */
typedef struct redis_store_t {
    redis_url_t url;
    const char *password;
    apr_interval_time_t timeout;
    apr_interval_time_t lease;
    expect_store_error_e on_error;
    const char *prefix;
    /** of the script */
    char sha[41];
    redis_addresses_t addresses;
} redis_store_t;

/** A list of uploads, linked by their next and previous. */
typedef struct redis_list_t {
    expect_store_upload_t *first, *last;
    apr_uint32_t n;
} redis_list_t;

typedef enum {
    REDIS_THREAD_NONE = 0, REDIS_THREAD_RUNS, REDIS_THREAD_CANNOT
} redis_thread_e;

typedef struct redis_process_t {
    pid_t pid;
    /** it was forked from a child of httpd, for one connection */
    int is_forked;
    redis_store_t store;
    /** random: the first part of the ids of its uploads */
    char name[17];
    apr_uint32_t n_uploads;
    /** it is about to end: it takes nothing and settles nothing any more; its
     *  thread gives all places back */
    volatile apr_uint32_t is_leaving;

    /** guards what follows */
    pthread_mutex_t lock;

    redis_addresses_t addresses;
    /** idle connections, the one that was used last at first; those of an
     *  earlier age are not used again */
    struct redis_link_t *idle;
    apr_uint32_t age;

    /** uploads under way, in the order in which they were renewed */
    redis_list_t held;
    /** uploads that are over: the thread has to settle them */
    redis_list_t settled;
    /** commands without an answer, which the thread takes back */
    struct redis_void_t *voids;
    apr_uint32_t n_voids;
    /** the round of renewing that is under way, and when the next is due */
    apr_uint32_t round;
    apr_time_t renew_at;
    /** connections that were lost, when it looked the last time */
    apr_uint32_t losses;

    /** the store does not answer; when it did so the last time, and when it may
     *  be asked again */
    volatile apr_uint32_t is_down;
    apr_time_t up_at, ask_at;

    /** the thread, and the pipe that wakes it */
    volatile apr_uint32_t thread, is_parked;
    int ends[2];
} redis_process_t;

/**
 * Begin in a new process.
 * @param store copied with all that it points to
 */
void redis_process_begin(const redis_store_t *store);

/** No store is configured in this process. */
void redis_process_forget(void);

/**
 * The one that runs; NULL: there is no store, or there is no memory or no
 * randomness.
 */
redis_process_t *redis_process(void);

/** The same, for a signal handler, in which nothing may be made: NULL in a
 *  process that was forked since. */
redis_process_t *redis_process_at_home(void);

/**
 * Lock.
 * @return 0: the process is about to end, and a thread that a signal has
 *         stopped holds the lock for good
 */
int redis_process_lock(redis_process_t *process);
void redis_process_unlock(redis_process_t *process);

void redis_list_add(redis_list_t *list, expect_store_upload_t *upload);
void redis_list_remove(redis_list_t *list, expect_store_upload_t *upload);

#endif
