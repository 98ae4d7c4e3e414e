/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The first look at an upload: when its head is read, and when its section is
 * known. access.c and content.c have the later ones.
 */

#ifndef EXPECT_STAGES_H
#define EXPECT_STAGES_H

#include "httpd.h"

/**
 * At post_read_request: do what core of later versions has done already, or
 * with other settings. See httpd_compat.h.
 * @param r any request
 * @return DECLINED to go on; 400 for a Content-Length that is none; 417 for an
 *         expectation that nobody knows, which expect_unknown_expectation() will
 *         tell of
 */
int expect_compat_check(request_rec *r);

/**
 * At post_read_request: keep the head as it was sent, and let nobody read
 * content before the rules are evaluated.
 * @param r a request that may have content, or an internal redirect
 * @return DECLINED to go on, else the HTTP status of the answer
 */
int expect_early_judge(request_rec *r);

/**
 * Let a request that announced no content have none, where rules govern it:
 * what is announced later is not judged.
 * @param r a request without a state, its section known: there are rules
 * @return 1 if it has none now, 0: no rules govern it
 */
int expect_section_without_content(request_rec *r);

/**
 * At header_parser: the section is known, so are its rules, and nobody has had
 * reason to read content yet. Ends a lookup; OPTIONS is answered with what is
 * accepted.
 * @param r a request that is judged, or an OPTIONS request
 * @return DECLINED to go on, DONE for a lookup, else the HTTP status of the
 *         answer
 */
int expect_section_judge(request_rec *r);

/**
 * A request that fails before its section is known: its content is held
 * against the rules of what is known, the server's.
 * @param r any request that is answered with an error
 */
void expect_failed_judge(request_rec *r);

#endif
