/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * In what the httpds differ that mod_expect is built for: 2.4.37 and later, and
 * 2.5. Told by the module magic number, never by the version: distributions
 * take parts of later versions into theirs.
 *
 * first.c makes up for what core has not done when post_read_request runs, so
 * that everything behind it finds a request as httpd 2.4.49 leaves it.
 */

#ifndef EXPECT_COMPAT_H
#define EXPECT_COMPAT_H

#include "ap_mmn.h"

/** Core takes no Content-Length but digits: since 2.4.46, when it got
 *  ap_parse_strict_length(). Before, it takes "+5" for 5, when the handler
 *  reads. */
#define EXPECT_CORE_CHECKS_LENGTH AP_MODULE_MAGIC_AT_LEAST(20120211, 93)

/** Core reads the Expect field before post_read_request: since 2.4.49, when it
 *  got ap_check_request_header(). Before, it does so behind that hook. */
#define EXPECT_CORE_READS_EXPECT AP_MODULE_MAGIC_AT_LEAST(20120211, 107)

/** Modules can say that a connection has TLS: since 2.4.47. */
#define EXPECT_CORE_KNOWS_TLS AP_MODULE_MAGIC_AT_LEAST(20120211, 102)

/** An expectation that core does not know can come to post_read_request all
 *  the same: 2.5 has HttpExpectStrict, and Off lets it. */
#define EXPECT_CORE_MAY_ADMIT_UNKNOWN AP_MODULE_MAGIC_AT_LEAST(20131230, 0)

/** Something of that is left for expect_compat_check(). */
#define EXPECT_CORE_IS_BEHIND \
    (!EXPECT_CORE_CHECKS_LENGTH || !EXPECT_CORE_READS_EXPECT \
     || EXPECT_CORE_MAY_ADMIT_UNKNOWN)

/** Whether content of unknown length may come without a Transfer-Encoding: 2.5
 *  says so of HTTP/2; mod_http2 of 2.4 writes "chunked" into the head. */
#if AP_MODULE_MAGIC_AT_LEAST(20211221, 6)
#define EXPECT_LENGTH_IS_OPEN(r) ((r)->body_indeterminate)
#else
#define EXPECT_LENGTH_IS_OPEN(r) 0
#endif

#endif
