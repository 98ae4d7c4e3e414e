/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What in-flight and quota say of a request: keys, evaluation.
 */

#include <string.h>

#include "httpd.h"
#include "ap_expr.h"

#include "apr_strings.h"

#include "ledger/claims.h"
#include "ledger/fleet.h"
#include "ledger/server.h"
#include "rules/limits.h"
#include "rules/limits_arg.h"
#include "tree/evaluate.h"

/* --- keys ---------------------------------------------------------------- */

/* An IPv4 address, also one in IPv6 (RFC 4291, 2.5.5.2); of another IPv6
 * address the first 64 bits. */
static void key_of_address(const apr_sockaddr_t *address,
                           expect_claim_entry_t *c)
{
    const unsigned char *bytes = address->ipaddr_ptr;
    apr_size_t length = address->ipaddr_len;

    if (length == 16) {
        static const unsigned char mapped[12] = {
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
        };

        if (!memcmp(bytes, mapped, sizeof(mapped))) {
            bytes += sizeof(mapped);
            length = 4;
        }
        else {
            length = 8;
        }
    }
    c->address[0] = 'i';
    memcpy(c->address + 1, bytes, length);
    c->claim.key = c->address;
    c->claim.key_length = length + 1;
}

static void key_of_text(expect_claim_t *claim, const char *text)
{
    claim->key = text;
    claim->key_length = strlen(text);
}

/* @return 0 if the rule does not apply: an expression is empty */
static int limits_set_key(apr_pool_t *p, request_rec *r,
                          const limits_arg_t *a, expect_claim_entry_t *c)
{
    expect_claim_t *claim = &c->claim;
    const char *err = NULL, *text;

    switch (a->key) {
    case KEY_IP:
        key_of_address(r->useragent_addr, c);
        return 1;
    case KEY_USER:
        if (r->user && *r->user) {
            key_of_text(claim, apr_pstrcat(p, "u", r->user, NULL));
        }
        else {
            key_of_address(r->useragent_addr, c);
        }
        return 1;
    case KEY_VHOST:
        key_of_text(claim, apr_psprintf(
            p, "%s:%u %s:%u", r->server->server_hostname, r->server->port,
            r->server->defn_name ? r->server->defn_name : "",
            r->server->defn_line_number));
        return 1;
    case KEY_EXPR:
        text = ap_expr_str_exec(r, a->expr, &err);
        key_of_text(claim, text ? text : "");
        return err || (text && *text);
    default:
        claim->key_length = 0;
        return 1;
    }
}

/* --- evaluation ---------------------------------------------------------- */

int expect_limits_status(const limits_arg_t *a, const expect_claim_entry_t *c)
{
    if (c->found == EXPECT_LEDGER_REFUSED && c->claim.is_too_large) {
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    }
    return c->found == EXPECT_LEDGER_REFUSED
           && (a->key == KEY_IP || a->key == KEY_USER || a->key == KEY_EXPR)
               ? HTTP_TOO_MANY_REQUESTS : HTTP_SERVICE_UNAVAILABLE;
}

int expect_limits_refused(const void *arg, const expect_facts_t *facts)
{
    return expect_limits_status(arg, expect_claims_of(facts->claims, arg));
}

/* Whether the upload has taken this limit already. An .htaccess that is read
 * again, for the lookup of a moved target, has the same rule once more. */
static int limits_is_taken(const expect_claims_t *claims,
                           const limits_arg_t *a)
{
    const expect_claim_entry_t *c;

    for (c = claims->all; c; c = c->next) {
        if (c->is_taken && !memcmp(c->claim.limit->id, a->limit.id,
                                   sizeof(a->limit.id))) {
            return 1;
        }
    }
    return 0;
}

/* Nothing is in flight, and nothing was spent. */
static void limits_peek_unused(const limits_arg_t *a, expect_claim_entry_t *c)
{
    c->claim.left_uploads = a->limit.uploads;
    c->claim.left_bytes = a->limit.bytes;
    c->claim.is_too_large = a->limit.bytes != EXPECT_LIMIT_NONE
                            && c->claim.length > a->limit.bytes;
    c->found = c->claim.is_too_large ? EXPECT_LEDGER_REFUSED
                                     : EXPECT_LEDGER_TAKEN;
}

/*
 * What is claimed, and under which key.
 * @return EXPECT_UNKNOWN: the ledger, or the store, has to be asked
 */
static expect_value_e limits_claim(const expect_facts_t *facts,
                                   const limits_arg_t *a,
                                   expect_claim_entry_t *c)
{
    if (c->is_taken) {
        return EXPECT_GRANTED;
    }
    if (c->is_reached) {
        return EXPECT_DENIED;
    }
    c->claim = (expect_claim_t){ .limit = &a->limit,
                                 .length = facts->head->length };
    if (limits_is_taken(facts->claims, a)) {
        c->is_taken = 1;
        return EXPECT_GRANTED;
    }
    if (!limits_set_key(facts->pool, facts->r, a, c)) {
        c->claim.limit = NULL;
        return EXPECT_NEUTRAL;
    }
    return EXPECT_UNKNOWN;
}

/* Ask whether the claim would be admitted now, unless the take decides. */
static void limits_find(const expect_facts_t *facts, const limits_arg_t *a,
                        expect_claim_entry_t *c)
{
    if (facts->claims->is_direct) {
        c->found = EXPECT_LEDGER_TAKEN;
    }
    else if (expect_server_is_absent()) {
        limits_peek_unused(a, c);
    }
    else {
        expect_fleet_look(facts->claims, &c, 1);
    }
}

expect_value_e expect_limits_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const limits_arg_t *a = arg;
    expect_claim_entry_t *c;
    expect_value_e value = EXPECT_UNKNOWN;

    if (facts->claims->is_too_many) {
        answer->status = HTTP_SERVICE_UNAVAILABLE;
        return EXPECT_DENIED;
    }
    c = expect_claims_of(facts->claims, arg);
    if (!c->is_looked) {
        value = limits_claim(facts, a, c);
        if (value == EXPECT_UNKNOWN) {
            limits_find(facts, a, c);
        }
    }
    c->is_looked = 0;
    if (value == EXPECT_UNKNOWN) {
        value = c->found == EXPECT_LEDGER_TAKEN ? EXPECT_GRANTED
                                                : EXPECT_DENIED;
    }
    if (value == EXPECT_DENIED) {
        answer->status = expect_limits_status(a, c);
    }
    return value;
}

void expect_limits_look(const expect_rule_t *tree, const expect_facts_t *facts,
                        expect_stage_e stage)
{
    expect_claims_t *claims = facts->claims;
    expect_claim_entry_t *entries[EXPECT_CLAIMS_MAX];
    expect_claim_entry_t *c;
    expect_grants_t leaves;
    int i, n = 0;

    for (c = claims->all; c; c = c->next) {
        c->is_looked = 0;
    }
    if (!claims->asks_store || !expect_fleet_has_store()
        || claims->is_too_many || expect_server_is_absent()) {
        return;
    }
    expect_rule_remembering(&leaves, tree, facts, stage);
    for (i = 0; i < leaves.n; ++i) {
        const void *arg = leaves.rules[i]->arg;

        c = expect_claims_of(claims, arg);
        c->is_looked = limits_claim(facts, arg, c) == EXPECT_UNKNOWN;
        if (c->is_looked) {
            entries[n++] = c;
        }
    }
    if (n) {
        expect_fleet_look(claims, entries, n);
    }
}

/* How the claim was found is left alone: the upload was admitted. */
void expect_limits_look_again(const expect_facts_t *facts, const void *arg)
{
    expect_claim_entry_t *c = expect_claims_of(facts->claims, arg);
    expect_ledger_e found = c->found;

    facts->claims->asks_store = 1;
    expect_fleet_begin(facts->claims);
    expect_fleet_look(facts->claims, &c, 1);
    c->found = found;
}
