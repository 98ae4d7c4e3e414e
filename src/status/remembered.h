/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What the ledger remembers, as far as anybody may see it: numbers, and rules
 * of the server's configuration. No key, address or user is in it.
 */

#ifndef EXPECT_REMEMBERED_H
#define EXPECT_REMEMBERED_H

#include "httpd.h"

#include "ledger/named.h"
#include "status/figures.h"

enum {
    REMEMBERED_IN_FLIGHT, REMEMBERED_IN_FLIGHT_BYTES, REMEMBERED_RESERVED,
    REMEMBERED_REFUNDED, REMEMBERED_KEYS, REMEMBERED_FULL, REMEMBERED_COUNTS
};

/** A row for each of them. */
extern const expect_figure_t expect_remembered_figures[REMEMBERED_COUNTS];

/** What is in flight under the rules of no list. */
#define EXPECT_REMEMBERED_OTHERS "rules of .htaccess files"

/** A rule in-flight, and what is in flight under all of its keys. */
typedef struct expect_in_flight_t {
    const expect_named_t *rule;
    apr_uint64_t uploads, bytes;
} expect_in_flight_t;

typedef struct expect_remembered_t {
    apr_uint64_t n[REMEMBERED_COUNTS];
    apr_uint64_t keys_max;
    /** the rules in-flight of the configuration, those with most uploads
     *  first */
    expect_in_flight_t *rules;
    int n_rules;
    /** in flight under rules of .htaccess files; and, for a while, under rules
     *  that the configuration had before a graceful restart */
    apr_uint64_t other_uploads, other_bytes;
    /** a rule of the configuration remembers, or an .htaccess file had one */
    int is_used;
} expect_remembered_t;

/**
 * Read the ledger.
 * @param p pool for the result
 * @return NULL: there is none, or it cannot be read now
 */
const expect_remembered_t *expect_remembered(apr_pool_t *p);

#endif
