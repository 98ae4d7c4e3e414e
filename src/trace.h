/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request in full, at LogLevel expect:debug: each rule that was asked, in
 * order, what it saw and what it said.
 */

#ifndef EXPECT_TRACE_H
#define EXPECT_TRACE_H

#include "httpd.h"

#include "rule.h"

/**
 * Whether the section's LogLevel asks for it. At trace1 also logs the facts
 * that the rules look at.
 * @param in    the request that has come to the section
 * @param facts what is known of it
 * @return 1 if expect_trace_rule() is to be called
 */
int expect_trace_wanted(const request_rec *in, const expect_facts_t *facts);

/** The trace of expect_facts_t. */
void expect_trace_rule(const expect_facts_t *facts, expect_stage_e stage,
                       const expect_rule_t *rule,
                       const expect_answer_t *answer);

#endif
