/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The moments before content is read: a section is entered, a module reads
 * early, the handler is about to run.
 */

#ifndef EXPECT_START_H
#define EXPECT_START_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Enter a section: its rules are evaluated before any content is read.
 * @param r  the main request, or an internal redirect that continues it
 * @param e  its state
 * @param in the request that has come to the section: r, or the lookup in its
 *           place
 */
void expect_content_enter(request_rec *r, expect_request_t *e,
                          request_rec *in);

/**
 * A module reads content before the handler runs: decide first, with what is
 * known at this point of the request. If the section is not known yet, it is
 * looked up.
 * @param r the request that reads
 * @param e its state
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_decide_early(request_rec *r, expect_request_t *e);

/**
 * The handler is about to run: decide everything that is left, and compare the
 * bytes that were read before with the limit.
 * @param r the request whose handler it is
 * @param e its state
 * @return DECLINED to go on, else the HTTP status of the refusal; 500 if the
 *         section of a moved target cannot be found
 */
int expect_content_start(request_rec *r, expect_request_t *e);

/**
 * Know later whether the handler still runs, where content may be cut off.
 * @param r a request whose handler is about to run, in ap_invoke_handler()
 * @param e its state
 */
void expect_content_mark_handler(request_rec *r, expect_request_t *e);

/**
 * Whether a request's handler still runs.
 * @param r a request with content of unknown length
 * @param e its state
 * @return 0: it has returned, and httpd itself reads what it has left
 */
int expect_content_handler_runs(const request_rec *r,
                                const expect_request_t *e);

/**
 * Start as above, where another module has removed the filter, which would have
 * done so; and put the filter back.
 * @param r the request whose handler is about to run
 * @param e its state, the handler not started
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_content_start_late(request_rec *r, expect_request_t *e);

#endif
