/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The memory of a ledger: its size, its beginning, and what is derived from the
 * secret.
 */

#include <string.h>

#include "apr_siphash.h"

#include "ledger/memory.h"
#include "ledger/mutex.h"

/** Slots of owners besides those for a place each: processes that hold nothing
 *  at the moment. */
#define SPARE_OWNERS 64U
/** Each part begins at a cache line. */
#define LINE 64

#define SHARE_KEYS_MIN 1U

static apr_size_t part(apr_size_t *end, apr_size_t n, apr_size_t size)
{
    apr_size_t at = *end;

    *end += (n * size + LINE - 1) / LINE * LINE;
    return at;
}

static apr_uint32_t tenants_keys(apr_uint32_t keys)
{
    return keys / 4 ? keys / 4 : SHARE_KEYS_MIN;
}

static apr_uint32_t admin_keys(apr_uint32_t keys)
{
    return keys > tenants_keys(keys) ? keys - tenants_keys(keys)
                                     : SHARE_KEYS_MIN;
}

/* Where all parts are; behind them is the end. */
static apr_size_t memory_plan(expect_ledger_t *plan, apr_uint32_t keys,
                              apr_uint32_t places)
{
    apr_size_t end = 0;

    part(&end, 1, sizeof(*plan));
    plan->n_owners = places + SPARE_OWNERS;
    plan->n_buckets = 1;
    while (plan->n_buckets < keys && plan->n_buckets < 0x80000000U) {
        plan->n_buckets *= 2;
    }
    plan->n_records = tenants_keys(keys) + admin_keys(keys)
                      + SHARES * LEDGER_OVERFLOWS;
    plan->n_places = places;
    plan->at_owners = part(&end, plan->n_owners, sizeof(owner_t));
    plan->at_buckets = part(&end, plan->n_buckets, sizeof(apr_uint32_t));
    plan->at_records = part(&end, plan->n_records, sizeof(record_t));
    plan->at_places = part(&end, plan->n_places, sizeof(place_t));
    return end;
}

apr_size_t expect_ledger_size(apr_uint32_t keys, apr_uint32_t places)
{
    expect_ledger_t plan;

    return memory_plan(&plan, keys, places);
}

static void derive(unsigned char key[16], const unsigned char secret[16],
                   const char *one, const char *two)
{
    apr_siphash24_auth(key, one, strlen(one), secret);
    apr_siphash24_auth(key + 8, two, strlen(two), secret);
}

void expect_ledger_id(unsigned char id[16], const unsigned char secret[16],
                      const char *name)
{
    unsigned char keys[2][16];

    derive(keys[0], secret, "id 1", "id 2");
    derive(keys[1], secret, "id 3", "id 4");
    apr_siphash24_auth(id, name, strlen(name), keys[0]);
    apr_siphash24_auth(id + 8, name, strlen(name), keys[1]);
}

static void share_init(expect_ledger_t *ledger, share_e which,
                       apr_uint32_t first, apr_uint32_t keys)
{
    record_t *records = ledger_records(ledger);
    share_t *share = &ledger->shares[which];
    apr_uint32_t i;

    share->first = first;
    share->records = keys;
    share->free = LEDGER_NONE;
    for (i = first + keys; i-- > first; ) {
        records[i].next = share->free;
        share->free = i;
    }
}

int expect_ledger_init(expect_ledger_t *ledger, apr_uint32_t keys,
                       apr_uint32_t places, const unsigned char secret[16])
{
    apr_uint32_t i;

    memory_plan(ledger, keys, places);
    derive(ledger->key, secret, "keys 1", "keys 2");
    ledger->free_owner = LEDGER_NONE;
    ledger->free_place = LEDGER_NONE;
    share_init(ledger, SHARE_ADMIN, 0, admin_keys(keys));
    share_init(ledger, SHARE_TENANTS, admin_keys(keys) + LEDGER_OVERFLOWS,
               tenants_keys(keys));
    for (i = 0; i < ledger->n_owners; ++i) {
        if (!mutex_init(&ledger_owners(ledger)[i].life)) {
            return 0;
        }
    }
    return mutex_init(&ledger->mutex);
}
