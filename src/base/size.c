/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Parses a SIZE.
 */

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"

#include "base/size.h"

int expect_size_parse(apr_off_t *size, const char *word)
{
    static const char units[] = "kmgt";
    char *end;
    int shift = 0;

    if (!apr_isdigit(*word)
        || apr_strtoff(size, word, &end, 10) != APR_SUCCESS) {
        return 0;
    }
    if (*end) {
        const char *unit = strchr(units, apr_tolower(*end));

        if (!unit || end[1]) {
            return 0;
        }
        shift = 10 * (int)(unit - units + 1);
    }
    if (*size > (APR_INT64_MAX >> shift)) {
        return 0;
    }
    *size <<= shift;
    return 1;
}
