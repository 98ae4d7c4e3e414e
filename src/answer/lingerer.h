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
    EXPECT_LINGERER_FULL,       /* there are as many as there may be */
    EXPECT_LINGERER_NONE        /* there is no thread, nor will there be */
} expect_lingerer_e;

/**
 * Tell what was thrown away; called by the thread, or in
 * expect_lingerer_drain().
 * @param held  connections that are held now
 * @param bytes thrown away since the last call
 */
typedef void (*expect_lingerer_report_fn)(apr_uint32_t held,
                                        apr_uint64_t bytes);

/**
 * Begin in a new process. Nothing is started yet.
 * @param tell called now and then, once in a second at least while connections
 *             are held
 */
void expect_lingerer_init(expect_lingerer_report_fn tell);

/**
 * Whether this process is the one that has called expect_lingerer_init(), and
 * not one that was forked from it.
 * @return 1 or 0
 */
int expect_lingerer_is_at_home(void);

/**
 * Hand a connection over: a duplicate of its descriptor is kept, the caller
 * closes its own at once. The sending side is shut down.
 * @param fd     a socket
 * @param bounds its bounds
 * @return whether it was taken
 */
expect_lingerer_e expect_lingerer_take(int fd, const expect_bounds_t *bounds);

/** The connections that one process holds at the most, once it holds any. */
apr_uint32_t expect_lingerer_limit(void);

/**
 * The same, by the caller itself, who waits until the client has ended the
 * connection or the bounds are reached. In the latter case it is reset.
 * @param fd     a socket; it stays open
 * @param bounds its bounds
 */
void expect_lingerer_drain(int fd, const expect_bounds_t *bounds);

/** Stop the thread, now, in a process that is about to end, which closes what
 *  is still held. May run in a signal handler. */
void expect_lingerer_stop(void);

#endif
