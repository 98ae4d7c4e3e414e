/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A request without a client: httpd processes it up to the handler, in a
 * process of its own that serves no clients.
 */

#ifndef EXPECT_SIMULATE_H
#define EXPECT_SIMULATE_H

#include "httpd.h"

#include "apr_hash.h"

#include "explain/query.h"
#include "tree/tree.h"

/** How far httpd has processed the request. A phase may crash, as the state
 *  that it needs of a running server, such as shared memory, is missing. */
typedef enum {
    EXPECT_PHASE_MAP = 0,   /* the section is found; rules of the head */
    EXPECT_PHASE_ACCESS,    /* access control */
    EXPECT_PHASE_TYPES,     /* media type and handler are chosen */
    EXPECT_PHASE_FIXUPS,    /* the last hooks before the handler */
    EXPECT_PHASE_HANDLER,   /* the handler is about to run */
    EXPECT_PHASE_END
} expect_phase_e;

typedef struct expect_simulation_t {
    apr_pool_t *pool;
    const expect_query_t *query;
    /** the client asks or does not; EXPECT_CLIENT_BOTH: the query has an Expect
     *  field */
    expect_client_e asks;
    /** the phase before which it stops */
    expect_phase_e stop;
    /** the phase that it has reached; may be memory that another process
     *  sees */
    volatile int *phase;

    /* the results */

    /** the request, with which a chain of internal redirects may begin */
    request_rec *r;
    /** the status that httpd answers; OK: a handler takes the request, or it
     *  has stopped */
    int status;
    /** the handler that would take it; NULL: none was reached */
    const char *handler;
    /** it has stopped before that phase */
    int stopped;
    /** a module read content, of which there is none, before the handler */
    int was_read;
    /** the last answer of each rule, "granted, saw image/png": char * by
     *  expect_rule_t *; and the last stage of an answer */
    apr_hash_t *answers;
    expect_stage_e stage;
    /** messages for httpd's log, char *: warnings and errors */
    apr_array_header_t *log;
    /** access control needed authentication of this AuthType; NULL: it did
     *  not */
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
 * Make a request as ap_create_request() does, which httpd does not export
 * before 2.4.49.
 * @param c its connection
 * @return the request, with a pool of its own and nothing read yet
 */
request_rec *expect_simulate_create(conn_rec *c);

/**
 * Let httpd process a request.
 * @param s          the main server
 * @param simulation pool, query, asks, stop and phase are set; the rest is
 *                   filled in
 */
void expect_simulate(server_rec *s, expect_simulation_t *simulation);

/**
 * Evaluate a rule that was not evaluated, because the result was already
 * certain.
 * @param simulation one that is over
 * @param rule       a leaf of the rules in force
 * @return as in answers; NULL if the request did not get that far, or if the
 *         rule needs more than the head and the directory
 */
const char *expect_simulate_rule(expect_simulation_t *simulation,
                                 const expect_rule_t *rule);

#endif
