/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Admission that remembers: what an upload takes under in-flight and quota, and
 * gives back. Whether that is from the ledger or the store is for
 * ledger/fleet.h.
 */

#ifndef EXPECT_ADMISSION_H
#define EXPECT_ADMISSION_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Take everything that an admission rests on, or nothing of it. It is given
 * back when the content is over, at the latest with the request.
 * @param e        the state, undecided
 * @param grants   leaves that remember
 * @return NULL if all of it was taken, else the leaf whose limit is reached
 */
const expect_rule_t *expect_admission_take(expect_request_t *e,
                                           const expect_grants_t *grants);

/**
 * Content of unknown length was read: take it from what is limited. Where that
 * is not there, the content limit of the state is set to what was.
 * @param e    the state; its content.read has the bytes already
 * @param read how many they are
 */
void expect_admission_draw(expect_request_t *e, apr_off_t read);

/**
 * The content is over: what was announced and not received is given back. Only
 * the first call does anything.
 * @param e the state
 */
void expect_admission_settle(expect_request_t *e);

#endif
