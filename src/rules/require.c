/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Rules as authz providers.
 *
 *     Require content-type application/pdf
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_request.h"
#include "ap_provider.h"
#include "mod_auth.h"

#include "apr_strings.h"

#include "rules/registry.h"
#include "rules/require.h"

/* Set at registration, const from then on. */
static expect_require_facts_fn *require_facts_of;

typedef enum {
    SENSE_PLAIN,
    SENSE_NEGATED,      /* Require refuses a grant and ignores a denial */
    SENSE_UNKNOWN       /* used by an alias: whether that is negated is not
                         * visible here */
} sense_e;

typedef struct {
    const expect_rule_type_t *type;
    const void *arg;
    sense_e sense;
} require_arg_t;

/*
 * A rule applies to content: for a request without, it is neutral. The head
 * counts as it was sent: httpd removes the content fields from subrequests (and
 * DirectoryIndex makes one the request), and a RequestHeader of some .htaccess
 * may add others. Require cannot cut content off later, so a rule that would
 * have to do so is denied.
 */
static authz_status require_check(request_rec *r, const char *line,
                                  const void *parsed)
{
    const expect_facts_t *sent = require_facts_of(r);
    const require_arg_t *a = parsed;
    expect_answer_t answer = EXPECT_ANSWER_INIT;
    expect_facts_t facts;
    expect_head_t head;
    expect_value_e value;

    (void)line;
    if (!sent) {
        return AUTHZ_NEUTRAL;
    }
    /* what is parsed of the head lives as long as r */
    head = *sent->head;
    head.media_type = NULL;
    head.codings = NULL;
    facts = *sent;
    facts.head = &head;
    facts.r = r;
    facts.pool = r->pool;
    facts.auth = EXPECT_AUTH_PENDING;
    facts.has_user = 0;
    facts.trace = NULL;

    value = a->type->check(&facts, a->arg, &answer);
    if (answer.survives_not || answer.max != EXPECT_UNLIMITED) {
        return a->sense == SENSE_NEGATED ? AUTHZ_GRANTED
               : a->sense == SENSE_PLAIN ? AUTHZ_DENIED : AUTHZ_GENERAL_ERROR;
    }
    return value == EXPECT_GRANTED ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

/*
 * The rule that a directive names, and in which sense. mod_authz_core passes a
 * provider's parser neither its name nor `not`, nor the <RequireNone> around
 * it: they are read from the tree of directives. There is
 *
 *     Require [not] NAME ARGUMENTS
 *     <AuthzProviderAlias NAME ALIAS ARGUMENTS>
 *
 * and of an alias that has directives within, the last of these is current.
 * (mod_authz_core leaves the name in cmd->temp_pool as well, but not for an
 * alias.)
 */
static const char *require_read(cmd_parms *cmd, sense_e *sense)
{
    const ap_directive_t *directive = cmd->directive;
    const char *args = directive->args;
    const char *name = ap_getword_conf(cmd->temp_pool, &args);
    int negated = !strcasecmp(name, "not");

    if (negated) {
        name = ap_getword_conf(cmd->temp_pool, &args);
    }
    for (; directive; directive = directive->parent) {
        if (!strncasecmp(directive->directive, "<AuthzProviderAlias", 19)) {
            *sense = SENSE_UNKNOWN;
            args = directive->args;
            return ap_getword_conf(cmd->temp_pool, &args);
        }
        negated ^= !strncasecmp(directive->directive, "<RequireNone", 12);
    }
    *sense = negated ? SENSE_NEGATED : SENSE_PLAIN;
    return name;
}

static const char *require_parse(cmd_parms *cmd, const char *line,
                                 const void **parsed)
{
    require_arg_t *a = apr_palloc(cmd->pool, sizeof(*a));
    const char *name = require_read(cmd, &a->sense);
    const char *err;

    a->type = expect_registry_find(name);
    a->arg = NULL;
    if (!a->type) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", name,
                           ": unknown rule", NULL);
    }
    err = expect_registry_parse(cmd->pool, a->type, line, &a->arg);
    if (err) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", a->type->name,
                           err, NULL);
    }
    *parsed = a;
    return NULL;
}

static const authz_provider require_provider = {
    require_check, require_parse
};

void expect_require_register(apr_pool_t *p, expect_require_facts_fn *facts_of)
{
    const expect_registry_row_t *row;

    require_facts_of = facts_of;
    for (row = expect_registry; row->type; ++row) {
        if (row->flags & EXPECT_RULE_IN_REQUIRE) {
            /* PER_CONF: the result of the rules depends on nothing but the
             * configuration, so httpd may go on skipping access control in
             * subrequests */
            ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP,
                                      row->type->name, AUTHZ_PROVIDER_VERSION,
                                      &require_provider,
                                      AP_AUTH_INTERNAL_PER_CONF);
        }
    }
}
