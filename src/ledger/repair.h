/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Repair: a process has died while it had the mutex.
 */

#ifndef EXPECT_REPAIR_H
#define EXPECT_REPAIR_H

#include "ledger/memory.h"

/** Make everything anew that follows from what is true: see memory.h. It may be
 *  interrupted, and begun again by another process. */
void ledger_repair(expect_ledger_t *ledger);

#endif
