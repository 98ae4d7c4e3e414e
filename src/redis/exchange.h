/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Commands, and the connections for them. A connection is used for one command
 * and is idle then; no upload holds one while it is under way.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_EXCHANGE_H
#define EXPECT_REDIS_EXCHANGE_H

#include "redis/link.h"

/**
 * Send a command, and wait for the answer.
 * @param deadline by redis_clock()
 * @param reply    what the script has returned, never an error; for
 *                 freeReplyObject()
 * @return 0: there is no answer, and failure says why
 */
int redis_exchange(redis_process_t *process, const redis_command_t *command,
                   apr_time_t deadline, redisReply **reply,
                   redis_failure_t *failure);

/**
 * The same, for a command that is answered by a number: renew, settle, probe
 * and void. What the number is does not matter.
 */
int redis_exchange_number(redis_process_t *process,
                          const redis_command_t *command, apr_time_t deadline,
                          redis_failure_t *failure);

/**
 * An answer has made no sense: no connection is used again.
 * @param failure its reason is set
 */
void redis_links_distrust(redis_process_t *process, redis_failure_t *failure);

/** Close idle connections that nobody has used for long, or that the server has
 *  ended. */
void redis_links_tidy(redis_process_t *process);

#endif
