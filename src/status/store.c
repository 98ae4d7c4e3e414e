/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What becomes of the store that several machines share, in each format.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "ledger/fleet.h"
#include "status/figures.h"
#include "status/store.h"

#define RESULTS 4

static const char *const result_names[RESULTS] = {
    "taken", "refused", "timeout", "error"
};

/* By the names above. */
static void store_results(const expect_store_figures_t *figures,
                          apr_uint64_t results[RESULTS])
{
    results[0] = figures->taken;
    results[1] = figures->refused;
    results[2] = figures->timeouts;
    results[3] = figures->errors;
}

void expect_store_json(json_t *root)
{
    expect_store_figures_t figures;
    apr_uint64_t results[RESULTS];
    json_t *store;
    int i;

    if (!expect_fleet_figures(&figures)) {
        return;
    }
    store_results(&figures, results);
    store = json_object();
    json_object_set_new(store, "up", json_boolean(figures.is_up));
    for (i = 0; i < RESULTS; ++i) {
        json_object_set_new(store, result_names[i],
                            json_integer((json_int_t)results[i]));
    }
    json_object_set_new(root, "store", store);
}

void expect_store_metrics(request_rec *r)
{
    static const int buckets[] = EXPECT_STORE_BUCKETS;
    expect_store_figures_t figures;
    apr_uint64_t results[RESULTS], n = 0;
    int i;

    if (!expect_fleet_figures(&figures)) {
        return;
    }
    store_results(&figures, results);
    ap_rprintf(r, "# TYPE expect_store_up gauge\n"
               "# HELP expect_store_up 1, or 0 while the store does not "
               "answer.\nexpect_store_up %d\n"
               "# TYPE expect_store_requests counter\n"
               "# HELP expect_store_requests Decisions that the store was "
               "asked for, by their result.\n", figures.is_up);
    for (i = 0; i < RESULTS; ++i) {
        ap_rprintf(r, "expect_store_requests_total{result=\"%s\"} %"
                   APR_UINT64_T_FMT "\n", result_names[i], results[i]);
    }
    ap_rputs("# TYPE expect_store_seconds histogram\n"
             "# UNIT expect_store_seconds seconds\n"
             "# HELP expect_store_seconds How long the store took to "
             "answer.\n", r);
    for (i = 0; i < EXPECT_STORE_N_BUCKETS - 1; ++i) {
        n += figures.seconds[i];
        ap_rprintf(r, "expect_store_seconds_bucket{le=\"%g\"} %"
                   APR_UINT64_T_FMT "\n", buckets[i] / 1e6, n);
    }
    n += figures.seconds[i];
    ap_rprintf(r, "expect_store_seconds_bucket{le=\"+Inf\"} %"
               APR_UINT64_T_FMT "\nexpect_store_seconds_sum %" APR_UINT64_T_FMT
               ".%06d\nexpect_store_seconds_count %" APR_UINT64_T_FMT "\n", n,
               figures.microseconds / APR_USEC_PER_SEC,
               (int)(figures.microseconds % APR_USEC_PER_SEC), n);
}

/* Not where it is: anybody may see the page whom the administrator lets. */
void expect_store_html(request_rec *r)
{
    expect_store_figures_t figures;
    apr_pool_t *p = r->pool;

    if (expect_fleet_figures(&figures)) {
        ap_rvputs(r, "<p class=\"none\">The store ",
                  figures.is_up ? "answers." : "does not answer.",
                  " It has admitted ", expect_figure_count(p, figures.taken),
                  " uploads and refused ",
                  expect_figure_count(p, figures.refused),
                  "; it did not answer ",
                  expect_figure_count(p, figures.timeouts + figures.errors),
                  " times.</p>\n", NULL);
    }
}

void expect_store_auto(request_rec *r)
{
    static const char *const names[RESULTS] = {
        "Taken", "Refused", "Timeouts", "Errors"
    };
    expect_store_figures_t figures;
    apr_uint64_t results[RESULTS];
    int i;

    if (!expect_fleet_figures(&figures)) {
        return;
    }
    store_results(&figures, results);
    ap_rprintf(r, "ExpectStoreUp: %d\n", figures.is_up);
    for (i = 0; i < RESULTS; ++i) {
        ap_rprintf(r, "ExpectStore%s: %" APR_UINT64_T_FMT "\n", names[i],
                   results[i]);
    }
}
