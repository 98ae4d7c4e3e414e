/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The parts of the status page in HTML.
 *
 * The page loads nothing from anywhere, and works without scripts; with them it
 * fetches itself again and again. Colours come by class, as the policy of the
 * response forbids style attributes.
 */

#ifndef EXPECT_HTML_H
#define EXPECT_HTML_H

#include "httpd.h"

#include "count/tally.h"
#include "status/remembered.h"

/** The text of the elements style and script: assets.c. */
extern const char expect_html_style[];
extern const char expect_html_script[];

/**
 * Write the plots of the last hour and the last day: plots.c.
 * @param r      the request for the page
 * @param report what to show
 */
void expect_html_plots(request_rec *r, const expect_report_t *report);

/**
 * Write what is in flight, by rule, and how full the ledger is: flight.c.
 * @param r      the request for the page
 * @param ledger what to show
 */
void expect_html_flight(request_rec *r, const expect_remembered_t *ledger);

#endif
