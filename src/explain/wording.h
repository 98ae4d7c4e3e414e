/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The result of a simulation, in words.
 */

#ifndef EXPECT_WORDING_H
#define EXPECT_WORDING_H

#include "explain/simulate.h"

/**
 * The client, the server and the target, and the rules in force there, each
 * with its answer.
 * @param h a simulation that is over
 * @return lines, each with its end
 */
const char *expect_wording_place(expect_simulation_t *h);

/**
 * The outcome.
 * @param h a simulation that is over
 * @return one line with its end: "  asks: refused 417: ..."
 */
const char *expect_wording_outcome(const expect_simulation_t *h);

/**
 * The name of a phase.
 * @param phase EXPECT_PHASE_END: the answer is being written
 * @return "access control"
 */
const char *expect_wording_phase(expect_phase_e phase);

/**
 * Remarks on the outcome.
 * @param h a simulation that is over
 * @return lines, each with its end; "": there are none
 */
const char *expect_wording_remarks(const expect_simulation_t *h);

#endif
