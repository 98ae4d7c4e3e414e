/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Places: what is in flight, and who holds it.
 */

#include "ledger/owners.h"
#include "ledger/places.h"

/* The counts that follow from a place. */
static void place_count(expect_ledger_t *ledger, const place_t *place, int sign)
{
    record_t *record = &ledger_records(ledger)[place->record];

    record->uploads += sign;
    record->bytes += sign * place->bytes;
    ledger->places_held += sign;
    ledger->bytes_in_flight += sign * place->bytes;
}

apr_uint32_t place_take(expect_ledger_t *ledger, apr_uint32_t record,
                        apr_uint32_t owner, apr_int64_t bytes)
{
    apr_uint32_t i = ledger->free_place;
    place_t *place;

    if (i == LEDGER_NONE) {
        i = ledger->top_place++;
        place = &ledger_places(ledger)[i];
    }
    else {
        place = &ledger_places(ledger)[i];
        ledger->free_place = place->next;
    }
    LEDGER_POINT("a place is off the list");
    place->record = record;
    place->owner = owner;
    place->generation = ledger_owners(ledger)[owner].generation;
    place->bytes = bytes;
    STATE_SET(&place->state, PLACE_HELD);
    place_count(ledger, place, 1);
    return i;
}

void place_add(expect_ledger_t *ledger, place_t *place, apr_int64_t bytes)
{
    __atomic_store_n(&place->bytes, place->bytes + bytes, __ATOMIC_RELEASE);
    LEDGER_POINT("a place has more bytes");
    ledger_records(ledger)[place->record].bytes += bytes;
    ledger->bytes_in_flight += bytes;
}

void place_release(expect_ledger_t *ledger, apr_uint32_t i)
{
    place_t *place = &ledger_places(ledger)[i];

    STATE_SET(&place->state, PLACE_FREE);
    place_count(ledger, place, -1);
    LEDGER_POINT("a place is free, and not in the list");
    place->next = ledger->free_place;
    ledger->free_place = i;
}

place_t *place_of(expect_ledger_t *ledger, apr_uint32_t i,
                  apr_uint32_t record)
{
    place_t *place;

    if (i >= ledger->n_places) {
        return NULL;
    }
    place = &ledger_places(ledger)[i];
    return STATE_GET(&place->state) == PLACE_HELD && place->record == record
                   && owner_is_self(ledger, place->owner, place->generation)
               ? place : NULL;
}

void place_is_over(expect_ledger_t *ledger, apr_uint32_t i, apr_uint32_t record)
{
    place_t *place;
    apr_uint32_t held = PLACE_HELD;

    if (i >= ledger->n_places) {
        return;
    }
    place = &ledger_places(ledger)[i];
    if (place->record == record
        && __atomic_compare_exchange_n(&place->state, &held, PLACE_OVER, 0,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        STATE_SET(&ledger->has_over, 1);
    }
}

int places_reap(expect_ledger_t *ledger)
{
    place_t *places = ledger_places(ledger);
    apr_uint32_t has_over = STATE_GET(&ledger->has_over);
    apr_uint32_t i;
    int n;

    /* before the places are looked at: another may be marked meanwhile */
    STATE_SET(&ledger->has_over, 0);
    n = owners_bury(ledger);
    if (!n && !has_over) {
        return 0;
    }
    for (i = 0; i < ledger->top_place; ++i) {
        apr_uint32_t state = STATE_GET(&places[i].state);

        if (state == PLACE_OVER
            || (state == PLACE_HELD
                && !owner_holds(ledger, places[i].owner,
                                places[i].generation))) {
            ledger->reaped += state == PLACE_HELD;
            place_release(ledger, i);
            ++n;
        }
    }
    return n;
}

int places_reap_again(expect_ledger_t *ledger, apr_int64_t now)
{
    if (ledger->reaped_at && now - ledger->reaped_at < REAP_PAUSE_NS) {
        return 0;
    }
    ledger->reaped_at = now;
    return places_reap(ledger);
}

void places_rebuild(expect_ledger_t *ledger)
{
    place_t *places = ledger_places(ledger);
    apr_uint32_t i;

    ledger->free_place = LEDGER_NONE;
    ledger->top_place = ledger->n_places;
    ledger->places_held = 0;
    ledger->bytes_in_flight = 0;
    while (ledger->top_place
           && STATE_GET(&places[ledger->top_place - 1].state) == PLACE_FREE) {
        --ledger->top_place;
    }
    for (i = ledger->top_place; i-- > 0; ) {
        if (STATE_GET(&places[i].state) == PLACE_FREE) {
            places[i].next = ledger->free_place;
            ledger->free_place = i;
        }
        else {
            place_count(ledger, &places[i], 1);
        }
    }
    /* a process may have been killed between the two */
    STATE_SET(&ledger->has_over, 1);
}
