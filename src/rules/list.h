/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A list of accepted words, for the rules content-type and content-encoding.
 *
 * This file knows APR only, no httpd.
 */

#ifndef EXPECT_LIST_H
#define EXPECT_LIST_H

#include "apr_tables.h"

#include "tree/tree.h"

typedef struct expect_list_t expect_list_t;

/** The words that a rule takes. */
typedef struct expect_list_words_t {
    /** what is accepted if there is no word at all */
    const char *usage;
    /** what is wrong with a word that is not accepted: "not a coding" */
    const char *wrong;
    /** what is accepted in its place */
    const char *accepted;
    /**
     * The key of a word.
     * @param p    pool for the result
     * @param word as written
     * @return the key, in lower case; NULL: the word is not accepted
     */
    const char *(*key)(apr_pool_t *p, const char *word);
} expect_list_words_t;

/**
 * Parse a list.
 * @param p     the configuration's pool
 * @param argc  number of words
 * @param argv  the words
 * @param words the words that are accepted
 * @param list  set to the list
 * @return NULL, or expect_rule_wrong()'s message
 */
const char *expect_list_parse(apr_pool_t *p, int argc,
                              const char *const *argv,
                              const expect_list_words_t *words,
                              const expect_list_t **list);

/**
 * Whether a list has a word. The cost does not grow with the list.
 * @param list the list
 * @param key  the word's key
 * @return 1 or 0
 */
int expect_list_has(const expect_list_t *list, const char *key);

/**
 * The sentence of a refusal by a list.
 * @param p     pool for the result
 * @param facts what the rule looked at
 * @param list  the list
 * @param field the field that the rule reads: "Content-Type"; its name in lower
 *              case begins the sentence
 * @param value the value that is not in the list
 * @return "content-type text/html is not one of: image/png image/gif"
 */
const char *expect_list_reason(apr_pool_t *p, const expect_facts_t *facts,
                               const expect_list_t *list, const char *field,
                               const char *value);

/**
 * Describe what a list accepts. For a refusal (facts) the first words of a long
 * list are enough; the bounds of every upload (no facts) need all of them.
 * @param facts   as for expect_rule_type_t.accepts
 * @param list    the list
 * @param field   the response field that has the list: "Accept"
 * @param accepts field, accepted and is_long are set
 */
void expect_list_accepts(const expect_facts_t *facts,
                         const expect_list_t *list, const char *field,
                         expect_accepts_t *accepts);

/**
 * A value as a sentence shows it: with a note if the client did not send it,
 * and cut if it is long.
 * @param p     pool for the result
 * @param facts what the rule looked at
 * @param field the field that the rule reads
 * @param value the value, or its default (RFC 9110, 8.3 and 8.4)
 * @return "image/png", "identity (none was sent)"
 */
const char *expect_list_value(apr_pool_t *p, const expect_facts_t *facts,
                              const char *field, const char *value);

#endif
