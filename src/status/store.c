/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What becomes of the store that several servers share, in each format.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "status/figures.h"
#include "status/store.h"

/* The names in JSON are those of the label result as well. */
const expect_figure_t expect_store_names[EXPECT_STORE_RESULTS] = {
    { .json = "taken", .auto_name = "StoreTaken" },
    { .json = "refused", .auto_name = "StoreRefused" },
    { .json = "timeout", .auto_name = "StoreTimeout" },
    { .json = "error", .auto_name = "StoreError" }
};

void expect_store_results(const expect_store_figures_t *figures,
                          apr_uint64_t results[EXPECT_STORE_RESULTS])
{
    results[0] = figures->taken;
    results[1] = figures->refused;
    results[2] = figures->timeouts;
    results[3] = figures->errors;
}

void expect_store_json(json_t *root)
{
    expect_store_figures_t figures;
    apr_uint64_t results[EXPECT_STORE_RESULTS];
    json_t *store;
    int i;

    if (!expect_fleet_figures(&figures)) {
        return;
    }
    expect_store_results(&figures, results);
    store = json_object();
    json_object_set_new(store, "up", json_boolean(figures.is_up));
    for (i = 0; i < EXPECT_STORE_RESULTS; ++i) {
        json_object_set_new(store, expect_store_names[i].json,
                            json_integer((json_int_t)results[i]));
    }
    json_object_set_new(root, "store", store);
}

/* Its URL is not shown: not everybody who may see the page has to know it. An
 * upload of unknown length is decided about several times. */
void expect_store_html(request_rec *r)
{
    expect_store_figures_t figures;
    apr_pool_t *p = r->pool;

    if (expect_fleet_figures(&figures)) {
        ap_rvputs(r, "<p class=\"none\">The store ",
                  figures.is_up ? "answers." : "does not answer.",
                  " Its decisions: ",
                  expect_figure_count(p, figures.taken), " to admit, ",
                  expect_figure_count(p, figures.refused), " to refuse; ",
                  expect_figure_count(p, figures.timeouts + figures.errors),
                  " without an answer.</p>\n", NULL);
    }
}

void expect_store_auto(request_rec *r)
{
    expect_store_figures_t figures;
    apr_uint64_t results[EXPECT_STORE_RESULTS];
    int i;

    if (!expect_fleet_figures(&figures)) {
        return;
    }
    expect_store_results(&figures, results);
    ap_rprintf(r, "ExpectStoreUp: %d\n", figures.is_up);
    for (i = 0; i < EXPECT_STORE_RESULTS; ++i) {
        ap_rprintf(r, "Expect%s: %" APR_UINT64_T_FMT "\n",
                   expect_store_names[i].auto_name, results[i]);
    }
}
