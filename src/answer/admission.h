/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Admission that remembers: what an upload takes from the ledger, and gives
 * back.
 */

#ifndef EXPECT_ADMISSION_H
#define EXPECT_ADMISSION_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Take everything that an admission rests on, or nothing of it. It is given
 * back when the content is over, at the latest with the request.
 * @param r        the main request, or an internal redirect that continues it
 * @param e        its state, undecided
 * @param claiming leaves that remember: const expect_rule_t *
 * @return NULL if all of it was taken, else the leaf whose limit is reached
 */
const expect_rule_t *expect_admission_take(request_rec *r, expect_request_t *e,
                                           const apr_array_header_t *claiming);

/**
 * Take bytes for content of unknown length before it is read.
 * @param e      its state
 * @param wanted bytes that a reader wants
 * @return bytes that may be read of them; 0: a limit is reached, and the
 *         content limit of the state is set accordingly
 */
apr_off_t expect_admission_draw(expect_request_t *e, apr_off_t wanted);

/**
 * The content is over: what was announced and not received is given back. Only
 * the first call does anything.
 * @param e the state
 */
void expect_admission_settle(expect_request_t *e);

#endif
