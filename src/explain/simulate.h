/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A request without a client: httpd is led through it up to the handler, in a
 * process that serves nobody and ends with it.
 */

#ifndef EXPECT_SIMULATE_H
#define EXPECT_SIMULATE_H

#include "httpd.h"

#include "apr_hash.h"

#include "explain/query.h"
#include "tree/tree.h"

/** How far httpd is led. What a phase needs of a running server, such as a
 *  module's shared memory, is not there: it may crash. */
typedef enum {
    EXPECT_PHASE_MAP = 0,   /* whose section it is, and what the head tells */
    EXPECT_PHASE_ACCESS,    /* access control */
    EXPECT_PHASE_TYPES,     /* media types, handlers */
    EXPECT_PHASE_FIXUPS,    /* what modules do last */
    EXPECT_PHASE_HANDLER,   /* the handler is about to run */
    EXPECT_PHASE_END
} expect_phase_e;

typedef struct expect_simulation_t {
    apr_pool_t *pool;
    const expect_query_t *question;
    /** the client asks: EXPECT_CLIENT_ASKS or _NO; _BOTH: as the fields say */
    expect_client_e asks;
    /** where it is to stop */
    expect_phase_e stop;
    /** what it has come to; may be memory that another process sees */
    volatile int *phase;

    /* what came of it */

    /** the request; a chain of internal redirects begins there */
    request_rec *r;
    /** what httpd answers; OK: a handler takes it, or it has stopped */
    int status;
    /** the handler that would take it; NULL: none was reached */
    const char *handler;
    /** it has stopped where it was to */
    int stopped;
    /** somebody read content, which there is none of, before the handler */
    int was_read;
    /** what each rule has said last, "granted, saw image/png": char * by
     *  expect_rule_t *; and the last stage that was heard */
    apr_hash_t *heard;
    expect_stage_e stage;
    /** messages for httpd's log, char *: warnings and worse */
    apr_array_header_t *log;
    /** access control wanted a login of this AuthType; NULL: it did not */
    const char *login;
} expect_simulation_t;

/** Register the hooks, unless httpd is started to serve. */
void expect_simulate_register(void);

/**
 * Prepare a process for simulations, once.
 * @param p its pool
 * @param s the main server
 */
void expect_simulate_prepare(apr_pool_t *p, server_rec *s);

/**
 * Make a request: what ap_create_request() does, which httpd does not give out
 * before 2.4.49.
 * @param c its connection
 * @return the request, with a pool of its own and nothing read yet
 */
request_rec *expect_simulate_create(conn_rec *c);

/**
 * Lead httpd through a request.
 * @param s         the main server
 * @param simulation pool, question, asks, stop and phase are set; the rest is
 *                  filled in
 */
void expect_simulate(server_rec *s, expect_simulation_t *simulation);

/**
 * Ask a rule that was not asked, because it was certain before: what it would
 * have said.
 * @param simulation one that is over
 * @param rule      a leaf of the rules in force
 * @return as in heard; NULL if it did not come so far, or is none of those that
 *         the head and the directory tell
 */
const char *expect_simulate_rule(expect_simulation_t *simulation,
                                const expect_rule_t *rule);

/**
 * Whether httpd would listen where a connection arrives.
 * @param c a simulation's connection
 * @return 0 if not
 */
int expect_simulate_listens(const conn_rec *c);

#endif
