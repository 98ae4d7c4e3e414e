/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The reader of the tally: sums, spans of time and the last refusals, copied
 * while others write.
 */

#include <stdlib.h>
#include <string.h>

#include "count/layout.h"

/* The counts of each span up to now, the newest last: the difference between a
 * bucket's snapshot and the next one that there is. A snapshot that does not
 * fit in between (the clock was set back, for example) is passed over. */
static void report_ring(bucket_t *ring, int size, apr_uint32_t span,
                        const apr_uint64_t *totals,
                        apr_uint64_t (*values)[EXPECT_N_COUNTS])
{
    apr_uint64_t upper[EXPECT_N_COUNTS];
    int i, j;

    memcpy(upper, totals, sizeof(upper));
    for (i = size - 1; i >= 0; --i, --span) {
        bucket_t *bucket = &ring[span % size];

        memset(values[i], 0, sizeof(*values));
        if (apr_atomic_read32(&bucket->tag) != span * 2) {
            continue;
        }
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            apr_uint64_t base = counter_get(&bucket->n[j]);

            if (base <= upper[j]) {
                values[i][j] = upper[j] - base;
                upper[j] = base;
            }
        }
    }
}

/* Whether there was a whole entry to copy. */
static int report_entry(expect_past_event_t *event, entry_t *entry)
{
    apr_uint32_t seq = apr_atomic_read32(&entry->seq);
    apr_uint32_t sum = apr_atomic_read32(&entry->sum);
    past_t past;

    if (!seq || seq & 1) {
        return 0;
    }
    words_get(past.words, entry->event, WORDS(sizeof(past)));
    past.event.reason[sizeof(past.event.reason) - 1] = '\0';
    *event = past.event;
    return apr_atomic_read32(&entry->seq) == seq && sum == past_sum(&past);
}

static void report_events(expect_report_t *report, expect_tally_t *t)
{
    apr_uint32_t ticket = apr_atomic_read32(&t->tickets);
    int i;

    for (i = 0; i < EXPECT_TALLY_EVENTS; ++i, --ticket) {
        report->n_events += report_entry(
            &report->events[report->n_events],
            &t->events[ticket % EXPECT_TALLY_EVENTS]);
    }
}

/* All decisions but the admissions. */
static apr_uint64_t rule_denials(const expect_rule_count_t *rule)
{
    return rule->n[EXPECT_N_REFUSE] + rule->n[EXPECT_N_DETECT]
           + rule->n[EXPECT_N_CUT_OFF] + rule->n[EXPECT_N_WOULD_CUT];
}

static int rule_compare(const void *av, const void *bv)
{
    apr_uint64_t a = rule_denials(av), b = rule_denials(bv);

    return a < b ? 1 : a > b ? -1
           : strcmp(((const expect_rule_count_t *)av)->rule,
                    ((const expect_rule_count_t *)bv)->rule);
}

static void report_rules(expect_report_t *report, expect_tally_t *t)
{
    int i, j;

    for (i = SLOT_OTHER; i <= EXPECT_TALLY_RULES; ++i) {
        expect_rule_count_t *rule = &report->rules[report->n_rules];
        slot_t *slot = &t->slots[i];
        name_t name;

        if (!apr_atomic_read32(&slot->named)) {
            continue;
        }
        slot_get_name(&name, slot);
        memcpy(rule->rule, name.text, sizeof(rule->rule));
        rule->rule[sizeof(rule->rule) - 1] = '\0';
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            rule->n[j] = counter_get(&slot->n[j]);
        }
        report->n_rules += rule_denials(rule) > 0;
    }
    qsort(report->rules, report->n_rules, sizeof(*report->rules),
          rule_compare);
}

static apr_uint64_t report_lingering(expect_tally_t *t, apr_time_t now)
{
    apr_uint64_t total = 0;
    int i;

    for (i = 0; i < EXPECT_TALLY_PLACES; ++i) {
        if (apr_atomic_read32(&t->places[i].pid)
            && place_is_fresh(&t->places[i], now)) {
            total += apr_atomic_read32(&t->places[i].held);
        }
    }
    return total;
}

void expect_tally_read(expect_report_t *report, expect_tally_t *t,
                       apr_time_t now)
{
    int i, j;

    memset(report, 0, sizeof(*report));
    report->since = t->since;
    report->now = now;
    report->drained = counter_get(&t->drained);
    report->lingering = report_lingering(t, now);
    report_rules(report, t);
    report_events(report, t);

    /* the sums of the rules as read, so that the table adds up to them */
    for (i = 0; i < report->n_rules; ++i) {
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            report->totals[j] += report->rules[i].n[j];
        }
    }
    report->totals[EXPECT_N_CONTINUE] =
        counter_get(&t->slots[SLOT_ADMITTED].n[EXPECT_N_CONTINUE]);
    report_ring(t->minutes, EXPECT_TALLY_MINUTES, span_of_minute(now),
                report->totals, report->minutes);
    report_ring(t->quarters, EXPECT_TALLY_QUARTERS, span_of_minute(now) / 15,
                report->totals, report->quarters);
}
