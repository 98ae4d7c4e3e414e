/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The status page in HTML.
 */

#ifndef EXPECT_HTML_H
#define EXPECT_HTML_H

#include "httpd.h"

#include "count/tally.h"

/**
 * Write the page. It loads nothing from anywhere, and works without scripts;
 * with them it fetches itself again and again.
 * @param r      the request for it
 * @param report what to show; NULL: nothing is counted
 * @param nonce  what the response's Content-Security-Policy lets style and
 *               script run by
 */
void expect_status_page(request_rec *r, const expect_report_t *report,
                        const char *nonce);

/**
 * Bytes as people read them.
 * @param p     pool for the result
 * @param bytes how many
 * @return "512 B", "1.2 GB": by powers of 1000
 */
const char *expect_bytes_text(apr_pool_t *p, apr_uint64_t bytes);

#endif
