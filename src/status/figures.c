/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The figures of a report: their names in each format, and how people read
 * them.
 */

#include "httpd.h"

#include "apr_strings.h"

#include "judge/verdict.h"
#include "status/figures.h"

const expect_figure_t expect_figures[EXPECT_N_COUNTS] = {
    [EXPECT_N_CONTINUE] = {
        .json = EXPECT_WORD_CONTINUE, .auto_name = "Admitted",
        .title = "Admitted"
    },
    [EXPECT_N_REFUSE] = {
        .json = EXPECT_WORD_REFUSE, .auto_name = "Refused",
        .title = "Refused"
    },
    [EXPECT_N_DETECT] = {
        .json = EXPECT_WORD_DETECT, .auto_name = "Detected",
        .title = "Would be refused"
    },
    [EXPECT_N_CUT_OFF] = {
        .json = "cut_off", .auto_name = "CutOff", .title = "Cut off"
    },
    [EXPECT_N_WOULD_CUT] = {
        .json = "would_cut_off", .auto_name = "WouldCutOff",
        .title = "Would be cut off"
    },
    [EXPECT_N_BYTES_SPARED] = {
        .json = "bytes_spared", .auto_name = "BytesSpared",
        .title = "Not sent by clients that waited", .is_bytes = 1
    },
    [EXPECT_N_BYTES_REFUSED] = {
        .json = "bytes_refused", .auto_name = "BytesRefused",
        .title = "Refused content", .is_bytes = 1
    },
    [EXPECT_N_BYTES_CUT_OFF] = {
        .json = "bytes_cut_off", .auto_name = "BytesCutOff",
        .title = "Read of content cut off", .is_bytes = 1
    }
};

const char *expect_figure_verdict(const expect_past_event_t *event)
{
    return event->decision == EXPECT_N_DETECT
                   || event->decision == EXPECT_N_WOULD_CUT
               ? EXPECT_WORD_DETECT : EXPECT_WORD_REFUSE;
}

const char *expect_figure_count(apr_pool_t *p, apr_uint64_t n)
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

const char *expect_figure_bytes(apr_pool_t *p, apr_uint64_t bytes)
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

const char *expect_figure_time(apr_pool_t *p, apr_time_t when,
                               const char *format)
{
    char text[64];
    apr_time_exp_t exp;
    apr_size_t length;

    apr_time_exp_lt(&exp, when);
    apr_strftime(text, &length, sizeof(text), format, &exp);
    return apr_pstrdup(p, text);
}
