/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The moments of a request, in the order in which they come. The hooks of
 * mod_expect.c call these.
 */

#ifndef EXPECT_STAGES_H
#define EXPECT_STAGES_H

#include "httpd.h"

#include "judge/request.h"

/* --- post_read_request --------------------------------------------------- */

/**
 * Do what core of later versions has done already, or with other settings: see
 * base/compat.h.
 * @param r any request
 * @return DECLINED to go on; 400 for an invalid Content-Length; 417 for an
 *         unknown expectation, which expect_error_stage() will log
 */
int expect_compat_check(request_rec *r);

/**
 * Keep the head as it was sent, and install the content filter, so that the
 * rules are evaluated before any content is read. `OPTIONS *` and TRACE are
 * judged now.
 * @param r a request that may have content, no redirect
 * @return DECLINED to go on, else the HTTP status of the answer
 */
int expect_early_judge(request_rec *r);

/**
 * Let an internal redirect go on from where its request has come: it shares the
 * state or, behind a refusal, announces no content; it inherits the notes.
 * @param r an internal redirect
 */
void expect_redirect_continue(request_rec *r);

/* --- header_parser ------------------------------------------------------- */

/**
 * The section is known, and so are its rules: evaluate them. Ends a lookup. An
 * answer to OPTIONS says what is accepted.
 * @param r a judged request, or an OPTIONS request
 * @return DECLINED to go on, DONE for a lookup, else the HTTP status of the
 *         answer
 */
int expect_mapped_judge(request_rec *r);

/**
 * Keep a request that announced no content without any, where rules govern it:
 * what is announced later is not judged. CONNECT to a proxy has no state: if it
 * has content, and an ErrorDocument or a RewriteRule leads it elsewhere, it gets
 * none there either, and the connection is closed.
 * @param r a request without a state, its section known
 * @return 1 if it has none now; 0: no rules govern it, or it is a tunnel
 */
int expect_mapped_without_content(request_rec *r);

/* --- access control ------------------------------------------------------ */

/**
 * At access_checker_ex: SetEnvIf and the client's address are known. Where
 * rules are still undecided then, run the rest of access control and decide.
 * @param r the main request
 * @param e its state
 * @return OK if the request is let through; DECLINED if no rule waits for
 *         access control, or it runs already: httpd then goes on by itself;
 *         else the HTTP status
 */
int expect_access_run(request_rec *r, expect_request_t *e);

/**
 * At type_checker: access control is over (with Satisfy Any, access_checker_ex
 * may have been skipped). Decide what can be decided now.
 * @param r the main request, or an internal redirect
 * @param e its state
 * @return DECLINED to go on, else the HTTP status of the answer
 */
int expect_access_granted(request_rec *r, expect_request_t *e);

/**
 * A request fails while rules are undecided. If access control denied it in
 * access_checker (Order, Allow and Deny), before our hook, the rules may change
 * the status: then r->status is set.
 * @param r a request that is answered with an error
 */
void expect_access_denied(request_rec *r);

/* --- insert_error_filter ------------------------------------------------- */

/**
 * A response with an error begins: refuse an unknown expectation at once, judge
 * what has failed before its section was known, and finish the response.
 * @param r any request that is answered with an error
 */
void expect_error_stage(request_rec *r);

/**
 * A request fails before its section is known: compare its content with the
 * rules that are known, those of the server.
 * @param r a request that is answered with an error
 * @param e its state
 */
void expect_failed_judge(request_rec *r, expect_request_t *e);

/**
 * The ErrorDocument of a request that failed before its section was known has
 * entered its own section: its rules decide whether it gets the content.
 * @param r the ErrorDocument's request, or the one that failed
 * @param e the state
 * @return DECLINED
 */
int expect_failed_document(request_rec *r, expect_request_t *e);

/**
 * Leave the content of a request unread, whatever answers it.
 * @param r the request
 * @param e its state
 * @return DECLINED
 */
int expect_failed_leave_unread(request_rec *r, expect_request_t *e);

/**
 * Whether core has refused a request for its expectation, before any hook ran,
 * and this is not logged yet.
 * @param r any request
 * @return 1 or 0
 */
int expect_unsupported_is(const request_rec *r);

/**
 * Refuse such a request: log it, count it, prepare its response. Its content
 * must not be read: see expect_filter_refuse_all().
 * @param r the request
 */
void expect_unsupported_refuse(request_rec *r);

#endif
