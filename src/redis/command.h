/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A call of the script, as it is sent. It is made while there is no connection,
 * and can be sent more than once.
 *
 * Its memory is no pool's: commands are sent by a thread that outlives those of
 * requests.
 */

#ifndef EXPECT_REDIS_COMMAND_H
#define EXPECT_REDIS_COMMAND_H

#include "apr.h"

#include <hiredis/hiredis.h>

/** Bytes that need no memory of their own. */
#define REDIS_BUFFER_FIXED 1024

typedef struct redis_buffer_t {
    char fixed[REDIS_BUFFER_FIXED];
    char *bytes;
    apr_size_t length, room;
    /** arguments */
    int n;
} redis_buffer_t;

typedef struct redis_command_t {
    redis_buffer_t keys, args;
    /** there was no memory: it cannot be sent */
    int is_broken;
} redis_command_t;

/** Begin; name is ARGV[1]. */
void redis_command_begin(redis_command_t *command, const char *name);

void redis_command_free(redis_command_t *command);

/** Add what is KEYS or ARGV in the script. */
void redis_command_key(redis_command_t *command, const char *key);
void redis_command_text(redis_command_t *command, const char *text);
void redis_command_number(redis_command_t *command, apr_int64_t number);

/**
 * Put it into the connection's buffer.
 * @param script its text: EVAL; NULL: EVALSHA
 * @param sha    its hash
 * @return 0: there is no memory
 */
int redis_command_append(const redis_command_t *command,
                         redisContext *context, const char *script,
                         const char *sha);

#endif
