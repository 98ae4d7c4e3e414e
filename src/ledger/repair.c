/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Repair: a process has died while it had the mutex.
 */

#include "ledger/owners.h"
#include "ledger/places.h"
#include "ledger/records.h"
#include "ledger/repair.h"

void ledger_repair(expect_ledger_t *ledger)
{
    owners_rebuild(ledger);
    LEDGER_POINT("half repaired");
    /* sets the counts to zero, for the places to be added up */
    records_rebuild(ledger);
    LEDGER_POINT("the counts are zero");
    places_rebuild(ledger);
    LEDGER_POINT("repaired");
}
