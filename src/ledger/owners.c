/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Owners: processes that hold places.
 */

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "ledger/mutex.h"
#include "ledger/owners.h"
#include "ledger/places.h"

/* This process. It is written under the mutex of the ledger; is_leaving is
 * written by a signal handler, too. */
static struct {
    expect_ledger_t *ledger;
    apr_uint32_t owner, generation;
    pid_t pid;
    /* a process that is forked will forget it */
    int is_watched;
} self = { .owner = LEDGER_NONE };

static int is_leaving;

/* In a process that was just forked: nothing is its own. */
static void self_forget(void)
{
    self.owner = LEDGER_NONE;
}

/* getpid() would tell as well, but it is a system call: it took longer than all
 * the rest that is done under the mutex. If the module is unloaded, its handler
 * goes with it. */
static int self_watch(void)
{
    if (!self.is_watched && !pthread_atfork(NULL, NULL, self_forget)) {
        self.is_watched = 1;
    }
    return self.is_watched;
}

int owner_is_leaving(void)
{
    return __atomic_load_n(&is_leaving, __ATOMIC_RELAXED);
}

int owner_is_self(const expect_ledger_t *ledger, apr_uint32_t owner,
                  apr_uint32_t generation)
{
    return self.owner == owner && self.generation == generation
           && self.ledger == ledger;
}

int owner_holds(expect_ledger_t *ledger, apr_uint32_t owner,
                apr_uint32_t generation)
{
    const owner_t *slot = &ledger_owners(ledger)[owner];

    return slot->pid && slot->generation == generation
           && !STATE_GET(&slot->is_gone);
}

/* The next free slot, off the list. */
static apr_uint32_t owner_pop(expect_ledger_t *ledger)
{
    apr_uint32_t i = ledger->free_owner;

    if (i != LEDGER_NONE) {
        ledger->free_owner = ledger_owners(ledger)[i].next;
    }
    else if (ledger->top_owner < ledger->n_owners) {
        i = ledger->top_owner++;
    }
    return i;
}

/* Lock the mutex of a free slot, for as long as this process lives. */
static int owner_lock(owner_t *slot)
{
    int rv = pthread_mutex_trylock(&slot->life);

    return !rv || (rv == EOWNERDEAD && !pthread_mutex_consistent(&slot->life));
}

static apr_uint32_t owner_join(expect_ledger_t *ledger)
{
    apr_uint32_t i;
    owner_t *slot;

    self.ledger = ledger;
    self.owner = LEDGER_NONE;
    if (!self_watch()) {
        return LEDGER_NONE;
    }
    i = owner_pop(ledger);
    if (i == LEDGER_NONE && places_reap(ledger)) {
        i = owner_pop(ledger);
    }
    if (i == LEDGER_NONE) {
        return LEDGER_NONE;
    }
    slot = &ledger_owners(ledger)[i];
    if (!owner_lock(slot)) {
        return LEDGER_NONE;
    }
    LEDGER_POINT("a process has locked its slot");
    ++slot->generation;
    STATE_SET(&slot->is_gone, 0);
    self.pid = getpid();
    STATE_SET(&slot->pid, (apr_uint32_t)self.pid);
    self.owner = i;
    self.generation = slot->generation;
    return i;
}

apr_uint32_t owner_self(expect_ledger_t *ledger)
{
    if (self.ledger != ledger || self.owner == LEDGER_NONE) {
        return owner_join(ledger);
    }
    /* who was taken for dead must not go on as if nothing had happened */
    return owner_holds(ledger, self.owner, self.generation) ? self.owner
                                                            : LEDGER_NONE;
}

void expect_ledger_join(expect_ledger_t *ledger)
{
    if (ledger && ledger_lock(ledger)) {
        owner_self(ledger);
        ledger_unlock(ledger);
    }
}

void expect_ledger_leave(void)
{
    __atomic_store_n(&is_leaving, 1, __ATOMIC_RELAXED);
    /* a signal may end a process that was just forked before self_forget() has
     * run in it: a CGI script's that is killed at once */
    if (self.ledger && self.owner != LEDGER_NONE && self.pid == getpid()) {
        STATE_SET(&ledger_owners(self.ledger)[self.owner].is_gone, 1);
    }
}

/*
 * Whether nobody holds a slot's mutex any more, which is unlocked then. A
 * process that says that it is gone may still run for a moment, and its kernel
 * has the mutex in a list until it has ended: until then, the slot is not free.
 */
static int owner_is_dead(owner_t *slot)
{
    int rv = pthread_mutex_trylock(&slot->life);

    if (rv == EOWNERDEAD) {
        rv = pthread_mutex_consistent(&slot->life);
    }
    if (!rv) {
        pthread_mutex_unlock(&slot->life);
        return 1;
    }
    if (rv == EBUSY && !(kill((pid_t)slot->pid, 0) && errno == ESRCH)) {
        return 0;
    }
    return mutex_init(&slot->life);
}

int owners_bury(expect_ledger_t *ledger)
{
    owner_t *owners = ledger_owners(ledger);
    apr_uint32_t i;
    int n = 0;

    for (i = 0; i < ledger->top_owner; ++i) {
        if (!owners[i].pid) {
            continue;
        }
        if (owner_is_dead(&owners[i])) {
            STATE_SET(&owners[i].pid, 0);
            owners[i].next = ledger->free_owner;
            ledger->free_owner = i;
            ++n;
        }
        else if (STATE_GET(&owners[i].is_gone)) {
            ++n;
        }
    }
    return n;
}

void owners_rebuild(expect_ledger_t *ledger)
{
    owner_t *owners = ledger_owners(ledger);
    apr_uint32_t i;

    ledger->free_owner = LEDGER_NONE;
    ledger->top_owner = ledger->n_owners;
    while (ledger->top_owner && !owners[ledger->top_owner - 1].pid) {
        --ledger->top_owner;
    }
    for (i = ledger->top_owner; i-- > 0; ) {
        if (!owners[i].pid) {
            owners[i].next = ledger->free_owner;
            ledger->free_owner = i;
        }
    }
}
