/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The moments before content is read: a section is entered, somebody reads
 * early, the handler is about to run.
 */

#ifndef EXPECT_START_H
#define EXPECT_START_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Enter a section, and let nobody read content past its rules.
 * @param r  the main request, or an internal redirect that continues it
 * @param e  its state
 * @param in the request that has come to the section: r, or the lookup in its
 *           place
 */
void expect_content_enter(request_rec *r, expect_request_t *e,
                          request_rec *in);

/**
 * Decide before somebody reads content earlier than the handler, as far as the
 * request has come.
 * @param r the request that reads
 * @param e its state
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_decide_early(request_rec *r, expect_request_t *e);

/**
 * The handler is about to run: decide everything that is left, and compare what
 * was read before with its max.
 * @param r the request whose handler it is
 * @param e its state
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_start(request_rec *r, expect_request_t *e);

/**
 * Start, where the filter was not there to do so, and put the filter back.
 * @param r the request whose handler is about to run
 * @param e its state, the handler not started
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_start_late(request_rec *r, expect_request_t *e);

#endif
