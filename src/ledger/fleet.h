/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What decides about uploads under rules that remember: the ledger of this
 * server, or with ExpectStore the store that it shares with others. The servers
 * that share a store are a fleet.
 *
 * While the store answers, only the store decides, and the ledger writes down
 * what the store has admitted. So this server can decide by itself, with what
 * it knows of its own uploads, as soon as the store does not answer.
 *
 * Of rules of tenants, the store has what finds room in the tenants' share of
 * the ledger. The ledger decides about the rest.
 */

#ifndef EXPECT_FLEET_H
#define EXPECT_FLEET_H

#include "ledger/claims.h"
#include "ledger/store.h"

/** The words of expect_store_error_e in the configuration. */
#define EXPECT_STORE_ON_ERRORS 3
extern const char *const expect_store_on_errors[EXPECT_STORE_ON_ERRORS];

/**
 * A decision begins. All questions to the store from its first take on share one
 * timeout.
 * @param claims those of the upload
 */
void expect_fleet_begin(expect_claims_t *claims);

/**
 * Look whether an upload would be admitted now under each of some claims, as if
 * the others were not there. Nothing is taken. If the store is asked
 * (claims->asks_store), that is one round trip for all of them.
 * @param claims  those of the upload
 * @param entries n of them; claim and found are filled in, and their order may
 *                change
 */
void expect_fleet_look(expect_claims_t *claims, expect_claim_entry_t **entries,
                       int n);

/**
 * Take claims of an upload, all of them or none.
 * @param claims  those of the upload; what it holds in the store is kept there
 * @param new     the claims to take: expect_claim_t; what was found is filled
 *                in
 * @param read    in: bytes of content of unknown length that were read already;
 *                out: 0 if they were taken, else expect_fleet_draw_read()
 *                has to draw them
 * @param refused set to the index of the first that is reached, or -1
 */
expect_ledger_e expect_fleet_take(expect_claims_t *claims,
                                  apr_array_header_t *new, apr_int64_t *read,
                                  int *refused);

/**
 * Take more bytes, for content of unknown length: as many as are left, at most
 * those wanted.
 * @param claims  those of the upload: of claims->taken
 * @param bytes   in: wanted; out: taken
 * @param refused set to the index of the tightest, if not all were taken; or -1
 * @return EXPECT_LEDGER_NO_STORE: the store does not answer, and on-error is
 *         refuse
 */
expect_ledger_e expect_fleet_draw(expect_claims_t *claims, apr_int64_t *bytes,
                                  int *refused);

/**
 * Take what was read before its claims were taken. Only the ledger decides: a
 * store that answers has taken it with its claims.
 * @param claims  those of the upload
 * @param new     what expect_fleet_take() has taken
 * @param bytes, refused as above
 */
expect_ledger_e expect_fleet_draw_read(const expect_claims_t *claims,
                                       apr_array_header_t *new,
                                       apr_int64_t *bytes, int *refused);

/**
 * The content is over: give back the places, and what was not received of
 * quotas.
 * @param claims, taken as above
 * @param received    bytes of content
 * @param keep_upload as for expect_ledger_settle()
 * @param may_wait    0: in a pool cleanup, where nothing may be sent, because
 *                    it may run in a signal handler
 */
void expect_fleet_settle(expect_claims_t *claims, apr_array_header_t *taken,
                         apr_int64_t received, int keep_upload, int may_wait);

/** Whether there is a store: then it decides, if it answers. */
int expect_fleet_has_store(void);

/**
 * Read the store's figures.
 * @return 0: there is no store
 */
int expect_fleet_figures(expect_store_figures_t *figures);

/**
 * ExpectStore: to be called while the configuration is read.
 * @param conf all of it lives as long as the configuration
 */
void expect_fleet_set_store(const expect_store_conf_t *conf);

/**
 * The store for people: its URL, without a password, and what becomes of
 * uploads while it does not answer.
 * @param p pool for the result
 * @return NULL: there is no store
 */
const char *expect_fleet_shown(apr_pool_t *p);

/** Register the hooks that find the store's module. */
void expect_fleet_register(void);

#endif
