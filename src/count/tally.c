/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What was decided, how often, and when.
 */

#include <stdlib.h>
#include <string.h>

#include "apr_atomic.h"
#include "apr_version.h"

#include "count/tally.h"

/*
 * A counter of 64 bits. APR has atomic ones since 1.7, but where the machine
 * has none they are made of a lock that other processes do not see: there,
 * and before, it is two words and a carry. Such a counter may read short by
 * 2^32 for the moment between the two adds.
 */
#if !defined(EXPECT_TALLY_WORDS) && APR_VERSION_AT_LEAST(1, 7, 0) \
    && APR_SIZEOF_VOIDP == 8
typedef struct counter_t {
    volatile apr_uint64_t value;
} counter_t;

static void counter_add(counter_t *counter, apr_uint64_t n)
{
    apr_atomic_add64(&counter->value, n);
}

static apr_uint64_t counter_get(counter_t *counter)
{
    return apr_atomic_read64(&counter->value);
}

static void counter_set(counter_t *counter, apr_uint64_t n)
{
    apr_atomic_set64(&counter->value, n);
}
#else
typedef struct counter_t {
    volatile apr_uint32_t low;
    volatile apr_uint32_t high;
} counter_t;

static void counter_add(counter_t *counter, apr_uint64_t n)
{
    apr_uint32_t low = (apr_uint32_t)n;
    apr_uint32_t high = (apr_uint32_t)(n >> 32);
    apr_uint32_t old = apr_atomic_add32(&counter->low, low);

    high += (apr_uint32_t)(old + low) < low;
    if (high) {
        apr_atomic_add32(&counter->high, high);
    }
}

static apr_uint64_t counter_get(counter_t *counter)
{
    apr_uint32_t high, low;

    do {
        high = apr_atomic_read32(&counter->high);
        low = apr_atomic_read32(&counter->low);
    } while (high != apr_atomic_read32(&counter->high));
    return (apr_uint64_t)high << 32 | low;
}

static void counter_set(counter_t *counter, apr_uint64_t n)
{
    apr_atomic_set32(&counter->high, (apr_uint32_t)(n >> 32));
    apr_atomic_set32(&counter->low, (apr_uint32_t)n);
}
#endif

/* Text in words: it is read while others write it, and by two at a time, so
 * each word has to be one at any moment. */
#define WORDS(size) (((size) + 3) / 4)

static void put_words(volatile apr_uint32_t *to, const apr_uint32_t *from,
                      int n)
{
    int i;

    for (i = 0; i < n; ++i) {
        apr_atomic_set32(&to[i], from[i]);
    }
}

static void get_words(apr_uint32_t *to, volatile apr_uint32_t *from, int n)
{
    int i;

    for (i = 0; i < n; ++i) {
        to[i] = apr_atomic_read32(&from[i]);
    }
}

typedef union name_t {
    char text[EXPECT_TALLY_RULE_SIZE];
    apr_uint32_t words[WORDS(EXPECT_TALLY_RULE_SIZE)];
} name_t;

typedef union past_t {
    expect_past_event_t event;
    apr_uint32_t words[WORDS(sizeof(expect_past_event_t))];
} past_t;

/* A rule and what it decided. Its key is a hash of its name: whoever swaps it
 * in has the slot, and nobody ever gives one back. */
typedef struct slot_t {
    volatile apr_uint32_t key;
    volatile apr_uint32_t named;
    volatile apr_uint32_t rule[WORDS(sizeof(name_t))];
    counter_t n[EXPECT_N_COUNTS];
} slot_t;

/* What all slots added up to when a span of time began: span * 2, and one
 * more while it is being written. */
typedef struct bucket_t {
    volatile apr_uint32_t tag;
    volatile apr_uint32_t unused;
    counter_t n[EXPECT_N_COUNTS];
} bucket_t;

/* A refusal. seq is ticket * 2, and one more while it is being written; sum
 * is over it as far as its sentence goes, so that one made by two writers is
 * told. */
typedef struct entry_t {
    volatile apr_uint32_t seq;
    volatile apr_uint32_t sum;
    volatile apr_uint32_t event[WORDS(sizeof(past_t))];
} entry_t;

/* A process, how many refused connections linger in it, and when it said so, in
 * seconds. */
typedef struct place_t {
    volatile apr_uint32_t pid;
    volatile apr_uint32_t held;
    volatile apr_uint32_t said;
} place_t;

#define SLOT_ADMITTED 0
#define SLOT_OTHER 1
#define SLOT_FIRST 2

struct expect_tally_t {
    apr_time_t since;
    volatile apr_uint32_t tickets;
    volatile apr_uint32_t unused;
    slot_t slots[EXPECT_TALLY_RULES + 1];
    bucket_t minutes[EXPECT_TALLY_MINUTES];
    bucket_t quarters[EXPECT_TALLY_QUARTERS];
    entry_t events[EXPECT_TALLY_EVENTS];
    counter_t drained;
    place_t places[EXPECT_TALLY_PLACES];
};

#define OTHER "other"

apr_size_t expect_tally_size(void)
{
    return sizeof(expect_tally_t);
}

static void name_slot(slot_t *slot, const name_t *rule)
{
    put_words(slot->rule, rule->words, WORDS(sizeof(*rule)));
    apr_atomic_set32(&slot->named, 1);
}

static void get_name(name_t *rule, slot_t *slot)
{
    get_words(rule->words, slot->rule, WORDS(sizeof(*rule)));
}

void expect_tally_init(expect_tally_t *t, apr_time_t now)
{
    static const name_t none = { "" }, other = { OTHER };

    t->since = now;
    name_slot(&t->slots[SLOT_ADMITTED], &none);
    name_slot(&t->slots[SLOT_OTHER], &other);
}

/* --- text ---------------------------------------------------------------- */

/* Whether a character shows as itself: no control, nothing that turns the
 * direction of writing, no surrogate, nothing that Unicode keeps free. */
static int is_shown(apr_uint32_t c)
{
    static const struct {
        apr_uint32_t first, last;
    } hidden[] = {
        { 0, 0x1f }, { 0x7f, 0x9f }, { 0x200e, 0x200f }, { 0x2028, 0x202e },
        { 0x2066, 0x2069 }, { 0xd800, 0xdfff }, { 0x110000, 0xffffffff }
    };
    apr_size_t i;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); ++i) {
        if (c >= hidden[i].first && c <= hidden[i].last) {
            return 0;
        }
    }
    return (c & 0xfffe) != 0xfffe;
}

/* UTF-8 as in RFC 3629: nothing overlong, nothing over U+10FFFF. */
int expect_text_shown(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    static const apr_uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    int length = *s < 0x80 ? 1 : *s < 0xc2 ? 0 : *s < 0xe0 ? 2
                 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0;
    apr_uint32_t c = length > 1 ? *s & (0x7f >> length) : *s;
    int i;

    for (i = 1; i < length; ++i) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3f);
    }
    return length && c >= least[length] && is_shown(c) ? length : 0;
}

/* No room for more: three dots in the place of the last whole characters. */
static void end_in_dots(const char *start, char *at)
{
    while (at > start && ((unsigned char)*at & 0xc0) == 0x80) {
        --at;
    }
    memcpy(at, "...", 4);
}

void expect_text_copy(char *to, apr_size_t size, const char *from)
{
    const unsigned char *s = (const unsigned char *)from;
    char *start = to;
    char *end = to + size - 1;
    int length;

    for (;;) {
        while (to < end && *s >= 0x20 && *s < 0x7f) {
            *to++ = (char)*s++;
        }
        if (!*s) {
            *to = '\0';
            return;
        }
        length = expect_text_shown((const char *)s);
        if (end - to < (length ? length : 1)) {
            *to = '\0';
            end_in_dots(start, to > end - 3 ? end - 3 : to);
            return;
        }
        if (!length) {
            *to++ = '?';
            ++s;
        }
        while (length--) {
            *to++ = (char)*s++;
        }
    }
}

/* FNV-1a. */
static apr_uint32_t hash(const char *text)
{
    apr_uint32_t sum = 2166136261U;

    while (*text) {
        sum = (sum ^ (unsigned char)*text++) * 16777619U;
    }
    return sum;
}

/* --- counting ------------------------------------------------------------ */

/* Whether this slot is the rule's. One whose name is not there yet has been
 * taken a moment ago by somebody with the same key, so the same name, who may
 * have been killed since: then it is named here. */
static int take_slot(slot_t *slot, apr_uint32_t key, const name_t *rule)
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
        name_slot(slot, rule);
        return 1;
    }
    get_name(&name, slot);
    return !strcmp(name.text, rule->text);
}

static slot_t *find_slot(expect_tally_t *t, const name_t *rule)
{
    enum { FREE = EXPECT_TALLY_RULES + 1 - SLOT_FIRST };
    apr_uint32_t key = hash(rule->text);
    int i;

    key = key ? key : 1;
    if (!strcmp(rule->text, OTHER)) {
        return &t->slots[SLOT_OTHER];
    }
    for (i = 0; i < FREE; ++i) {
        slot_t *slot = &t->slots[SLOT_FIRST + (key + i) % FREE];

        if (take_slot(slot, key, rule)) {
            return slot;
        }
    }
    return &t->slots[SLOT_OTHER];
}

static void add_up(expect_tally_t *t, apr_uint64_t *totals)
{
    int i, j;

    memset(totals, 0, EXPECT_N_COUNTS * sizeof(*totals));
    for (i = 0; i <= EXPECT_TALLY_RULES; ++i) {
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            totals[j] += counter_get(&t->slots[i].n[j]);
        }
    }
}

/* The first decision in a span of time writes down what was before it; others
 * do not wait for that. */
static int begin_bucket(expect_tally_t *t, bucket_t *ring, int size,
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
    add_up(t, totals);
    for (i = 0; i < EXPECT_N_COUNTS; ++i) {
        counter_set(&bucket->n[i], totals[i]);
    }
    apr_atomic_cas32(&bucket->tag, span * 2, span * 2 + 1);
    return 1;
}

static apr_uint32_t minute_of(apr_time_t now)
{
    return (apr_uint32_t)(apr_time_sec(now) / 60);
}

static void begin_buckets(expect_tally_t *t, apr_time_t now)
{
    apr_uint32_t minute = minute_of(now);

    if (begin_bucket(t, t->minutes, EXPECT_TALLY_MINUTES, minute)) {
        begin_bucket(t, t->quarters, EXPECT_TALLY_QUARTERS, minute / 15);
    }
}

/* The words of an event as far as its sentence goes: a refusal pays for each,
 * and what an older one has left behind them is not looked at. */
static int words_of(const past_t *past)
{
    return (int)WORDS(APR_OFFSETOF(expect_past_event_t, reason)
                      + strlen(past->event.reason) + 1);
}

static apr_uint32_t sum_of(const past_t *past)
{
    apr_uint32_t sum = 2166136261U;
    int i, n = words_of(past);

    for (i = 0; i < n; ++i) {
        sum = (sum ^ past->words[i]) * 16777619U;
    }
    return sum;
}

/* A slot that another writer has left unfinished, killed or a whole ring
 * behind, is taken over. */
static void remember(expect_tally_t *t, const expect_event_t *event,
                     const name_t *rule)
{
    apr_uint32_t ticket = apr_atomic_inc32(&t->tickets) + 1;
    entry_t *entry = &t->events[ticket % EXPECT_TALLY_EVENTS];
    apr_uint32_t old = apr_atomic_read32(&entry->seq);
    past_t past;

    memset(&past, 0, sizeof(past));
    past.event.time = event->time;
    past.event.what = event->what;
    past.event.status = event->status;
    memcpy(past.event.rule, rule->text, sizeof(past.event.rule));
    expect_text_copy(past.event.method, sizeof(past.event.method),
                     event->method);
    expect_text_copy(past.event.reason, sizeof(past.event.reason),
                     event->reason);

    /* nor is one of a later round put back */
    if ((apr_int32_t)(old - ticket * 2) > 0
        || apr_atomic_cas32(&entry->seq, ticket * 2 + 1, old) != old) {
        return;
    }
    apr_atomic_set32(&entry->sum, sum_of(&past));
    put_words(entry->event, past.words, words_of(&past));
    apr_atomic_cas32(&entry->seq, ticket * 2, ticket * 2 + 1);
}

static void add_bytes(slot_t *slot, const expect_event_t *event)
{
    apr_int64_t bytes = event->bytes < EXPECT_TALLY_BYTES_MAX
                            ? event->bytes : EXPECT_TALLY_BYTES_MAX;

    if (bytes <= 0) {
        return;
    }
    if (event->what == EXPECT_N_CUT_OFF) {
        counter_add(&slot->n[EXPECT_N_BYTES_CUT_OFF], bytes);
    }
    else if (event->what == EXPECT_N_REFUSE) {
        counter_add(&slot->n[EXPECT_N_BYTES_REFUSED], bytes);
        if (event->waited) {
            counter_add(&slot->n[EXPECT_N_BYTES_SPARED], bytes);
        }
    }
}

void expect_tally_count(expect_tally_t *t, const expect_event_t *event)
{
    name_t rule = { "" };
    slot_t *slot;

    begin_buckets(t, event->time);
    if (event->what == EXPECT_N_CONTINUE) {
        counter_add(&t->slots[SLOT_ADMITTED].n[EXPECT_N_CONTINUE], 1);
        return;
    }
    expect_text_copy(rule.text, sizeof(rule.text), event->rule);
    slot = find_slot(t, &rule);
    add_bytes(slot, event);
    counter_add(&slot->n[event->what], 1);
    remember(t, event, &rule);
}

/* --- what lingers -------------------------------------------------------- */

void expect_tally_drained(expect_tally_t *t, apr_uint64_t bytes)
{
    counter_add(&t->drained, bytes);
}

static apr_uint32_t second_of(apr_time_t now)
{
    return (apr_uint32_t)apr_time_sec(now);
}

/* Whether what was said in this place still holds; not so if the clock was set
 * back meanwhile. */
static int is_said(place_t *place, apr_time_t now)
{
    return second_of(now) - apr_atomic_read32(&place->said)
           <= EXPECT_TALLY_SAID;
}

/* A place that nobody has, or whose owner has said nothing for a while, and is
 * not likely to again. */
static int find_place(expect_tally_t *t, apr_uint32_t pid, apr_time_t now)
{
    int i;

    for (i = 0; i < EXPECT_TALLY_PLACES; ++i) {
        int at = (int)((pid + i) % EXPECT_TALLY_PLACES);
        apr_uint32_t old = apr_atomic_read32(&t->places[at].pid);

        if ((!old || old == pid || !is_said(&t->places[at], now))
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
        *place = held ? find_place(t, pid, now) : EXPECT_TALLY_NO_PLACE;
        if (*place < 0) {
            return;
        }
        own = &t->places[*place];
    }
    apr_atomic_set32(&own->held, held);
    apr_atomic_set32(&own->said, second_of(now));
    if (!held) {
        *place = EXPECT_TALLY_NO_PLACE;
        apr_atomic_cas32(&own->pid, 0, pid);
    }
}

static apr_uint64_t add_places(expect_tally_t *t, apr_time_t now)
{
    apr_uint64_t total = 0;
    int i;

    for (i = 0; i < EXPECT_TALLY_PLACES; ++i) {
        if (apr_atomic_read32(&t->places[i].pid)
            && is_said(&t->places[i], now)) {
            total += apr_atomic_read32(&t->places[i].held);
        }
    }
    return total;
}

/* --- reading ------------------------------------------------------------- */

/* What came in each span up to now, newest last: from a bucket's snapshot to
 * that of the next one that there is. A snapshot that does not fit between, of
 * a clock that was set back say, is passed over. */
static void read_ring(bucket_t *ring, int size, apr_uint32_t span,
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

static int read_entry(expect_past_event_t *event, entry_t *entry)
{
    apr_uint32_t seq = apr_atomic_read32(&entry->seq);
    apr_uint32_t sum = apr_atomic_read32(&entry->sum);
    past_t past;

    if (!seq || seq & 1) {
        return 0;
    }
    get_words(past.words, entry->event, WORDS(sizeof(past)));
    past.event.reason[sizeof(past.event.reason) - 1] = '\0';
    *event = past.event;
    return apr_atomic_read32(&entry->seq) == seq
           && sum == sum_of(&past);
}

static void read_events(expect_report_t *report, expect_tally_t *t)
{
    apr_uint32_t ticket = apr_atomic_read32(&t->tickets);
    int i;

    for (i = 0; i < EXPECT_TALLY_EVENTS; ++i, --ticket) {
        report->n_events += read_entry(
            &report->events[report->n_events],
            &t->events[ticket % EXPECT_TALLY_EVENTS]);
    }
}

static apr_uint64_t against(const expect_rule_count_t *rule)
{
    return rule->n[EXPECT_N_REFUSE] + rule->n[EXPECT_N_DETECT]
           + rule->n[EXPECT_N_CUT_OFF] + rule->n[EXPECT_N_WOULD_CUT];
}

static int compare_rules(const void *av, const void *bv)
{
    apr_uint64_t a = against(av), b = against(bv);

    return a < b ? 1 : a > b ? -1
           : strcmp(((const expect_rule_count_t *)av)->rule,
                    ((const expect_rule_count_t *)bv)->rule);
}

static void read_rules(expect_report_t *report, expect_tally_t *t)
{
    int i, j;

    for (i = SLOT_OTHER; i <= EXPECT_TALLY_RULES; ++i) {
        expect_rule_count_t *rule = &report->rules[report->n_rules];
        slot_t *slot = &t->slots[i];
        name_t name;

        if (!apr_atomic_read32(&slot->named)) {
            continue;
        }
        get_name(&name, slot);
        memcpy(rule->rule, name.text, sizeof(rule->rule));
        rule->rule[sizeof(rule->rule) - 1] = '\0';
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            rule->n[j] = counter_get(&slot->n[j]);
        }
        report->n_rules += against(rule) > 0;
    }
    qsort(report->rules, report->n_rules, sizeof(*report->rules),
          compare_rules);
}

void expect_tally_read(expect_report_t *report, expect_tally_t *t,
                       apr_time_t now)
{
    int i, j;

    memset(report, 0, sizeof(*report));
    report->since = t->since;
    report->now = now;
    report->drained = counter_get(&t->drained);
    report->lingering = add_places(t, now);
    read_rules(report, t);
    read_events(report, t);

    /* of what was read, so that the table adds up to the totals */
    for (i = 0; i < report->n_rules; ++i) {
        for (j = 0; j < EXPECT_N_COUNTS; ++j) {
            report->totals[j] += report->rules[i].n[j];
        }
    }
    report->totals[EXPECT_N_CONTINUE] =
        counter_get(&t->slots[SLOT_ADMITTED].n[EXPECT_N_CONTINUE]);
    read_ring(t->minutes, EXPECT_TALLY_MINUTES, minute_of(now),
              report->totals, report->minutes);
    read_ring(t->quarters, EXPECT_TALLY_QUARTERS, minute_of(now) / 15,
              report->totals, report->quarters);
}
