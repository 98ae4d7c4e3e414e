/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a decision does.
 */

#ifndef EXPECT_ENFORCE_H
#define EXPECT_ENFORCE_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Decide with what is known now, and do what follows from it. A refusal that
 * was sent inside a handler's read stands.
 * @param r     the main request, or an internal redirect that continues it
 * @param e     the state, changed
 * @param stage how far the request has come
 * @return DECLINED to go on, else the HTTP status of the refusal
 */
int expect_enforce(request_rec *r, expect_request_t *e, expect_stage_e stage);

/**
 * Admit a request: note it, and limit content of unknown length.
 * @param r      the main request, or an internal redirect that continues it
 * @param e      the state, changed
 * @param answer the result of the rules
 */
void expect_enforce_admit(request_rec *r, expect_request_t *e,
                          const expect_answer_t *answer);

/**
 * Refuse content that went over its max.
 * @param r the request whose content it is
 * @param e the state, changed
 * @return the HTTP status to answer, or DECLINED under DetectionOnly
 */
int expect_enforce_cut_off(request_rec *r, expect_request_t *e);

/**
 * Refuse a request for a reason other than its rules: its content is never
 * read, and its connection ends with the response. Nothing is logged or noted
 * here: the module that denies the request has its own log line.
 * @param r      the main request, or an internal redirect that continues it
 * @param e      the state, changed; its verdict is not final
 * @param status the HTTP status of the response
 */
void expect_enforce_close(request_rec *r, expect_request_t *e, int status);

/**
 * Judge a request no more, because its content is not that of an upload: a step
 * of a login. The limit that was set is lifted.
 * @param e the state, changed; undecided
 */
void expect_enforce_exempt(expect_request_t *e);

/**
 * Answer with another HTTP status than access control has chosen, after httpd
 * has begun its error response.
 * @param r      the request, changed
 * @param e      the state, changed
 * @param status the HTTP status of the refusal
 */
void expect_enforce_replace_status(request_rec *r, expect_request_t *e,
                                   int status);

/**
 * Yield to another module that denies a request whose rules are undecided: its
 * answer stands, and the content is not read for it. Under DetectionOnly the
 * request is not judged from then on.
 * @param r      the main request, or an internal redirect that continues it
 * @param e      the state, changed
 * @param status the HTTP status that is answered
 */
void expect_enforce_yield(request_rec *r, expect_request_t *e, int status);

/**
 * Count a request that is not refused: it was admitted, or would be refused.
 * To be called when that is final: the handler is about to run, or another
 * module has refused it. Earlier, DirectoryIndex could still lead to other
 * rules. It is counted once.
 * @param r the request
 * @param e the state, changed; NULL: nothing is counted
 */
void expect_count_outcome(const request_rec *r, expect_request_t *e);

#endif
