/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The registry of mod_expect's own rules.
 */

#include <string.h>

#include "httpd.h"

#include "apr_strings.h"

#include "rules/registry.h"

const expect_registry_row_t expect_registry[] = {
    { &expect_rule_content_length,   EXPECT_RULE_IN_REQUIRE },
    { &expect_rule_content_type,     EXPECT_RULE_IN_REQUIRE },
    { &expect_rule_content_encoding, EXPECT_RULE_IN_REQUIRE },
    { &expect_rule_header,           EXPECT_RULE_IN_REQUIRE },
    { &expect_rule_precondition,     EXPECT_RULE_IN_REQUIRE },
    { &expect_rule_free_space,       EXPECT_RULE_IN_REQUIRE },
    { &expect_rule_auth,             0 },
    { &expect_rule_handler,          0 },
    { &expect_rule_in_flight,        0 },
    { &expect_rule_quota,            0 },
    { NULL, 0 }
};

const expect_rule_type_t *expect_registry_find(const char *name)
{
    const expect_registry_row_t *row;

    for (row = expect_registry; row->type; ++row) {
        if (!strcasecmp(row->type->name, name)) {
            return row->type;
        }
    }
    return NULL;
}

const char *expect_registry_names(apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));
    const expect_registry_row_t *row;

    for (row = expect_registry; row->type; ++row) {
        APR_ARRAY_PUSH(names, const char *) = row->type->name;
    }
    return apr_array_pstrcat(p, names, ' ');
}

const char *expect_registry_parse(apr_pool_t *p,
                                  const expect_rule_type_t *type,
                                  const char *line, const void **arg)
{
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));

    while (*line) {
        APR_ARRAY_PUSH(words, const char *) = ap_getword_conf(p, &line);
    }
    return type->parse(p, words->nelts, (const char *const *)words->elts,
                       arg);
}
