/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A login that takes several requests on one connection (NTLM, Negotiate).
 */

#ifndef EXPECT_LOGIN_STEP_H
#define EXPECT_LOGIN_STEP_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Whether a 401 continues a handshake on its connection: a challenge carries a
 * token that is not the server's last one.
 * @param r      the request
 * @param e      its state
 * @param status the HTTP status that access control answers
 * @return 1 or 0
 */
int expect_login_step_is(const request_rec *r, const expect_request_t *e,
                         int status);

/**
 * Let the login go on. The step is no denial: httpd keeps the connection for
 * the next one, so the content of this one is read and thrown away, within the
 * bounds of expect_content_discard(); what goes beyond them is refused. Under
 * DetectionOnly, httpd deals with the rest.
 * @param r the request
 * @param e its state, undecided
 */
void expect_login_step_pass(request_rec *r, expect_request_t *e);

#endif
