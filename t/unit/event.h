/*
 * The event that the tests of the counters change and count.
 */
#ifndef EVENT_H
#define EVENT_H

#include "count/tally.h"

/* when an epoch of the tally begins */
#define START (apr_time_from_sec(900) * 2000000)

/* A refusal of so many bytes, for the caller to change. */
static expect_event_t an_event(const char *rule, const char *reason,
                               apr_int64_t bytes)
{
    expect_event_t event = {
        .time = START, .decision = EXPECT_N_REFUSE, .status = 413,
        .rule = rule, .method = "PUT", .reason = reason, .bytes = bytes,
        .waited = 1
    };

    return event;
}

#endif
