/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Claims, as the store has them.
 */

#include <string.h>

#include "apr_sha1.h"

#include "ledger/items.h"

void expect_item_init(expect_store_item_t *item, const expect_claim_t *claim)
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

void expect_item_found(const expect_store_item_t *item, expect_claim_t *claim)
{
    claim->left_uploads = item->left_uploads;
    claim->left_bytes = item->left_bytes;
    claim->is_too_large = claim->limit->bytes >= 0
                          && claim->length > claim->limit->bytes;
    claim->wait = claim->is_too_large ? 0 : item->wait;
}

int expect_item_is_reached(const expect_store_item_t *item, apr_int64_t length)
{
    return (item->limit->uploads >= 0 && item->left_uploads < 1)
           || (item->limit->bytes >= 0
               && item->left_bytes < (length < 0 ? 1 : length));
}
