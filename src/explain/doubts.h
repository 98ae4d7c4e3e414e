/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Doubts about the rules of a section: rules that have no effect, that can
 * never hold, or that something else makes useless.
 */

#ifndef EXPECT_DOUBTS_H
#define EXPECT_DOUBTS_H

#include "apr_file_io.h"
#include "apr_pools.h"

#include "tree/tree.h"

/** The circumstances in which the rules of a section are evaluated. */
typedef struct expect_doubts_t {
    apr_pool_t *p;
    /** where warnings are printed */
    apr_file_t *out;
    /** bytes of LimitRequestBody, or of httpd's default for it; 0: no limit */
    apr_off_t limit;
    /** the rule's own status is answered, and for 401 there is no challenge */
    int no_challenge;
} expect_doubts_t;

/**
 * Print a warning for each doubtful rule, one line each.
 * @param d     the circumstances
 * @param rules the tree in force
 */
void expect_doubts_print(const expect_doubts_t *d, const expect_rule_t *rules);

#endif
