/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A list of accepted words.
 */

#include <string.h>

#include "apr_hash.h"
#include "apr_strings.h"

#include "base/head.h"
#include "base/quote.h"
#include "rules/arguments.h"
#include "rules/list.h"

/*
 * A list this short is scanned, a longer one is looked up in a hash. For 1000
 * rules (t/bench/run --hot rules) a hash for all lists takes 375,000
 * instructions instead of 269,000, and a scan that does not compare the first
 * character itself takes 290,000.
 */
#define LIST_SCAN_MAX 4

/* The longest list that a refused client is shown, in bytes. */
#define LIST_SHOWN_MAX 1000

struct expect_list_t {
    /* the keys of a short list, ended by NULL; the first of a long one */
    const char *few[LIST_SCAN_MAX + 1];
    int count;
    /* all keys, each its own value */
    apr_hash_t *keys;
    /* the words as written, and as one text; of a long list the first */
    const apr_array_header_t *words;
    const char *text;
};

static expect_list_t *list_make(apr_pool_t *p, int argc,
                                const char *const *argv)
{
    expect_list_t *list = apr_pcalloc(p, sizeof(*list));
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));
    apr_size_t length = 0;
    int i;

    for (i = 0; i < argc && length < LIST_SHOWN_MAX
                && strlen(argv[i]) <= EXPECT_WORD_MAX; ++i) {
        APR_ARRAY_PUSH(words, const char *) = argv[i];
        length += strlen(argv[i]) + 1;
    }
    list->keys = apr_hash_make(p);
    list->words = words;
    list->text = apr_array_pstrcat(p, words, ' ');
    if (i < argc) {
        list->text = i ? apr_psprintf(p, "%s and %d more", list->text,
                                      argc - i)
                       : apr_psprintf(p, "%d that are too long to be shown",
                                      argc);
    }
    return list;
}

static void list_add(expect_list_t *list, const char *key)
{
    apr_hash_set(list->keys, key, APR_HASH_KEY_STRING, key);
    if (list->count < LIST_SCAN_MAX) {
        list->few[list->count] = key;
    }
    ++list->count;
}

const char *expect_list_parse(apr_pool_t *p, int argc,
                              const char *const *argv,
                              const expect_list_words_t *words,
                              const expect_list_t **list)
{
    expect_list_t *made = list_make(p, argc, argv);
    int i;

    if (!argc) {
        return expect_rule_wrong(p, NULL, "an argument is missing",
                                 words->usage);
    }
    for (i = 0; i < argc; ++i) {
        const char *key = words->key(p, argv[i]);

        if (!key) {
            return expect_rule_wrong(p, argv[i], words->wrong,
                                     words->accepted);
        }
        list_add(made, key);
    }
    *list = made;
    return NULL;
}

int expect_list_has(const expect_list_t *list, const char *key)
{
    const char *const *few;

    if (list->count > LIST_SCAN_MAX) {
        return apr_hash_get(list->keys, key, APR_HASH_KEY_STRING) != NULL;
    }
    for (few = list->few; *few; ++few) {
        if (**few == *key && !strcmp(*few, key)) {
            return 1;
        }
    }
    return 0;
}

const char *expect_list_value(apr_pool_t *p, const expect_facts_t *facts,
                              const char *field, const char *value)
{
    if (!apr_table_get(facts->head->fields, field)) {
        value = apr_pstrcat(p, value, " (none was sent)", NULL);
    }
    return expect_quoted(p, value, EXPECT_QUOTED_MAX);
}

const char *expect_list_reason(apr_pool_t *p, const expect_facts_t *facts,
                               const expect_list_t *list, const char *field,
                               const char *value)
{
    return apr_pstrcat(p, expect_lower(p, field, field + strlen(field)), " ",
                       expect_list_value(p, facts, field, value),
                       " is not one of: ", list->text, NULL);
}

void expect_list_accepts(const expect_facts_t *facts,
                         const expect_list_t *list, const char *field,
                         expect_accepts_t *accepts)
{
    accepts->field = field;
    accepts->is_long = list->words->nelts < (facts ? 1 : list->count);
    accepts->accepted = accepts->is_long ? NULL : list->words;
}
