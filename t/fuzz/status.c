/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The counters are shown for any bytes of clients: the JSON can be parsed, each
 * line of OpenMetrics has its form, and text of others stays text in the page.
 *
 * Lines: a letter, and the rule, the method and the sentence of a decision,
 * with tabs between.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fuzz.h"

#include "http_protocol.h"
#include "util_filter.h"

#include "apr_buckets.h"
#include "apr_lib.h"
#include "apr_strings.h"

#include "count/counters.h"
#include "status/serve.h"

#define START (apr_time_from_sec(900) * 2000000)

/* The linker puts this in the place of counters.c's. */
const expect_report_t *__wrap_expect_counters_report(apr_pool_t *p);

static const expect_report_t *shown;

const expect_report_t *__wrap_expect_counters_report(apr_pool_t *p)
{
    (void)p;
    return shown;
}

/* --- counting ------------------------------------------------------------ */

static const expect_report_t *report_of(apr_pool_t *p, const char *text)
{
    expect_tally_t *tally = apr_pcalloc(p, expect_tally_size());
    expect_report_t *report = apr_palloc(p, sizeof(*report));
    char *rest = apr_pstrdup(p, text);
    apr_time_t now = START;

    expect_tally_init(tally, START);
    while (rest) {
        expect_event_t event = { 0 };
        char *line = fuzz_line(&rest);
        char *last = NULL;

        now += apr_time_from_sec(line[0] ? 7 * (line[0] % 32) : 0);
        event.time = now;
        event.decision = (unsigned char)line[0] % (EXPECT_N_WOULD_CUT + 1);
        event.status = 400 + line[0] % 32;
        event.bytes = (apr_int64_t)strlen(line) * 1000003;
        event.waited = line[0] % 2;
        event.rule = line[0] ? apr_strtok(line + 1, "\t", &last) : NULL;
        event.method = event.rule ? apr_strtok(NULL, "\t", &last) : NULL;
        event.reason = event.method ? last : NULL;
        if (event.reason || event.decision == EXPECT_N_CONTINUE) {
            expect_tally_count(tally, &event);
        }
    }
    expect_tally_read(report, tally, now);
    return report;
}

/* --- showing ------------------------------------------------------------- */

static apr_status_t capture(ap_filter_t *f, apr_bucket_brigade *bb)
{
    return ap_save_brigade(f, (apr_bucket_brigade **)&f->ctx, &bb,
                           f->r->pool);
}

/* The answer of the handler. */
static const char *show(fuzz_input_t *in, const char *format)
{
    static ap_filter_rec_t *filter;
    request_rec *r = fuzz_request(in);
    apr_bucket_brigade *bb;
    ap_filter_t *f;
    apr_size_t length;
    char *body;

    if (!filter) {
        filter = ap_register_output_filter("FUZZ_CAPTURE", capture, NULL,
                                           AP_FTYPE_CONTENT_SET);
    }
    r->output_filters = r->proto_output_filters = NULL;
    f = ap_add_output_filter_handle(filter, NULL, r, r->connection);
    r->method_number = M_GET;
    r->handler = "expect-status";
    r->args = apr_pstrcat(r->pool, "format=", format, NULL);
    MUST(ap_run_handler(r) == OK, format);
    bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    ap_pass_brigade(r->output_filters, bb);
    MUST(apr_brigade_pflatten(f->ctx, &body, &length, r->pool)
         == APR_SUCCESS, format);
    body = apr_pstrmemdup(in->pool, body, length);
    apr_brigade_destroy(f->ctx);
    apr_pool_destroy(r->pool);
    return body;
}

/* --- the forms ----------------------------------------------------------- */

static void check_json(const char *text, const expect_report_t *report)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *last = json_object_get(root, "last");
    int i;

    MUST(json_is_object(root), text);
    MUST((int)json_array_size(last) == report->n_events, text);
    for (i = 0; i < report->n_events; ++i) {
        const char *reason = json_string_value(
            json_object_get(json_array_get(last, i), "reason"));

        MUST(reason && !strcmp(reason, report->events[i].reason), text);
    }
    json_decref(root);
}

/* name{label="value",...} number */
static int is_sample(const char *line)
{
    line += strspn(line, "abcdefghijklmnopqrstuvwxyz_");
    if (*line == '{') {
        do {
            ++line;
            line += strspn(line, "abcdefghijklmnopqrstuvwxyz_");
            if (line[0] != '=' || line[1] != '"') {
                return 0;
            }
            for (line += 2; *line && *line != '"'; ++line) {
                if (*line == '\\' && !strchr("\\\"n", *++line)) {
                    return 0;
                }
            }
            line += *line == '"';
        } while (*line == ',');
        if (*line++ != '}') {
            return 0;
        }
    }
    return *line == ' ' && apr_isdigit(line[1])
           && strspn(line + 1, "0123456789") == strlen(line + 1);
}

static void check_openmetrics(apr_pool_t *p, const char *text)
{
    char *rest = apr_pstrdup(p, text);
    const char *line = "";

    while (rest && *rest) {
        line = fuzz_line(&rest);
        MUST(*line == '#' || is_sample(line), line);
    }
    MUST(!strcmp(line, "# EOF"), text);
}

/* Characters with a meaning in HTML, and letters without one. */
static const char marks[] = "<>&\"'", letters[] = "~`^|}";

static int count(const char *text, char c)
{
    int n = 0;

    for (; *text; ++text) {
        n += *text == c;
    }
    return n;
}

static void check_page(const char *page, const char *harmless)
{
    MUST(count(page, '<') == count(harmless, '<'), page);
    MUST(count(page, '>') == count(harmless, '>'), page);
    MUST(count(page, '"') == count(harmless, '"'), page);
}

/* The text with its marks made letters; but for those that begin a line. */
static const char *make_harmless(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text);
    char *c;

    for (c = copy; *c; ++c) {
        if (strchr(marks, *c) && c > copy && c[-1] != '\n') {
            *c = letters[strchr(marks, *c) - marks];
        }
    }
    return copy;
}

/* Pages cost milliseconds: not for each input. */
void fuzz_status(fuzz_input_t *in)
{
    const char *page;

    if (strpbrk(in->text, letters)) {
        return;
    }
    shown = report_of(in->pool, in->text);
    if (in->size % 2) {
        check_json(show(in, "json"), shown);
        check_openmetrics(in->pool, show(in, "openmetrics"));
        return;
    }
    page = show(in, "html");
    shown = report_of(in->pool, make_harmless(in->pool, in->text));
    check_page(page, show(in, "html"));
}
