/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The script that the server runs, and what it answers.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_SCRIPT_H
#define EXPECT_REDIS_SCRIPT_H

#include "redis/command.h"
#include "redis/uploads.h"

/** script.lua, without its comments. */
extern const char redis_script[];

/** Its hash, as the server names it. */
void redis_script_sha(char sha[41]);

/** What a take, a draw or a look has found; see outcome_of() in script.lua. */
typedef struct redis_answer_t {
    int is_taken;
    /** -1: none */
    int refused;
    apr_int64_t bytes;
} redis_answer_t;

/**
 * Read an answer.
 * @param items n of them, to be filled in
 * @param held  n of them, what the upload holds: the marks are filled in
 * @return 0: it does not have the form that it must have; nothing is filled in
 */
int redis_answer_read(const redisReply *reply, redis_answer_t *answer,
                      expect_store_item_t *items, redis_item_t *held, int n);

/** Whether the answer is a number, as of renew, settle, void and probe. */
int redis_answer_is_number(const redisReply *reply);

#endif
