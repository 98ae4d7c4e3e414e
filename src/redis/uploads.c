/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What an upload holds in the store, and the commands about it. What they are
 * made of is in script.lua.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_atomic.h"
#include "apr_strings.h"

#include "redis/figures.h"
#include "redis/uploads.h"

/* In microseconds: a hundred years. */
#define PERIOD_MAX (APR_INT64_C(100) * 365 * 86400 * 1000000)

/* How long a quota may be given back again, if it is not known whether it was,
 * in microseconds: the server knows it for longer (SETTLED_MS
 * in script.lua). */
#define AGAIN_TIME 5000000

/* --- uploads ------------------------------------------------------------- */

expect_store_upload_t *redis_upload_make(redis_process_t *process)
{
    expect_store_upload_t *upload = calloc(1, sizeof(*upload));

    if (upload) {
        (void)snprintf(upload->id, sizeof(upload->id), "%s-%x", process->name,
                       apr_atomic_inc32(&process->n_uploads));
    }
    return upload;
}

void redis_upload_free(expect_store_upload_t *upload)
{
    free(upload->items);
    free(upload);
}

void redis_upload_is_tried(expect_store_upload_t *upload)
{
    if (!upload->tried_at) {
        upload->tried_at = redis_clock();
    }
}

int redis_upload_reserve(expect_store_upload_t *upload, int n)
{
    apr_uint32_t room = upload->n + n;
    redis_item_t *items;

    if (room <= upload->room) {
        return 1;
    }
    items = realloc(upload->items, room * sizeof(*items));
    if (!items) {
        return 0;
    }
    upload->items = items;
    upload->room = room;
    return 1;
}

int redis_upload_is_in_flight(const expect_store_upload_t *upload)
{
    apr_uint32_t i = 0;

    while (i < upload->n && upload->items[i].is_quota) {
        ++i;
    }
    return i < upload->n;
}

/* --- items --------------------------------------------------------------- */

static apr_int64_t item_clip(apr_int64_t limit, apr_int64_t max)
{
    return limit < max ? limit : max;
}

void redis_item_init(redis_item_t *item, const expect_store_item_t *from,
                     apr_uint32_t nth)
{
    const expect_limit_t *limit = from->limit;
    apr_size_t i;

    memset(item, 0, sizeof(*item));
    for (i = 0; i < sizeof(from->id); ++i) {
        (void)snprintf(item->name + 2 * i, 3, "%02x", from->id[i]);
    }
    item->is_quota = limit->kind == EXPECT_LIMIT_QUOTA;
    item->uploads = item_clip(limit->uploads, REDIS_AMOUNT_MAX);
    item->bytes = item_clip(limit->bytes, REDIS_AMOUNT_MAX);
    item->period = item->is_quota ? item_clip(limit->period, PERIOD_MAX) : 0;
    item->nth = nth;
}

/* All keys have one word in braces, so that a cluster keeps them together. */
static void command_key(redis_command_t *command, redis_process_t *process,
                        const char *name, const char *what)
{
    char key[REDIS_KEY_LENGTH];

    (void)apr_snprintf(key, sizeof(key), "{%s}:%s%s", process->store.prefix,
                       name, what);
    redis_command_key(command, key);
}

static void command_item_keys(redis_command_t *command,
                              redis_process_t *process,
                              const redis_item_t *item)
{
    command_key(command, process, item->name, item->is_quota ? ":q" : ":f");
    command_key(command, process, item->name, item->is_quota ? ":r" : ":b");
}

static void command_item(redis_command_t *command, const redis_item_t *item)
{
    redis_command_text(command, item->is_quota ? "q" : "f");
    redis_command_number(command, item->uploads);
    redis_command_number(command, item->bytes);
    redis_command_number(command, item->period);
}

static void command_member(redis_command_t *command, const char *id,
                           apr_uint32_t nth)
{
    char member[REDIS_ID_LENGTH + 16];

    (void)snprintf(member, sizeof(member), "%s.%u", id, nth);
    redis_command_text(command, member);
}

/* --- commands ------------------------------------------------------------ */

void redis_command_ask(redis_command_t *command, redis_process_t *process,
                       const redis_question_t *question)
{
    char name[REDIS_ID_LENGTH + 32];
    int i;

    redis_command_begin(command, question->name);
    (void)snprintf(name, sizeof(name), "c:%s/%u", question->id,
                   question->command);
    command_key(command, process, name, "");
    redis_command_number(command, process->store.lease / 1000);
    redis_command_text(command, question->id);
    redis_command_number(command, question->first);
    redis_command_number(command, question->second);
    for (i = 0; i < question->n; ++i) {
        command_item_keys(command, process, &question->items[i]);
        command_item(command, &question->items[i]);
        redis_command_number(command, question->items[i].nth);
    }
}

void redis_command_renew(redis_command_t *command, redis_process_t *process)
{
    redis_command_begin(command, "renew");
    redis_command_number(command, process->store.lease / 1000);
}

int redis_command_renew_add(redis_command_t *command, redis_process_t *process,
                            const expect_store_upload_t *upload)
{
    apr_uint32_t i;
    int n = 0;

    for (i = 0; i < upload->n; ++i) {
        const redis_item_t *item = &upload->items[i];

        if (!item->is_quota) {
            command_item_keys(command, process, item);
            command_member(command, upload->id, item->nth);
            redis_command_number(command, item->bytes < 0 ? -1 : item->taken);
            ++n;
        }
    }
    return n;
}

void redis_command_settle(redis_command_t *command)
{
    redis_command_begin(command, "settle");
}

/* What a quota gets back: of what was drawn bit by bit, only the last bit, as
 * in the ledger. */
static apr_int64_t item_unused(const expect_store_upload_t *upload,
                               const redis_item_t *item)
{
    apr_int64_t unused = item->taken - upload->received;

    if (upload->draws && unused < upload->ahead) {
        unused = upload->ahead;
    }
    if (unused > item->last) {
        unused = item->last;
    }
    return unused > 0 && *item->mark_bytes ? unused : 0;
}

int redis_command_settle_add(redis_command_t *command,
                             redis_process_t *process,
                             const expect_store_upload_t *upload)
{
    int is_too_late = upload->tried_at
                      && redis_clock() - upload->tried_at > AGAIN_TIME;
    char name[REDIS_ID_LENGTH + 32];
    apr_uint32_t i;
    int n = 0;

    for (i = 0; i < upload->n; ++i) {
        const redis_item_t *item = &upload->items[i];
        int uploads = !is_too_late && !upload->keep_upload
                      && *item->mark_uploads;
        apr_int64_t bytes = is_too_late ? 0 : item_unused(upload, item);

        if (item->is_quota ? !uploads && !bytes : !upload->is_stored) {
            continue;
        }
        command_item_keys(command, process, item);
        (void)snprintf(name, sizeof(name), "c:%s/settled-%u", upload->id,
                       item->nth);
        command_key(command, process, name, "");
        command_item(command, item);
        command_member(command, upload->id, item->nth);
        redis_command_number(command, uploads);
        redis_command_text(command, item->mark_uploads);
        redis_command_number(command, bytes);
        redis_command_text(command, item->mark_bytes);
        ++n;
    }
    return n;
}
