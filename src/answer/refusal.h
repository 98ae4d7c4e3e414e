/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The steps of a refusal, in their order: notes, log line, count, response,
 * end of the connection. A refusal by the rules, a cut-off and an expectation
 * that httpd does not know take the same steps.
 */

#ifndef EXPECT_REFUSAL_H
#define EXPECT_REFUSAL_H

#include "httpd.h"

#include "count/counters.h"
#include "tree/tree.h"

typedef struct expect_notice_t {
    /** the HTTP status of the refusal */
    int status;
    /** the name of the rule, for notes, counters and the client */
    const char *rule;
    /** where the rule is written, for the log; NULL: nowhere */
    const expect_rule_t *at;
    /** one sentence without a full stop, fit for the client */
    const char *reason;
    /** what would be accepted; not used for a dry run */
    const expect_accepts_t *accepts;
    /** the level of the log line, APLOG_... */
    int level;
    /** DetectionOnly: the log line, the notes and the count, nothing else */
    int is_dry_run;
    /** what it is counted as; EXPECT_N_COUNTS: nothing, because it is counted
     *  later (expect_count_outcome()) */
    expect_count_e counted_as;
    /** bytes of content, and whether the client waits: see expect_count() */
    apr_off_t bytes;
    int client_waits;
} expect_notice_t;

/**
 * Take all steps of a refusal.
 * @param r      the request
 * @param notice what is to be said of it
 */
void expect_refusal_send(request_rec *r, const expect_notice_t *notice);

#endif
