/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A connection to the server.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>

#include "apr_strings.h"

#include "redis/addresses.h"
#include "redis/figures.h"
#include "redis/link.h"
#include "redis/script.h"

/* No answer of the script is longer, in bytes; and none has more elements: each
 * of them is four bytes at least. */
#define ANSWER_MAX 65536
#define ANSWER_TOO_LONG "the answer is too long"

static int link_fails(redis_failure_t *failure, const char *reason)
{
    (void)apr_cpystrn(failure->reason, reason, sizeof(failure->reason));
    return 0;
}

static int link_fails_by(redis_failure_t *failure, int error)
{
    (void)apr_strerror(APR_FROM_OS_ERROR(error), failure->reason,
                       sizeof(failure->reason));
    return 0;
}

/* --- one connection ------------------------------------------------------ */

void redis_link_close(redis_link_t *link)
{
    if (link->context) {
        redisFree(link->context);
    }
    free(link);
}

/* Wait until there is something to read, or room to write. */
static int link_wait(int fd, short events, apr_time_t deadline,
                     redis_failure_t *failure)
{
    for (;;) {
        struct pollfd one = { fd, events, 0 };
        apr_interval_time_t left = deadline - redis_clock();
        int n;

        if (left <= 0) {
            failure->is_late = 1;
            return link_fails(failure, "no answer in time");
        }
        left = (left + 999) / 1000;
        n = poll(&one, 1, left < INT_MAX ? (int)left : INT_MAX);
        if (n > 0) {
            return 1;
        }
        if (n < 0 && errno != EINTR) {
            return link_fails_by(failure, errno);
        }
    }
}

static int link_breaks(const redisContext *context, redis_failure_t *failure)
{
    failure->is_closed = context->err == REDIS_ERR_EOF
                         || context->err == REDIS_ERR_IO;
    return link_fails(failure, context->errstr);
}

static int link_send(redisContext *context, apr_time_t deadline,
                     redis_failure_t *failure)
{
    int is_done = 0;

    failure->was_sent = 1;
    for (;;) {
        if (redisBufferWrite(context, &is_done) != REDIS_OK) {
            return link_breaks(context, failure);
        }
        if (is_done) {
            return 1;
        }
        if (!link_wait(context->fd, POLLOUT, deadline, failure)) {
            return 0;
        }
    }
}

/* An array that is announced as longer than any answer would be made, and
 * thrown away, element by element: that takes seconds. */
static void *link_make_array(const redisReadTask *task, redis_count_t n)
{
    const redis_link_t *link = task->privdata;

    return (size_t)n <= ANSWER_MAX / 4 ? link->make_array(task, n) : NULL;
}

static void link_limit_arrays(redis_link_t *link)
{
    redisReader *reader = link->context->reader;

    link->functions = *reader->fn;
    link->make_array = link->functions.createArray;
    link->functions.createArray = link_make_array;
    reader->fn = &link->functions;
    reader->privdata = link;
}

/* One answer, and nothing behind it. hiredis forgets bytes as soon as they were
 * parsed: they are counted as they come. */
static int link_receive(redisContext *context, apr_time_t deadline,
                        redisReply **reply, redis_failure_t *failure)
{
    void *found = NULL;
    size_t received = 0;

    for (;;) {
        if (redisGetReplyFromReader(context, &found) != REDIS_OK) {
            /* see link_make_array() */
            return link_fails(failure, context->err == REDIS_ERR_OOM
                                           ? ANSWER_TOO_LONG
                                           : context->errstr);
        }
        if (found) {
            break;
        }
        if (received > ANSWER_MAX) {
            return link_fails(failure, ANSWER_TOO_LONG);
        }
        if (!link_wait(context->fd, POLLIN, deadline, failure)) {
            return 0;
        }
        received -= context->reader->len;
        if (redisBufferRead(context) != REDIS_OK) {
            return link_breaks(context, failure);
        }
        received += context->reader->len;
    }
    if (context->reader->pos < context->reader->len) {
        freeReplyObject(found);
        return link_fails(failure, "more than one answer");
    }
    *reply = found;
    return 1;
}

static int link_asks(redisContext *context, apr_time_t deadline,
                     redisReply **reply, redis_failure_t *failure)
{
    return link_send(context, deadline, failure)
           && link_receive(context, deadline, reply, failure);
}

/* --- a new connection ---------------------------------------------------- */

static const char *link_password(const redis_store_t *store)
{
    return store->url.password ? store->url.password : store->password;
}

/* Whether a text of the server may be logged. */
static int link_is_harmless(const redis_store_t *store, const char *text)
{
    const char *password = link_password(store);

    return !password || !strstr(text, password);
}

/* A command for which the answer is OK. What the server says of a password is
 * not repeated: where AUTH is another command, it shows its arguments. */
static int link_is_ok(redisContext *context, const redis_store_t *store,
                      int argc, const char **argv, apr_time_t deadline,
                      redis_failure_t *failure)
{
    redisReply *reply = NULL;
    char reason[REDIS_REASON_LENGTH];
    int is_ok;

    if (redisAppendCommandArgv(context, argc, argv, NULL) != REDIS_OK) {
        return link_fails(failure, "no memory");
    }
    if (!link_asks(context, deadline, &reply, failure)) {
        return 0;
    }
    is_ok = reply->type == REDIS_REPLY_STATUS && !strcmp(reply->str, "OK");
    if (!is_ok && reply->type == REDIS_REPLY_ERROR) {
        (void)apr_snprintf(reason, sizeof(reason), "%s is refused: %.*s",
                           argv[0], (int)strcspn(reply->str, " "),
                           link_is_harmless(store, reply->str) ? reply->str
                                                               : "ERR");
        (void)link_fails(failure, reason);
    }
    else if (!is_ok) {
        (void)link_fails(failure, "this is no Redis server");
    }
    freeReplyObject(reply);
    return is_ok;
}

static int link_log_in(redisContext *context, const redis_store_t *store,
                       apr_time_t deadline, redis_failure_t *failure)
{
    const char *password = link_password(store);
    char db[16];

    if (password) {
        const char *argv[3] = { "AUTH", NULL, NULL };
        int argc = 1;

        if (store->url.user) {
            argv[argc++] = store->url.user;
        }
        argv[argc++] = password;
        if (!link_is_ok(context, store, argc, argv, deadline, failure)) {
            return 0;
        }
    }
    if (store->url.db) {
        const char *argv[2] = { "SELECT", NULL };

        (void)apr_snprintf(db, sizeof(db), "%d", store->url.db);
        argv[1] = db;
        return link_is_ok(context, store, 2, argv, deadline, failure);
    }
    return 1;
}

/* Also waits until the connection is there. */
static int link_is_connected(redisContext *context, apr_time_t deadline,
                             redis_failure_t *failure)
{
    int error = 0;
    socklen_t length = sizeof(error);

    if (context->err) {
        return link_fails(failure, context->errstr);
    }
    (void)fcntl(context->fd, F_SETFD, FD_CLOEXEC);
    if (!link_wait(context->fd, POLLOUT, deadline, failure)) {
        return 0;
    }
    if (getsockopt(context->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) {
        error = errno;
    }
    return error ? link_fails_by(failure, error) : 1;
}

static int link_connect(redis_link_t *link, const redis_store_t *store,
                        const char *address, apr_time_t deadline,
                        redis_failure_t *failure)
{
    link->context = address ? redisConnectNonBlock(address, store->url.port)
                            : redisConnectUnixNonBlock(store->url.path);
    if (!link->context) {
        return link_fails(failure, "no memory");
    }
    if (link_is_connected(link->context, deadline, failure)) {
        link_limit_arrays(link);
        return 1;
    }
    redisFree(link->context);
    link->context = NULL;
    return 0;
}

/* The addresses one after the other. */
static int link_connect_any(redis_process_t *process, redis_link_t *link,
                            apr_time_t deadline, redis_failure_t *failure)
{
    redis_addresses_t addresses;
    int i;

    if (process->store.url.path) {
        return link_connect(link, &process->store, NULL, deadline, failure);
    }
    if (!redis_process_lock(process)) {
        return link_fails(failure, "the process ends");
    }
    addresses = process->addresses;
    redis_process_unlock(process);
    (void)link_fails(failure, addresses.reason);
    for (i = 0; i < addresses.n; ++i) {
        if (link_connect(link, &process->store, addresses.text[i], deadline,
                         failure)) {
            return 1;
        }
        if (failure->is_late) {
            redis_addresses_turn(process, addresses.text[i]);
            return 0;
        }
    }
    return 0;
}

redis_link_t *redis_link_open(redis_process_t *process, apr_time_t deadline,
                              redis_failure_t *failure)
{
    redis_link_t *link = calloc(1, sizeof(*link));
    apr_uint32_t age;

    if (!link || !redis_process_lock(process)) {
        free(link);
        (void)link_fails(failure, "no memory");
        return NULL;
    }
    age = process->age;
    redis_process_unlock(process);
    if (link_connect_any(process, link, deadline, failure)) {
        int is_ready = link_log_in(link->context, &process->store, deadline,
                                   failure);

        /* nothing of the script was sent so far */
        failure->was_sent = failure->is_closed = 0;
        if (is_ready) {
            link->age = age;
            return link;
        }
    }
    redis_link_close(link);
    return NULL;
}

/* --- a command ----------------------------------------------------------- */

/* The reason is in the words of the server, without the place in the script,
 * and shorter where it speaks of a long command before a login. */
static void link_refused(const redisReply *reply, const redis_store_t *store,
                         redis_failure_t *failure)
{
    const char *end = strstr(reply->str, " script: ");

    (void)apr_cpystrn(failure->reason, reply->str, sizeof(failure->reason));
    if (end && end - reply->str < REDIS_REASON_LENGTH) {
        failure->reason[end - reply->str] = '\0';
    }
    if (strstr(failure->reason, ": unauthenticated ")) {
        (void)link_fails(failure, "NOAUTH Authentication required.");
    }
    if (!link_is_harmless(store, reply->str)) {
        (void)link_fails(failure, "ERR: the rest has the password in it");
    }
    /* it says so: nothing was done */
    failure->was_sent = 0;
}

/* The script is sent by its hash, and whole only if the server does not have
 * it, which may forget it at any time. */
int redis_link_call(redis_link_t *link, redis_process_t *process,
                    const redis_command_t *command, apr_time_t deadline,
                    redisReply **reply, redis_failure_t *failure)
{
    const char *sha = process->store.sha;

    *reply = NULL;
    if (!redis_command_append(command, link->context, NULL, sha)) {
        return link_fails(failure, "no memory");
    }
    if (!link_asks(link->context, deadline, reply, failure)) {
        return 0;
    }
    if ((*reply)->type == REDIS_REPLY_ERROR
        && !strncmp((*reply)->str, "NOSCRIPT", 8)) {
        freeReplyObject(*reply);
        *reply = NULL;
        if (!redis_command_append(command, link->context, redis_script, sha)) {
            return link_fails(failure, "no memory");
        }
        if (!link_asks(link->context, deadline, reply, failure)) {
            return 0;
        }
    }
    if ((*reply)->type == REDIS_REPLY_ERROR) {
        link_refused(*reply, &process->store, failure);
        freeReplyObject(*reply);
        *reply = NULL;
        return 0;
    }
    return 1;
}
