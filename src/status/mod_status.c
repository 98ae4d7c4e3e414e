/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The block headed mod_expect in the page of mod_status, and the lines in its
 * form for programs (?auto).
 */

#include "httpd.h"
#include "http_protocol.h"
#include "mod_status.h"

#include "apr_optional_hooks.h"
#include "apr_strings.h"

#include "count/counters.h"
#include "status/figures.h"
#include "status/remembered.h"
#include "status/serve.h"
#include "status/store.h"

static void block_auto(request_rec *r, const expect_report_t *report)
{
    int i;

    for (i = 0; i < EXPECT_N_COUNTS; ++i) {
        ap_rprintf(r, "Expect%s: %" APR_UINT64_T_FMT "\n",
                   expect_figures[i].auto_name, report->totals[i]);
    }
    ap_rprintf(r, "ExpectBytesDrained: %" APR_UINT64_T_FMT "\n"
               "ExpectLingering: %" APR_UINT64_T_FMT "\n", report->drained,
               report->lingering);
}

static void block_auto_ledger(request_rec *r,
                              const expect_remembered_t *ledger)
{
    int i;

    for (i = 0; i < REMEMBERED_COUNTS; ++i) {
        ap_rprintf(r, "Expect%s: %" APR_UINT64_T_FMT "\n",
                   expect_remembered_figures[i].auto_name, ledger->n[i]);
    }
}

static void block_figures(request_rec *r, const expect_figure_t *figures,
                          const apr_uint64_t *n, int size)
{
    int i;

    for (i = 0; i < size; ++i) {
        ap_rprintf(r, "<dt>%s: %s</dt>\n", figures[i].title,
                   figures[i].is_bytes
                       ? expect_figure_bytes(r->pool, n[i])
                       : apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, n[i]));
    }
}

static void block_html(request_rec *r, const expect_report_t *report,
                       const expect_remembered_t *ledger)
{
    ap_rputs("<hr />\n<h2>mod_expect</h2>\n", r);
    if (!report) {
        ap_rputs("<p>Nothing is counted: there is no shared memory.</p>\n",
                 r);
        return;
    }
    ap_rputs("<dl>\n", r);
    block_figures(r, expect_figures, report->totals, EXPECT_N_COUNTS);
    ap_rprintf(r, "<dt>Thrown away: %s</dt>\n<dt>Lingering: %"
               APR_UINT64_T_FMT "</dt>\n",
               expect_figure_bytes(r->pool, report->drained),
               report->lingering);
    if (ledger) {
        block_figures(r, expect_remembered_figures, ledger->n,
                      REMEMBERED_COUNTS);
    }
    ap_rputs("</dl>\n", r);
}

static int expect_status_hook(request_rec *r, int flags)
{
    const expect_report_t *report = expect_counters_report(r->pool);
    const expect_remembered_t *ledger = expect_remembered(r->pool);

    if (!(flags & AP_STATUS_SHORT)) {
        block_html(r, report, ledger);
        return OK;
    }
    if (report) {
        block_auto(r, report);
    }
    if (ledger) {
        block_auto_ledger(r, ledger);
    }
    expect_store_auto(r);
    return OK;
}

void expect_status_register(void)
{
    /* optional: mod_status may not be loaded */
    APR_OPTIONAL_HOOK(ap, status_hook, expect_status_hook, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
