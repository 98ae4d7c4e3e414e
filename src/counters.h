/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The server's tally: in shared memory that is made once, and kept until
 * httpd is stopped. Without it the module decides as ever and counts nothing.
 */

#ifndef EXPECT_COUNTERS_H
#define EXPECT_COUNTERS_H

#include "httpd.h"

#include "tally.h"

/** A decision, as the note expect-verdict names it. */
typedef enum {
    EXPECT_VERDICT_CONTINUE,
    EXPECT_VERDICT_REFUSE,
    EXPECT_VERDICT_DETECT
} expect_verdict_e;

/**
 * Count a decision.
 * @param r         the request
 * @param verdict   the decision
 * @param rule      a refusal: the name of the rule that refuses
 * @param status    a refusal: the HTTP status
 * @param reason    a refusal: its sentence
 * @param announced bytes of content announced, negative if that is not known
 * @param waited    the client holds its content back until 100 Continue
 */
void expect_count(request_rec *r, expect_verdict_e verdict, const char *rule,
                  int status, const char *reason, apr_off_t announced,
                  int waited);

/**
 * Count a request that was admitted, and counted as such, and whose content
 * then went over its max.
 * @param r       the request
 * @param verdict REFUSE: it is cut off; DETECT: it would be
 * @param rule    the name of the rule that set the max
 * @param status  the HTTP status
 * @param reason  the sentence
 * @param seen    bytes of content read by then
 */
void expect_count_over(request_rec *r, expect_verdict_e verdict,
                       const char *rule, int status, const char *reason,
                       apr_off_t seen);

/**
 * Read what was counted.
 * @param p pool for the result
 * @return NULL if nothing can be counted, there being no shared memory
 */
const expect_report_t *expect_counters_report(apr_pool_t *p);

/**
 * Register the hook that makes the shared memory.
 * @param p the process's configuration pool
 */
void expect_counters_register(apr_pool_t *p);

#endif
