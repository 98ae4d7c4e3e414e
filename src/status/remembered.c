/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the ledger remembers, as far as anybody may see it.
 */

#include <stdlib.h>
#include <string.h>

#include "httpd.h"

#include "ledger/server.h"
#include "status/remembered.h"

/* More rules than this are not told apart, if all have something in flight: the
 * ledger is locked meanwhile. */
#define USES_MAX 1024

const expect_figure_t expect_remembered_figures[REMEMBERED_COUNTS] = {
    [REMEMBERED_IN_FLIGHT] = {
        .json = "in_flight", .auto_name = "InFlight", .title = "In flight"
    },
    [REMEMBERED_IN_FLIGHT_BYTES] = {
        .json = "in_flight_bytes", .auto_name = "InFlightBytes",
        .title = "In flight, announced", .is_bytes = 1
    },
    [REMEMBERED_RESERVED] = {
        .json = "reserved_bytes", .auto_name = "ReservedBytes",
        .title = "Reserved", .is_bytes = 1
    },
    [REMEMBERED_REFUNDED] = {
        .json = "refunded_bytes", .auto_name = "RefundedBytes",
        .title = "Reserved and not received", .is_bytes = 1
    },
    [REMEMBERED_KEYS] = {
        .json = "ledger_keys", .auto_name = "LedgerKeys",
        .title = "Keys in the ledger"
    },
    [REMEMBERED_FULL] = {
        .json = "ledger_full", .auto_name = "LedgerFull",
        .title = "Admitted while the ledger was full"
    }
};

static void remembered_add(expect_remembered_t *found,
                           const expect_named_t *rule,
                           const expect_ledger_use_t *uses, int n)
{
    expect_in_flight_t *one = &found->rules[found->n_rules];
    int i;

    if (rule->limit->kind != EXPECT_LIMIT_IN_FLIGHT) {
        return;
    }
    ++found->n_rules;
    one->rule = rule;
    for (i = 0; i < n; ++i) {
        if (!memcmp(uses[i].id, rule->limit->id, sizeof(uses[i].id))) {
            one->uploads = uses[i].uploads;
            one->bytes = uses[i].bytes;
            found->other_uploads -= one->uploads;
            found->other_bytes -= one->bytes;
            return;
        }
    }
}

/* Rules of one size stay in the order of the configuration. */
static int remembered_order(const void *one, const void *other)
{
    const expect_in_flight_t *a = one, *b = other;

    return a->uploads != b->uploads ? (a->uploads < b->uploads ? 1 : -1)
           : a->rule != b->rule ? (a->rule < b->rule ? -1 : 1) : 0;
}

const expect_remembered_t *expect_remembered(apr_pool_t *p)
{
    const apr_array_header_t *named = expect_named_all();
    expect_remembered_t *found = apr_pcalloc(p, sizeof(*found));
    expect_ledger_use_t *uses = apr_palloc(p, USES_MAX * sizeof(*uses));
    expect_ledger_figures_t figures;
    int n = USES_MAX, i;

    if (expect_ledger_read(expect_server_ledger(), &figures, uses, &n)
        != EXPECT_LEDGER_TAKEN) {
        return NULL;
    }
    found->n[REMEMBERED_IN_FLIGHT] = figures.uploads_in_flight;
    found->n[REMEMBERED_IN_FLIGHT_BYTES] = figures.bytes_in_flight;
    found->n[REMEMBERED_RESERVED] = figures.reserved_bytes;
    found->n[REMEMBERED_REFUNDED] = figures.refunded_bytes;
    found->n[REMEMBERED_KEYS] = figures.keys;
    found->n[REMEMBERED_FULL] = figures.full;
    found->keys_max = figures.keys_max;
    found->other_uploads = figures.uploads_in_flight;
    found->other_bytes = figures.bytes_in_flight;
    found->is_used = named->nelts || figures.keys;
    found->rules = apr_pcalloc(p, named->nelts * sizeof(*found->rules));
    for (i = 0; i < named->nelts; ++i) {
        remembered_add(found, &APR_ARRAY_IDX(named, i, const expect_named_t),
                       uses, n);
    }
    qsort(found->rules, found->n_rules, sizeof(*found->rules),
          remembered_order);
    return found;
}
