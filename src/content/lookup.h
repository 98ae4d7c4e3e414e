/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Which section governs a request that httpd has not mapped yet.
 */

#ifndef EXPECT_LOOKUP_H
#define EXPECT_LOOKUP_H

#include "httpd.h"

#include "judge/request.h"

/**
 * Look up the section of the target, .htaccess included: a copy of the request
 * goes through ap_process_request_internal(). The copy shares the state, which
 * is busy (EXPECT_LOOKING_UP) meanwhile: header_parser must return DONE for it.
 * @param r the main request, before httpd knows its section
 * @param e its state
 * @return the copy, which lives as long as r; NULL if there is no target to
 *         look up (forward proxy, "*"). It has the section's per_dir_config and
 *         the file that the target maps to; if the mapping failed, the
 *         per_dir_config that was reached, and the status of the failure
 */
request_rec *expect_lookup_section(request_rec *r, expect_request_t *e);

/**
 * Look up the section that DirectoryIndex, FallbackResource or MultiViews have
 * moved a request to. httpd found it by a subrequest, a GET without content
 * fields, and an <If> may look at method and fields.
 * @param r the main request, moved by ap_internal_fast_redirect()
 * @param e its state
 * @return a copy as above; r itself where there is no <If>; NULL if the file
 *         cannot be mapped
 */
request_rec *expect_lookup_moved(request_rec *r, expect_request_t *e);

#endif
