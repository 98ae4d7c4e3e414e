/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The formats in which the handler expect-status answers.
 */

#ifndef EXPECT_FORMATS_H
#define EXPECT_FORMATS_H

#include "httpd.h"

#include "count/tally.h"
#include "status/remembered.h"

/**
 * Write a report, with its Content-Type.
 * @param r      the request for it
 * @param report what to show; NULL: nothing is counted
 * @param ledger what the ledger remembers; NULL: there is none, or it cannot
 *               be read now
 * @return OK, or an HTTP status
 */
typedef int expect_status_format_t(request_rec *r,
                                   const expect_report_t *report,
                                   const expect_remembered_t *ledger);

/** The page: html.c. */
expect_status_format_t expect_status_html;
/** For programs: json.c, openmetrics.c. */
expect_status_format_t expect_status_json;
expect_status_format_t expect_status_openmetrics;

#endif
