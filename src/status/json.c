/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The report in JSON: expect-status?format=json.
 */

#include <stdlib.h>

#include <jansson.h>

#include "httpd.h"
#include "http_protocol.h"

#include "apr_strings.h"

#include "judge/verdict.h"
#include "status/figures.h"
#include "status/formats.h"
#include "status/store.h"

static json_t *json_count(apr_uint64_t n)
{
    return json_integer(n > APR_INT64_MAX ? APR_INT64_MAX : (json_int_t)n);
}

static json_t *json_time(apr_pool_t *p, apr_time_t when)
{
    char *text = apr_palloc(p, sizeof("2000-01-01T00:00:00Z"));
    apr_time_exp_t exp;
    apr_size_t length;

    apr_time_exp_gmt(&exp, when);
    apr_strftime(text, &length, sizeof("2000-01-01T00:00:00Z"),
                 "%Y-%m-%dT%H:%M:%SZ", &exp);
    return json_string(text);
}

static void json_set_counts(json_t *object, const apr_uint64_t *n)
{
    int i;

    for (i = 0; i < EXPECT_N_COUNTS; ++i) {
        json_object_set_new(object, expect_figures[i].json, json_count(n[i]));
    }
}

static json_t *json_rules(const expect_report_t *report)
{
    json_t *rules = json_array();
    int i;

    for (i = 0; i < report->n_rules; ++i) {
        json_t *rule = json_object();

        json_object_set_new(rule, "rule", json_string(report->rules[i].rule));
        json_set_counts(rule, report->rules[i].n);
        json_object_del(rule, EXPECT_WORD_CONTINUE);
        json_array_append_new(rules, rule);
    }
    return rules;
}

/* Spans of time, the oldest first; each begins at a multiple of its length. */
static json_t *json_series(apr_pool_t *p, apr_time_t now, int seconds,
                           const apr_uint64_t (*values)[EXPECT_N_COUNTS],
                           int size)
{
    json_t *series = json_array();
    apr_int64_t last = apr_time_sec(now) / seconds;
    int i;

    for (i = 0; i < size; ++i) {
        apr_time_t from = apr_time_from_sec((last - size + 1 + i) * seconds);
        json_t *span = json_object();

        json_object_set_new(span, "from", json_time(p, from));
        json_set_counts(span, values[i]);
        json_array_append_new(series, span);
    }
    return series;
}

static json_t *json_events(apr_pool_t *p, const expect_report_t *report)
{
    json_t *events = json_array();
    int i;

    for (i = 0; i < report->n_events; ++i) {
        const expect_past_event_t *past = &report->events[i];
        json_t *event = json_object();

        json_object_set_new(event, "time", json_time(p, past->time));
        json_object_set_new(event, "verdict",
                            json_string(expect_figure_verdict(past)));
        json_object_set_new(event, "status", json_integer(past->status));
        json_object_set_new(event, "rule", json_string(past->rule));
        json_object_set_new(event, "method", json_string(past->method));
        json_object_set_new(event, "reason", json_string(past->reason));
        json_array_append_new(events, event);
    }
    return events;
}

static json_t *json_limit(const char *rule, apr_uint64_t uploads,
                          apr_uint64_t bytes)
{
    json_t *limit = json_object();

    json_object_set_new(limit, "rule", json_string(rule));
    json_object_set_new(limit, "in_flight", json_count(uploads));
    json_object_set_new(limit, "in_flight_bytes", json_count(bytes));
    return limit;
}

static json_t *json_limits(const expect_remembered_t *ledger)
{
    json_t *limits = json_array();
    int i;

    for (i = 0; i < ledger->n_rules; ++i) {
        const expect_in_flight_t *one = &ledger->rules[i];
        const expect_limit_t *says = one->rule->limit;
        json_t *limit = json_limit(one->rule->text, one->uploads, one->bytes);

        if (says->uploads != EXPECT_LIMIT_NONE) {
            json_object_set_new(limit, "uploads", json_integer(says->uploads));
        }
        if (says->bytes != EXPECT_LIMIT_NONE) {
            json_object_set_new(limit, "bytes", json_integer(says->bytes));
        }
        json_object_set_new(limit, "per_key",
                            json_boolean(one->rule->is_per_key));
        json_array_append_new(limits, limit);
    }
    if (ledger->other_uploads) {
        json_array_append_new(limits, json_limit(EXPECT_REMEMBERED_OTHERS,
                                                 ledger->other_uploads,
                                                 ledger->other_bytes));
    }
    return limits;
}

static void json_set_ledger(json_t *root, const expect_remembered_t *ledger)
{
    int i;

    for (i = 0; i < REMEMBERED_COUNTS; ++i) {
        json_object_set_new(root, expect_remembered_figures[i].json,
                            json_count(ledger->n[i]));
    }
    json_object_set_new(root, "ledger_keys_max", json_count(ledger->keys_max));
    json_object_set_new(root, "limits", json_limits(ledger));
}

static json_t *json_report(apr_pool_t *p, const expect_report_t *report,
                           const expect_remembered_t *ledger)
{
    json_t *root = json_object();
    json_t *totals = json_object();

    json_object_set_new(root, "counting", json_boolean(report));
    if (report) {
        json_object_set_new(root, "since", json_time(p, report->since));
        json_object_set_new(root, "now", json_time(p, report->now));
        json_set_counts(totals, report->totals);
        json_object_set(root, "totals", totals);
        json_object_set_new(root, "lingering", json_count(report->lingering));
        json_object_set_new(root, "bytes_drained",
                            json_count(report->drained));
        json_object_set_new(root, "rules", json_rules(report));
        json_object_set_new(root, "minutes",
                            json_series(p, report->now, 60, report->minutes,
                                        EXPECT_TALLY_MINUTES));
        json_object_set_new(root, "quarters",
                            json_series(p, report->now, 15 * 60,
                                        report->quarters,
                                        EXPECT_TALLY_QUARTERS));
        json_object_set_new(root, "last", json_events(p, report));
    }
    if (ledger) {
        json_set_ledger(root, ledger);
    }
    expect_store_json(root);
    json_decref(totals);
    return root;
}

int expect_status_json(request_rec *r, const expect_report_t *report,
                       const expect_remembered_t *ledger)
{
    json_t *root = json_report(r->pool, report, ledger);
    char *text = json_dumps(root, JSON_COMPACT);

    json_decref(root);
    if (!text) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "application/json");
    ap_rvputs(r, text, "\n", NULL);
    free(text);
    return OK;
}
