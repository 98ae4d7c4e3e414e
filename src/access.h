/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control: asked once, for rules that wait for it.
 */

#ifndef EXPECT_ACCESS_H
#define EXPECT_ACCESS_H

#include "httpd.h"

#include "request.h"

/**
 * Decide what SetEnvIf and the client's address tell; where rules still wait
 * then, ask Require, authentication, and those rules.
 * @param r the main request, at access_checker_ex
 * @param e its state
 * @return OK if the request is let through, else the HTTP status; DECLINED
 *         if nothing waits: httpd then asks as ever
 */
int expect_access_ask(request_rec *r, expect_request_t *e);

/**
 * Take a denial of access control that came before it could be asked: by
 * Order, Allow and Deny, in access_checker. Sets r->status as the rules want
 * it answered.
 * @param r a request that is answered with an error
 */
void expect_access_denied(request_rec *r);

#endif
