/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What decides about uploads under rules that remember.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "ap_provider.h"

#include "apr_strings.h"

#include "ledger/fleet.h"
#include "ledger/items.h"
#include "ledger/server.h"

APLOG_USE_MODULE(expect);

const char *const expect_store_on_errors[EXPECT_STORE_ON_ERRORS] = {
    "local", "admit", "refuse"
};

/* Written while the configuration is read. */
static const expect_store_conf_t *store_conf;
static const expect_store_provider_t *store;

/* --- items --------------------------------------------------------------- */

/* Room for n items. It is kept, as content of unknown length draws often. */
static expect_store_item_t *fleet_items(expect_claims_t *claims, int n)
{
    if (claims->n_items < n) {
        claims->items = apr_pcalloc(claims->pool, n * sizeof(*claims->items));
        claims->n_items = n;
    }
    return claims->items;
}

/* --- time ---------------------------------------------------------------- */

void expect_fleet_begin(expect_claims_t *claims)
{
    claims->is_refused = 0;
    claims->is_late = 0;
}

/* A look before the first take is no part of the decision: it is for a trial, or
 * for the log at debug. */
static apr_interval_time_t *fleet_waited(expect_claims_t *claims)
{
    if (!claims->is_refused) {
        claims->waited = 0;
    }
    return &claims->waited;
}

/*
 * How the store has answered a question. If it was late, and has refused before
 * in the same decision, that refusal stands. Else a tenant whose rules have many
 * alternatives would get to on-error= while the store is only slow.
 */
static expect_ledger_e fleet_answer(expect_claims_t *claims,
                                    expect_ledger_e answer)
{
    if (answer == EXPECT_LEDGER_LATE) {
        claims->is_late = claims->is_refused;
        return claims->is_late ? EXPECT_LEDGER_NO_STORE : EXPECT_LEDGER_DOWN;
    }
    return answer;
}

/* --- look, take ---------------------------------------------------------- */

/* @return EXPECT_LEDGER_TAKEN: the store has answered, and the claims say what;
 *         NO_STORE, DOWN */
static expect_ledger_e fleet_look(expect_claims_t *claims,
                                  expect_claim_entry_t **entries, int n)
{
    expect_store_item_t *items = fleet_items(claims, n);
    apr_int64_t length = entries[0]->claim.length;
    int i, refused = -1;
    expect_ledger_e answer;

    for (i = 0; i < n; ++i) {
        expect_item_init(&items[i], &entries[i]->claim);
    }
    answer = fleet_answer(claims, store->peek(items, n, length,
                                              fleet_waited(claims), &refused));
    if (answer == EXPECT_LEDGER_DOWN || answer == EXPECT_LEDGER_NO_STORE) {
        return answer;
    }
    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &entries[i]->claim;

        expect_item_found(&items[i], claim);
        if (expect_item_is_reached(&items[i], length)) {
            entries[i]->found = EXPECT_LEDGER_REFUSED;
        }
        else {
            entries[i]->found = EXPECT_LEDGER_TAKEN;
            claim->wait = 0;
        }
    }
    return EXPECT_LEDGER_TAKEN;
}

/* What a take would find, if the store does not answer it either. */
static expect_ledger_e look_without_store(expect_claim_t *claim)
{
    expect_ledger_e found = expect_ledger_peek(expect_server_ledger(), claim);

    switch (store_conf->on_error) {
    case EXPECT_STORE_REFUSE:
        return EXPECT_LEDGER_NO_STORE;
    case EXPECT_STORE_ADMIT:
        return EXPECT_LEDGER_TAKEN;
    default:
        return found;
    }
}

/* Ask the store, and do as on-error= says if it does not answer. */
static void look_at_store(expect_claims_t *claims,
                          expect_claim_entry_t **entries, int n)
{
    expect_ledger_e answer = fleet_look(claims, entries, n);
    int i;

    if (answer == EXPECT_LEDGER_TAKEN) {
        return;
    }
    for (i = 0; i < n; ++i) {
        entries[i]->found = answer == EXPECT_LEDGER_NO_STORE
            ? answer : look_without_store(&entries[i]->claim);
    }
}

void expect_fleet_look(expect_claims_t *claims, expect_claim_entry_t **entries,
                       int n)
{
    int n_asked = 0, i;

    for (i = 0; i < n; ++i) {
        expect_claim_entry_t *entry = entries[i];

        if (store && claims->asks_store
            && !expect_ledger_keep(expect_server_ledger(), &entry->claim, 1,
                                   0)) {
            entries[i] = entries[n_asked];
            entries[n_asked++] = entry;
        }
        else {
            entry->found = expect_ledger_peek(expect_server_ledger(),
                                              &entry->claim);
        }
    }
    if (n_asked) {
        look_at_store(claims, entries, n_asked);
    }
}

/* The ledger writes down what was admitted without it. */
static void fleet_book(expect_claim_t *claim, int n, apr_int64_t read)
{
    expect_ledger_book(expect_server_ledger(), claim, n);
    if (read) {
        expect_ledger_book_more(expect_server_ledger(), claim, n, read);
    }
}

/* The store does not answer: do as on-error= says. */
static expect_ledger_e take_without_store(expect_claim_t *claim, int n,
                                          apr_int64_t *read, int *refused)
{
    switch (store_conf->on_error) {
    case EXPECT_STORE_REFUSE:
        return EXPECT_LEDGER_NO_STORE;
    case EXPECT_STORE_ADMIT:
        fleet_book(claim, n, *read);
        *read = 0;
        return EXPECT_LEDGER_TAKEN;
    default:
        return expect_ledger_take(expect_server_ledger(), claim, n, refused);
    }
}

/* Ask the store, in one round trip for all claims. */
static expect_ledger_e take_from_store(expect_claims_t *claims,
                                       expect_claim_t *claim, int n,
                                       apr_int64_t *read, int *refused)
{
    expect_store_item_t *items = fleet_items(claims, n);
    apr_int64_t was_read = *read;
    expect_ledger_e taken;
    int i;

    for (i = 0; i < n; ++i) {
        expect_item_init(&items[i], &claim[i]);
    }
    taken = fleet_answer(claims, store->take(&claims->upload, items, n,
                                             claim->length, was_read,
                                             fleet_waited(claims), refused));
    if (taken == EXPECT_LEDGER_NO_STORE) {
        return taken;
    }
    if (taken == EXPECT_LEDGER_DOWN) {
        taken = take_without_store(claim, n, read, refused);
        if (taken == EXPECT_LEDGER_TAKEN) {
            store->hold(&claims->upload, items, n, claim->length, was_read);
        }
        return taken;
    }
    if (taken == EXPECT_LEDGER_TAKEN) {
        fleet_book(claim, n, was_read);
        *read = 0;
    }
    claims->is_refused = taken != EXPECT_LEDGER_TAKEN;
    for (i = 0; i < n; ++i) {
        expect_item_found(&items[i], &claim[i]);
    }
    return taken;
}

/*
 * Take from the store, and what is apart from the ledger: all, or nothing.
 *
 * No tenant may fill the store, which every server needs: what a tenant's rules
 * remember there is bounded by the tenants' share of this server's ledger, in
 * which it is written down as well. A claim that gets no record of its own is
 * apart: the ledger decides about it, as if there were no store.
 */
static expect_ledger_e fleet_take(expect_claims_t *claims,
                                  apr_array_header_t *new, apr_int64_t *read,
                                  int *refused)
{
    expect_ledger_t *ledger = expect_server_ledger();
    expect_claim_t *claim = (expect_claim_t *)new->elts, *apart;
    int n_apart = expect_ledger_keep(ledger, claim, new->nelts, 1), n, i;
    apr_int64_t was_read = *read;
    expect_ledger_e taken;

    n = expect_claims_divide(new);
    apart = claim + n;
    for (i = 0; i < n_apart; ++i) {
        apart[i].is_counted = n > 0;
    }
    if (n_apart) {
        taken = expect_ledger_take(ledger, apart, n_apart, refused);
        if (taken != EXPECT_LEDGER_TAKEN) {
            expect_ledger_unkeep(ledger, claim, n);
            *refused = n + (*refused < 0 ? 0 : *refused);
            return taken;
        }
    }
    taken = n ? take_from_store(claims, claim, n, read, refused)
              : EXPECT_LEDGER_TAKEN;
    if (taken != EXPECT_LEDGER_TAKEN) {
        expect_ledger_unkeep(ledger, claim, n);
        expect_ledger_settle(ledger, apart, n_apart, 0, 0);
        return taken;
    }
    claims->has_apart |= n_apart > 0;
    /* if the store has taken what was read, what is apart has to draw it */
    claims->reads_apart = n && n_apart && was_read && !*read;
    if (claims->reads_apart) {
        *read = was_read;
    }
    return taken;
}

expect_ledger_e expect_fleet_take(expect_claims_t *claims,
                                  apr_array_header_t *new, apr_int64_t *read,
                                  int *refused)
{
    *refused = -1;
    return store ? fleet_take(claims, new, read, refused)
                 : expect_ledger_take(expect_server_ledger(),
                                      (expect_claim_t *)new->elts, new->nelts,
                                      refused);
}

/* --- draw, settle -------------------------------------------------------- */

/* Not all was left: the claims say why, for the refusal. */
static void draw_found(expect_claim_t *claims, int n,
                       const expect_store_item_t *items, apr_int64_t wanted)
{
    int i;

    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &claims[i];

        expect_item_found(&items[i], claim);
        claim->is_too_large = claim->limit->bytes >= 0
                              && wanted > claim->limit->bytes - claim->taken;
        if (claim->is_too_large) {
            claim->wait = 0;
        }
    }
}

/* The store does not answer: do as on-error= says. */
static expect_ledger_e draw_without_store(expect_claims_t *claims,
                                          expect_claim_t *claim, int n,
                                          apr_int64_t *bytes, int *refused)
{
    expect_ledger_t *ledger = expect_server_ledger();
    expect_ledger_e drawn = EXPECT_LEDGER_TAKEN;

    switch (store_conf->on_error) {
    case EXPECT_STORE_REFUSE:
        *bytes = 0;
        return EXPECT_LEDGER_NO_STORE;
    case EXPECT_STORE_ADMIT:
        expect_ledger_book_more(ledger, claim, n, *bytes);
        break;
    default:
        drawn = expect_ledger_draw(ledger, claim, n, bytes, refused);
    }
    store->hold_more(claims->upload, *bytes);
    return drawn;
}

/* Nothing may be taken from the store under a tenant's rule whose record has
 * gone to another key since, where there is no room for a new one. */
static int draw_is_kept(expect_claim_t *claim, int n, int *refused)
{
    int n_apart = expect_ledger_keep(expect_server_ledger(), claim, n, 1), i;

    for (i = 0; n_apart && i < n; ++i) {
        if (claim[i].is_apart) {
            claim[i].is_apart = 0;
            *refused = i;
        }
    }
    return !n_apart;
}

static expect_ledger_e draw_from_store(expect_claims_t *claims,
                                       expect_claim_t *claim, int n,
                                       apr_int64_t *bytes, int *refused)
{
    apr_int64_t wanted = *bytes;
    expect_store_item_t *items = fleet_items(claims, n);
    expect_ledger_e drawn;

    if (!draw_is_kept(claim, n, refused)) {
        *bytes = 0;
        return EXPECT_LEDGER_REFUSED;
    }
    drawn = store->draw(claims->upload, bytes, items, refused);
    if (drawn == EXPECT_LEDGER_DOWN) {
        return draw_without_store(claims, claim, n, bytes, refused);
    }
    if (*bytes < wanted) {
        draw_found(claim, n, items, wanted);
    }
    expect_ledger_book_more(expect_server_ledger(), claim, n, *bytes);
    return drawn;
}

expect_ledger_e expect_fleet_draw(expect_claims_t *claims, apr_int64_t *bytes,
                                  int *refused)
{
    apr_array_header_t *taken = claims->taken;
    expect_claim_t *claim = (expect_claim_t *)taken->elts;
    int n = claims->has_apart ? expect_claims_divide(taken) : taken->nelts;
    int tightest;
    apr_int64_t wanted;
    expect_ledger_e drawn;

    if (!store || !claims->upload) {
        return expect_ledger_draw(expect_server_ledger(), claim, taken->nelts,
                                  bytes, refused);
    }
    *refused = -1;
    drawn = draw_from_store(claims, claim, n, bytes, refused);
    if (n == taken->nelts || !*bytes) {
        return drawn;
    }
    wanted = *bytes;
    drawn = expect_ledger_draw(expect_server_ledger(), claim + n,
                               taken->nelts - n, bytes, &tightest);
    if (*bytes < wanted) {
        *refused = n + (tightest < 0 ? 0 : tightest);
    }
    return drawn;
}

expect_ledger_e expect_fleet_draw_read(const expect_claims_t *claims,
                                       apr_array_header_t *new,
                                       apr_int64_t *bytes, int *refused)
{
    expect_claim_t *claim = (expect_claim_t *)new->elts;
    int n = claims->reads_apart ? expect_claims_divide(new) : 0;
    expect_ledger_e drawn = expect_ledger_draw(expect_server_ledger(),
                                               claim + n, new->nelts - n,
                                               bytes, refused);

    *refused += *refused < 0 ? 0 : n;
    return drawn;
}

void expect_fleet_settle(expect_claims_t *claims, apr_array_header_t *taken,
                         apr_int64_t received, int keep_upload, int may_wait)
{
    expect_ledger_settle(expect_server_ledger(), (expect_claim_t *)taken->elts,
                         taken->nelts, received, keep_upload);
    if (store && claims->upload) {
        store->settle(claims->upload, received, keep_upload, may_wait);
        claims->upload = NULL;
    }
}

/* --- the store ----------------------------------------------------------- */

int expect_fleet_has_store(void)
{
    return store != NULL;
}

int expect_fleet_figures(expect_store_figures_t *figures)
{
    memset(figures, 0, sizeof(*figures));
    if (store) {
        store->figures(figures);
    }
    return store != NULL;
}

void expect_fleet_set_store(const expect_store_conf_t *conf)
{
    store_conf = conf;
}

const char *expect_fleet_shown(apr_pool_t *p)
{
    return store ? apr_pstrcat(p, store->shown(p, store_conf), " on-error=",
                               expect_store_on_errors[store_conf->on_error],
                               NULL) : NULL;
}

static int fleet_pre_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)p;
    (void)plog;
    (void)ptemp;
    store_conf = NULL;
    store = NULL;
    return OK;
}

/* Not while the directive is read: the store's module may be loaded later. */
static int fleet_check_config(apr_pool_t *p, apr_pool_t *plog,
                              apr_pool_t *ptemp, server_rec *s)
{
    const expect_store_provider_t *found;
    const char *err;

    (void)plog;
    (void)ptemp;
    if (!store_conf) {
        return OK;
    }
    found = ap_lookup_provider(EXPECT_STORE_GROUP, store_conf->scheme,
                               EXPECT_STORE_VERSION);
    err = found ? found->configure(p, store_conf)
                : "the module that provides this store is not loaded: "
                  "LoadModule expect_redis_module modules/mod_expect_redis.so "
                  "loads it; on Debian and Ubuntu, a2enmod expect_redis";
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_EMERG, 0, s,
                     "ExpectStore at %s:%d: %s", store_conf->file,
                     store_conf->line, err);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    store = found;
    return OK;
}

void expect_fleet_register(void)
{
    ap_hook_pre_config(fleet_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(fleet_check_config, NULL, NULL, APR_HOOK_MIDDLE);
}
