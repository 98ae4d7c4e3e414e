/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a process has.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apr_atomic.h"
#include "apr_general.h"
#include "apr_strings.h"

#include "redis/figures.h"
#include "redis/process.h"
#include "redis/uploads.h"

/* How long one try to lock takes, in nanoseconds, and how many of them there
 * are in a process that is about to end. */
#define LOCK_TRY 50000000
#define LOCK_TRIES 4

static redis_process_t *self;

/* --- its beginning ------------------------------------------------------- */

static const char *store_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* In memory that is never given back. */
static void store_copy(redis_store_t *copy, const redis_store_t *store)
{
    *copy = *store;
    copy->url.host = store_text(store->url.host);
    copy->url.path = store_text(store->url.path);
    copy->url.user = store_text(store->url.user);
    copy->url.password = store_text(store->url.password);
    copy->url.shown = store_text(store->url.shown);
    copy->password = store_text(store->password);
    copy->prefix = store_text(store->prefix);
}

/* NULL: there is no memory, or no randomness. */
static redis_process_t *process_make(const redis_store_t *store)
{
    redis_process_t *process = calloc(1, sizeof(*process));
    unsigned char random[8];
    apr_size_t i;

    if (!process || apr_generate_random_bytes(random, sizeof(random))) {
        free(process);
        return NULL;
    }
    process->pid = getpid();
    process->store = *store;
    process->addresses = store->addresses;
    for (i = 0; i < sizeof(random); ++i) {
        (void)snprintf(process->name + 2 * i, 3, "%02x", random[i]);
    }
    process->up_at = redis_clock();
    process->losses = redis_figures_losses();
    (void)pthread_mutex_init(&process->lock, NULL);
    return process;
}

void redis_process_begin(const redis_store_t *store)
{
    redis_store_t copy;

    store_copy(&copy, store);
    self = process_make(&copy);
}

void redis_process_forget(void)
{
    self = NULL;
}

/* What the process that this one was forked from has had is left alone: its
 * lists may be just being changed. The kernel closes the connections. */
redis_process_t *redis_process(void)
{
    if (self && self->pid != getpid()) {
        self = process_make(&self->store);
        if (self) {
            self->is_forked = 1;
        }
    }
    return self;
}

redis_process_t *redis_process_at_home(void)
{
    return self && self->pid == getpid() ? self : NULL;
}

/* --- the lock ------------------------------------------------------------ */

/* In a process that is about to end, the thread that holds the lock may have
 * been stopped by the signal that ends it. */
int redis_process_lock(redis_process_t *process)
{
    struct timespec until;
    int tries = 0;

    if (pthread_mutex_trylock(&process->lock) == 0) {
        return 1;
    }
    while (!apr_atomic_read32(&process->is_leaving) || ++tries < LOCK_TRIES) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOCK_TRY;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_mutex_timedlock(&process->lock, &until) == 0) {
            return 1;
        }
    }
    return 0;
}

void redis_process_unlock(redis_process_t *process)
{
    (void)pthread_mutex_unlock(&process->lock);
}

/* --- lists --------------------------------------------------------------- */

void redis_list_add(redis_list_t *list, expect_store_upload_t *upload)
{
    upload->next = NULL;
    upload->previous = list->last;
    if (list->last) {
        list->last->next = upload;
    }
    else {
        list->first = upload;
    }
    list->last = upload;
    ++list->n;
}

void redis_list_remove(redis_list_t *list, expect_store_upload_t *upload)
{
    if (upload->previous) {
        upload->previous->next = upload->next;
    }
    else {
        list->first = upload->next;
    }
    if (upload->next) {
        upload->next->previous = upload->previous;
    }
    else {
        list->last = upload->previous;
    }
    upload->next = upload->previous = NULL;
    --list->n;
}
