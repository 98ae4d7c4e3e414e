/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Authz providers as rules.
 *
 *     ExpectRequire ip 10.0.0.0/8
 */

#include <stdlib.h>
#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_request.h"
#include "ap_provider.h"
#include "mod_auth.h"

#include "apr_strings.h"

#include "base/patience.h"
#include "base/quote.h"
#include "rules/provider.h"
#include "rules/registry.h"

typedef struct {
    const authz_provider *provider;
    const char *name;
    /* it is `expr`, which may have patterns */
    int is_expr;
    const char *args;
    const void *parsed;
} provider_arg_t;

static authz_status provider_run(const expect_facts_t *facts,
                                 const provider_arg_t *a)
{
    request_rec *r = facts->r;
    apr_interval_time_t since = a->is_expr ? expect_patience_clock() : 0;
    authz_status status;

    /* an <AuthzProviderAlias> finds its own provider by this note */
    apr_table_setn(r->notes, AUTHZ_PROVIDER_NAME_NOTE, a->name);
    status = a->provider->check_authorization(r, a->args, a->parsed);
    apr_table_unset(r->notes, AUTHZ_PROVIDER_NAME_NOTE);
    if (a->is_expr) {
        expect_patience_spend(facts->patience, since);
    }
    return status;
}

static expect_value_e provider_check(const expect_facts_t *facts,
                                     const void *arg, expect_answer_t *answer)
{
    const provider_arg_t *a = arg;
    request_rec *r = facts->r;

    if (a->is_expr && expect_patience_is_over(facts->patience)) {
        answer->survives_not = 1;
        return EXPECT_DENIED;
    }
    switch (provider_run(facts, a)) {
    case AUTHZ_GRANTED:
        return EXPECT_GRANTED;
    case AUTHZ_DENIED_NO_USER:
        /* expr returns this for every denial after it has evaluated
         * REMOTE_USER, even if there is a user */
        return r->user ? EXPECT_DENIED : EXPECT_UNKNOWN;
    case AUTHZ_GENERAL_ERROR:
        return EXPECT_ERROR;
    case AUTHZ_NEUTRAL:
        /* it did not grant; `not` must not make a grant of that */
        answer->survives_not = 1;
        return EXPECT_DENIED;
    default:
        return EXPECT_DENIED;
    }
}

static const char *provider_reason(apr_pool_t *p,
                                   const expect_facts_t *facts,
                                   const void *arg, int status, int negated)
{
    const provider_arg_t *a = arg;

    (void)facts;
    (void)status;
    return apr_psprintf(p, negated ? "the rule %s matches, which is not "
                                     "accepted"
                                   : "the rule %s is not met",
                        expect_quoted(p, a->name, EXPECT_QUOTED_MAX));
}

/* Most wait for SetEnvIf: env and expr see the variables that it sets, and it
 * is not known what a third party's provider looks at. */
static const expect_rule_type_t provider_type = {
    .name = "authz provider",
    .known_at = EXPECT_AT_ENV,
    .status = HTTP_FORBIDDEN,
    .check = provider_check,
    .reason = provider_reason
};

static int provider_is_one_of(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name)) {
        ++names;
    }
    return *names != NULL;
}

/* Whether an expression may look at what access control sets in a request. */
static int provider_looks_at_user(const char *expr)
{
    return ap_strcasestr(expr, "REMOTE_USER")
           || ap_strcasestr(expr, "AUTH");
}

/* When a provider is evaluated, and when its answer is final. */
static void provider_set_stages(expect_rule_t *rule, const char *name,
                                const char *args)
{
    /* httpd's providers that look at nothing but the head and the client */
    static const char *const at_head[] = {
        "all", "forward-dns", "host", "ip", "local", "method", NULL
    };

    rule->earliest = provider_is_one_of(at_head, name) ? EXPECT_AT_HEAD
                                                       : EXPECT_AT_ENV;
    rule->final = rule->earliest;
    if (rule->earliest == EXPECT_AT_ENV && strcmp(name, "env")
        && (strcmp(name, "expr") || provider_looks_at_user(args))) {
        rule->final = EXPECT_AT_USER;
    }
}

/* Some of httpd's providers take any number of arguments, and then deny all
 * requests or ignore the arguments. */
static const char *provider_wrong_number(const char *name, const char *args)
{
    static const char *const take_some[] = {
        "dbd-group", "dbm-group", "env", "group", "method", "user", NULL
    };
    static const char *const take_none[] = {
        "file-group", "file-owner", "local", "valid-user", NULL
    };

    if (!*args && provider_is_one_of(take_some, name)) {
        return "an argument is missing";
    }
    return *args && provider_is_one_of(take_none, name)
               ? "one argument too many" : NULL;
}

const char *expect_provider_rule(cmd_parms *cmd, const char *name,
                                 const char *args, expect_rule_t **rule)
{
    const authz_provider *provider = ap_lookup_provider(
        AUTHZ_PROVIDER_GROUP, name, AUTHZ_PROVIDER_VERSION);
    provider_arg_t *a;
    const char *err;

    *rule = NULL;
    if (!provider || !provider->check_authorization) {
        return NULL;
    }
    err = provider_wrong_number(name, args);
    if (err) {
        return err;
    }

    a = apr_pcalloc(cmd->pool, sizeof(*a));
    a->provider = provider;
    a->name = name;
    a->is_expr = !strcmp(name, "expr");
    a->args = args;
    if (provider->parse_require_line) {
        /* as mod_authz_core does: mod_lua finds its own provider by this */
        apr_pool_userdata_setn(name, AUTHZ_PROVIDER_NAME_NOTE,
                               apr_pool_cleanup_null, cmd->temp_pool);
        err = provider->parse_require_line(cmd, args, &a->parsed);
        if (err) {
            return err;
        }
    }

    *rule = expect_rule_leaf(cmd->pool, &provider_type, a);
    (*rule)->name = expect_quoted(cmd->pool, name, EXPECT_QUOTED_MAX);
    provider_set_stages(*rule, name, args);
    return NULL;
}

static int provider_compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *expect_provider_names(apr_pool_t *p)
{
    apr_array_header_t *found = ap_list_provider_names(
        p, AUTHZ_PROVIDER_GROUP, AUTHZ_PROVIDER_VERSION);
    apr_array_header_t *names = apr_array_make(p, found->nelts,
                                               sizeof(const char *));
    int i;

    for (i = 0; i < found->nelts; ++i) {
        const char *name =
            APR_ARRAY_IDX(found, i, ap_list_provider_names_t).provider_name;

        if (!expect_registry_find(name)) {
            APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    qsort(names->elts, names->nelts, names->elt_size, provider_compare_names);
    return apr_array_pstrcat(p, names, ' ');
}
