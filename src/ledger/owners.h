/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Owners: processes that hold places. How others see that one has died,
 * whatever has killed it:
 *
 * - It holds a robust mutex of its own, which it never unlocks. The kernel
 *   marks that when the thread that has locked it ends; so this must be the
 *   main thread, which lives as long as the process. In a child of event,
 *   worker and prefork it runs child_init: expect_ledger_join(). mpm_itk forks
 *   a process for each connection from such a child. In a forked process the
 *   thread that forked is the main thread, and there is no other: it joins when
 *   it first takes something. A process that was forked holds none of the
 *   mutexes of the one that forked it.
 * - A process that ends in good order says so: expect_ledger_leave().
 * - If the kernel does not know of its pid, it is dead, too. A pid that is
 *   known proves nothing, as it may have been given to another process.
 *
 * A process of an old generation, in a graceful restart, is an owner like any
 * other. A child_status hook would not do in the place of all this: the parent
 * knows nothing of the processes that mpm_itk forks.
 */

#ifndef EXPECT_OWNERS_H
#define EXPECT_OWNERS_H

#include "ledger/memory.h"

/**
 * The slot of this process; under the mutex.
 * @return LEDGER_NONE: it has none, and cannot get one
 */
apr_uint32_t owner_self(expect_ledger_t *ledger);

/** Whether this process took something as that generation of a slot, and not
 *  the one that has forked it; under the mutex. */
int owner_is_self(const expect_ledger_t *ledger, apr_uint32_t owner,
                  apr_uint32_t generation);

/** Whether this process is about to end. */
int owner_is_leaving(void);

/** Whether a process still holds what it took as that generation of a slot;
 *  under the mutex. */
int owner_holds(expect_ledger_t *ledger, apr_uint32_t owner,
                apr_uint32_t generation);

/**
 * Look for owners that have died; under the mutex. From now on they hold
 * nothing.
 * @return how many there were
 */
int owners_bury(expect_ledger_t *ledger);

/** Make the list of free slots anew: see repair.h. */
void owners_rebuild(expect_ledger_t *ledger);

#endif
