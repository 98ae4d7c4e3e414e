/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The figures of a report: their names in each format, and how people read
 * them. All text in a report is valid UTF-8 without control characters, so each
 * format has only to escape the characters that have a meaning in it.
 */

#ifndef EXPECT_FIGURES_H
#define EXPECT_FIGURES_H

#include "httpd.h"

#include "count/tally.h"

typedef struct expect_figure_t {
    /** the member in JSON */
    const char *json;
    /** in the lines of mod_status for programs, behind "Expect" */
    const char *auto_name;
    /** for people */
    const char *title;
    /** bytes, otherwise requests */
    int is_bytes;
} expect_figure_t;

/** A row for each expect_count_e, by its value. */
extern const expect_figure_t expect_figures[EXPECT_N_COUNTS];

/**
 * The verdict on a refused request, as its note has it.
 * @param event one of a report
 * @return EXPECT_WORD_REFUSE, or EXPECT_WORD_DETECT under DetectionOnly
 */
const char *expect_figure_verdict(const expect_past_event_t *event);

/**
 * A number as people read it.
 * @param p pool for the result
 * @param n the number
 * @return "12,345"; from ten millions on "12.3 M"
 */
const char *expect_figure_count(apr_pool_t *p, apr_uint64_t n);

/**
 * Bytes as people read them.
 * @param p     pool for the result
 * @param bytes how many
 * @return "512 B", "1.2 GB": by powers of 1000
 */
const char *expect_figure_bytes(apr_pool_t *p, apr_uint64_t bytes);

/**
 * A point in time.
 * @param p      pool for the result
 * @param when   the time
 * @param format as of strftime(), for local time
 * @return the text, 63 bytes at most
 */
const char *expect_figure_time(apr_pool_t *p, apr_time_t when,
                               const char *format);

#endif
