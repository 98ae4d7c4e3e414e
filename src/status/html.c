/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The status page in HTML.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "apr_general.h"
#include "apr_strings.h"

#include "status/figures.h"
#include "status/formats.h"
#include "status/html.h"

#define NONCE_BYTES 16

/* A new nonce lets only this response's own style and script run. */
#define POLICY "default-src 'none'; style-src 'nonce-%s'; " \
    "script-src 'nonce-%s'; img-src data:; connect-src 'self'; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* --- the parts ----------------------------------------------------------- */

static int page_same_day(apr_time_t a, apr_time_t b)
{
    apr_time_exp_t x, y;

    apr_time_exp_lt(&x, a);
    apr_time_exp_lt(&y, b);
    return x.tm_yday == y.tm_yday && x.tm_year == y.tm_year;
}

static void page_time(request_rec *r, apr_time_t when, apr_time_t now)
{
    ap_rprintf(r, "<time datetime=\"%s\">%s</time>",
               expect_figure_time(r->pool, when, "%Y-%m-%dT%H:%M:%S%z"),
               expect_figure_time(r->pool, when, page_same_day(when, now)
                                            ? "%H:%M:%S" : "%b %d, %H:%M"));
}

static void page_tile(request_rec *r, const char *kind, const char *figure,
                      const char *label)
{
    ap_rprintf(r, "<div class=\"card tile %s\"><b>%s</b>"
               "<span class=\"soft\">%s</span></div>\n", kind, figure, label);
}

static const char *page_refused_text(apr_pool_t *p, const apr_uint64_t *n)
{
    apr_uint64_t judged = n[EXPECT_N_CONTINUE] + n[EXPECT_N_REFUSE]
                          + n[EXPECT_N_DETECT];

    return judged ? apr_psprintf(p, "refused, %.1f %%",
                                 100.0 * (double)n[EXPECT_N_REFUSE]
                                     / (double)judged)
                  : "refused";
}

static void page_tiles(request_rec *r, const expect_report_t *report)
{
    const apr_uint64_t *n = report->totals;
    apr_uint64_t detected = n[EXPECT_N_DETECT] + n[EXPECT_N_WOULD_CUT];
    const char *cut_off = "cut off over their max";
    const char *lingering = "refused, lingering";
    apr_pool_t *p = r->pool;

    if (n[EXPECT_N_BYTES_CUT_OFF]) {
        cut_off = apr_pstrcat(p, "cut off, after ",
                              expect_figure_bytes(p,
                                                  n[EXPECT_N_BYTES_CUT_OFF]),
                              NULL);
    }
    if (report->drained) {
        lingering = apr_pstrcat(p, "refused, lingering; ",
                                expect_figure_bytes(p, report->drained),
                                " thrown away", NULL);
    }
    ap_rputs("<div class=\"grid tiles\">\n", r);
    page_tile(r, "yes", expect_figure_count(p, n[EXPECT_N_CONTINUE]),
              "admitted");
    page_tile(r, "no", expect_figure_count(p, n[EXPECT_N_REFUSE]),
              page_refused_text(p, n));
    if (detected) {
        page_tile(r, "would", expect_figure_count(p, detected),
                  "would be refused");
    }
    page_tile(r, "gain", expect_figure_bytes(p, n[EXPECT_N_BYTES_SPARED]),
              "spared: refused, and not sent");
    page_tile(r, "", expect_figure_bytes(p, n[EXPECT_N_BYTES_REFUSED]),
              "announced and refused in all");
    page_tile(r, "", expect_figure_count(p, n[EXPECT_N_CUT_OFF]), cut_off);
    page_tile(r, "", expect_figure_count(p, report->lingering), lingering);
    ap_rputs("</div>\n", r);
}

/* --- rules and refusals -------------------------------------------------- */

/* A bar for the share of this rule in all refusals. */
static void page_share(request_rec *r, const apr_uint64_t *n,
                       const apr_uint64_t *totals)
{
    double all = (double)(totals[EXPECT_N_REFUSE] + totals[EXPECT_N_DETECT]
                          + totals[EXPECT_N_CUT_OFF]
                          + totals[EXPECT_N_WOULD_CUT]);
    double no = (double)(n[EXPECT_N_REFUSE] + n[EXPECT_N_CUT_OFF]) / all;
    double would = (double)(n[EXPECT_N_DETECT] + n[EXPECT_N_WOULD_CUT]) / all;
    double gap = no > 0 && would > 0.01 ? 0.005 : 0;

    ap_rprintf(r, "<svg viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\" "
               "aria-hidden=\"true\"><rect class=\"rest\" width=\"1\" "
               "height=\"1\"/><rect class=\"no\" width=\"%.4f\" height=\"1\""
               "/><rect class=\"would\" x=\"%.4f\" width=\"%.4f\" "
               "height=\"1\"/></svg>", no, no + gap, would - gap);
}

static void page_cell(request_rec *r, apr_uint64_t all, apr_uint64_t n)
{
    if (all) {
        ap_rprintf(r, "<td>%s</td>", expect_figure_count(r->pool, n));
    }
}

/* Columns that are empty for all rules are left out. */
static void page_rule(request_rec *r, const expect_rule_count_t *rule,
                      const apr_uint64_t *totals)
{
    const apr_uint64_t *n = rule->n;
    apr_pool_t *p = r->pool;

    ap_rprintf(r, "<tr><td>%s", ap_escape_html(p, rule->rule));
    page_share(r, n, totals);
    ap_rprintf(r, "</td><td>%s</td>",
               expect_figure_count(p, n[EXPECT_N_REFUSE]));
    page_cell(r, totals[EXPECT_N_DETECT] + totals[EXPECT_N_WOULD_CUT],
              n[EXPECT_N_DETECT] + n[EXPECT_N_WOULD_CUT]);
    page_cell(r, totals[EXPECT_N_CUT_OFF], n[EXPECT_N_CUT_OFF]);
    ap_rprintf(r, "<td>%s</td></tr>\n",
               expect_figure_bytes(p, n[EXPECT_N_BYTES_SPARED]));
}

#define TH "<th scope=\"col\">"

static void page_rules(request_rec *r, const expect_report_t *report)
{
    const apr_uint64_t *n = report->totals;
    int i;

    ap_rputs("<section class=\"card\"><h2>Rules that refuse most</h2>\n", r);
    if (!report->n_rules) {
        ap_rputs("<p class=\"none\">No rule has refused anything yet.</p>"
                 "</section>\n", r);
        return;
    }
    ap_rvputs(r, "<table><thead><tr>" TH "Rule</th>" TH "Refused</th>",
              (n[EXPECT_N_DETECT] + n[EXPECT_N_WOULD_CUT])
                  ? TH "Would refuse</th>" : "",
              n[EXPECT_N_CUT_OFF] ? TH "Cut off</th>" : "",
              TH "Spared</th></tr></thead>\n<tbody>\n", NULL);
    for (i = 0; i < report->n_rules; ++i) {
        page_rule(r, &report->rules[i], n);
    }
    ap_rputs("</tbody></table></section>\n", r);
}

static void page_event(request_rec *r, const expect_past_event_t *event,
                       apr_time_t now)
{
    static const char *const tags[] = {
        [EXPECT_N_REFUSE] = "",
        [EXPECT_N_DETECT] = "would be ",
        [EXPECT_N_CUT_OFF] = "cut off ",
        [EXPECT_N_WOULD_CUT] = "would be cut off "
    };
    int would = event->decision == EXPECT_N_DETECT
                || event->decision == EXPECT_N_WOULD_CUT;

    ap_rputs("<li><p class=\"head\">", r);
    page_time(r, event->time, now);
    ap_rprintf(r, "<span class=\"tag%s\">%s%u</span>"
               "<b>%s</b><span class=\"soft\">%s</span></p><p>%s</p></li>\n",
               would ? " would" : "", tags[event->decision], event->status,
               ap_escape_html(r->pool, event->rule),
               ap_escape_html(r->pool, event->method),
               ap_escape_html(r->pool, event->reason));
}

static void page_events(request_rec *r, const expect_report_t *report)
{
    int i;

    ap_rputs("<section class=\"card\"><h2>Last refusals</h2>\n", r);
    if (!report->n_events) {
        ap_rputs("<p class=\"none\">None yet.</p></section>\n", r);
        return;
    }
    ap_rputs("<ul>\n", r);
    for (i = 0; i < report->n_events; ++i) {
        page_event(r, &report->events[i], report->now);
    }
    ap_rputs("</ul></section>\n", r);
}

/* --- the page ------------------------------------------------------------ */

static void page_main(request_rec *r, const expect_report_t *report,
                      const expect_remembered_t *ledger)
{
    ap_rputs("<main>\n<header><h1>mod_expect</h1>", r);
    if (!report) {
        ap_rputs("</header>\n<p class=\"card\">Nothing is counted: there is "
                 "no shared memory. Requests are judged all the same.</p>\n"
                 "</main>\n", r);
        return;
    }
    ap_rprintf(r, "<span class=\"soft\">since %s; now %s</span></header>\n",
               expect_figure_time(r->pool, report->since, "%b %d, %H:%M"),
               expect_figure_time(r->pool, report->now, "%H:%M:%S %z"));
    page_tiles(r, report);
    expect_html_plots(r, report);
    ap_rputs("<div class=\"grid lists\">\n", r);
    if (ledger && ledger->is_used) {
        expect_html_flight(r, ledger);
    }
    page_rules(r, report);
    page_events(r, report);
    ap_rputs("</div>\n</main>\n", r);
}

static void page_write(request_rec *r, const expect_report_t *report,
                       const expect_remembered_t *ledger, const char *nonce)
{
    ap_rvputs(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
              "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
              "content=\"width=device-width,initial-scale=1\">\n"
              "<title>mod_expect</title>\n<link rel=\"icon\" href=\"data:,\">"
              "\n<style nonce=\"", nonce, "\">\n", expect_html_style,
              "</style>\n</head>\n<body>\n", NULL);
    page_main(r, report, ledger);
    ap_rvputs(r, "<footer>The same as <a href=\"?format=json\">JSON</a> and "
              "<a href=\"?format=openmetrics\">OpenMetrics</a>.</footer>\n"
              "<script nonce=\"", nonce, "\">\n", expect_html_script,
              "</script>\n</body>\n</html>\n", NULL);
}

int expect_status_html(request_rec *r, const expect_report_t *report,
                       const expect_remembered_t *ledger)
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
    page_write(r, report, ledger, nonce);
    return OK;
}
