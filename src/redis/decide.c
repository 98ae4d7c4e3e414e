/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The store's part of a decision.
 */

#include <stdlib.h>
#include <string.h>

#include "apr_atomic.h"

#include "base/size.h"
#include "redis/breaker.h"
#include "redis/decide.h"
#include "redis/exchange.h"
#include "redis/figures.h"
#include "redis/renewer.h"
#include "redis/script.h"
#include "redis/uploads.h"

/* Bytes that content of unknown length takes in advance, at most: so the store
 * is not asked for each piece that is read. */
#define AHEAD ((apr_int64_t)1024 * 1024)

/* How many uploads may wait to be settled, and how many commands to be taken
 * back. If there are more, places are free when their leases end. */
#define SETTLED_MAX 16384
#define VOIDS_MAX 1024

/* --- questions ----------------------------------------------------------- */

/* The answer to a command has not come, but the server may have carried it out,
 * or may do so later: have the thread take it back. */
static void question_void(redis_process_t *process,
                          const redis_question_t *question)
{
    redis_void_t *made = malloc(sizeof(*made)), **last;
    redis_question_t undo = *question;
    int is_kept = 0;

    if (!made) {
        return;
    }
    undo.name = "void";
    undo.first = !strcmp(question->name, "take");
    undo.second = 0;
    made->next = NULL;
    made->since = redis_clock();
    made->tries = 0;
    redis_command_ask(&made->command, process, &undo);
    if (redis_process_lock(process)) {
        if (process->n_voids < VOIDS_MAX) {
            last = &process->voids;
            while (*last) {
                last = &(*last)->next;
            }
            *last = made;
            ++process->n_voids;
            is_kept = 1;
        }
        redis_process_unlock(process);
    }
    if (!is_kept) {
        redis_command_free(&made->command);
        free(made);
    }
    redis_renewer_start(process);
    redis_renewer_wake(process);
}

/*
 * There is no answer. If it was late, and earlier questions of the same decision
 * have used up a part of the timeout, that does not show that the store is down:
 * else a tenant with many alternatives could make all of this process do without
 * a store that is only slow. The next decision has all of the timeout.
 */
static expect_ledger_e question_failed(redis_process_t *process,
                                       const redis_question_t *question,
                                       apr_time_t since,
                                       apr_interval_time_t left,
                                       const redis_failure_t *failure)
{
    int is_short = failure->is_late && left < process->store.timeout;

    redis_figures_count(failure->is_late ? REDIS_TIMEOUT : REDIS_ERROR);
    if (!is_short) {
        redis_breaker_failed(process, since, failure);
    }
    if (failure->was_sent && strcmp(question->name, "peek")) {
        question_void(process, question);
    }
    return is_short ? EXPECT_LEDGER_LATE : EXPECT_LEDGER_DOWN;
}

/*
 * Ask, and read the answer. If earlier questions have left less than half of the
 * timeout, nothing is sent: an answer that came too late would cost all
 * connections of this process, and a command that takes it back.
 * @param waited as for take()
 * @return EXPECT_LEDGER_TAKEN: there is an answer, whatever it says; LATE, DOWN
 */
static expect_ledger_e question_ask(redis_process_t *process,
                                    const redis_question_t *question,
                                    apr_interval_time_t *waited,
                                    expect_store_item_t *items,
                                    redis_item_t *held,
                                    redis_answer_t *answer)
{
    apr_time_t since = redis_clock();
    apr_interval_time_t left = process->store.timeout - *waited, took;
    redis_may_e may;
    redis_failure_t failure;
    redisReply *reply = NULL;
    redis_command_t command;
    int is_answered;

    if (left < process->store.timeout / 2) {
        return EXPECT_LEDGER_LATE;
    }
    may = redis_breaker_may(process);
    if (may == REDIS_MAY_NOT) {
        redis_figures_count(REDIS_ERROR);
        return EXPECT_LEDGER_DOWN;
    }
    redis_command_ask(&command, process, question);
    is_answered = redis_exchange(process, &command, since + left, &reply,
                                 &failure);
    redis_command_free(&command);
    if (is_answered && !redis_answer_read(reply, answer, items, held,
                                          question->n)) {
        redis_links_distrust(process, &failure);
        failure.was_sent = 1;
        is_answered = 0;
    }
    if (reply) {
        freeReplyObject(reply);
    }
    took = redis_clock() - since;
    *waited += took;
    if (!is_answered) {
        return question_failed(process, question, since, left, &failure);
    }
    redis_figures_time(took);
    redis_breaker_answered(process, may);
    return EXPECT_LEDGER_TAKEN;
}

/* --- look ---------------------------------------------------------------- */

/* No amount that matters is larger. */
static apr_int64_t bytes_clip(apr_int64_t bytes)
{
    return bytes <= REDIS_AMOUNT_MAX ? bytes : REDIS_AMOUNT_MAX + 1;
}

/* Add items to those of an upload; they count when n is raised. */
static int upload_append(redis_process_t *process,
                         expect_store_upload_t *upload,
                         const expect_store_item_t *items, int n)
{
    int i, is_reserved;

    if (!redis_process_lock(process)) {
        return 0;
    }
    /* the thread may read those that are there */
    is_reserved = redis_upload_reserve(upload, n);
    redis_process_unlock(process);
    for (i = 0; is_reserved && i < n; ++i) {
        redis_item_init(&upload->items[upload->n + i], &items[i],
                        upload->n_items++);
    }
    return is_reserved;
}

/* The question about the items that were appended. */
static redis_question_t upload_asks(expect_store_upload_t *upload,
                                    const char *name, int n,
                                    apr_int64_t length, apr_int64_t read)
{
    redis_question_t question = {
        .name = name, .items = &upload->items[upload->n], .n = n,
        .id = upload->id, .command = ++upload->n_commands
    };

    question.first = bytes_clip(length < 0 ? read : length);
    question.second = bytes_clip(length < 0 ? read + 1 : length);
    return question;
}

expect_ledger_e redis_peek(expect_store_item_t *items, int n,
                           apr_int64_t length, apr_interval_time_t *waited,
                           int *refused)
{
    redis_process_t *process = redis_process();
    expect_store_upload_t *upload = process ? redis_upload_make(process)
                                            : NULL;
    expect_ledger_e found = EXPECT_LEDGER_DOWN;
    redis_answer_t answer;

    if (!upload) {
        return EXPECT_LEDGER_DOWN;
    }
    if (upload_append(process, upload, items, n)) {
        redis_question_t question = upload_asks(upload, "peek", n, length, 0);

        found = question_ask(process, &question, waited, items, upload->items,
                             &answer);
        if (found == EXPECT_LEDGER_TAKEN) {
            *refused = answer.refused;
            found = answer.refused < 0 ? EXPECT_LEDGER_TAKEN
                                       : EXPECT_LEDGER_REFUSED;
        }
    }
    redis_upload_free(upload);
    return found;
}

/* --- take ---------------------------------------------------------------- */

/* What was appended is taken: from now on the upload holds it. */
static void upload_takes(redis_process_t *process,
                         expect_store_upload_t *upload, int n,
                         apr_int64_t bytes, int is_stored)
{
    int is_held = redis_upload_is_in_flight(upload), i;

    for (i = 0; i < n; ++i) {
        upload->items[upload->n + i].taken = bytes;
        upload->items[upload->n + i].last = bytes;
    }
    if (!redis_process_lock(process)) {
        return;
    }
    upload->n += n;
    upload->is_stored |= is_stored;
    if (!is_held && redis_upload_is_in_flight(upload)) {
        if (!process->held.n) {
            process->renew_at = redis_clock() + process->store.lease / 3;
        }
        upload->round = process->round;
        redis_list_add(&process->held, upload);
        is_held = 1;
    }
    redis_process_unlock(process);
    if (is_held) {
        redis_renewer_start(process);
    }
}

static int upload_begins(redis_process_t *process,
                         expect_store_upload_t **upload,
                         const expect_store_item_t *items, int n,
                         apr_int64_t length)
{
    expect_store_upload_t *made = *upload ? *upload
                                          : redis_upload_make(process);

    if (made && upload_append(process, made, items, n)) {
        *upload = made;
        /* other items have taken nothing in advance */
        made->ahead = 0;
        made->draws = length < 0;
        return 1;
    }
    if (made && made != *upload) {
        redis_upload_free(made);
    }
    return 0;
}

expect_ledger_e redis_take(expect_store_upload_t **upload,
                           expect_store_item_t *items, int n,
                           apr_int64_t length, apr_int64_t read,
                           apr_interval_time_t *waited, int *refused)
{
    redis_process_t *process = redis_process();
    expect_store_upload_t *taker = *upload;
    expect_ledger_e found = EXPECT_LEDGER_DOWN;
    redis_answer_t answer;

    if (process && upload_begins(process, &taker, items, n, length)) {
        redis_question_t question = upload_asks(taker, "take", n, length,
                                                read);
        redis_item_t *held = &taker->items[taker->n];

        found = question_ask(process, &question, waited, items, held, &answer);
        if (found == EXPECT_LEDGER_TAKEN) {
            found = answer.is_taken ? EXPECT_LEDGER_TAKEN
                                    : EXPECT_LEDGER_REFUSED;
            *refused = answer.refused;
            redis_figures_count(answer.is_taken ? REDIS_TAKEN
                                                : REDIS_REFUSED);
        }
        if (found == EXPECT_LEDGER_TAKEN) {
            upload_takes(process, taker, n, question.first, 1);
            *upload = taker;
        }
        else if (taker != *upload) {
            redis_upload_free(taker);
        }
    }
    return found;
}

void redis_hold(expect_store_upload_t **upload,
                const expect_store_item_t *items, int n, apr_int64_t length,
                apr_int64_t read)
{
    redis_process_t *process = redis_process();

    if (process && upload_begins(process, upload, items, n, length)) {
        /* no limit has held: the sum of all of them must stay exact */
        upload_takes(process, *upload, n,
                     expect_size_summed(length < 0 ? read : length), 0);
    }
}

void redis_hold_more(expect_store_upload_t *upload, apr_int64_t bytes)
{
    redis_process_t *process = redis_process();
    apr_uint32_t i;

    if (!process || !redis_process_lock(process)) {
        return;
    }
    for (i = 0; i < upload->n; ++i) {
        upload->items[i].taken += bytes;
    }
    redis_process_unlock(process);
}

/* --- draw ---------------------------------------------------------------- */

static int upload_has_bytes(const expect_store_upload_t *upload)
{
    apr_uint32_t i = 0;

    while (i < upload->n && upload->items[i].bytes < 0) {
        ++i;
    }
    return i < upload->n;
}

static void upload_draws(redis_process_t *process,
                         expect_store_upload_t *upload, apr_int64_t bytes)
{
    apr_uint32_t i;

    if (!redis_process_lock(process)) {
        return;
    }
    for (i = 0; i < upload->n; ++i) {
        upload->items[i].taken += bytes;
        upload->items[i].last = bytes;
    }
    upload->is_stored = 1;
    redis_process_unlock(process);
}

expect_ledger_e redis_draw(expect_store_upload_t *upload, apr_int64_t *bytes,
                           expect_store_item_t *items, int *refused)
{
    redis_process_t *process = redis_process();
    redis_question_t question = {
        .name = "draw", .items = upload->items, .n = (int)upload->n,
        .id = upload->id, .second = AHEAD
    };
    redis_answer_t answer;
    apr_interval_time_t waited = 0;

    *refused = -1;
    if (!process) {
        return EXPECT_LEDGER_DOWN;
    }
    if (*bytes <= upload->ahead || !upload_has_bytes(upload)) {
        upload->ahead -= *bytes <= upload->ahead ? *bytes : 0;
        return EXPECT_LEDGER_TAKEN;
    }
    question.command = ++upload->n_commands;
    question.first = bytes_clip(*bytes - upload->ahead);
    if (question_ask(process, &question, &waited, items, upload->items,
                     &answer) != EXPECT_LEDGER_TAKEN) {
        return EXPECT_LEDGER_DOWN;
    }
    redis_figures_count(answer.refused < 0 ? REDIS_TAKEN : REDIS_REFUSED);
    if (answer.bytes > question.first && answer.bytes > question.second) {
        /* nobody has asked for so many */
        answer.bytes = question.first;
    }
    if (answer.bytes) {
        upload_draws(process, upload, answer.bytes);
    }
    upload->ahead += answer.bytes;
    if (upload->ahead < *bytes) {
        *refused = answer.refused;
        *bytes = upload->ahead;
    }
    upload->ahead -= *bytes;
    return *bytes ? EXPECT_LEDGER_TAKEN : EXPECT_LEDGER_REFUSED;
}

/* --- settle -------------------------------------------------------------- */

/* Settle in this thread; returns whether the store has done it. */
static int upload_settles(redis_process_t *process,
                          expect_store_upload_t *upload,
                          const redis_command_t *command)
{
    apr_time_t since = redis_clock();
    redis_failure_t failure;

    if (redis_breaker_may(process) != REDIS_MAY_ASK) {
        return 0;
    }
    redis_upload_is_tried(upload);
    if (!redis_exchange_number(process, command,
                               since + process->store.timeout, &failure)) {
        redis_breaker_failed(process, since, &failure);
        return 0;
    }
    return 1;
}

/* Leave it to the thread of renewer.c, which has the time to try again. */
static void upload_queue(redis_process_t *process,
                         expect_store_upload_t *upload)
{
    if (!redis_process_lock(process)) {
        return;
    }
    if (process->settled.n < SETTLED_MAX || upload->is_renewed) {
        redis_list_add(&process->settled, upload);
        upload = NULL;
    }
    redis_process_unlock(process);
    if (upload) {
        redis_upload_free(upload);
    }
    redis_renewer_start(process);
    redis_renewer_wake(process);
}

/* If the thread is just renewing this upload, it settles it once more: its
 * command may reach the server after this one, and would take the place again.
 */
void redis_settle(expect_store_upload_t *upload, apr_int64_t received,
                  int keep_upload, int may_wait)
{
    redis_process_t *process = redis_process();
    redis_command_t command;
    int n, is_done, is_renewed;

    if (!process || apr_atomic_read32(&process->is_leaving)
        || !redis_process_lock(process)) {
        return;
    }
    if (redis_upload_is_in_flight(upload)) {
        redis_list_remove(&process->held, upload);
    }
    upload->received = received;
    upload->keep_upload = keep_upload;
    is_renewed = upload->is_renewed;
    redis_process_unlock(process);
    redis_command_settle(&command);
    n = redis_command_settle_add(&command, process, upload);
    is_done = !n || (may_wait && upload_settles(process, upload, &command));
    redis_command_free(&command);
    if (is_done && !is_renewed) {
        redis_upload_free(upload);
    }
    else {
        upload_queue(process, upload);
    }
}
