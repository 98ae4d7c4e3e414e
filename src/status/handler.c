/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What was counted, shown. All text in a report is valid UTF-8 without control
 * characters: each form has only to escape what means something in it.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_status.h"
#include "util_script.h"

#include "apr_general.h"
#include "apr_optional_hooks.h"
#include "apr_strings.h"

#include "count/counters.h"
#include "base/quote.h"
#include "answer/enforce.h"
#include "answer/notes.h"
#include "status/handler.h"
#include "status/html.h"

APLOG_USE_MODULE(expect);

#define NONCE_BYTES 16

/* A new nonce lets exactly this response's own style and script run. */
#define POLICY "default-src 'none'; style-src 'nonce-%s'; " \
    "script-src 'nonce-%s'; img-src data:; connect-src 'self'; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* What is shown, in each of its forms. */
static const struct {
    expect_count_e count;
    const char *json;
    const char *automatic;
    const char *title;
    int is_bytes;
} rows[] = {
    { EXPECT_N_CONTINUE, EXPECT_WORD_CONTINUE, "Admitted", "Admitted", 0 },
    { EXPECT_N_REFUSE, EXPECT_WORD_REFUSE, "Refused", "Refused", 0 },
    { EXPECT_N_DETECT, EXPECT_WORD_DETECT, "Detected", "Would be refused",
      0 },
    { EXPECT_N_CUT_OFF, "cut_off", "CutOff", "Cut off", 0 },
    { EXPECT_N_WOULD_CUT, "would_cut_off", "WouldCutOff", "Would be cut off",
      0 },
    { EXPECT_N_BYTES_SPARED, "bytes_spared", "BytesSpared",
      "Not sent by clients that waited", 1 },
    { EXPECT_N_BYTES_REFUSED, "bytes_refused", "BytesRefused", "Refused content",
      1 },
    { EXPECT_N_BYTES_CUT_OFF, "bytes_cut_off", "BytesCutOff", "Read of content cut off",
      1 }
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- JSON ---------------------------------------------------------------- */

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
    apr_size_t i;

    for (i = 0; i < ROWS; ++i) {
        json_object_set_new(object, rows[i].json,
                            json_count(n[rows[i].count]));
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

/* Spans of time, oldest first; each begins at a multiple of its length. */
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

/* The verdict of the request in the end, as its note names it. */
static const char *event_verdict(const expect_past_event_t *event)
{
    return event->what == EXPECT_N_DETECT || event->what == EXPECT_N_WOULD_CUT
               ? EXPECT_WORD_DETECT : EXPECT_WORD_REFUSE;
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
                            json_string(event_verdict(past)));
        json_object_set_new(event, "status", json_integer(past->status));
        json_object_set_new(event, "rule", json_string(past->rule));
        json_object_set_new(event, "method", json_string(past->method));
        json_object_set_new(event, "reason", json_string(past->reason));
        json_array_append_new(events, event);
    }
    return events;
}

static json_t *json_report(apr_pool_t *p, const expect_report_t *report)
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
    json_decref(totals);
    return root;
}

static int write_json(request_rec *r, const expect_report_t *report)
{
    json_t *root = json_report(r->pool, report);
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

/* --- OpenMetrics --------------------------------------------------------- */

/* A label's value: backslash, quote and line feed are written with a
 * backslash; a line feed is not in it. */
static const char *label(apr_pool_t *p, const char *text)
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

static void write_family(request_rec *r, const char *name, const char *type,
                         const char *help)
{
    ap_rprintf(r, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void write_sample(request_rec *r, const char *name,
                         const char *verdict, const char *rule,
                         apr_uint64_t n)
{
    ap_rprintf(r, "%s_total{verdict=\"%s\",rule=\"%s\"} %" APR_UINT64_T_FMT
               "\n", name, verdict, label(r->pool, rule), n);
}

/* Two counts of each rule, by verdict. */
static void write_rules(request_rec *r, const expect_report_t *report,
                        const char *name, expect_count_e refuse,
                        expect_count_e detect)
{
    int i;

    for (i = 0; i < report->n_rules; ++i) {
        const expect_rule_count_t *rule = &report->rules[i];

        if (rule->n[refuse]) {
            write_sample(r, name, EXPECT_WORD_REFUSE, rule->rule,
                         rule->n[refuse]);
        }
        if (rule->n[detect]) {
            write_sample(r, name, EXPECT_WORD_DETECT, rule->rule,
                         rule->n[detect]);
        }
    }
}

static void write_total(request_rec *r, const char *name, const char *help,
                        apr_uint64_t n)
{
    write_family(r, name, "counter", help);
    ap_rprintf(r, "%s_total %" APR_UINT64_T_FMT "\n", name, n);
}

static void write_counters(request_rec *r, const expect_report_t *report)
{
    write_family(r, "expect_requests", "counter",
                 "Requests with content that were judged, by verdict and by "
                 "the rule that refused.");
    write_sample(r, "expect_requests", EXPECT_WORD_CONTINUE, "",
                 report->totals[EXPECT_N_CONTINUE]);
    write_rules(r, report, "expect_requests", EXPECT_N_REFUSE,
                EXPECT_N_DETECT);
    write_family(r, "expect_cut_off", "counter",
                 "Admitted requests whose content of unknown length went over "
                 "its max.");
    write_rules(r, report, "expect_cut_off", EXPECT_N_CUT_OFF,
                EXPECT_N_WOULD_CUT);
    write_total(r, "expect_bytes_spared",
                "Content announced by refused requests whose client waited "
                "for 100 Continue.", report->totals[EXPECT_N_BYTES_SPARED]);
    write_total(r, "expect_bytes_refused",
                "Content announced by refused requests.",
                report->totals[EXPECT_N_BYTES_REFUSED]);
    write_total(r, "expect_bytes_cut_off",
                "Content read of requests that were then cut off.",
                report->totals[EXPECT_N_BYTES_CUT_OFF]);
    write_total(r, "expect_bytes_drained",
                "Content that refused clients went on sending, and that was "
                "thrown away.", report->drained);
    write_family(r, "expect_lingering", "gauge",
                 "Refused connections whose client may still send.");
    ap_rprintf(r, "expect_lingering %" APR_UINT64_T_FMT "\n",
               report->lingering);
    write_family(r, "expect_start_time_seconds", "gauge",
                 "When counting began, in seconds since 1970.");
    ap_rprintf(r, "expect_start_time_seconds %" APR_TIME_T_FMT "\n",
               apr_time_sec(report->since));
}

static int write_openmetrics(request_rec *r, const expect_report_t *report)
{
    ap_set_content_type(r, "application/openmetrics-text; version=1.0.0; "
                        "charset=utf-8");
    write_family(r, "expect_counting", "gauge",
                 "1, or 0 if there is no shared memory to count in.");
    ap_rprintf(r, "expect_counting %d\n", report != NULL);
    if (report) {
        write_counters(r, report);
    }
    ap_rputs("# EOF\n", r);
    return OK;
}

/* --- the handler --------------------------------------------------------- */

static int write_page(request_rec *r, const expect_report_t *report)
{
    unsigned char bytes[NONCE_BYTES];
    char *nonce = apr_palloc(r->pool, 2 * NONCE_BYTES + 1);

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_bin2hex(bytes, sizeof(bytes), nonce);
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   apr_psprintf(r->pool, POLICY, nonce, nonce));
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    ap_set_content_type(r, "text/html; charset=utf-8");
    expect_status_page(r, report, nonce);
    return OK;
}

/* --- whose page it is ----------------------------------------------------- */

/* The request with no .htaccess read: those that were found count as empty. */
static const struct htaccess_result *
no_htaccess(apr_pool_t *p, const struct htaccess_result *found)
{
    struct htaccess_result *empty;

    if (!found) {
        return NULL;
    }
    empty = apr_pmemdup(p, found, sizeof(*found));
    empty->htaccess = NULL;
    empty->next = no_htaccess(p, found->next);
    return empty;
}

static int has_htaccess(const struct htaccess_result *found)
{
    for (; found; found = found->next) {
        if (found->htaccess) {
            return 1;
        }
    }
    return 0;
}

static request_rec *copy_without_htaccess(request_rec *r)
{
    request_rec *rr = apr_pmemdup(r->pool, r, sizeof(*r));
    conn_rec *c = r->connection;

    /* httpd's walks would take up those of the request that led here, with its
     * .htaccess merged in */
    rr->prev = rr->main = NULL;
    rr->request_config = ap_create_request_config(r->pool);
    rr->per_dir_config = r->server->lookup_defaults;
    rr->htaccess = no_htaccess(r->pool, r->htaccess);
    rr->subprocess_env = apr_table_copy(r->pool, r->subprocess_env);
    rr->notes = apr_table_make(r->pool, 5);
    rr->headers_in = apr_table_copy(r->pool, r->headers_in);
    rr->headers_out = apr_table_make(r->pool, 5);
    rr->err_headers_out = apr_table_make(r->pool, 5);
    rr->proto_output_filters = rr->output_filters = c->output_filters;
    rr->proto_input_filters = rr->input_filters = c->input_filters;
    rr->handler = NULL;
    rr->content_type = NULL;
    ap_run_create_request(rr);
    if (r->filename) {
        /* the walk finds the file again, from the whole path */
        rr->filename = apr_pstrcat(r->pool, r->filename, r->path_info, NULL);
        rr->path_info = NULL;
        rr->finfo.filetype = APR_NOFILE;
    }
    return rr;
}

/* Of SetHandler, else of AddHandler: as core, which asks when other modules'
 * fixups run, and they are not to run twice. */
static const char *handler_of(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *err = NULL;
    const char *handler = core->handler;

    if (core->expr_handler) {
        handler = ap_expr_str_exec(r, core->expr_handler, &err);
    }
    if (err) {
        return NULL;
    }
    if (handler && strcmp(handler, "none")) {
        return handler;
    }
    ap_run_type_checker(r);
    return r->handler;
}

/*
 * Whether the server's configuration leads here by itself. A tenant has many
 * ways to name a handler, and all of them begin in an .htaccess: so where one
 * was read, the sections are merged again without it, and have to name this
 * handler, too.
 */
static int is_placed_by_server(request_rec *r)
{
    request_rec *rr;
    const char *handler;

    if (!has_htaccess(r->htaccess)) {
        return 1;
    }
    rr = copy_without_htaccess(r);
    if ((rr->filename
         && (ap_directory_walk(rr) != OK || ap_file_walk(rr) != OK))
        || ap_location_walk(rr) != OK || ap_if_walk(rr) != OK
        || has_htaccess(rr->htaccess)) {
        return 0;
    }
    handler = handler_of(rr);
    return handler && !strcmp(handler, EXPECT_STATUS_HANDLER);
}

int expect_status_answer(request_rec *r)
{
    static const struct {
        const char *name;
        int (*write)(request_rec *r, const expect_report_t *report);
    } formats[] = {
        { "", write_page }, { "html", write_page }, { "json", write_json },
        { "openmetrics", write_openmetrics }
    };
    apr_table_t *args;
    const char *format;
    apr_size_t i;

    if (!is_placed_by_server(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "expect: " EXPECT_STATUS_HANDLER " is not served at %s: "
                      "an .htaccess names this handler; SetHandler and "
                      "AddHandler are accepted in the server's configuration",
                      expect_quoted_path(r->pool, r->uri));
        return HTTP_NOT_FOUND;
    }
    if (r->method_number != M_GET) {
        ap_allow_standard_methods(r, REPLACE_ALLOW, M_GET, -1);
        return HTTP_METHOD_NOT_ALLOWED;
    }
    ap_args_to_table(r, &args);
    format = apr_table_get(args, "format");
    for (i = 0; i < sizeof(formats) / sizeof(formats[0]); ++i) {
        if (!strcmp(format ? format : "", formats[i].name)) {
            apr_table_setn(r->headers_out, "Cache-Control", "no-store");
            apr_table_setn(r->headers_out, "X-Content-Type-Options",
                           "nosniff");
            return formats[i].write(r, expect_counters_report(r->pool));
        }
    }
    return HTTP_BAD_REQUEST;
}

/* --- mod_status ---------------------------------------------------------- */

static void write_auto(request_rec *r, const expect_report_t *report)
{
    apr_size_t i;

    for (i = 0; i < ROWS; ++i) {
        ap_rprintf(r, "Expect%s: %" APR_UINT64_T_FMT "\n",
                   rows[i].automatic, report->totals[rows[i].count]);
    }
    ap_rprintf(r, "ExpectBytesDrained: %" APR_UINT64_T_FMT "\n"
               "ExpectLingering: %" APR_UINT64_T_FMT "\n", report->drained,
               report->lingering);
}

static void write_block(request_rec *r, const expect_report_t *report)
{
    apr_size_t i;

    ap_rputs("<hr />\n<h2>mod_expect</h2>\n", r);
    if (!report) {
        ap_rputs("<p>Nothing is counted: there is no shared memory.</p>\n",
                 r);
        return;
    }
    ap_rputs("<dl>\n", r);
    for (i = 0; i < ROWS; ++i) {
        apr_uint64_t n = report->totals[rows[i].count];

        ap_rprintf(r, "<dt>%s: %s</dt>\n", rows[i].title,
                   rows[i].is_bytes
                       ? expect_bytes_text(r->pool, n)
                       : apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, n));
    }
    ap_rprintf(r, "<dt>Thrown away: %s</dt>\n<dt>Lingering: %"
               APR_UINT64_T_FMT "</dt>\n",
               expect_bytes_text(r->pool, report->drained),
               report->lingering);
    ap_rputs("</dl>\n", r);
}

static int expect_status_hook(request_rec *r, int flags)
{
    const expect_report_t *report = expect_counters_report(r->pool);

    if (!(flags & AP_STATUS_SHORT)) {
        write_block(r, report);
    }
    else if (report) {
        write_auto(r, report);
    }
    return OK;
}

void expect_status_register(void)
{
    /* mod_status may not be loaded */
    APR_OPTIONAL_HOOK(ap, status_hook, expect_status_hook, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
