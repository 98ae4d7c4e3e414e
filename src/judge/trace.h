/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One request in full, at LogLevel expect:debug: each rule that was asked, in
 * order, what it saw and what it said.
 */

#ifndef EXPECT_TRACE_H
#define EXPECT_TRACE_H

#include "httpd.h"

#include "tree/tree.h"

/**
 * Who hears of a request's rules: the log, where the section's LogLevel asks
 * for it. At trace1 also logs the facts that the rules look at.
 * @param in    the request that has come to the section
 * @param facts what is known of it
 * @return the trace of expect_facts_t; NULL: nobody
 */
expect_trace_t *expect_trace_for(const request_rec *in,
                                 const expect_facts_t *facts);

/**
 * Hear of all rules from now on, in place of the log. For a process that
 * serves nobody.
 * @param trace who hears
 */
void expect_trace_observe(expect_trace_t *trace);

/**
 * What a rule said.
 * @param answer its answer
 * @return "granted", "denied", "not known yet" ...
 */
const char *expect_trace_said(const expect_answer_t *answer);

/**
 * What a rule saw.
 * @param facts what it looked at
 * @param rule  the rule
 * @return NULL where there is nothing that may be shown
 */
const char *expect_trace_saw(const expect_facts_t *facts,
                             const expect_rule_t *rule);

#endif
