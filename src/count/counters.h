/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The server's tally: in shared memory that is made once, and kept until
 * httpd is stopped. Without it the module decides as ever and counts nothing.
 */

#ifndef EXPECT_COUNTERS_H
#define EXPECT_COUNTERS_H

#include "httpd.h"

#include "count/tally.h"

/**
 * Count a decision, now.
 * @param r      the request
 * @param what   the decision: CONTINUE, REFUSE, DETECT, CUT_OFF or WOULD_CUT;
 *               what is cut off was counted as admitted before
 * @param rule   the name of the rule that decides; like status and reason of
 *               no meaning where it is CONTINUE
 * @param status the HTTP status
 * @param reason the sentence
 * @param bytes  REFUSE: of content announced, negative if that is not known;
 *               CUT_OFF: read by then; else of no meaning
 * @param waited REFUSE: the client holds its content back until 100 Continue
 */
void expect_count(const request_rec *r, expect_count_e what, const char *rule,
                  int status, const char *reason, apr_off_t bytes, int waited);

/**
 * Count content that was thrown away.
 * @param bytes how many
 */
void expect_count_drained(apr_uint64_t bytes);

/**
 * Count content that was thrown away, and say how many connections linger. To
 * be called once in a second at least while there are any.
 * @param held  refused connections that linger in this process now
 * @param bytes thrown away since the last call
 */
void expect_count_lingering(apr_uint32_t held, apr_uint64_t bytes);

/**
 * Read what was counted.
 * @param p pool for the result
 * @return NULL if nothing can be counted, there being no shared memory
 */
const expect_report_t *expect_counters_report(apr_pool_t *p);

/** Register the hook that makes the shared memory. */
void expect_counters_register(void);

#endif
