/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request in full, at LogLevel expect:debug: each rule that is evaluated,
 * in order, what it saw and its result.
 */

#ifndef EXPECT_TRACE_H
#define EXPECT_TRACE_H

#include "httpd.h"

#include "tree/tree.h"

/**
 * Choose who observes the rules of a request: the log, if the section's
 * LogLevel is debug. At trace1 this also logs the facts that the rules look at.
 * @param in    the request that has come to the section
 * @param facts what is known of it
 * @return the trace of expect_facts_t; NULL: they are not observed
 */
expect_trace_t *expect_trace_for(const request_rec *in,
                                 const expect_facts_t *facts);

/**
 * Observe all rules from now on, instead of the log. For a process that serves
 * no requests.
 * @param trace the observer
 */
void expect_trace_observe(expect_trace_t *trace);

/**
 * Name the result of a rule.
 * @param answer its answer
 * @return "granted", "denied", "not known yet", ...; a constant
 */
const char *expect_trace_said(const expect_answer_t *answer);

/**
 * Show what a rule saw.
 * @param facts what it looked at
 * @param rule  the rule
 * @return NULL where there is nothing that may be shown
 */
const char *expect_trace_saw(const expect_facts_t *facts,
                             const expect_rule_t *rule);

#endif
