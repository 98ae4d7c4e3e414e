/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The store's part of a decision: see ledger/store.h for what these do.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_REDIS_DECIDE_H
#define EXPECT_REDIS_DECIDE_H

#include "ledger/store.h"

expect_ledger_e redis_peek(expect_store_item_t *items, int n,
                           apr_int64_t length, apr_interval_time_t *waited,
                           int *refused);

expect_ledger_e redis_take(expect_store_upload_t **upload,
                           expect_store_item_t *items, int n,
                           apr_int64_t length, apr_int64_t read,
                           apr_interval_time_t *waited, int *refused);

void redis_hold(expect_store_upload_t **upload,
                const expect_store_item_t *items, int n, apr_int64_t length,
                apr_int64_t read);

void redis_hold_more(expect_store_upload_t *upload, apr_int64_t bytes);

expect_ledger_e redis_draw(expect_store_upload_t *upload, apr_int64_t *bytes,
                           expect_store_item_t *items, int *refused);

void redis_settle(expect_store_upload_t *upload, apr_int64_t received,
                  int keep_upload, int may_wait);

#endif
