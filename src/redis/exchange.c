/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Commands, and the connections that are idle between them.
 */

#include <poll.h>
#include <string.h>

#include "redis/exchange.h"
#include "redis/figures.h"
#include "redis/script.h"

/* Idle connections that a process keeps, and for how long, in microseconds. If
 * many of its threads ask at once, there are more, which are kept for a shorter
 * time: else a crowd of clients would have one opened and closed for each
 * command, until the system has no port left for another. */
#define IDLE_MAX 8
#define IDLE_TIME 60000000
#define SPARE_TIME 5000000

/* --- idle connections ---------------------------------------------------- */

/* There is nothing to read on a connection that is idle, but its end. */
static int link_is_quiet(const redis_link_t *link)
{
    struct pollfd one = { link->context->fd, POLLIN, 0 };

    return poll(&one, 1, 0) == 0;
}

/* Out of the list under the lock, closed without it. */
static void links_close(redis_link_t *link)
{
    while (link) {
        redis_link_t *next = link->next;

        redis_link_close(link);
        link = next;
    }
}

static redis_link_t *links_take(redis_process_t *process)
{
    redis_link_t *link;

    for (;;) {
        if (!redis_process_lock(process)) {
            return NULL;
        }
        link = process->idle;
        if (link) {
            process->idle = link->next;
            link->next = NULL;
        }
        redis_process_unlock(process);
        if (!link || link_is_quiet(link)) {
            return link;
        }
        redis_link_close(link);
        redis_figures_lost();
    }
}

/* Take those out of the list that are not kept any longer. The one that was
 * used last is the first: those behind one that is too old are older. */
static redis_link_t *links_old(redis_process_t *process)
{
    redis_link_t **at = &process->idle, *old;
    apr_time_t now = redis_clock();
    int n = 0;

    while (*at && now - (*at)->used_at
                      <= (n < IDLE_MAX ? IDLE_TIME : SPARE_TIME)) {
        at = &(*at)->next;
        ++n;
    }
    old = *at;
    *at = NULL;
    return old;
}

static void links_give(redis_process_t *process, redis_link_t *link)
{
    link->used_at = redis_clock();
    if (redis_process_lock(process)) {
        if (link->age == process->age) {
            link->next = process->idle;
            process->idle = link;
            link = links_old(process);
        }
        redis_process_unlock(process);
    }
    links_close(link);
}

/* Those of this age and before are not used again. */
static void links_age(redis_process_t *process, apr_uint32_t age)
{
    redis_link_t *idle = NULL;

    if (redis_process_lock(process)) {
        if (age == process->age) {
            ++process->age;
            idle = process->idle;
            process->idle = NULL;
        }
        redis_process_unlock(process);
    }
    links_close(idle);
}

static void links_drop(redis_process_t *process, redis_link_t *failed)
{
    links_age(process, failed->age);
    redis_link_close(failed);
}

void redis_links_distrust(redis_process_t *process, redis_failure_t *failure)
{
    strcpy(failure->reason, "the answer makes no sense");
    links_age(process, process->age);
}

void redis_links_tidy(redis_process_t *process)
{
    redis_link_t **at = &process->idle, *old, *closed;

    if (!redis_process_lock(process)) {
        return;
    }
    old = links_old(process);
    while (*at && link_is_quiet(*at)) {
        at = &(*at)->next;
    }
    /* those behind it were used earlier */
    closed = *at;
    *at = NULL;
    redis_process_unlock(process);
    if (closed) {
        redis_figures_lost();
    }
    links_close(old);
    links_close(closed);
}

/* --- a command ----------------------------------------------------------- */

int redis_exchange(redis_process_t *process, const redis_command_t *command,
                   apr_time_t deadline, redisReply **reply,
                   redis_failure_t *failure)
{
    redis_link_t *link = links_take(process);
    int was_sent = 0;

    memset(failure, 0, sizeof(*failure));
    if (link) {
        if (redis_link_call(link, process, command, deadline, reply, failure)) {
            links_give(process, link);
            return 1;
        }
        links_drop(process, link);
        if (!failure->is_closed) {
            return 0;
        }
        /* the server has closed it while it was idle, or has been started
         * again: the command is sent once more, and is the same */
        redis_figures_lost();
        was_sent = failure->was_sent;
        memset(failure, 0, sizeof(*failure));
    }
    link = redis_link_open(process, deadline, failure);
    if (link) {
        if (redis_link_call(link, process, command, deadline, reply, failure)) {
            links_give(process, link);
            return 1;
        }
        links_drop(process, link);
    }
    failure->was_sent |= was_sent;
    return 0;
}

int redis_exchange_number(redis_process_t *process,
                          const redis_command_t *command, apr_time_t deadline,
                          redis_failure_t *failure)
{
    redisReply *reply = NULL;
    int is_answered = redis_exchange(process, command, deadline, &reply,
                                     failure);

    if (is_answered && !redis_answer_is_number(reply)) {
        redis_links_distrust(process, failure);
        is_answered = 0;
    }
    if (reply) {
        freeReplyObject(reply);
    }
    return is_answered;
}
