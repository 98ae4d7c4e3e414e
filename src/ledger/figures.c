/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The ledger: read the figures.
 */

#include <string.h>

#include "ledger/mutex.h"
#include "ledger/places.h"

static void use_add(expect_ledger_t *ledger, const place_t *place,
                    expect_ledger_use_t *use, int *n, int room)
{
    const record_t *record = &ledger_records(ledger)[place->record];
    int i = 0;

    if (place->record >= ledger->shares[SHARE_TENANTS].first) {
        return;
    }
    while (i < *n && memcmp(use[i].id, record->id, sizeof(use[i].id))) {
        ++i;
    }
    if (i == room) {
        return;
    }
    if (i == *n) {
        memset(&use[i], 0, sizeof(use[i]));
        memcpy(use[i].id, record->id, sizeof(use[i].id));
        ++*n;
    }
    ++use[i].uploads;
    use[i].bytes += place->bytes;
}

expect_ledger_e expect_ledger_read(expect_ledger_t *ledger,
                                   expect_ledger_figures_t *figures,
                                   expect_ledger_use_t *use, int *n)
{
    int room = *n;
    apr_uint32_t i;
    const share_t *shares;

    memset(figures, 0, sizeof(*figures));
    *n = 0;
    if (!ledger || !ledger_lock(ledger)) {
        return EXPECT_LEDGER_DOWN;
    }
    /* all places are looked at, whether somebody was found dead or not */
    STATE_SET(&ledger->has_over, 1);
    places_reap(ledger);
    shares = ledger->shares;
    figures->uploads_in_flight = ledger->places_held;
    figures->bytes_in_flight = ledger->bytes_in_flight;
    figures->keys = shares[SHARE_ADMIN].used + shares[SHARE_TENANTS].used;
    figures->keys_max = shares[SHARE_ADMIN].records
                        + shares[SHARE_TENANTS].records;
    figures->reserved_bytes = ledger->reserved_bytes;
    figures->refunded_bytes = ledger->refunded_bytes;
    figures->full = ledger->full;
    figures->reaped = ledger->reaped;
    for (i = 0; i < ledger->top_place; ++i) {
        if (STATE_GET(&ledger_places(ledger)[i].state) != PLACE_FREE) {
            use_add(ledger, &ledger_places(ledger)[i], use, n, room);
        }
    }
    ledger_unlock(ledger);
    return EXPECT_LEDGER_TAKEN;
}
