/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control: asked once, for rules that wait for it.
 */

#ifndef EXPECT_ACCESS_H
#define EXPECT_ACCESS_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Decide what SetEnvIf and the client's address tell; where rules still wait
 * then, ask Require, authentication, and those rules.
 * @param r the main request, at access_checker_ex
 * @param e its state
 * @return OK if the request is let through; DECLINED if nothing waits, or it is
 *         being asked already: httpd then asks as ever; else the HTTP status
 */
int expect_access_run(request_rec *r, expect_request_t *e);

/**
 * What access control tells is told, also where Satisfy Any has passed by
 * access_checker_ex: decide what that leaves no doubt of.
 * @param r the main request, or an internal redirect, at type_checker
 * @param e its state
 * @return DECLINED to go on, else the HTTP status of the answer
 */
int expect_access_granted(request_rec *r, expect_request_t *e);

/**
 * Take an error that came while rules still waited. A denial of access control
 * that could not be asked (Order, Allow and Deny, in access_checker) is one
 * that they may want answered otherwise: then r->status is set so.
 * @param r a request that is answered with an error
 */
void expect_access_denied(request_rec *r);

#endif
