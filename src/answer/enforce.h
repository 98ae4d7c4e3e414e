/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a decision does: status, connection, log line, notes.
 */

#ifndef EXPECT_ENFORCE_H
#define EXPECT_ENFORCE_H

#include "httpd.h"

#include "judge/request.h"

/* The request notes, for %{...}n in an access log. */
#define EXPECT_NOTE_VERDICT "expect-verdict"
#define EXPECT_NOTE_RULE "expect-rule"
#define EXPECT_NOTE_STATUS "expect-status"
#define EXPECT_NOTE_REASON "expect-reason"

/* What the verdict can be, there and in all that is shown. */
#define EXPECT_WORD_CONTINUE "continue"
#define EXPECT_WORD_REFUSE "refuse"
#define EXPECT_WORD_DETECT "detect"

/**
 * Refuse a request, or under DetectionOnly say that it would be.
 * @param r      the main request, or one that took its place
 * @param e      its state, changed
 * @param answer the rules' answer
 * @return the HTTP status to answer, or DECLINED under DetectionOnly
 */
int expect_enforce_refuse(request_rec *r, expect_request_t *e,
                  const expect_answer_t *answer);

/**
 * Admit a request: note it, and bound content of unknown length.
 * @param r      the main request, or one that took its place
 * @param e      its state, changed
 * @param answer the rules' answer
 */
void expect_enforce_admit(request_rec *r, expect_request_t *e,
                  const expect_answer_t *answer);

/**
 * Count a request that is not refused: it was admitted, or would be refused.
 * Once, when that is final: the handler is about to run, or somebody else has
 * refused. Before, DirectoryIndex could lead to other rules.
 * @param r the request
 * @param e its state, changed; NULL: nothing to count
 */
void expect_count_outcome(const request_rec *r, expect_request_t *e);

/**
 * Refuse content that went over its cap, after all.
 * @param r the request whose content it is
 * @param e its state, changed
 * @return the HTTP status to answer, or DECLINED under DetectionOnly
 */
int expect_enforce_cut_off(request_rec *r, expect_request_t *e);

/**
 * Let somebody else deny a request whose rules still wait: that answer stands,
 * and the content is not read for it. Under DetectionOnly it is left alone from
 * then on.
 * @param r      the main request, or one that took its place
 * @param e      its state, changed
 * @param status the HTTP status that is answered
 */
void expect_enforce_yield(request_rec *r, expect_request_t *e, int status);

/**
 * Answer core's 417 of an expectation it does not know at once, instead of
 * after the content that the client holds back: for insert_error_filter.
 * @param r any request that is answered with an error
 */
void expect_unknown_expectation(request_rec *r);

/**
 * Announce no content: what stands in for a refused request (a script, or an
 * origin behind a proxy) would wait for it.
 * @param r an internal redirect; its header fields become its own
 */
void expect_framing_remove(request_rec *r);

/**
 * Take notes and variable over into an internal redirect, so that the access
 * log finds them; keep its handler (an ErrorDocument) from a refused
 * request's content, and an admitted one's content bounded.
 * @param r an internal redirect, at post_read_request
 */
void expect_redirect_continue(request_rec *r);

#endif
