/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What decides about uploads under rules that remember.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_log.h"
#include "ap_provider.h"

#include "apr_sha1.h"
#include "apr_strings.h"

#include "ledger/fleet.h"
#include "ledger/server.h"

APLOG_USE_MODULE(expect);

const char *const expect_store_on_errors[EXPECT_STORE_ON_ERRORS] = {
    "local", "admit", "refuse"
};

/* Written while the configuration is read. */
static const expect_store_conf_t *store_conf;
static const expect_store_provider_t *store;

/* --- items --------------------------------------------------------------- */

/* All servers of a fleet must have the same id for a rule and a key: so it has
 * no secret of this server, as the keys of its ledger have. */
static void item_init(expect_store_item_t *item, const expect_claim_t *claim)
{
    const char *name = claim->limit->name;
    apr_sha1_ctx_t sha1;

    memset(item, 0, sizeof(*item));
    item->limit = claim->limit;
    apr_sha1_init(&sha1);
    apr_sha1_update_binary(&sha1, (const unsigned char *)name,
                           (unsigned)strlen(name) + 1);
    apr_sha1_update_binary(&sha1, claim->key, (unsigned)claim->key_length);
    apr_sha1_final(item->id, &sha1);
}

/* Copy what the store has found to the claim, from which refusals are
 * explained. */
static void item_found(const expect_store_item_t *item, expect_claim_t *claim)
{
    claim->left_uploads = item->left_uploads;
    claim->left_bytes = item->left_bytes;
    claim->is_too_large = claim->limit->bytes >= 0
                          && claim->length > claim->limit->bytes;
    claim->wait = claim->is_too_large ? 0 : item->wait;
}

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

/* As script.lua compares: for content of unknown length, one byte must be
 * left. */
static int item_is_reached(const expect_store_item_t *item, apr_int64_t length)
{
    return (item->limit->uploads >= 0 && item->left_uploads < 1)
           || (item->limit->bytes >= 0
               && item->left_bytes < (length < 0 ? 1 : length));
}

/* @return EXPECT_LEDGER_TAKEN: the store has answered, and the claims say what;
 *         NO_STORE, DOWN */
static expect_ledger_e fleet_look(expect_claims_t *claims,
                                  expect_claim_entry_t *const *entries, int n)
{
    expect_store_item_t *items = fleet_items(claims, n);
    apr_int64_t length = entries[0]->claim.length;
    int i, refused = -1;
    expect_ledger_e answer;

    for (i = 0; i < n; ++i) {
        item_init(&items[i], &entries[i]->claim);
    }
    answer = fleet_answer(claims, store->peek(items, n, length,
                                              fleet_waited(claims), &refused));
    if (answer == EXPECT_LEDGER_DOWN || answer == EXPECT_LEDGER_NO_STORE) {
        return answer;
    }
    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &entries[i]->claim;

        item_found(&items[i], claim);
        if (item_is_reached(&items[i], length)) {
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

void expect_fleet_look(expect_claims_t *claims,
                       expect_claim_entry_t *const *entries, int n)
{
    int asks = store && claims->asks_store, i;
    expect_ledger_e answer = asks ? fleet_look(claims, entries, n)
                                  : EXPECT_LEDGER_DOWN;

    if (answer == EXPECT_LEDGER_TAKEN) {
        return;
    }
    for (i = 0; i < n; ++i) {
        expect_claim_t *claim = &entries[i]->claim;

        if (answer == EXPECT_LEDGER_NO_STORE) {
            entries[i]->found = answer;
            continue;
        }
        entries[i]->found = asks
            ? look_without_store(claim)
            : expect_ledger_peek(expect_server_ledger(), claim);
    }
}

/* The ledger writes down what was admitted without it. */
static void fleet_book(apr_array_header_t *new, apr_int64_t read)
{
    expect_claim_t *claim = (expect_claim_t *)new->elts;

    expect_ledger_book(expect_server_ledger(), claim, new->nelts);
    if (read) {
        expect_ledger_book_more(expect_server_ledger(), claim, new->nelts,
                                read);
    }
}

/* The store does not answer: do as on-error= says. */
static expect_ledger_e fleet_take_without_store(apr_array_header_t *new,
                                                apr_int64_t *read,
                                                int *refused)
{
    switch (store_conf->on_error) {
    case EXPECT_STORE_REFUSE:
        return EXPECT_LEDGER_NO_STORE;
    case EXPECT_STORE_ADMIT:
        fleet_book(new, *read);
        *read = 0;
        return EXPECT_LEDGER_TAKEN;
    default:
        return expect_ledger_take(expect_server_ledger(),
                                  (expect_claim_t *)new->elts, new->nelts,
                                  refused);
    }
}

/* Ask the store, in one round trip for all claims. */
static expect_ledger_e fleet_take(expect_claims_t *claims,
                                  apr_array_header_t *new, apr_int64_t *read,
                                  int *refused)
{
    expect_claim_t *claim = (expect_claim_t *)new->elts;
    int n = new->nelts, i;
    expect_store_item_t *items = fleet_items(claims, n);
    apr_int64_t was_read = *read;
    expect_ledger_e taken;

    for (i = 0; i < n; ++i) {
        item_init(&items[i], &claim[i]);
    }
    taken = fleet_answer(claims, store->take(&claims->upload, items, n,
                                             claim->length, was_read,
                                             fleet_waited(claims), refused));
    if (taken == EXPECT_LEDGER_NO_STORE) {
        return taken;
    }
    if (taken == EXPECT_LEDGER_DOWN) {
        taken = fleet_take_without_store(new, read, refused);
        if (taken == EXPECT_LEDGER_TAKEN) {
            store->hold(&claims->upload, items, n, claim->length, was_read);
        }
        return taken;
    }
    if (taken == EXPECT_LEDGER_TAKEN) {
        fleet_book(new, was_read);
        *read = 0;
    }
    claims->is_refused = taken != EXPECT_LEDGER_TAKEN;
    for (i = 0; i < n; ++i) {
        item_found(&items[i], &claim[i]);
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
static void fleet_draw_found(apr_array_header_t *taken,
                             const expect_store_item_t *items,
                             apr_int64_t wanted)
{
    int i;

    for (i = 0; i < taken->nelts; ++i) {
        expect_claim_t *claim = &APR_ARRAY_IDX(taken, i, expect_claim_t);

        item_found(&items[i], claim);
        claim->is_too_large = claim->limit->bytes >= 0
                              && wanted > claim->limit->bytes - claim->taken;
        if (claim->is_too_large) {
            claim->wait = 0;
        }
    }
}

static expect_ledger_e draw_from_ledger(apr_array_header_t *taken,
                                        apr_int64_t *bytes, int *refused)
{
    return expect_ledger_draw(expect_server_ledger(),
                              (expect_claim_t *)taken->elts, taken->nelts,
                              bytes, refused);
}

/* The ledger writes down what was drawn without it. */
static void draw_book(apr_array_header_t *taken, apr_int64_t bytes)
{
    expect_ledger_book_more(expect_server_ledger(),
                            (expect_claim_t *)taken->elts, taken->nelts, bytes);
}

/* The store does not answer: do as on-error= says. */
static expect_ledger_e draw_without_store(expect_claims_t *claims,
                                          apr_int64_t *bytes, int *refused)
{
    expect_ledger_e drawn = EXPECT_LEDGER_TAKEN;

    switch (store_conf->on_error) {
    case EXPECT_STORE_REFUSE:
        *bytes = 0;
        return EXPECT_LEDGER_NO_STORE;
    case EXPECT_STORE_ADMIT:
        draw_book(claims->taken, *bytes);
        break;
    default:
        drawn = draw_from_ledger(claims->taken, bytes, refused);
    }
    store->hold_more(claims->upload, *bytes);
    return drawn;
}

expect_ledger_e expect_fleet_draw(expect_claims_t *claims, apr_int64_t *bytes,
                                  int *refused)
{
    apr_int64_t wanted = *bytes;
    expect_store_item_t *items;
    expect_ledger_e drawn;

    *refused = -1;
    if (!store || !claims->upload) {
        return draw_from_ledger(claims->taken, bytes, refused);
    }
    items = fleet_items(claims, claims->taken->nelts);
    drawn = store->draw(claims->upload, bytes, items, refused);
    if (drawn == EXPECT_LEDGER_DOWN) {
        return draw_without_store(claims, bytes, refused);
    }
    if (*bytes < wanted) {
        fleet_draw_found(claims->taken, items, wanted);
    }
    draw_book(claims->taken, *bytes);
    return drawn;
}

expect_ledger_e expect_fleet_draw_read(apr_array_header_t *new,
                                       apr_int64_t *bytes, int *refused)
{
    return draw_from_ledger(new, bytes, refused);
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
