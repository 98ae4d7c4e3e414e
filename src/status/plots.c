/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The plots of the status page.
 *
 * A plot is SVG that is stretched to the width of the page. Its labels are HTML
 * beside it, so that they keep their size on a telephone.
 */

#include "httpd.h"
#include "http_protocol.h"

#include "status/figures.h"
#include "status/html.h"

/* The parts of a bar, from the bottom. */
typedef struct part_t {
    const char *kind;
    const char *name;
    expect_count_e count;
} part_t;

typedef struct plot_t {
    const char *title;
    /** the meaning of a bar: "a minute each" */
    const char *unit;
    const part_t *parts;
    int n_parts;
    int is_bytes;
    const apr_uint64_t (*values)[EXPECT_N_COUNTS];
    int size;
    /** the span of one bar */
    int seconds;
} plot_t;

/* The end of the scale: 2, 4, 6 or 10 times a power of ten, so that half of it
 * is a round number as well. */
static apr_uint64_t plot_round_up(apr_uint64_t most)
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

static const char *plot_figure(apr_pool_t *p, const plot_t *plot,
                               apr_uint64_t n)
{
    return plot->is_bytes ? expect_figure_bytes(p, n)
                          : expect_figure_count(p, n);
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

static apr_uint64_t plot_highest(const plot_t *plot)
{
    apr_uint64_t most = 0;
    int i;

    for (i = 0; i < plot->size; ++i) {
        apr_uint64_t total = bar_total(plot, i);

        most = total > most ? total : most;
    }
    return most;
}

/* The browser shows this text while the pointer is on the bar. */
static void bar_write_title(request_rec *r, const plot_t *plot, int bar,
                            apr_time_t from)
{
    const apr_uint64_t *n = plot->values[bar];
    int i;

    ap_rprintf(r, "<title>%s", expect_figure_time(r->pool, from, "%H:%M"));
    for (i = 0; i < plot->n_parts; ++i) {
        const part_t *part = &plot->parts[i];

        if (n[part->count] || i == 0) {
            ap_rprintf(r, ", %s %s",
                       plot_figure(r->pool, plot, n[part->count]),
                       part->name);
        }
    }
    ap_rputs("</title>", r);
}

/* A part that is not empty can be seen, however small it is, and a gap sets it
 * apart from the part above, whatever their colours. */
static void bar_write_parts(request_rec *r, const plot_t *plot, int bar,
                            double scale)
{
    const apr_uint64_t *n = plot->values[bar];
    double y = 100;
    int i;

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
}

static void bar_write(request_rec *r, const plot_t *plot, int bar,
                      apr_time_t from, double scale)
{
    ap_rputs("<g>", r);
    bar_write_title(r, plot, bar, from);
    ap_rprintf(r, "<rect class=\"hit\" x=\"%d\" width=\"1\" "
               "height=\"100\"/>", bar);
    bar_write_parts(r, plot, bar, scale);
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

/* The plot in words: the meaning of each colour, and its total. */
static void plot_write_key(request_rec *r, const plot_t *plot)
{
    int i;

    ap_rprintf(r, "<section class=\"card\"><h2>%s</h2>\n<div class=\"key\">",
               plot->title);
    for (i = 0; i < plot->n_parts; ++i) {
        const part_t *part = &plot->parts[i];

        ap_rprintf(r, "<span class=\"%s\"><i></i>%s %s</span>", part->kind,
                   plot_figure(r->pool, plot, part_total(plot, part)),
                   part->name);
    }
    ap_rputs("</div>\n", r);
}

static void plot_write_scale_x(request_rec *r, const plot_t *plot,
                               apr_time_t first)
{
    int i;

    ap_rputs("<div class=\"scale x\">", r);
    for (i = 0; i <= 4; ++i) {
        apr_time_t at = first
            + apr_time_from_sec((apr_int64_t)plot->size * plot->seconds)
                  / 4 * i;

        ap_rprintf(r, "<span>%s</span>",
                   expect_figure_time(r->pool, at, "%H:%M"));
    }
    ap_rprintf(r, "</div>\n<div class=\"axis\">%s</div>\n", plot->unit);
}

static void plot_write_bars(request_rec *r, const plot_t *plot,
                            apr_time_t first, apr_uint64_t top)
{
    int i;

    ap_rprintf(r, "<svg role=\"img\" viewBox=\"0 0 %d 100\" "
               "preserveAspectRatio=\"none\"><title>%s</title>\n",
               plot->size, plot->title);
    for (i = 0; i <= 100; i += 50) {
        ap_rprintf(r, "<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n",
                   plot->size, i, i);
    }
    for (i = 0; i < plot->size; ++i) {
        bar_write(r, plot, i,
                  first + apr_time_from_sec((apr_int64_t)i * plot->seconds),
                  100.0 / (double)top);
    }
    ap_rputs("</svg>\n", r);
}

static void plot_write(request_rec *r, const plot_t *plot, apr_time_t now)
{
    apr_uint64_t most = plot_highest(plot);
    /* a scale up to 2 bytes would be of no use */
    apr_uint64_t top = plot_round_up(plot->is_bytes && most < 1000 ? 1000
                                                                   : most);
    apr_int64_t last = apr_time_sec(now) / plot->seconds;
    apr_time_t first =
        apr_time_from_sec((last - plot->size + 1) * plot->seconds);

    plot_write_key(r, plot);
    ap_rprintf(r, "<div class=\"plot\">\n<div class=\"scale y\"><span>%s"
               "</span><span>%s</span><span>0</span></div>\n",
               plot_figure(r->pool, plot, top),
               plot_figure(r->pool, plot, top / 2));
    plot_write_bars(r, plot, first, top);
    plot_write_scale_x(r, plot, first);
    ap_rputs("</div></section>\n", r);
}

static const part_t verdict_parts[] = {
    { "yes", "admitted", EXPECT_N_CONTINUE },
    { "no", "refused", EXPECT_N_REFUSE },
    { "would", "would be refused", EXPECT_N_DETECT }
};

static const part_t byte_parts[] = {
    { "gain", "spared", EXPECT_N_BYTES_SPARED }
};

void expect_html_plots(request_rec *r, const expect_report_t *report)
{
    /* DetectionOnly is shown only where it is used */
    int n = report->totals[EXPECT_N_DETECT] ? 3 : 2;
    plot_t hour = {
        .title = "Requests, last hour", .unit = "a minute each",
        .parts = verdict_parts, .n_parts = n, .values = report->minutes,
        .size = EXPECT_TALLY_MINUTES, .seconds = 60
    };
    plot_t day = {
        .title = "Requests, last day", .unit = "a quarter of an hour each",
        .parts = verdict_parts, .n_parts = n, .values = report->quarters,
        .size = EXPECT_TALLY_QUARTERS, .seconds = 15 * 60
    };

    ap_rputs("<div class=\"grid\">\n", r);
    plot_write(r, &hour, report->now);
    plot_write(r, &day, report->now);
    hour.title = "Bytes spared, last hour";
    day.title = "Bytes spared, last day";
    hour.parts = day.parts = byte_parts;
    hour.n_parts = day.n_parts = 1;
    hour.is_bytes = day.is_bytes = 1;
    plot_write(r, &hour, report->now);
    plot_write(r, &day, report->now);
    ap_rputs("</div>\n", r);
}
