/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The report in OpenMetrics 1.0: expect-status?format=openmetrics.
 */

#include <string.h>

#include "httpd.h"
#include "http_protocol.h"

#include "apr_strings.h"

#include "judge/verdict.h"
#include "status/formats.h"
#include "status/store.h"

/* A label's value: backslash and quote are written with a backslash. The format
 * wants the same of a line feed, which no text of a report has. */
static const char *metric_label(apr_pool_t *p, const char *text)
{
    char *escaped = apr_palloc(p, 2 * strlen(text) + 1);
    char *to = escaped;

    for (; *text; ++text) {
        if (*text == '\\' || *text == '"') {
            *to++ = '\\';
        }
        *to++ = *text;
    }
    *to = '\0';
    return escaped;
}

static void metric_family(request_rec *r, const char *name, const char *type,
                          const char *help)
{
    ap_rprintf(r, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void metric_sample(request_rec *r, const char *name,
                          const char *verdict, const char *rule,
                          apr_uint64_t n)
{
    ap_rprintf(r, "%s_total{verdict=\"%s\",rule=\"%s\"} %" APR_UINT64_T_FMT
               "\n", name, verdict, metric_label(r->pool, rule), n);
}

/* Two counts of each rule, by verdict. */
static void metric_rules(request_rec *r, const expect_report_t *report,
                         const char *name, expect_count_e refuse,
                         expect_count_e detect)
{
    int i;

    for (i = 0; i < report->n_rules; ++i) {
        const expect_rule_count_t *rule = &report->rules[i];

        if (rule->n[refuse]) {
            metric_sample(r, name, EXPECT_WORD_REFUSE, rule->rule,
                          rule->n[refuse]);
        }
        if (rule->n[detect]) {
            metric_sample(r, name, EXPECT_WORD_DETECT, rule->rule,
                          rule->n[detect]);
        }
    }
}

static void metric_total(request_rec *r, const char *name, const char *help,
                         apr_uint64_t n)
{
    metric_family(r, name, "counter", help);
    ap_rprintf(r, "%s_total %" APR_UINT64_T_FMT "\n", name, n);
}

static void metric_counters(request_rec *r, const expect_report_t *report)
{
    metric_family(r, "expect_requests", "counter",
                  "Requests with content that were judged, by verdict and by "
                  "the rule that refused.");
    metric_sample(r, "expect_requests", EXPECT_WORD_CONTINUE, "",
                  report->totals[EXPECT_N_CONTINUE]);
    metric_rules(r, report, "expect_requests", EXPECT_N_REFUSE,
                 EXPECT_N_DETECT);
    metric_family(r, "expect_cut_off", "counter",
                  "Admitted requests whose content of unknown length went over "
                  "its max.");
    metric_rules(r, report, "expect_cut_off", EXPECT_N_CUT_OFF,
                 EXPECT_N_WOULD_CUT);
    metric_total(r, "expect_bytes_spared",
                 "Content announced by refused requests whose client waited "
                 "for 100 Continue.", report->totals[EXPECT_N_BYTES_SPARED]);
    metric_total(r, "expect_bytes_refused",
                 "Content announced by refused requests.",
                 report->totals[EXPECT_N_BYTES_REFUSED]);
    metric_total(r, "expect_bytes_cut_off",
                 "Content read of requests that were then cut off.",
                 report->totals[EXPECT_N_BYTES_CUT_OFF]);
    metric_total(r, "expect_bytes_drained",
                 "Content that refused clients went on sending, and that was "
                 "thrown away.", report->drained);
    metric_family(r, "expect_lingering", "gauge",
                  "Refused connections whose client may still send.");
    ap_rprintf(r, "expect_lingering %" APR_UINT64_T_FMT "\n",
               report->lingering);
    metric_family(r, "expect_start_time_seconds", "gauge",
                  "When counting began, in seconds since 1970.");
    ap_rprintf(r, "expect_start_time_seconds %" APR_TIME_T_FMT "\n",
               apr_time_sec(report->since));
}

static void metric_ledger(request_rec *r, const expect_remembered_t *ledger)
{
    const apr_uint64_t *n = ledger->n;

    metric_family(r, "expect_in_flight", "gauge",
                  "Uploads in flight, each once for each rule in-flight.");
    ap_rprintf(r, "expect_in_flight %" APR_UINT64_T_FMT "\n",
               n[REMEMBERED_IN_FLIGHT]);
    metric_family(r, "expect_in_flight_bytes", "gauge",
                  "Content that these have announced, or sent so far if its "
                  "length is unknown.");
    ap_rprintf(r, "expect_in_flight_bytes %" APR_UINT64_T_FMT "\n",
               n[REMEMBERED_IN_FLIGHT_BYTES]);
    metric_total(r, "expect_reserved_bytes",
                 "Content reserved by in-flight and quota.",
                 n[REMEMBERED_RESERVED]);
    metric_total(r, "expect_refunded_bytes",
                 "Content reserved, not received, and given back.",
                 n[REMEMBERED_REFUNDED]);
    metric_family(r, "expect_ledger_keys", "gauge",
                  "Keys that the ledger remembers.");
    ap_rprintf(r, "expect_ledger_keys %" APR_UINT64_T_FMT "\n",
               n[REMEMBERED_KEYS]);
    metric_total(r, "expect_ledger_full",
                 "Uploads admitted under a record that new keys share, because "
                 "the ledger was full.", n[REMEMBERED_FULL]);
}

/* "0.0005", from microseconds. */
static const char *metric_seconds(apr_pool_t *p, int microseconds)
{
    char *text = apr_psprintf(p, "%d.%06d",
                              (int)(microseconds / APR_USEC_PER_SEC),
                              (int)(microseconds % APR_USEC_PER_SEC));
    apr_size_t length = strlen(text);

    while (text[length - 1] == '0' && text[length - 2] != '.') {
        text[--length] = '\0';
    }
    return text;
}

static void metric_store_seconds(request_rec *r,
                                 const expect_store_figures_t *figures)
{
    static const int buckets[] = EXPECT_STORE_BUCKETS;
    apr_uint64_t n = 0;
    int i;

    metric_family(r, "expect_store_seconds", "histogram",
                  "How long the store took to answer, in seconds.");
    for (i = 0; i < EXPECT_STORE_N_BUCKETS - 1; ++i) {
        n += figures->seconds[i];
        ap_rprintf(r, "expect_store_seconds_bucket{le=\"%s\"} %"
                   APR_UINT64_T_FMT "\n", metric_seconds(r->pool, buckets[i]),
                   n);
    }
    n += figures->seconds[i];
    ap_rprintf(r, "expect_store_seconds_bucket{le=\"+Inf\"} %"
               APR_UINT64_T_FMT "\nexpect_store_seconds_sum %" APR_UINT64_T_FMT
               ".%06d\nexpect_store_seconds_count %" APR_UINT64_T_FMT "\n", n,
               figures->microseconds / APR_USEC_PER_SEC,
               (int)(figures->microseconds % APR_USEC_PER_SEC), n);
}

static void metric_store(request_rec *r, const expect_store_figures_t *figures)
{
    apr_uint64_t results[EXPECT_STORE_RESULTS];
    int i;

    metric_family(r, "expect_store_up", "gauge",
                  "1, or 0 while the store does not answer.");
    ap_rprintf(r, "expect_store_up %d\n", figures->is_up);
    metric_family(r, "expect_store_requests", "counter",
                  "Decisions that the store was asked for, by their result.");
    expect_store_results(figures, results);
    for (i = 0; i < EXPECT_STORE_RESULTS; ++i) {
        ap_rprintf(r, "expect_store_requests_total{result=\"%s\"} %"
                   APR_UINT64_T_FMT "\n", expect_store_names[i].json,
                   results[i]);
    }
    metric_store_seconds(r, figures);
}

int expect_status_openmetrics(request_rec *r, const expect_report_t *report,
                              const expect_remembered_t *ledger)
{
    expect_store_figures_t figures;

    ap_set_content_type(r, "application/openmetrics-text; version=1.0.0; "
                        "charset=utf-8");
    metric_family(r, "expect_counting", "gauge",
                  "1, or 0 if there is no shared memory to count in.");
    ap_rprintf(r, "expect_counting %d\n", report != NULL);
    if (report) {
        metric_counters(r, report);
    }
    if (ledger) {
        metric_ledger(r, ledger);
    }
    if (expect_fleet_figures(&figures)) {
        metric_store(r, &figures);
    }
    ap_rputs("# EOF\n", r);
    return OK;
}
