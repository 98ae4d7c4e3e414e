/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A connection to the server. After any error on it, it is closed, so that an
 * answer that comes late is never taken for that of the next command.
 *
 * hiredis makes the connection, and reads the answers; the time is kept here:
 * all that a command needs, with connecting and logging in, is over at one
 * deadline.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_LINK_H
#define EXPECT_REDIS_LINK_H

#include "redis/command.h"
#include "redis/process.h"

#define REDIS_REASON_LENGTH 128

/** Why there is no answer. */
typedef struct redis_failure_t {
    /** it did not come in time */
    int is_late;
    /** the server may have done what it was asked for */
    int was_sent;
    /** the server has ended the connection without an answer */
    int is_closed;
    char reason[REDIS_REASON_LENGTH];
} redis_failure_t;

/** How hiredis counts the elements of an array. */
#if HIREDIS_MAJOR >= 1
typedef size_t redis_count_t;
#else
typedef int redis_count_t;
#endif

typedef struct redis_link_t {
    redisContext *context;
    /** hiredis makes answers by these, and arrays by that */
    redisReplyObjectFunctions functions;
    void *(*make_array)(const redisReadTask *task, redis_count_t n);
    /** see exchange.c */
    struct redis_link_t *next;
    apr_uint32_t age;
    apr_time_t used_at;
} redis_link_t;

/**
 * Connect, and log in.
 * @param deadline by redis_clock()
 * @return NULL: failure says why
 */
redis_link_t *redis_link_open(redis_process_t *process, apr_time_t deadline,
                              redis_failure_t *failure);

/**
 * Send a command, and wait for the answer.
 * @param reply what the script has returned, never an error; for
 *              freeReplyObject()
 * @return 0: there is no answer, failure says why, and the connection must not
 *         be used any more
 */
int redis_link_call(redis_link_t *link, redis_process_t *process,
                    const redis_command_t *command, apr_time_t deadline,
                    redisReply **reply, redis_failure_t *failure);

void redis_link_close(redis_link_t *link);

#endif
