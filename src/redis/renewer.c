/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The thread of a process.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apr_atomic.h"

#include "redis/addresses.h"
#include "redis/breaker.h"
#include "redis/exchange.h"
#include "redis/figures.h"
#include "redis/renewer.h"
#include "redis/script.h"
#include "redis/uploads.h"

/* Bytes of the thread's stack, which includes the thread-local storage of all
 * modules and libraries in the process. */
#define STACK ((size_t)256 * 1024)

/* Uploads in one command, and what they hold: the server does nothing else
 * meanwhile. The last upload may have more. */
#define AT_ONCE 64
#define ITEMS_AT_ONCE 128

/* How long the thread of a process that ends gives back places, in
 * microseconds; and how long the process waits for it, in milliseconds. */
#define LEAVE_TIME 500000
#define LEAVE_WAIT 2000

/* How often the thread looks whether another process has lost a connection,
 * while uploads are under way, in microseconds. */
#define LOOK_PAUSE 1000000

/* How often a name is looked up while the store is down, in microseconds. */
#define LOOK_UP_PAUSE 5000000

/* How long the thread tries to take back a command without an answer, in
 * microseconds. If the server was suspended for longer, and then carries it out
 * all the same, the place is free after a lease. */
#define VOID_TIME 60000000

/* How often a command is tried. The store answers other commands meanwhile: so
 * the fault is in this one, and it must not be in the way of the others. */
#define TRIES 5

/* --- commands ------------------------------------------------------------ */

/* Send a command whose answer is a number; returns whether it has come. */
static int thread_sends(redis_process_t *process,
                        const redis_command_t *command, apr_time_t deadline,
                        redis_may_e may)
{
    apr_time_t since = redis_clock();
    redis_failure_t failure;
    int is_answered = redis_exchange_number(process, command, deadline,
                                            &failure);

    if (is_answered) {
        redis_breaker_answered(process, may);
    }
    else {
        redis_breaker_failed(process, since, &failure);
    }
    return is_answered;
}

static apr_time_t thread_deadline(const redis_process_t *process)
{
    return redis_clock() + process->store.timeout;
}

/* --- while the store is down --------------------------------------------- */

static void thread_look_up(redis_process_t *process, apr_time_t *looked_up_at)
{
    redis_addresses_t found;

    if (!process->store.url.host
        || redis_clock() - *looked_up_at < LOOK_UP_PAUSE) {
        return;
    }
    redis_addresses_find(process->store.url.host, &found);
    *looked_up_at = redis_clock();
    /* those that were found once are better than none */
    if ((found.n || !process->addresses.n) && redis_process_lock(process)) {
        process->addresses = found;
        redis_process_unlock(process);
    }
}

/* Whether it can be written to, as by a take. */
static int thread_probes(redis_process_t *process)
{
    redis_command_t command;
    char key[REDIS_KEY_LENGTH];
    int is_answered;

    (void)snprintf(key, sizeof(key), "{%s}:up", process->store.prefix);
    redis_command_begin(&command, "probe");
    redis_command_key(&command, key);
    is_answered = thread_sends(process, &command, thread_deadline(process),
                               REDIS_MAY_TRY);
    redis_command_free(&command);
    return is_answered;
}

/* --- giving back --------------------------------------------------------- */

/* Take back a command without an answer; only the thread removes one. */
static void thread_takes_back(redis_process_t *process, redis_void_t *first)
{
    int is_over = redis_clock() - first->since > VOID_TIME
                  || ++first->tries > TRIES
                  || thread_sends(process, &first->command,
                                  thread_deadline(process), REDIS_MAY_ASK);

    if (!is_over || !redis_process_lock(process)) {
        return;
    }
    process->voids = first->next;
    --process->n_voids;
    if (!process->voids) {
        /* places that were renewed before have less than they hold */
        process->renew_at = redis_clock();
    }
    redis_process_unlock(process);
    redis_command_free(&first->command);
    free(first);
}

/* Send what is settled; of the uploads, only this thread frees those that are
 * in the list. Returns 0 if the store does not answer. */
static int thread_settles(redis_process_t *process, apr_time_t deadline)
{
    expect_store_upload_t *upload, *last;
    redis_command_t command;
    int n, items = 0, is_answered = 1;

    if (!redis_process_lock(process)) {
        return 0;
    }
    redis_command_settle(&command);
    last = upload = process->settled.first;
    for (n = 0; upload && n < AT_ONCE && items < ITEMS_AT_ONCE; ++n) {
        if (++upload->tries <= TRIES) {
            items += redis_command_settle_add(&command, process, upload);
            redis_upload_is_tried(upload);
        }
        last = upload;
        upload = upload->next;
    }
    redis_process_unlock(process);
    if (items) {
        is_answered = thread_sends(process, &command, deadline, REDIS_MAY_ASK);
    }
    redis_command_free(&command);
    while (is_answered && n-- && redis_process_lock(process)) {
        upload = process->settled.first;
        redis_list_remove(&process->settled, upload);
        redis_process_unlock(process);
        redis_upload_free(upload);
    }
    return is_answered && last;
}

/* Sends one command only: leases may have to be renewed before the next. */
static void thread_gives_back(redis_process_t *process)
{
    redis_void_t *first;

    if (!redis_process_lock(process)) {
        return;
    }
    first = process->voids;
    redis_process_unlock(process);
    if (first) {
        thread_takes_back(process, first);
    }
    else {
        (void)thread_settles(process, thread_deadline(process));
    }
}

/* --- renewing ------------------------------------------------------------ */

/* The next uploads that this round has not reached; n is how many of them.
 * Returns how many places they hold. */
static int thread_gathers(redis_process_t *process, redis_command_t *command,
                          expect_store_upload_t **uploads, int *n)
{
    expect_store_upload_t *upload = process->held.first;
    int places = 0;

    *n = 0;
    while (upload && upload->round != process->round && *n < AT_ONCE
           && places < ITEMS_AT_ONCE) {
        uploads[(*n)++] = upload;
        upload->round = process->round;
        upload->is_renewed = upload->is_stored = 1;
        places += redis_command_renew_add(command, process, upload);
        redis_list_remove(&process->held, upload);
        redis_list_add(&process->held, upload);
        upload = process->held.first;
    }
    return places;
}

/* Uploads that are settled meanwhile are freed by thread_settles(). */
static int thread_renews_some(redis_process_t *process)
{
    expect_store_upload_t *uploads[AT_ONCE] = { NULL };
    redis_command_t command;
    int n = 0, places = 0, is_answered = 1;

    redis_command_renew(&command, process);
    if (redis_process_lock(process)) {
        places = thread_gathers(process, &command, uploads, &n);
        redis_process_unlock(process);
    }
    if (places) {
        is_answered = thread_sends(process, &command, thread_deadline(process),
                                   REDIS_MAY_ASK);
    }
    redis_command_free(&command);
    if (n && redis_process_lock(process)) {
        int i;

        for (i = 0; i < n && uploads[i]; ++i) {
            uploads[i]->is_renewed = 0;
        }
        redis_process_unlock(process);
    }
    return is_answered && n;
}

static void thread_renews(redis_process_t *process)
{
    if (!redis_process_lock(process)) {
        return;
    }
    ++process->round;
    process->renew_at = redis_clock() + process->store.lease / 3;
    redis_process_unlock(process);
    while (thread_renews_some(process)
           && !apr_atomic_read32(&process->is_leaving)) {
        /* the next ones */
    }
}

/* --- the end ------------------------------------------------------------- */

/* All places of the process are given back; what of quotas was not received is
 * not known. */
static void thread_leaves(redis_process_t *process)
{
    apr_time_t deadline = redis_clock() + LEAVE_TIME;
    expect_store_upload_t *upload;

    if (apr_atomic_read32(&process->is_down) || !redis_process_lock(process)) {
        return;
    }
    while ((upload = process->held.first)) {
        redis_list_remove(&process->held, upload);
        upload->received = APR_INT64_MAX;
        upload->ahead = 0;
        upload->keep_upload = 1;
        redis_list_add(&process->settled, upload);
    }
    redis_process_unlock(process);
    while (redis_clock() < deadline && thread_settles(process, deadline)) {
        /* the next ones */
    }
}

/* --- the thread ---------------------------------------------------------- */

enum { DUE_NOTHING = 0, DUE_PROBE = 1, DUE_RENEW = 2, DUE_GIVE_BACK = 4 };

/* When leases have to be renewed: at once, if a process of this server has lost
 * a connection. */
static apr_time_t thread_renews_at(redis_process_t *process, apr_time_t now)
{
    apr_uint32_t losses = redis_figures_losses();

    if (losses != process->losses) {
        process->losses = losses;
        process->renew_at = now;
    }
    return process->renew_at;
}

/* What is to be done now, and when there will be something. Uploads that begin
 * meanwhile are renewed in time, as the thread looks that often. */
static int thread_due(redis_process_t *process, apr_time_t *next)
{
    apr_time_t now = redis_clock();
    int due = DUE_NOTHING;

    *next = now + process->store.lease / 3;
    if (!redis_process_lock(process)) {
        return DUE_NOTHING;
    }
    if (apr_atomic_read32(&process->is_down)) {
        due = now >= process->ask_at ? DUE_PROBE : DUE_NOTHING;
        *next = process->ask_at;
    }
    else {
        due |= process->settled.first || process->voids ? DUE_GIVE_BACK : 0;
        if (process->held.n) {
            apr_time_t at = thread_renews_at(process, now);

            due |= now >= at ? DUE_RENEW : 0;
            *next = at < now + LOOK_PAUSE ? at : now + LOOK_PAUSE;
        }
    }
    redis_process_unlock(process);
    return due;
}

static void thread_works(redis_process_t *process, int due,
                         apr_time_t *looked_up_at)
{
    if (due == DUE_PROBE) {
        if (!thread_probes(process)) {
            thread_look_up(process, looked_up_at);
        }
        return;
    }
    if (due & DUE_RENEW) {
        thread_renews(process);
    }
    if ((due & DUE_GIVE_BACK) && !apr_atomic_read32(&process->is_down)) {
        thread_gives_back(process);
    }
}

static void thread_rests(redis_process_t *process, apr_time_t until)
{
    struct pollfd one = { process->ends[0], POLLIN, 0 };
    apr_time_t now = redis_clock();
    char bytes[64];

    redis_links_tidy(process);
    if (poll(&one, 1, until > now ? (int)((until - now + 999) / 1000) : 0)
        > 0) {
        while (read(process->ends[0], bytes, sizeof(bytes)) > 0) {
            /* more */
        }
    }
}

static void *thread_run(void *data)
{
    redis_process_t *process = data;
    apr_time_t looked_up_at = redis_clock(), next;

    while (!apr_atomic_read32(&process->is_leaving)) {
        int due = thread_due(process, &next);

        if (due) {
            thread_works(process, due, &looked_up_at);
        }
        else {
            thread_rests(process, next);
        }
    }
    thread_leaves(process);
    apr_atomic_set32(&process->is_parked, 1);
    return NULL;
}

/* --- its beginning and its end ------------------------------------------- */

/* The thread may be late (looking up a name takes its time) when the process
 * ends and modules are unloaded: this one stays where it is. */
static void thread_pin(void)
{
#ifdef RTLD_NODELETE
    Dl_info info;

    if (dladdr((void *)thread_pin, &info) && info.dli_fname) {
        (void)dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    }
#endif
}

static int thread_prepare_end(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
           && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static int thread_create(redis_process_t *process)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rv;

    if (pipe(process->ends) < 0 || !thread_prepare_end(process->ends[0])
        || !thread_prepare_end(process->ends[1]) || pthread_attr_init(&attr)) {
        return 0;
    }
    thread_pin();
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    rv = pthread_create(&thread, &attr, thread_run, process);
    if (rv == EINVAL) {
        /* the thread-local storage does not fit */
        pthread_attr_destroy(&attr);
        pthread_attr_init(&attr);
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        rv = pthread_create(&thread, &attr, thread_run, process);
    }
    pthread_attr_destroy(&attr);
    return rv == 0;
}

/*
 * All signals are blocked meanwhile. The thread inherits that mask: the
 * handlers of prefork and worker must run in the threads that expect them. And
 * prefork's handler, which ends the process, must find the thread if there is
 * one.
 */
void redis_renewer_start(redis_process_t *process)
{
    sigset_t all, before;

    if (apr_atomic_read32(&process->thread) != REDIS_THREAD_NONE
        || apr_atomic_read32(&process->is_leaving)) {
        return;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (redis_process_lock(process)) {
        if (apr_atomic_read32(&process->thread) == REDIS_THREAD_NONE) {
            apr_atomic_set32(&process->thread,
                             thread_create(process) ? REDIS_THREAD_RUNS
                                                    : REDIS_THREAD_CANNOT);
        }
        redis_process_unlock(process);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void redis_renewer_wake(redis_process_t *process)
{
    if (apr_atomic_read32(&process->thread) == REDIS_THREAD_RUNS
        && write(process->ends[1], "", 1) < 0) {
        /* the pipe is full: the thread is awake */
        errno = 0;
    }
}

void redis_renewer_leave(redis_process_t *process)
{
    int i;

    apr_atomic_set32(&process->is_leaving, 1);
    if (apr_atomic_read32(&process->thread) != REDIS_THREAD_RUNS) {
        return;
    }
    redis_renewer_wake(process);
    for (i = 0; i < LEAVE_WAIT && !apr_atomic_read32(&process->is_parked)
                && !apr_atomic_read32(&process->is_down); ++i) {
        (void)poll(NULL, 0, 1);
    }
}
