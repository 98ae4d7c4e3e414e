/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The request notes, for %{...}n in an access log, and the variable
 * EXPECT_VERDICT, for CustomLog ... env=.
 */

#ifndef EXPECT_NOTES_H
#define EXPECT_NOTES_H

#include "httpd.h"

#define EXPECT_NOTE_VERDICT "expect-verdict"
#define EXPECT_NOTE_RULE "expect-rule"
#define EXPECT_NOTE_STATUS "expect-status"
#define EXPECT_NOTE_REASON "expect-reason"

/**
 * Write the verdict, into its note and its variable.
 * @param r       the request
 * @param verdict an EXPECT_WORD_...
 */
void expect_notes_verdict(request_rec *r, const char *verdict);

/**
 * Write all notes of a refusal, or of one that DetectionOnly prevents.
 * @param r       the request
 * @param verdict EXPECT_WORD_REFUSE or EXPECT_WORD_DETECT
 * @param rule    the name of the rule
 * @param status  the HTTP status
 * @param reason  the sentence
 */
void expect_notes_refusal(request_rec *r, const char *verdict,
                          const char *rule, int status, const char *reason);

/**
 * Copy notes and variable from the request that an internal redirect comes
 * from: the access log reads those of the last request.
 * @param r an internal redirect
 */
void expect_notes_inherit(request_rec *r);

#endif
