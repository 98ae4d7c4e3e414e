/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Text of clients and of the configuration, cut to a length, so that what comes
 * after it in a line is still shown. httpd cuts a line of its log at 8 kB.
 *
 * This file knows APR only, no httpd.
 */

#ifndef EXPECT_QUOTE_H
#define EXPECT_QUOTE_H

#include "apr_pools.h"

/** The longest piece of client data or of a rule that a sentence shows, in
 *  bytes. */
#define EXPECT_QUOTED_MAX 64

/** The longest wrong word of the configuration that a message shows, and the
 *  longest message, in bytes. */
#define EXPECT_WORD_MAX 256
#define EXPECT_MESSAGE_MAX 1024

/** The longest rule that is shown as it was written, and the longest path, in
 *  bytes. The log's escapes can make each byte four. */
#define EXPECT_LINE_MAX 512

/**
 * Cut a text at its end.
 * @param p    pool for the result
 * @param text the text
 * @param max  the number of its bytes that are shown
 * @return the text, or its beginning and "..."
 */
const char *expect_quoted(apr_pool_t *p, const char *text, apr_size_t max);

/**
 * Cut a path at its beginning: its end says more.
 * @param p    pool for the result
 * @param path the path
 * @return the path, or "..." and its last EXPECT_LINE_MAX bytes
 */
const char *expect_quoted_path(apr_pool_t *p, const char *path);

#endif
