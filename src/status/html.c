/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The status page in HTML.
 *
 * Plots are SVG that is stretched to the width there is; their labels are HTML
 * beside them, so that these keep their size on a telephone. Colours come by
 * class, as the policy of the response forbids style attributes.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "apr_strings.h"

#include "status/html.h"

/* --- what does not change ------------------------------------------------ */

/* Text has 4.5:1 against what is behind it, everything else that says
 * something 3:1 (WCAG 2.2, AA), in light and dark. */
static const char page_style[] =
":root{color-scheme:light dark;--back:#f5f6f8;--card:#fff;--line:#dfe3e8;"
"--text:#1b2430;--soft:#5a6675;--yes:#1f6fc9;--no:#c2410c;--would:#8a6a00;"
"--gain:#1f7a4d}\n"
"@media(prefers-color-scheme:dark){:root{--back:#11151a;--card:#1a2027;"
"--line:#303945;--text:#e6eaf0;--soft:#9aa7b6;--yes:#5aa2f0;--no:#ff7d45;"
"--would:#f0bd3a;--gain:#4fc38a}}\n"
"*{box-sizing:border-box}\n"
"body{margin:0;background:var(--back);color:var(--text);"
"font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n"
"main{max-width:1080px;margin:0 auto;padding:16px}\n"
"footer{max-width:1080px;margin:0 auto;padding:0 16px 24px;"
"color:var(--soft);font-size:13px}\n"
"a{color:var(--yes)}\n"
"header{display:flex;flex-wrap:wrap;justify-content:space-between;"
"align-items:baseline;gap:4px 16px;margin:4px 0 14px}\n"
"h1{font-size:22px;margin:0}\n"
"h2{font-size:15px;margin:0 0 10px}\n"
".soft{color:var(--soft)}\n"
"header,.scale,.key,td,time{font-variant-numeric:tabular-nums}\n"
".grid{display:grid;gap:12px;margin-bottom:12px;"
"grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}\n"
".lists{grid-template-columns:100%}\n"
".tiles{grid-template-columns:repeat(auto-fit,minmax(140px,1fr))}\n"
".card{background:var(--card);border:1px solid var(--line);"
"border-radius:10px;padding:14px 16px;min-width:0}\n"
".tile b{display:block;font-size:26px;line-height:1.2;font-weight:650}\n"
".tile .soft{font-size:13px}\n"
".yes b,.yes i{--c:var(--yes)}.no b,.no i{--c:var(--no)}"
".would b,.would i{--c:var(--would)}.gain b,.gain i{--c:var(--gain)}\n"
".tile b{color:var(--c,inherit)}\n"
".key{display:flex;flex-wrap:wrap;gap:2px 14px;margin:-4px 0 8px;"
"font-size:13px;color:var(--soft)}\n"
".key i{display:inline-block;width:10px;height:10px;border-radius:2px;"
"background:var(--c);margin-right:5px}\n"
".plot{display:grid;grid-template-columns:auto 1fr;gap:0 8px}\n"
".plot svg{display:block;width:100%;height:130px;overflow:visible}\n"
".scale{display:flex;justify-content:space-between;font-size:12px;"
"line-height:1;color:var(--soft)}\n"
".scale.y{flex-direction:column;text-align:right;margin:-6px 0}\n"
".scale.x{grid-column:2;margin-top:7px}\n"
".axis{grid-column:2;text-align:center;font-size:12px;color:var(--soft)}\n"
"line{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}\n"
"rect.yes{fill:var(--yes)}rect.no{fill:var(--no)}"
"rect.would{fill:var(--would)}rect.gain{fill:var(--gain)}"
"rect.hit{fill:transparent}rect.rest{fill:var(--line)}\n"
"g:hover rect.hit{fill:var(--line);fill-opacity:.6}\n"
"table{border-collapse:collapse;width:100%}\n"
"th{font-weight:500;font-size:13px;color:var(--soft);text-align:right;"
"padding:0 0 4px 10px;vertical-align:bottom}\n"
"td{text-align:right;padding:6px 0 6px 10px;white-space:nowrap;"
"border-top:1px solid var(--line);vertical-align:top}\n"
"th:first-child,td:first-child{text-align:left;padding-left:0}\n"
"td:first-child{white-space:normal;overflow-wrap:anywhere;width:50%}\n"
"td svg{display:block;width:100%;height:4px;margin-top:4px}\n"
"ul{list-style:none;margin:0;padding:0}\n"
"li{border-top:1px solid var(--line);padding:7px 0;"
"overflow-wrap:anywhere}\n"
"li:first-child{border-top:0;padding-top:0}\n"
"li p{margin:0}\n"
"li .head{display:flex;flex-wrap:wrap;gap:0 6px;align-items:baseline}\n"
"li time{font-size:12px;color:var(--soft)}\n"
".tag{font-size:12px;font-weight:600;border:1px solid;border-radius:5px;"
"padding:0 5px;color:var(--no)}\n"
".tag.would{color:var(--would)}\n"
".none{color:var(--soft);margin:0}\n"
"@media(min-width:800px){li{display:grid;gap:0 20px;"
"grid-template-columns:minmax(0,2fr) minmax(0,3fr)}}\n"
"@media(max-width:480px){table,th{font-size:13px}th,td{padding-left:7px}"
".card{padding:12px 14px}li .head{font-size:14px}"
".tile:last-child:nth-child(odd){grid-column:1/-1}}\n"
"@media(max-width:360px){table,th{font-size:12px}th,td{padding-left:5px}}\n";

/* The page fetches itself, and puts its main element in the place of the one
 * shown: not while it is hidden, nor while text in it is marked. Of the other
 * page only that element is parsed: the policy here forbids the rest. */
static const char page_script[] =
"(function () {\n"
"    function show(text) {\n"
"        var from = text.indexOf('<main>'), to = text.indexOf('</main>');\n"
"        if (from > 0 && to > from && getSelection().isCollapsed) {\n"
"            document.querySelector('main').replaceWith(\n"
"                new DOMParser().parseFromString(text.slice(from, to),\n"
"                    'text/html').querySelector('main'));\n"
"        }\n"
"    }\n"
"    function refresh() {\n"
"        if (document.hidden) { return; }\n"
"        fetch(location.href, { cache: 'no-store' })\n"
"            .then(function (r) { return r.ok ? r.text() : ''; })\n"
"            .then(show)\n"
"            .catch(function () {});\n"
"    }\n"
"    setInterval(refresh, 10000);\n"
"    document.addEventListener('visibilitychange', refresh);\n"
"})();\n";

/* --- figures ------------------------------------------------------------- */

/* "12,345"; from ten millions on "12.3 M". */
static const char *count_text(apr_pool_t *p, apr_uint64_t n)
{
    unsigned high = (unsigned)(n / 1000), low = (unsigned)(n % 1000);

    if (n >= 10000000) {
        return apr_psprintf(p, "%.1f M", (double)n / 1e6);
    }
    if (n >= 1000000) {
        return apr_psprintf(p, "%u,%03u,%03u", high / 1000, high % 1000, low);
    }
    return n >= 1000 ? apr_psprintf(p, "%u,%03u", high, low)
                     : apr_psprintf(p, "%u", low);
}

const char *expect_bytes_text(apr_pool_t *p, apr_uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB",
                                         "EB" };
    double value = (double)bytes;
    int i = 0;

    /* 999.95 would be written as 1000.0 */
    while (value >= (i ? 999.95 : 1000)) {
        value /= 1000;
        ++i;
    }
    return apr_psprintf(p, i && value < 100 ? "%.1f %s" : "%.0f %s", value,
                        units[i]);
}

static const char *figure_text(apr_pool_t *p, apr_uint64_t n, int is_bytes)
{
    return is_bytes ? expect_bytes_text(p, n) : count_text(p, n);
}

static const char *time_text(apr_pool_t *p, apr_time_t when,
                             const char *format)
{
    char text[64];
    apr_time_exp_t exp;
    apr_size_t length;

    apr_time_exp_lt(&exp, when);
    apr_strftime(text, &length, sizeof(text), format, &exp);
    return apr_pstrdup(p, text);
}

static int same_day(apr_time_t a, apr_time_t b)
{
    apr_time_exp_t x, y;

    apr_time_exp_lt(&x, a);
    apr_time_exp_lt(&y, b);
    return x.tm_yday == y.tm_yday && x.tm_year == y.tm_year;
}

static void write_time(request_rec *r, apr_time_t when, apr_time_t now)
{
    ap_rprintf(r, "<time datetime=\"%s\">%s</time>",
               time_text(r->pool, when, "%Y-%m-%dT%H:%M:%S%z"),
               time_text(r->pool, when, same_day(when, now)
                                            ? "%H:%M:%S" : "%b %d, %H:%M"));
}

/* --- tiles --------------------------------------------------------------- */

static void write_tile(request_rec *r, const char *kind, const char *figure,
                       const char *what)
{
    ap_rprintf(r, "<div class=\"card tile %s\"><b>%s</b>"
               "<span class=\"soft\">%s</span></div>\n", kind, figure, what);
}

static const char *refused_text(apr_pool_t *p, const apr_uint64_t *n)
{
    apr_uint64_t judged = n[EXPECT_N_CONTINUE] + n[EXPECT_N_REFUSE]
                          + n[EXPECT_N_DETECT];

    return judged ? apr_psprintf(p, "refused, %.1f %%",
                                 100.0 * (double)n[EXPECT_N_REFUSE]
                                     / (double)judged)
                  : "refused";
}

static void write_tiles(request_rec *r, const expect_report_t *report)
{
    const apr_uint64_t *n = report->totals;
    apr_pool_t *p = r->pool;

    ap_rputs("<div class=\"grid tiles\">\n", r);
    write_tile(r, "yes", count_text(p, n[EXPECT_N_CONTINUE]), "admitted");
    write_tile(r, "no", count_text(p, n[EXPECT_N_REFUSE]),
               refused_text(p, n));
    if (n[EXPECT_N_DETECT] || n[EXPECT_N_WOULD_CUT]) {
        write_tile(r, "would",
                   count_text(p, n[EXPECT_N_DETECT] + n[EXPECT_N_WOULD_CUT]),
                   "would be refused");
    }
    write_tile(r, "gain", expect_bytes_text(p, n[EXPECT_N_BYTES_SPARED]),
               "spared: refused, and not sent");
    write_tile(r, "", expect_bytes_text(p, n[EXPECT_N_BYTES_REFUSED]),
               "announced and refused in all");
    write_tile(r, "", count_text(p, n[EXPECT_N_CUT_OFF]),
               n[EXPECT_N_BYTES_CUT_OFF]
                   ? apr_psprintf(p, "cut off, after %s",
                                  expect_bytes_text(p, n[EXPECT_N_BYTES_CUT_OFF]))
                   : "cut off over their max");
    write_tile(r, "", count_text(p, report->lingering),
               report->drained
                   ? apr_psprintf(p, "refused, lingering; %s thrown away",
                                  expect_bytes_text(p, report->drained))
                   : "refused, lingering");
    ap_rputs("</div>\n", r);
}

/* --- plots --------------------------------------------------------------- */

/* The parts of a bar, from the bottom. */
typedef struct part_t {
    const char *kind;
    const char *name;
    expect_count_e count;
} part_t;

typedef struct plot_t {
    const char *title;
    /** what a bar stands for */
    const char *unit;
    const part_t *parts;
    int n_parts;
    int is_bytes;
    const apr_uint64_t (*values)[EXPECT_N_COUNTS];
    int size;
    /** of one bar, in seconds */
    int seconds;
} plot_t;

/* The end of the scale: 2, 4, 6 or 10 times a power of ten, so that half of it
 * is a round number as well. */
static apr_uint64_t round_up(apr_uint64_t most)
{
    static const int steps[] = { 2, 4, 6, 10 };
    apr_uint64_t power = 1;
    int i = 0;

    while (steps[i] * power < most && power < APR_UINT64_MAX / 100) {
        if (++i == 4) {
            i = 0;
            power *= 10;
        }
    }
    return steps[i] * power;
}

static apr_uint64_t bar_total(const plot_t *plot, int bar)
{
    apr_uint64_t total = 0;
    int i;

    for (i = 0; i < plot->n_parts; ++i) {
        total += plot->values[bar][plot->parts[i].count];
    }
    return total;
}

static apr_uint64_t highest(const plot_t *plot)
{
    apr_uint64_t most = 0;
    int i;

    for (i = 0; i < plot->size; ++i) {
        apr_uint64_t total = bar_total(plot, i);

        most = total > most ? total : most;
    }
    return most;
}

/* A bar with what it says when pointed at. What is there at all is seen, and
 * apart from what is above it, whatever the colours. */
static void write_bar(request_rec *r, const plot_t *plot, int bar,
                      apr_time_t from, double scale)
{
    const apr_uint64_t *n = plot->values[bar];
    double y = 100;
    int i;

    ap_rprintf(r, "<g><title>%s", time_text(r->pool, from, "%H:%M"));
    for (i = 0; i < plot->n_parts; ++i) {
        if (n[plot->parts[i].count] || i == 0) {
            ap_rprintf(r, ", %s %s",
                       figure_text(r->pool, n[plot->parts[i].count],
                                   plot->is_bytes),
                       plot->parts[i].name);
        }
    }
    ap_rprintf(r, "</title><rect class=\"hit\" x=\"%d\" width=\"1\" "
               "height=\"100\"/>", bar);
    for (i = 0; i < plot->n_parts; ++i) {
        double height = (double)n[plot->parts[i].count] * scale;
        double gap = height > 3 ? 0.8 : 0;

        if (height > 0) {
            height = height < 1.5 ? 1.5 : height;
            y -= height;
            ap_rprintf(r, "<rect class=\"%s\" x=\"%d.1\" y=\"%.2f\" "
                       "width=\".8\" height=\"%.2f\"/>", plot->parts[i].kind,
                       bar, y + gap, height - gap);
        }
    }
    ap_rputs("</g>\n", r);
}

static apr_uint64_t part_total(const plot_t *plot, const part_t *part)
{
    apr_uint64_t total = 0;
    int i;

    for (i = 0; i < plot->size; ++i) {
        total += plot->values[i][part->count];
    }
    return total;
}

/* The plot in words: what each colour is, and how much of it there is. */
static void write_key(request_rec *r, const plot_t *plot)
{
    int i;

    ap_rprintf(r, "<section class=\"card\"><h2>%s</h2>\n<div class=\"key\">",
               plot->title);
    for (i = 0; i < plot->n_parts; ++i) {
        const part_t *part = &plot->parts[i];

        ap_rprintf(r, "<span class=\"%s\"><i></i>%s %s</span>", part->kind,
                   figure_text(r->pool, part_total(plot, part),
                               plot->is_bytes), part->name);
    }
    ap_rputs("</div>\n", r);
}

static void write_scale_x(request_rec *r, const plot_t *plot,
                          apr_time_t first)
{
    int i;

    ap_rputs("<div class=\"scale x\">", r);
    for (i = 0; i <= 4; ++i) {
        apr_time_t at = first
            + apr_time_from_sec((apr_int64_t)plot->size * plot->seconds)
                  / 4 * i;

        ap_rprintf(r, "<span>%s</span>", time_text(r->pool, at, "%H:%M"));
    }
    ap_rprintf(r, "</div>\n<div class=\"axis\">%s</div>\n", plot->unit);
}

static void write_plot(request_rec *r, const plot_t *plot, apr_time_t now)
{
    apr_uint64_t most = highest(plot);
    /* a scale up to 2 bytes says nothing */
    apr_uint64_t top = round_up(plot->is_bytes && most < 1000 ? 1000 : most);
    apr_int64_t last = apr_time_sec(now) / plot->seconds;
    apr_time_t first =
        apr_time_from_sec((last - plot->size + 1) * plot->seconds);
    int i;

    write_key(r, plot);
    ap_rprintf(r, "<div class=\"plot\">\n<div class=\"scale y\"><span>%s"
               "</span><span>%s</span><span>0</span></div>\n",
               figure_text(r->pool, top, plot->is_bytes),
               figure_text(r->pool, top / 2, plot->is_bytes));
    ap_rprintf(r, "<svg role=\"img\" viewBox=\"0 0 %d 100\" "
               "preserveAspectRatio=\"none\"><title>%s</title>\n",
               plot->size, plot->title);
    for (i = 0; i <= 100; i += 50) {
        ap_rprintf(r, "<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n",
                   plot->size, i, i);
    }
    for (i = 0; i < plot->size; ++i) {
        write_bar(r, plot, i,
                  first + apr_time_from_sec((apr_int64_t)i * plot->seconds),
                  100.0 / (double)top);
    }
    ap_rputs("</svg>\n", r);
    write_scale_x(r, plot, first);
    ap_rputs("</div></section>\n", r);
}

static void write_plots(request_rec *r, const expect_report_t *report)
{
    static const part_t verdicts[] = {
        { "yes", "admitted", EXPECT_N_CONTINUE },
        { "no", "refused", EXPECT_N_REFUSE },
        { "would", "would be refused", EXPECT_N_DETECT }
    };
    static const part_t bytes[] = {
        { "gain", "spared", EXPECT_N_BYTES_SPARED }
    };
    int n = report->totals[EXPECT_N_DETECT] ? 3 : 2;
    const plot_t plots[] = {
        { "Requests, last hour", "a minute each", verdicts, n, 0,
          report->minutes, EXPECT_TALLY_MINUTES, 60 },
        { "Requests, last day", "a quarter of an hour each", verdicts, n, 0,
          report->quarters, EXPECT_TALLY_QUARTERS, 15 * 60 },
        { "Bytes spared, last hour", "a minute each", bytes, 1, 1,
          report->minutes, EXPECT_TALLY_MINUTES, 60 },
        { "Bytes spared, last day", "a quarter of an hour each", bytes, 1, 1,
          report->quarters, EXPECT_TALLY_QUARTERS, 15 * 60 }
    };
    int i;

    ap_rputs("<div class=\"grid\">\n", r);
    for (i = 0; i < 4; ++i) {
        write_plot(r, &plots[i], report->now);
    }
    ap_rputs("</div>\n", r);
}

/* --- rules and refusals -------------------------------------------------- */

/* How much of all this rule refused. */
static void write_share(request_rec *r, const apr_uint64_t *n,
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

static void write_cell(request_rec *r, apr_uint64_t all, const char *text)
{
    if (all) {
        ap_rprintf(r, "<td>%s</td>", text);
    }
}

/* Columns that are empty for all are left out. */
static void write_rule(request_rec *r, const expect_rule_count_t *rule,
                       const apr_uint64_t *totals)
{
    const apr_uint64_t *n = rule->n;
    apr_pool_t *p = r->pool;

    ap_rprintf(r, "<tr><td>%s", ap_escape_html(p, rule->rule));
    write_share(r, n, totals);
    ap_rprintf(r, "</td><td>%s</td>", count_text(p, n[EXPECT_N_REFUSE]));
    write_cell(r, totals[EXPECT_N_DETECT] + totals[EXPECT_N_WOULD_CUT],
               count_text(p, n[EXPECT_N_DETECT] + n[EXPECT_N_WOULD_CUT]));
    write_cell(r, totals[EXPECT_N_CUT_OFF],
               count_text(p, n[EXPECT_N_CUT_OFF]));
    ap_rprintf(r, "<td>%s</td></tr>\n",
               expect_bytes_text(p, n[EXPECT_N_BYTES_SPARED]));
}

#define TH "<th scope=\"col\">"

static void write_rules(request_rec *r, const expect_report_t *report)
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
        write_rule(r, &report->rules[i], n);
    }
    ap_rputs("</tbody></table></section>\n", r);
}

static void write_event(request_rec *r, const expect_past_event_t *event,
                        apr_time_t now)
{
    const char *tag = event->what == EXPECT_N_REFUSE ? ""
                      : event->what == EXPECT_N_DETECT ? "would be "
                      : event->what == EXPECT_N_CUT_OFF ? "cut off "
                                                        : "would be cut off ";
    int would = event->what == EXPECT_N_DETECT
                || event->what == EXPECT_N_WOULD_CUT;

    ap_rputs("<li><p class=\"head\">", r);
    write_time(r, event->time, now);
    ap_rprintf(r, "<span class=\"tag%s\">%s%u</span>"
               "<b>%s</b><span class=\"soft\">%s</span></p><p>%s</p></li>\n",
               would ? " would" : "", tag, event->status,
               ap_escape_html(r->pool, event->rule),
               ap_escape_html(r->pool, event->method),
               ap_escape_html(r->pool, event->reason));
}

static void write_events(request_rec *r, const expect_report_t *report)
{
    int i;

    ap_rputs("<section class=\"card\"><h2>Last refusals</h2>\n", r);
    if (!report->n_events) {
        ap_rputs("<p class=\"none\">None yet.</p></section>\n", r);
        return;
    }
    ap_rputs("<ul>\n", r);
    for (i = 0; i < report->n_events; ++i) {
        write_event(r, &report->events[i], report->now);
    }
    ap_rputs("</ul></section>\n", r);
}

/* --- the page ------------------------------------------------------------ */

static void write_main(request_rec *r, const expect_report_t *report)
{
    ap_rputs("<main>\n<header><h1>mod_expect</h1>", r);
    if (!report) {
        ap_rputs("</header>\n<p class=\"card\">Nothing is counted: there is "
                 "no shared memory. Requests are judged as ever.</p>\n"
                 "</main>\n", r);
        return;
    }
    ap_rprintf(r, "<span class=\"soft\">since %s; now %s</span></header>\n",
               time_text(r->pool, report->since, "%b %d, %H:%M"),
               time_text(r->pool, report->now, "%H:%M:%S %z"));
    write_tiles(r, report);
    write_plots(r, report);
    ap_rputs("<div class=\"grid lists\">\n", r);
    write_rules(r, report);
    write_events(r, report);
    ap_rputs("</div>\n</main>\n", r);
}

void expect_status_page(request_rec *r, const expect_report_t *report,
                        const char *nonce)
{
    ap_rvputs(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
              "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
              "content=\"width=device-width,initial-scale=1\">\n"
              "<title>mod_expect</title>\n<link rel=\"icon\" href=\"data:,\">"
              "\n<style nonce=\"", nonce, "\">\n", page_style,
              "</style>\n</head>\n<body>\n", NULL);
    write_main(r, report);
    ap_rvputs(r, "<footer>The same as <a href=\"?format=json\">JSON</a> and "
              "<a href=\"?format=openmetrics\">OpenMetrics</a>.</footer>\n"
              "<script nonce=\"", nonce, "\">\n", page_script,
              "</script>\n</body>\n</html>\n", NULL);
}
