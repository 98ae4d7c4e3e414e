/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The differences between the httpds that mod_expect is built for: 2.4.37 and
 * later, and 2.5. They are found by the module magic number, not by the
 * version, because distributions take parts of later versions into theirs.
 *
 * expect_compat_check() does what core has not done when post_read_request
 * runs, so that all other code finds a request as httpd 2.4.49 leaves it.
 */

#ifndef EXPECT_COMPAT_H
#define EXPECT_COMPAT_H

#include "ap_mmn.h"

/** Core accepts nothing but digits as Content-Length: since 2.4.46, which has
 *  ap_parse_strict_length(). Before, it reads "+5" as 5, when the handler
 *  reads. */
#define EXPECT_CORE_CHECKS_LENGTH AP_MODULE_MAGIC_AT_LEAST(20120211, 93)

/** Core reads the Expect field before post_read_request: since 2.4.49, which
 *  has ap_check_request_header(). Before, it does so after that hook. */
#define EXPECT_CORE_READS_EXPECT AP_MODULE_MAGIC_AT_LEAST(20120211, 107)

/** A module can ask core whether a connection has TLS: since 2.4.47. */
#define EXPECT_CORE_KNOWS_TLS AP_MODULE_MAGIC_AT_LEAST(20120211, 102)

/** A request with an expectation that core does not know can get to
 *  post_read_request: 2.5 has HttpExpectStrict, and Off admits it. */
#define EXPECT_CORE_MAY_ADMIT_UNKNOWN AP_MODULE_MAGIC_AT_LEAST(20131230, 0)

/** r->sent_bodyct is set when the head of any response is sent: since 2.5 with
 *  its response buckets. Before, it is not for one without content. */
#define EXPECT_CORE_MARKS_EACH_HEAD AP_MODULE_MAGIC_AT_LEAST(20211221, 6)

/** expect_compat_check() has something to do. */
#define EXPECT_CORE_IS_BEHIND \
    (!EXPECT_CORE_CHECKS_LENGTH || !EXPECT_CORE_READS_EXPECT \
     || EXPECT_CORE_MAY_ADMIT_UNKNOWN)

/** Whether content of unknown length may come without a Transfer-Encoding: in
 *  2.5 it does over HTTP/2; mod_http2 of 2.4 sets "chunked" in the head. */
#if AP_MODULE_MAGIC_AT_LEAST(20211221, 6)
#define EXPECT_LENGTH_IS_OPEN(r) ((r)->body_indeterminate)
#else
#define EXPECT_LENGTH_IS_OPEN(r) 0
#endif

#endif
