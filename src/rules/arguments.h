/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Arguments of rules: their errors.
 *
 * This file knows APR only, no httpd.
 */

#ifndef EXPECT_ARGUMENTS_H
#define EXPECT_ARGUMENTS_H

#include "apr_pools.h"

/**
 * The message for arguments that are not accepted.
 * @param p        pool for the result
 * @param word     the wrong word; NULL where none was written
 * @param wrong    what is wrong with it
 * @param accepted what is accepted
 * @return "[ word]: wrong; accepted"; a long word is cut
 */
const char *expect_rule_wrong(apr_pool_t *p, const char *word,
                              const char *wrong, const char *accepted);

/**
 * The arguments of a rule that takes none.
 * @param p        pool for the result
 * @param argc     number of words
 * @param argv     the words
 * @param accepted what is accepted: "auth takes none"
 * @return NULL, or the message if there is a word
 */
const char *expect_rule_no_argument(apr_pool_t *p, int argc,
                                    const char *const *argv,
                                    const char *accepted);

#endif
