/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Messages for wrong arguments of rules.
 */

#include "apr_strings.h"

#include "base/quote.h"
#include "rules/arguments.h"

const char *expect_rule_wrong(apr_pool_t *p, const char *word,
                              const char *wrong, const char *accepted)
{
    if (!word) {
        return apr_pstrcat(p, ": ", wrong, "; ", accepted, NULL);
    }
    return apr_pstrcat(p, " ",
                       *word ? expect_quoted(p, word, EXPECT_WORD_MAX)
                             : "\"\"",
                       ": ", wrong, "; ", accepted, NULL);
}

const char *expect_rule_no_argument(apr_pool_t *p, int argc,
                                    const char *const *argv,
                                    const char *accepted)
{
    return argc ? expect_rule_wrong(p, argv[0], "one argument too many",
                                    accepted)
                : NULL;
}
