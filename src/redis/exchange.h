/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Commands. A connection is used for one of them and is idle then; none is held
 * while an upload is under way.
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

/** An answer has made no sense: no connection is used again. */
void redis_links_distrust(redis_process_t *process);

/** Close idle connections that nobody has used for long, or that the server has
 *  ended. */
void redis_links_tidy(redis_process_t *process);

#endif
