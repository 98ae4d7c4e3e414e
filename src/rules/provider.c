/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The bridge to httpd's registry of authz providers, both ways: whatever
 * `Require` knows is a rule, and mod_expect's rules stand in `Require`.
 *
 *     ExpectRequire ip 10.0.0.0/8
 *     Require content-type application/pdf
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
#include "judge/request.h"
#include "rules/provider.h"

/* A provider as a rule */

typedef struct {
    const authz_provider *provider;
    const char *name;
    /* it is `expr`, where patterns may stand */
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

    /* an <AuthzProviderAlias> finds itself by this note */
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
        /* expr says so of all that it denies, once a user was looked at */
        return r->user ? EXPECT_DENIED : EXPECT_UNKNOWN;
    case AUTHZ_GENERAL_ERROR:
        return EXPECT_ERROR;
    case AUTHZ_NEUTRAL:
        /* it did not grant, and `not` cannot take that for a denial */
        answer->survives_not = 1;
        return EXPECT_DENIED;
    default:
        return EXPECT_DENIED;
    }
}

static const char *provider_explain(apr_pool_t *p,
                                    const expect_facts_t *facts,
                                    const void *arg, int status, int negated)
{
    const provider_arg_t *a = arg;

    (void)facts;
    (void)status;
    return apr_psprintf(p, negated ? "%s holds, which is not accepted"
                                   : "%s does not hold",
                        expect_quoted(p, a->name, EXPECT_QUOTED_MAX));
}

/* Most wait for SetEnvIf: env and expr see what it sets, and what a third
 * party's provider looks at is not for us to know. */
static const expect_rule_type_t provider_type = {
    "authz provider", EXPECT_AT_ENV, HTTP_FORBIDDEN,
    NULL, provider_check, provider_explain, NULL
};

static int is_one_of(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name)) {
        ++names;
    }
    return *names != NULL;
}

/* What access control leaves in a request. */
static int looks_at_user(const char *expr)
{
    return ap_strcasestr(expr, "REMOTE_USER")
           || ap_strcasestr(expr, "AUTH");
}

/* When it is asked, and when it answers as it does when all is known. */
static void set_stages(expect_rule_t *rule, const char *name,
                       const char *args)
{
    /* of httpd: these look at the head and the client's address only */
    static const char *const at_head[] = {
        "all", "forward-dns", "host", "ip", "local", "method", NULL
    };

    rule->earliest = is_one_of(at_head, name) ? EXPECT_AT_HEAD : EXPECT_AT_ENV;
    rule->final = rule->earliest;
    if (rule->earliest == EXPECT_AT_ENV && strcmp(name, "env")
        && (strcmp(name, "expr") || looks_at_user(args))) {
        rule->final = EXPECT_AT_USER;
    }
}

/* Those of httpd that take any arguments, and then deny all or mind none. */
static const char *wrong_number(const char *name, const char *args)
{
    static const char *const some[] = {
        "dbd-group", "dbm-group", "env", "group", "method", "user", NULL
    };
    static const char *const none[] = {
        "file-group", "file-owner", "local", "valid-user", NULL
    };

    if (!*args && is_one_of(some, name)) {
        return "an argument is missing";
    }
    return *args && is_one_of(none, name) ? "one argument too many" : NULL;
}

const char *expect_authz_rule(cmd_parms *cmd, const char *name,
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
    err = wrong_number(name, args);
    if (err) {
        return err;
    }

    a = apr_pcalloc(cmd->pool, sizeof(*a));
    a->provider = provider;
    a->name = name;
    a->is_expr = !strcmp(name, "expr");
    a->args = args;
    if (provider->parse_require_line) {
        /* as mod_authz_core does: an alias finds itself by this, too */
        apr_pool_userdata_setn(name, AUTHZ_PROVIDER_NAME_NOTE,
                               apr_pool_cleanup_null, cmd->temp_pool);
        err = provider->parse_require_line(cmd, args, &a->parsed);
        if (err) {
            return err;
        }
    }

    *rule = expect_rule_leaf(cmd->pool, &provider_type, a);
    (*rule)->name = expect_quoted(cmd->pool, name, EXPECT_QUOTED_MAX);
    set_stages(*rule, name, args);
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *expect_authz_names(apr_pool_t *p)
{
    apr_array_header_t *found = ap_list_provider_names(
        p, AUTHZ_PROVIDER_GROUP, AUTHZ_PROVIDER_VERSION);
    apr_array_header_t *names = apr_array_make(p, found->nelts,
                                               sizeof(const char *));
    int i;

    for (i = 0; i < found->nelts; ++i) {
        const char *name =
            APR_ARRAY_IDX(found, i, ap_list_provider_names_t).provider_name;

        if (!expect_rules_find(name)) {
            APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    qsort(names->elts, names->nelts, names->elt_size, by_name);
    return apr_array_pstrcat(p, names, ' ');
}

/* A rule as a provider */

typedef enum {
    PLAIN,
    NEGATED,            /* a grant denies, and a denial is passed over */
    BEHIND_ALIAS        /* either: what stands before an alias is not seen */
} sense_e;

typedef struct {
    const expect_rule_type_t *type;
    const void *arg;
    sense_e sense;
} require_arg_t;

/*
 * A rule speaks of content: of a request without any it says nothing. What
 * counts is the head as it was sent: httpd takes the content fields from
 * subrequests (and DirectoryIndex makes one the request), and a RequestHeader
 * of some .htaccess adds others. Nor
 * can Require cut content off later, so there what a cap would bound is
 * denied.
 */
static authz_status require_check(request_rec *r, const char *line,
                                  const void *parsed)
{
    const request_rec *sent = expect_request_first(r);
    const expect_request_t *e = expect_request_get(sent);
    const require_arg_t *a = parsed;
    expect_answer_t answer = EXPECT_ANSWER_INIT;
    expect_facts_t facts;
    expect_head_t head;
    expect_value_e value;

    (void)line;
    if (!e) {
        return AUTHZ_NEUTRAL;
    }
    /* what is read of it lives as long as this request */
    head = e->head;
    head.media_type = NULL;
    head.codings = NULL;
    facts.head = &head;
    facts.r = r;
    facts.pool = r->pool;
    facts.method = AP_METHOD_BIT << sent->method_number;
    facts.auth = EXPECT_AUTH_PENDING;
    facts.has_user = 0;
    facts.patience = e->facts.patience;
    facts.trace = NULL;

    value = a->type->check(&facts, a->arg, &answer);
    if (answer.survives_not || answer.cap != EXPECT_UNLIMITED) {
        return a->sense == NEGATED ? AUTHZ_GRANTED
               : a->sense == PLAIN ? AUTHZ_DENIED : AUTHZ_GENERAL_ERROR;
    }
    return value == EXPECT_GRANTED ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

/* mod_authz_core tells a provider of neither `not` nor <RequireNone>. */
static sense_e sense_of(cmd_parms *cmd)
{
    const ap_directive_t *directive = cmd->directive;
    const char *args = directive->args;
    int negated = !strcasecmp(ap_getword_conf(cmd->temp_pool, &args), "not");

    for (; directive; directive = directive->parent) {
        if (!strncasecmp(directive->directive, "<AuthzProviderAlias", 19)) {
            return BEHIND_ALIAS;
        }
        negated ^= !strncasecmp(directive->directive, "<RequireNone", 12);
    }
    return negated ? NEGATED : PLAIN;
}

static const char *require_parse(cmd_parms *cmd, const char *line,
                                 const void **parsed, const char *name)
{
    const expect_rule_type_t *type = expect_rules_find(name);
    require_arg_t *a = apr_palloc(cmd->pool, sizeof(*a));
    const char *err;

    a->type = type;
    a->arg = NULL;
    a->sense = sense_of(cmd);
    err = expect_conf_parse_rule(cmd->pool, type, line, &a->arg);
    if (err) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", type->name, err,
                           NULL);
    }
    *parsed = a;
    return NULL;
}

/* A provider's parser is not told its name: each has its own. */
#define REQUIRE_RULE(id, name)                                             \
    static const char *require_parse_##id(cmd_parms *cmd, const char *line, \
                                          const void **parsed)             \
    {                                                                      \
        return require_parse(cmd, line, parsed, name);                     \
    }                                                                      \
    static const authz_provider require_##id = {                           \
        require_check, require_parse_##id                                  \
    };

REQUIRE_RULE(length, "content-length")
REQUIRE_RULE(type, "content-type")
REQUIRE_RULE(coding, "content-encoding")
REQUIRE_RULE(header, "header")
REQUIRE_RULE(precondition, "precondition")
REQUIRE_RULE(space, "free-space")

static void provide(apr_pool_t *p, const char *name,
                    const authz_provider *provider)
{
    /* PER_CONF: what the rules say depends on the configuration only, so
     * httpd may go on skipping access control in subrequests */
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, name,
                              AUTHZ_PROVIDER_VERSION, provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}

void expect_authz_register(apr_pool_t *p)
{
    provide(p, "content-length", &require_length);
    provide(p, "content-type", &require_type);
    provide(p, "content-encoding", &require_coding);
    provide(p, "header", &require_header);
    provide(p, "precondition", &require_precondition);
    provide(p, "free-space", &require_space);
}
