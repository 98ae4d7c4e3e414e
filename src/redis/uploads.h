/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What an upload holds in the store, and the commands about it.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_UPLOADS_H
#define EXPECT_REDIS_UPLOADS_H

#include "redis/command.h"
#include "redis/process.h"

/** A larger amount counts as this one: Lua has doubles, which are exact for
 *  whole numbers up to twice as many. See script.lua. */
#define REDIS_AMOUNT_MAX (APR_INT64_C(1) << 52)

#define REDIS_ID_LENGTH 32
#define REDIS_NAME_LENGTH 41
#define REDIS_MARK_LENGTH 80
#define REDIS_KEY_LENGTH 160

/** A limit under one key; a quota has marks for what was taken. */
typedef struct redis_item_t {
    char name[REDIS_NAME_LENGTH];
    int is_quota;
    apr_int64_t uploads, bytes, period;
    char mark_uploads[REDIS_MARK_LENGTH], mark_bytes[REDIS_MARK_LENGTH];
    /** the second part of the name of its place */
    apr_uint32_t nth;
    /** bytes taken so far, and of these the last that were taken at once */
    apr_int64_t taken, last;
} redis_item_t;

struct expect_store_upload_t {
    struct expect_store_upload_t *next, *previous;
    char id[REDIS_ID_LENGTH];
    redis_item_t *items;
    apr_uint32_t n, room;
    /** items and commands so far, with those that the store has refused: the
     *  names of later ones must differ */
    apr_uint32_t n_items, n_commands;
    /** the content's length is not known */
    int draws;
    /** bytes that were taken in advance */
    apr_int64_t ahead;
    /** the store may hold a place for it */
    int is_stored;
    /** the last round of renewing in which it was */
    apr_uint32_t round;
    /** it is in a command that renews, which is under way */
    int is_renewed;
    /** how often it was tried to settle it, and when at first; 0: never */
    int tries;
    apr_time_t tried_at;
    apr_int64_t received;
    int keep_upload;
};

/** A command whose answer has not come: the server takes back what it has done,
 *  and does not carry it out later. */
typedef struct redis_void_t {
    struct redis_void_t *next;
    apr_time_t since;
    int tries;
    redis_command_t command;
} redis_void_t;

/** NULL: there is no memory. */
expect_store_upload_t *redis_upload_make(redis_process_t *process);
void redis_upload_free(expect_store_upload_t *upload);

/** What it gives back is about to be sent: note the time of the first try. */
void redis_upload_is_tried(expect_store_upload_t *upload);

/**
 * Make room for more items.
 * @return 0: there is no memory
 */
int redis_upload_reserve(expect_store_upload_t *upload, int n);

/** Fill in an item, with nothing taken. */
void redis_item_init(redis_item_t *item, const expect_store_item_t *from,
                     apr_uint32_t nth);

/** Whether an upload holds a place. */
int redis_upload_is_in_flight(const expect_store_upload_t *upload);

/** A question about items: peek, take, draw or void. */
typedef struct redis_question_t {
    const char *name;
    const redis_item_t *items;
    int n;
    /** of the upload; the number of the command */
    const char *id;
    apr_uint32_t command;
    /** bytes to take, and bytes that must be left or may be taken in advance:
     *  ARGV[4] and ARGV[5] in script.lua */
    apr_int64_t first, second;
} redis_question_t;

void redis_command_ask(redis_command_t *command, redis_process_t *process,
                       const redis_question_t *question);

/** Begin to renew; add the places of an upload; returns how many. */
void redis_command_renew(redis_command_t *command, redis_process_t *process);
int redis_command_renew_add(redis_command_t *command, redis_process_t *process,
                            const expect_store_upload_t *upload);

/**
 * Begin to settle; add what an upload gives back; returns how many items. If
 * that was tried long ago, quotas are not given back any more.
 */
void redis_command_settle(redis_command_t *command);
int redis_command_settle_add(redis_command_t *command,
                             redis_process_t *process,
                             const expect_store_upload_t *upload);

#endif
