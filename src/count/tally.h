/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The tally: which decisions were made, how often, and when. It is one block of
 * memory that all processes write to and none locks.
 *
 * - A decision is an atomic add to the slot of its rule, and one for each
 *   figure of bytes. The reader works out everything else.
 * - The last hour and the last day are rings of snapshots: the first decision
 *   of a minute writes down what all slots added up to until then. The
 *   count of a minute is the difference of two snapshots, so nothing is ever
 *   set back to zero, and no count is lost. Decisions that are made at the same
 *   moment as a snapshot, at most one for each thread, may be shown in the
 *   minute before.
 * - Each refusal is also kept in a ring, under a sequence number and a sum
 *   that reveal a torn entry.
 * - Each process reports how many refused connections linger in it, in a place
 *   of its own and again in every second. A report that is not renewed for a
 *   while is not counted. So a process that is killed leaves nothing behind,
 *   and nobody has to find out whether a pid still belongs to the process that
 *   reported.
 *
 * A process that is killed anywhere in here leaves at worst one refusal out of
 * the ring, and a minute that is shown as part of the one before it.
 *
 * Knows APR only, no httpd. All text in it is made by expect_text_copy().
 */

#ifndef EXPECT_TALLY_H
#define EXPECT_TALLY_H

#include "apr_pools.h"
#include "apr_time.h"

/** The layout of expect_tally_t: to be raised with every change of it. */
#define EXPECT_TALLY_LAYOUT 2

/** Names in a report: 63 rules with a name of their own, and "other" for all
 *  later ones. */
#define EXPECT_TALLY_RULES 64
/** Buckets of a minute, and of a quarter of an hour. */
#define EXPECT_TALLY_MINUTES 60
#define EXPECT_TALLY_QUARTERS 96
/** Refusals that are remembered. */
#define EXPECT_TALLY_EVENTS 32

/** Processes that can report lingering connections at the same time; the
 *  connections of any more are not counted. */
#define EXPECT_TALLY_PLACES 1024
#define EXPECT_TALLY_NO_PLACE (-1)
/** Seconds for which such a report counts. */
#define EXPECT_TALLY_FRESH_SECONDS 3

/** Bytes of a rule's name, a method and a sentence, with the NUL. */
#define EXPECT_TALLY_RULE_SIZE 40
#define EXPECT_TALLY_METHOD_SIZE 20
#define EXPECT_TALLY_REASON_SIZE 208

/** The figures that are kept for each rule. */
typedef enum {
    EXPECT_N_CONTINUE = 0,  /* requests admitted; they belong to no rule */
    EXPECT_N_REFUSE,        /* requests refused */
    EXPECT_N_DETECT,        /* would be refused, if not for DetectionOnly */
    EXPECT_N_CUT_OFF,       /* admitted, and cut off over the max */
    EXPECT_N_WOULD_CUT,     /* would be cut off, if not for DetectionOnly */
    EXPECT_N_BYTES_SPARED,  /* bytes announced and refused while the client
                             * waited */
    EXPECT_N_BYTES_REFUSED, /* bytes announced and refused in all */
    EXPECT_N_BYTES_CUT_OFF, /* bytes read of content that was cut off */
    EXPECT_N_COUNTS
} expect_count_e;

/** The block; its members are in layout.h. */
typedef struct expect_tally_t expect_tally_t;

/** One decision. */
typedef struct expect_event_t {
    apr_time_t time;
    /** CONTINUE, REFUSE, DETECT, CUT_OFF or WOULD_CUT */
    expect_count_e decision;
    /** The following are used unless the decision is CONTINUE.
     *  The HTTP status, the name of the rule, the request's method, and the
     *  sentence; the texts may be any bytes */
    int status;
    const char *rule;
    const char *method;
    const char *reason;
    /** REFUSE: bytes announced; CUT_OFF: bytes read; negative: not known;
     *  otherwise ignored */
    apr_int64_t bytes;
    /** REFUSE: the client waited for 100 Continue; otherwise ignored */
    int waited;
} expect_event_t;

typedef struct expect_rule_count_t {
    /** "other" for those that found no room */
    char rule[EXPECT_TALLY_RULE_SIZE];
    apr_uint64_t n[EXPECT_N_COUNTS];
} expect_rule_count_t;

typedef struct expect_past_event_t {
    apr_time_t time;
    /** an expect_count_e */
    apr_uint32_t decision;
    apr_uint32_t status;
    char rule[EXPECT_TALLY_RULE_SIZE];
    char method[EXPECT_TALLY_METHOD_SIZE];
    char reason[EXPECT_TALLY_REASON_SIZE];
} expect_past_event_t;

/** A report for a reader: copies, and sums. */
typedef struct expect_report_t {
    apr_time_t since;
    apr_time_t now;
    apr_uint64_t totals[EXPECT_N_COUNTS];
    /** refused connections that linger now; bytes thrown away of these and of
     *  handshakes of a login */
    apr_uint64_t lingering;
    apr_uint64_t drained;
    /** rules that refused anything, the one that refused most first */
    int n_rules;
    expect_rule_count_t rules[EXPECT_TALLY_RULES];
    /** oldest first; the last span is not over yet */
    apr_uint64_t minutes[EXPECT_TALLY_MINUTES][EXPECT_N_COUNTS];
    apr_uint64_t quarters[EXPECT_TALLY_QUARTERS][EXPECT_N_COUNTS];
    /** newest first */
    int n_events;
    expect_past_event_t events[EXPECT_TALLY_EVENTS];
} expect_report_t;

/**
 * The size of a tally.
 * @return bytes of memory
 */
apr_size_t expect_tally_size(void);

/**
 * Begin to count.
 * @param t   that much memory, shared between processes, zeroed
 * @param now the time
 */
void expect_tally_init(expect_tally_t *t, apr_time_t now);

/**
 * Count a decision, and remember it unless it admits: lock-free, from any
 * thread and process.
 * @param t     the tally
 * @param event the decision
 */
void expect_tally_count(expect_tally_t *t, const expect_event_t *event);

/**
 * Count content that was thrown away: from any thread and process.
 * @param t     the tally
 * @param bytes how many
 */
void expect_tally_drained(expect_tally_t *t, apr_uint64_t bytes);

/**
 * Report how many refused connections linger in a process: from one thread of
 * it at a time, and again before EXPECT_TALLY_FRESH_SECONDS are over.
 * @param t     the tally
 * @param place the process' own, EXPECT_TALLY_NO_PLACE at first; kept by the
 *              caller
 * @param pid   the process
 * @param held  how many connections; 0 gives the place back
 * @param now   the time
 */
void expect_tally_lingering(expect_tally_t *t, int *place, apr_uint32_t pid,
                            apr_uint32_t held, apr_time_t now);

/**
 * Read everything.
 * @param report filled in; a decision that is being written meanwhile may be
 *               left out
 * @param t      the tally
 * @param now    the time
 */
void expect_tally_read(expect_report_t *report, expect_tally_t *t,
                       apr_time_t now);

#endif
