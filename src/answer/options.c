/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a client can learn before it sends anything: OPTIONS.
 *
 * Browsers cannot ask by Expect. A script in a page can read these fields, and
 * turn down a file that would be refused.
 */

#include "httpd.h"

#include "answer/fields.h"
#include "answer/options.h"
#include "config/merge.h"
#include "config/section.h"
#include "ledger/claims.h"
#include "rules/limits.h"
#include "tree/describe.h"

/* Rules that do not hold for every request are not announced. */
static int options_are_binding(const expect_dir_conf_t *conf)
{
    return conf && conf->has_rules && expect_conf_refuses(conf)
           && conf->scope != EXPECT_SCOPE_EXPECTATION;
}

/* The rules to announce, or NULL. */
static const expect_rule_t *options_rules(const request_rec *r)
{
    const expect_dir_conf_t *conf = expect_conf_of(r->per_dir_config);

    return options_are_binding(conf) ? expect_conf_rules(r->pool, conf) : NULL;
}

/* @param asks_store 0: what the store has is not looked for */
static void options_announce(request_rec *r, const expect_rule_t *rules,
                             int asks_store)
{
    expect_accepts_t accepts;
    expect_facts_t facts = { 0 };
    expect_head_t head = { 0 };
    const char *limit, *types;

    head.fields = r->headers_in;
    facts.head = &head;
    facts.r = r;
    facts.pool = r->pool;
    facts.claims = expect_claims_make(r->pool);
    facts.claims->is_too_many = rules->remembers > EXPECT_CLAIMS_MAX;
    facts.claims->asks_store = asks_store;
    expect_limits_look(rules, &facts, EXPECT_AT_HANDLER);
    expect_rule_accepts_all(r->pool, rules, &facts, &accepts);
    limit = expect_fields_upload_limit(r->pool, &accepts);
    if (limit) {
        apr_table_setn(r->err_headers_out, "Upload-Limit", limit);
    }
    expect_fields_rate_limit(r, &accepts);
    if (accepts.accepted && accepts.accepted->nelts) {
        types = expect_fields_list(r->pool, accepts.accepted);
        apr_table_setn(r->err_headers_out, "Accept-Post", types);
        apr_table_setn(r->err_headers_out, "Accept-Patch", types);
    }
}

void expect_options_announce(request_rec *r)
{
    const expect_rule_t *rules = options_rules(r);

    if (rules) {
        /* no round trip for a client that has no access */
        options_announce(r, rules, 0);
    }
}

void expect_options_announce_again(request_rec *r)
{
    const expect_rule_t *rules = options_rules(r);

    if (rules && rules->remembers) {
        options_announce(r, rules, 1);
    }
}
