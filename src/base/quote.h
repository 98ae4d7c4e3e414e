/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is shown of what others wrote: bounded, so that what comes after it is
 * shown as well. httpd cuts a line of its log at 8 kB.
 *
 * Knows APR only, no httpd.
 */

#ifndef EXPECT_QUOTE_H
#define EXPECT_QUOTE_H

#include "apr_pools.h"

#include "tree/tree.h"

/** The longest piece of client data or of a rule that a sentence shows, in
 *  bytes. */
#define EXPECT_QUOTED_MAX 64

/** The longest word at fault in the configuration that a message shows, and the
 *  longest message, in bytes. */
#define EXPECT_WORD_MAX 256
#define EXPECT_MESSAGE_MAX 1024

/** The longest rule that is shown as it was written, and the longest path, in
 *  bytes. The log may make four of each. */
#define EXPECT_LINE_MAX 512

/**
 * A text, cut where it gets long.
 * @param p    pool for the result
 * @param text the text
 * @param max  how many bytes of it are shown
 * @return the text, or its beginning and "..."
 */
const char *expect_quoted(apr_pool_t *p, const char *text, apr_size_t max);

/**
 * A path, of which the end tells more than the beginning.
 * @param p    pool for the result
 * @param path the path
 * @return the path, or "..." and its last EXPECT_LINE_MAX bytes
 */
const char *expect_quoted_path(apr_pool_t *p, const char *path);

/**
 * Where a rule stands.
 * @param p    pool for the result
 * @param rule a leaf or container that was written somewhere
 * @return "/srv/uploads/.htaccess:3"
 */
const char *expect_quoted_place(apr_pool_t *p, const expect_rule_t *rule);

#endif
