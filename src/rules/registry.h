/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rules: the tables of rules_content.c and rules_target.c, and the bridge
 * to httpd's registry of authz providers in rules_authz.c.
 */

#ifndef EXPECT_REGISTRY_H
#define EXPECT_REGISTRY_H

#include "base/quote.h"
#include "tree/tree.h"

/** content-length, content-type, content-encoding: need no httpd. */
extern const expect_rule_type_t expect_rules_content[];

/** header, precondition, free-space, auth, handler: need the request. */
extern const expect_rule_type_t expect_rules_target[];

/**
 * Find a rule in these tables.
 * @param name as written, in any case
 * @return its row, or NULL
 */
const expect_rule_type_t *expect_rules_find(const char *name);

/**
 * Whether what will be asked takes content, as the rule `handler` has it: not
 * so httpd's file handlers, which send what is stored.
 * @param r a request whose handler is known
 * @return 1 or 0
 */
int expect_target_takes_content(const struct request_rec *r);

/**
 * Whether mod_rewrite, in a directory, has found another target: the redirect
 * that comes next will tell about that.
 * @param r a request whose handler is known
 * @return 1 if so. The handler's name alone does not do: anybody can set it
 */
int expect_target_is_rewritten(const struct request_rec *r);

/**
 * Parse a SIZE: bytes, or with K, M, G or T (powers of 1024), either case.
 * @param size set to the bytes
 * @param word the word
 * @return 1 if it is a SIZE that apr_off_t holds, else 0
 */
int expect_size_parse(apr_off_t *size, const char *word);

/** What expect_size_parse() takes, for messages. */
#define EXPECT_SIZE_ACCEPTED \
    "a SIZE is a number of bytes, or of K, M, G or T (powers of 1024), like " \
    "10M"

#endif
