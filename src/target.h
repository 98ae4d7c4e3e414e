/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whose rules govern a request that httpd has not mapped yet.
 */

#ifndef EXPECT_TARGET_H
#define EXPECT_TARGET_H

#include "httpd.h"

#include "request.h"

/**
 * Look the target's section up, .htaccess included, by a copy of the request
 * that stops where the section is known.
 * @param r the main request, at post_read_request
 * @param e its state
 * @return the copy, which lives as long as r; NULL if there is no target to
 *         look up (forward proxy, "*"). With the status HTTP_OK it has the
 *         section's per_dir_config and the file that the target maps to.
 *         Otherwise the way ended before the section, and the status says how:
 *         the main request's will end there, too
 */
request_rec *expect_target_lookup(request_rec *r, expect_request_t *e);

/**
 * Stop a lookup that has come to its section.
 * @param rr a subrequest, at post_perdir_config
 * @return DONE if it is a lookup of ours, else DECLINED
 */
int expect_target_found(request_rec *rr);

#endif
