/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd's own access control, for the `auth` rule: asked once, its denial
 * turned into the configured status.
 */

#ifndef EXPECT_ACCESS_H
#define EXPECT_ACCESS_H

#include "httpd.h"

/** Find the check of Order, Allow and Deny: once, after configuration. */
void expect_access_init(void);

/** The hooks of the same names: each runs the rest of its chain. */
int expect_access_checker(request_rec *r);
int expect_access_checker_ex(request_rec *r);
int expect_force_authn(request_rec *r);
int expect_check_user_id(request_rec *r);
int expect_auth_checker(request_rec *r);

#endif
