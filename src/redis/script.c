/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The script that the server runs, and what it answers. make turns script.lua
 * into a string of C.
 */

#include <stdio.h>
#include <string.h>

#include "apr_sha1.h"
#include "apr_strings.h"

#include "redis/script.h"

const char redis_script[] =
#include "script.lua.h"
;

/* In front of the items, and of each item. */
#define HEAD 3
#define PARTS 5

void redis_script_sha(char sha[41])
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    apr_sha1_ctx_t context;
    apr_size_t i;

    apr_sha1_init(&context);
    apr_sha1_update_binary(&context, (const unsigned char *)redis_script,
                           (unsigned)strlen(redis_script));
    apr_sha1_final(digest, &context);
    for (i = 0; i < APR_SHA1_DIGESTSIZE; ++i) {
        (void)snprintf(sha + 2 * i, 3, "%02x", digest[i]);
    }
}

static int answer_number(const redisReply *reply, apr_size_t at,
                         apr_int64_t least, apr_int64_t *number)
{
    const redisReply *one = reply->element[at];

    if (one->type != REDIS_REPLY_INTEGER || one->integer < least) {
        return 0;
    }
    *number = one->integer;
    return 1;
}

/* A mark has no byte that the protocol could take for another. */
static const char *answer_mark(const redisReply *reply, apr_size_t at)
{
    const redisReply *one = reply->element[at];

    return one->type == REDIS_REPLY_STRING && one->len < REDIS_MARK_LENGTH
           && strspn(one->str, "0123456789.e+ -") == one->len ? one->str : NULL;
}

static int answer_has_form(const redisReply *reply, int n)
{
    apr_int64_t ignored;
    int i;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != (apr_size_t)(HEAD + PARTS * n)
        || !answer_number(reply, 0, 0, &ignored) || ignored > 1
        || !answer_number(reply, 1, -1, &ignored) || ignored >= n
        || !answer_number(reply, 2, 0, &ignored)) {
        return 0;
    }
    for (i = 0; i < n; ++i) {
        apr_size_t at = HEAD + (apr_size_t)PARTS * i;

        if (!answer_number(reply, at, -1, &ignored)
            || !answer_number(reply, at + 1, -1, &ignored)
            || !answer_number(reply, at + 2, 0, &ignored)
            || !answer_mark(reply, at + 3) || !answer_mark(reply, at + 4)) {
            return 0;
        }
    }
    return 1;
}

/* What may be left of a limit, and how long a wait may be: what is shown and
 * reckoned with is never more, whatever the server says. */
static apr_int64_t answer_clip(const redisReply *reply, apr_size_t at,
                               apr_int64_t most)
{
    apr_int64_t number = reply->element[at]->integer;

    return number < most ? number : most;
}

int redis_answer_read(const redisReply *reply, redis_answer_t *answer,
                      expect_store_item_t *items, redis_item_t *held, int n)
{
    int i;

    if (!answer_has_form(reply, n)) {
        return 0;
    }
    answer->is_taken = reply->element[0]->integer == 1;
    answer->refused = (int)reply->element[1]->integer;
    answer->bytes = reply->element[2]->integer;
    for (i = 0; i < n; ++i) {
        apr_size_t at = HEAD + (apr_size_t)PARTS * i;
        const char *uploads = answer_mark(reply, at + 3);
        const char *bytes = answer_mark(reply, at + 4);

        items[i].left_uploads = answer_clip(reply, at, held[i].uploads);
        items[i].left_bytes = answer_clip(reply, at + 1, held[i].bytes);
        items[i].wait = answer_clip(reply, at + 2, held[i].period);
        if (uploads && *uploads) {
            (void)apr_cpystrn(held[i].mark_uploads, uploads,
                              REDIS_MARK_LENGTH);
        }
        if (bytes && *bytes) {
            (void)apr_cpystrn(held[i].mark_bytes, bytes, REDIS_MARK_LENGTH);
        }
    }
    return 1;
}

int redis_answer_is_number(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER;
}
