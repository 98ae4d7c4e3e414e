/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The lingerer: one thread of a process that takes in, and throws away, what
 * the clients of refused connections go on sending, so that no worker has to.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_LINGERER_H
#define EXPECT_LINGERER_H

#include "apr.h"

#include "config/bounds.h"

/** What became of a connection that was to be handed over. */
typedef enum {
    EXPECT_LINGERER_TAKEN = 0,
    EXPECT_LINGERER_FULL,       /* the limit is reached */
    EXPECT_LINGERER_NONE        /* this process cannot start the thread */
} expect_lingerer_e;

/**
 * Report what was thrown away: called by the thread, or by
 * expect_lingerer_drain().
 * @param held  connections that are held now
 * @param bytes thrown away since the last call
 */
typedef void (*expect_lingerer_report_fn)(apr_uint32_t held,
                                          apr_uint64_t bytes);

/**
 * Begin in a new process. Nothing is started yet.
 * @param report called at each change, and at least once a second while
 *               connections are held
 */
void expect_lingerer_init(expect_lingerer_report_fn report);

/**
 * Whether this process is the one that has called expect_lingerer_init(), and
 * not one that was forked from it.
 * @return 1 or 0
 */
int expect_lingerer_is_at_home(void);

/**
 * Give a connection to the thread, which keeps a duplicate of its descriptor.
 * The caller closes its own at once.
 * @param fd     a socket whose sending side is shut down
 * @param bounds its bounds
 * @return whether it was taken
 */
expect_lingerer_e expect_lingerer_take(int fd, const expect_bounds_t *bounds);

/** The number of connections that a process holds at most; 0 before the
 *  first. */
apr_uint32_t expect_lingerer_limit(void);

/**
 * Do the same without a thread, and wait until the client has ended the
 * connection or a bound is reached. In the latter case it is reset.
 * @param fd     a socket; it stays open
 * @param bounds its bounds
 */
void expect_lingerer_drain(int fd, const expect_bounds_t *bounds);

/** Stop the thread of a process that is about to end; the end of the process
 *  closes what is still held. It may be called in a signal handler. */
void expect_lingerer_stop(void);

#endif
