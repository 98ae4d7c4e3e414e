/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The writer of the tally: lock-free, from any thread and process.
 */

#include <string.h>

#include "base/size.h"
#include "count/layout.h"
#include "count/text.h"

#define OTHER "other"

apr_size_t expect_tally_size(void)
{
    return sizeof(expect_tally_t);
}

static void slot_set_name(slot_t *slot, const name_t *rule)
{
    words_put(slot->rule, rule->words, WORDS(sizeof(*rule)));
    apr_atomic_set32(&slot->named, 1);
}

void expect_tally_init(expect_tally_t *t, apr_time_t now)
{
    static const name_t none = { "" }, other = { OTHER };

    t->since = now;
    slot_set_name(&t->slots[SLOT_ADMITTED], &none);
    slot_set_name(&t->slots[SLOT_OTHER], &other);
}

/* --- a rule's slot ------------------------------------------------------- */

/*
 * The key of a rule, never 0. apr_hashfunc_default() is no replacement: it
 * multiplies by 33, and 3 divides both that and the number of slots, so that
 * names with the same ending would meet in few of them. "ab" and "bA" would
 * even have the same key, and a slot that has no name yet goes by its key
 * alone.
 */
static apr_uint32_t tally_hash(const char *text)
{
    apr_uint32_t sum = HASH_INIT;

    while (*text) {
        sum = hash_add(sum, (unsigned char)*text++);
    }
    return sum ? sum : 1;
}

/* Whether this slot is the rule's. If its name is not there yet, another thread
 * or process with the same key, and so the same name, took it a moment ago and
 * may have been killed since: then it is named here. */
static int slot_take(slot_t *slot, apr_uint32_t key, const name_t *rule)
{
    apr_uint32_t old = apr_atomic_read32(&slot->key);
    name_t name;

    if (old == 0) {
        old = apr_atomic_cas32(&slot->key, key, 0);
    }
    if (old != 0 && old != key) {
        return 0;
    }
    if (!apr_atomic_read32(&slot->named)) {
        slot_set_name(slot, rule);
        return 1;
    }
    slot_get_name(&name, slot);
    return !strcmp(name.text, rule->text);
}

static slot_t *slot_find(expect_tally_t *t, const name_t *rule)
{
    enum { FREE = EXPECT_TALLY_RULES + 1 - SLOT_FIRST };
    apr_uint32_t key = tally_hash(rule->text);
    int i;

    if (!strcmp(rule->text, OTHER)) {
        return &t->slots[SLOT_OTHER];
    }
    for (i = 0; i < FREE; ++i) {
        slot_t *slot = &t->slots[SLOT_FIRST + (key + i) % FREE];

        if (slot_take(slot, key, rule)) {
            return slot;
        }
    }
    return &t->slots[SLOT_OTHER];
}

static void slot_add_bytes(slot_t *slot, const expect_event_t *event)
{
    apr_int64_t bytes = expect_size_summed(event->bytes);

    if (bytes <= 0) {
        return;
    }
    if (event->decision == EXPECT_N_CUT_OFF) {
        counter_add(&slot->n[EXPECT_N_BYTES_CUT_OFF], bytes);
    }
    else if (event->decision == EXPECT_N_REFUSE) {
        counter_add(&slot->n[EXPECT_N_BYTES_REFUSED], bytes);
        if (event->waited) {
            counter_add(&slot->n[EXPECT_N_BYTES_SPARED], bytes);
        }
    }
}

/* --- spans of time ------------------------------------------------------- */

static void tally_sum(expect_tally_t *t, apr_uint64_t *totals)
{
    int i, j;

    memset(totals, 0, EXPECT_N_COUNTS * sizeof(*totals));
    for (i = 0; i <= EXPECT_TALLY_RULES; ++i) {
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            totals[j] += counter_get(&t->slots[i].n[j]);
        }
    }
}

/* The first decision in a span of time writes down what all slots added up to
 * before it; others do not wait for that. */
static int bucket_begin(expect_tally_t *t, bucket_t *ring, int size,
                        apr_uint32_t span)
{
    bucket_t *bucket = &ring[span % size];
    apr_uint32_t old = apr_atomic_read32(&bucket->tag);
    apr_uint64_t totals[EXPECT_N_COUNTS];
    int i;

    if (old >> 1 == span
        || apr_atomic_cas32(&bucket->tag, span * 2 + 1, old) != old) {
        return 0;
    }
    tally_sum(t, totals);
    for (i = 0; i < EXPECT_N_COUNTS; ++i) {
        counter_set(&bucket->n[i], totals[i]);
    }
    apr_atomic_cas32(&bucket->tag, span * 2, span * 2 + 1);
    return 1;
}

static void bucket_begin_both(expect_tally_t *t, apr_time_t now)
{
    apr_uint32_t minute = span_of_minute(now);

    if (bucket_begin(t, t->minutes, EXPECT_TALLY_MINUTES, minute)) {
        bucket_begin(t, t->quarters, EXPECT_TALLY_QUARTERS, minute / 15);
    }
}

/* --- the last refusals --------------------------------------------------- */

/* An entry that another writer has left unfinished, because it was killed or
 * is a whole ring behind, is taken over. */
static void entry_write(expect_tally_t *t, const expect_event_t *event,
                        const name_t *rule)
{
    apr_uint32_t ticket = apr_atomic_inc32(&t->tickets) + 1;
    entry_t *entry = &t->events[ticket % EXPECT_TALLY_EVENTS];
    apr_uint32_t old = apr_atomic_read32(&entry->seq);
    past_t past;

    memset(&past, 0, sizeof(past));
    past.event.time = event->time;
    past.event.decision = event->decision;
    past.event.status = event->status;
    memcpy(past.event.rule, rule->text, sizeof(past.event.rule));
    expect_text_copy(past.event.method, sizeof(past.event.method),
                     event->method);
    expect_text_copy(past.event.reason, sizeof(past.event.reason),
                     event->reason);

    /* an entry of a later round of the ring is not overwritten */
    if ((apr_int32_t)(old - ticket * 2) > 0
        || apr_atomic_cas32(&entry->seq, ticket * 2 + 1, old) != old) {
        return;
    }
    apr_atomic_set32(&entry->sum, past_sum(&past));
    words_put(entry->event, past.words, past_words(&past));
    apr_atomic_cas32(&entry->seq, ticket * 2, ticket * 2 + 1);
}

/* --- counting ------------------------------------------------------------ */

void expect_tally_count(expect_tally_t *t, const expect_event_t *event)
{
    name_t rule = { "" };
    slot_t *slot;

    bucket_begin_both(t, event->time);
    if (event->decision == EXPECT_N_CONTINUE) {
        counter_add(&t->slots[SLOT_ADMITTED].n[EXPECT_N_CONTINUE], 1);
        return;
    }
    expect_text_copy(rule.text, sizeof(rule.text), event->rule);
    slot = slot_find(t, &rule);
    slot_add_bytes(slot, event);
    counter_add(&slot->n[event->decision], 1);
    entry_write(t, event, &rule);
}

/* --- lingering connections ----------------------------------------------- */

void expect_tally_drained(expect_tally_t *t, apr_uint64_t bytes)
{
    counter_add(&t->drained, bytes);
}

/* A place that no process has, or whose process has reported nothing for a
 * while and is unlikely to do so again. */
static int place_find(expect_tally_t *t, apr_uint32_t pid, apr_time_t now)
{
    int i;

    for (i = 0; i < EXPECT_TALLY_PLACES; ++i) {
        int at = (int)((pid + i) % EXPECT_TALLY_PLACES);
        apr_uint32_t old = apr_atomic_read32(&t->places[at].pid);

        if ((!old || old == pid || !place_is_fresh(&t->places[at], now))
            && apr_atomic_cas32(&t->places[at].pid, pid, old) == old) {
            return at;
        }
    }
    return EXPECT_TALLY_NO_PLACE;
}

void expect_tally_lingering(expect_tally_t *t, int *place, apr_uint32_t pid,
                            apr_uint32_t held, apr_time_t now)
{
    place_t *own = *place < 0 ? NULL : &t->places[*place];

    if (!own || apr_atomic_read32(&own->pid) != pid) {
        *place = held ? place_find(t, pid, now) : EXPECT_TALLY_NO_PLACE;
        if (*place < 0) {
            return;
        }
        own = &t->places[*place];
    }
    apr_atomic_set32(&own->held, held);
    apr_atomic_set32(&own->reported, place_second(now));
    if (!held) {
        *place = EXPECT_TALLY_NO_PLACE;
        apr_atomic_cas32(&own->pid, 0, pid);
    }
}
