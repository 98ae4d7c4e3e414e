/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The server's tally: in shared memory that is created once, and kept until
 * httpd is stopped. If it cannot be created, requests are judged and nothing is
 * counted.
 */

#ifndef EXPECT_COUNTERS_H
#define EXPECT_COUNTERS_H

#include "httpd.h"

#include "count/tally.h"

/**
 * Count a decision, now.
 * @param r        the request
 * @param decision CONTINUE, REFUSE, DETECT, CUT_OFF or WOULD_CUT; a request
 *                 that is cut off was counted as admitted before
 * @param rule     the name of the rule that decides; ignored, like status and
 *                 reason, if the decision is CONTINUE
 * @param status   the HTTP status
 * @param reason   the sentence
 * @param bytes    REFUSE: bytes of content announced, negative if that is not
 *                 known; CUT_OFF: bytes read until then; otherwise ignored
 * @param waited   REFUSE: the client holds its content back until 100 Continue
 */
void expect_count(const request_rec *r, expect_count_e decision,
                  const char *rule, int status, const char *reason,
                  apr_off_t bytes, int waited);

/**
 * Count content that was thrown away.
 * @param bytes how many
 */
void expect_count_drained(apr_uint64_t bytes);

/**
 * Count content that was thrown away, and report how many connections linger.
 * It has to be called at least once in a second while there are any.
 * @param held  refused connections that linger in this process now
 * @param bytes thrown away since the last call
 */
void expect_count_lingering(apr_uint32_t held, apr_uint64_t bytes);

/**
 * Read the counters.
 * @param p pool for the result
 * @return NULL if nothing is counted, as there is no shared memory
 */
const expect_report_t *expect_counters_report(apr_pool_t *p);

/** Register the hook that creates the shared memory. */
void expect_counters_register(void);

#endif
