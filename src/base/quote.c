/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Cuts text of others to a length.
 */

#include <string.h>

#include "apr_strings.h"

#include "base/quote.h"

const char *expect_quoted(apr_pool_t *p, const char *text, apr_size_t max)
{
    if (strlen(text) <= max) {
        return text;
    }
    return apr_pstrcat(p, apr_pstrndup(p, text, max), "...", NULL);
}

const char *expect_quoted_path(apr_pool_t *p, const char *path)
{
    apr_size_t length = strlen(path);

    return length <= EXPECT_LINE_MAX
               ? path
               : apr_pstrcat(p, "...", path + length - EXPECT_LINE_MAX, NULL);
}
