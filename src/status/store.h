/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What becomes of the store that several servers share, in each format.
 * Without ExpectStore nothing is written.
 */

#ifndef EXPECT_STATUS_STORE_H
#define EXPECT_STATUS_STORE_H

#include <jansson.h>

#include "httpd.h"

#include "ledger/fleet.h"
#include "status/figures.h"

/** How decisions of the store end. */
#define EXPECT_STORE_RESULTS 4

/** Their names; those in JSON are values of the label result as well. */
extern const expect_figure_t expect_store_names[EXPECT_STORE_RESULTS];

/** How many there were of each, in the order of their names. */
void expect_store_results(const expect_store_figures_t *figures,
                          apr_uint64_t results[EXPECT_STORE_RESULTS]);

/** Add the member "store" to an object. */
void expect_store_json(json_t *root);

/** Write a sentence for the status page. */
void expect_store_html(request_rec *r);

/** Write lines of mod_status's ?auto. */
void expect_store_auto(request_rec *r);

#endif
