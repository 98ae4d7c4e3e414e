/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a simulation has shown, in words.
 */

#ifndef EXPECT_WORDING_H
#define EXPECT_WORDING_H

#include "explain/simulate.h"

/**
 * Who sends where, and which rules are in force there, each with what it saw
 * and said.
 * @param h a simulation that is over
 * @return lines, each with its end
 */
const char *expect_explain_place(expect_simulation_t *h);

/**
 * What the client would be told.
 * @param h a simulation that is over
 * @return one line with its end: "  asks: refused 417: ..."
 */
const char *expect_explain_outcome(const expect_simulation_t *h);

/**
 * How a phase is called.
 * @param phase EXPECT_PHASE_END: all is over but for the answer
 * @return "access control"
 */
const char *expect_explain_phase(expect_phase_e phase);

/**
 * What else there is to know of the outcome.
 * @param h a simulation that is over
 * @return lines, each with its end; "": nothing
 */
const char *expect_explain_remarks(const expect_simulation_t *h);

#endif
