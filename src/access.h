/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control: asked once, for rules that wait for it.
 */

#ifndef EXPECT_ACCESS_H
#define EXPECT_ACCESS_H

#include "httpd.h"

#include "request.h"

/** Find the check of Order, Allow and Deny: once, after configuration. */
void expect_access_init(void);

/**
 * Ask Order, Allow and Deny, which look at the client's address only, ahead
 * of the other access checkers.
 * @param r the main request, at access_checker
 * @param e its state
 * @return DECLINED, or the HTTP status of the refusal
 */
int expect_access_address(request_rec *r, expect_request_t *e);

/**
 * Ask for everything else: Require, authentication, and the rules of
 * mod_expect that wait for it.
 * @param r the main request, at access_checker_ex
 * @param e its state
 * @return OK if the request is let through, else the HTTP status; DECLINED
 *         if nothing waits: httpd then asks as ever
 */
int expect_access_user(request_rec *r, expect_request_t *e);

#endif
