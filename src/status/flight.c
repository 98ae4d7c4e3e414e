/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The part of the status page with what is in flight.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "apr_strings.h"

#include "status/figures.h"
#include "status/html.h"
#include "status/store.h"

/* More rules than this are left out: those with fewest uploads. */
#define ROWS_MAX 20

static double flight_part(apr_uint64_t n, apr_int64_t limit)
{
    return limit == EXPECT_LIMIT_NONE ? 0 : (double)n / (double)limit;
}

/* A bar for how much of the limit is taken; none where each key has a limit of
 * its own. */
static void flight_bar(request_rec *r, const expect_in_flight_t *one)
{
    const expect_limit_t *limit = one->rule->limit;
    double uploads = flight_part(one->uploads, limit->uploads);
    double bytes = flight_part(one->bytes, limit->bytes);
    double most = uploads > bytes ? uploads : bytes;

    if (!one->rule->is_per_key) {
        ap_rprintf(r, "<svg viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\" "
                   "aria-hidden=\"true\"><rect class=\"rest\" width=\"1\" "
                   "height=\"1\"/><rect class=\"yes\" width=\"%.4f\" "
                   "height=\"1\"/></svg>", most > 1 ? 1 : most);
    }
}

/* "3 of 4", "3 (4 per key)", or "3" where there is no limit. */
static void flight_cell(request_rec *r, const expect_in_flight_t *one,
                        const char *n, const char *limit)
{
    int is_per_key = one->rule->is_per_key;

    ap_rvputs(r, "<td>", n, NULL);
    if (limit) {
        ap_rvputs(r, " <span class=\"of\">", is_per_key ? "(" : "of ", limit,
                  is_per_key ? " per key)" : "", "</span>", NULL);
    }
    ap_rputs("</td>", r);
}

static void flight_row(request_rec *r, const expect_in_flight_t *one)
{
    const expect_limit_t *limit = one->rule->limit;
    apr_pool_t *p = r->pool;

    ap_rvputs(r, "<tr><td>", ap_escape_html(p, one->rule->text), NULL);
    flight_bar(r, one);
    ap_rputs("</td>", r);
    flight_cell(r, one, expect_figure_count(p, one->uploads),
                limit->uploads == EXPECT_LIMIT_NONE
                    ? NULL : expect_figure_count(p, limit->uploads));
    flight_cell(r, one, expect_figure_bytes(p, one->bytes),
                limit->bytes == EXPECT_LIMIT_NONE
                    ? NULL : expect_figure_bytes(p, limit->bytes));
    ap_rputs("</tr>\n", r);
}

static void flight_rest(request_rec *r, const char *rules,
                        apr_uint64_t uploads, apr_uint64_t bytes)
{
    ap_rvputs(r, "<tr><td>", rules, "</td><td>",
              expect_figure_count(r->pool, uploads), "</td><td>",
              expect_figure_bytes(r->pool, bytes), "</td></tr>\n", NULL);
}

static void flight_rows(request_rec *r, const expect_remembered_t *ledger)
{
    apr_uint64_t uploads = 0, bytes = 0;
    int i;

    for (i = 0; i < ledger->n_rules; ++i) {
        if (i < ROWS_MAX) {
            flight_row(r, &ledger->rules[i]);
        }
        uploads += i < ROWS_MAX ? 0 : ledger->rules[i].uploads;
        bytes += i < ROWS_MAX ? 0 : ledger->rules[i].bytes;
    }
    if (ledger->n_rules > ROWS_MAX) {
        flight_rest(r, apr_psprintf(r->pool, "%d more rules",
                                    ledger->n_rules - ROWS_MAX),
                    uploads, bytes);
    }
    if (ledger->other_uploads) {
        flight_rest(r, EXPECT_REMEMBERED_OTHERS, ledger->other_uploads,
                    ledger->other_bytes);
    }
}

static void flight_fullness(request_rec *r, const expect_remembered_t *ledger)
{
    apr_pool_t *p = r->pool;

    ap_rvputs(r, "<p class=\"none\">The ledger remembers ",
              expect_figure_count(p, ledger->n[REMEMBERED_KEYS]), " of ",
              expect_figure_count(p, ledger->keys_max), " keys.", NULL);
    if (ledger->n[REMEMBERED_FULL]) {
        ap_rvputs(r, " It was full for ",
                  expect_figure_count(p, ledger->n[REMEMBERED_FULL]),
                  " uploads, whose keys had to share a limit.", NULL);
    }
    ap_rputs("</p>\n", r);
}

#define TH "<th scope=\"col\">"

void expect_html_flight(request_rec *r, const expect_remembered_t *ledger)
{
    ap_rputs("<section class=\"card\"><h2>In flight</h2>\n", r);
    if (ledger->n_rules || ledger->other_uploads) {
        ap_rputs("<table><thead><tr>" TH "Rule</th>" TH "Uploads</th>" TH
                 "Announced</th></tr></thead>\n<tbody>\n", r);
        flight_rows(r, ledger);
        ap_rputs("</tbody></table>\n", r);
    }
    flight_fullness(r, ledger);
    expect_store_html(r);
    ap_rputs("</section>\n", r);
}
