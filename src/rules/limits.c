/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What in-flight and quota have in common.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "ap_expr.h"

#include "apr_lib.h"
#include "apr_strings.h"

#include "base/htaccess.h"
#include "base/size.h"
#include "ledger/claims.h"
#include "ledger/fleet.h"
#include "ledger/named.h"
#include "ledger/server.h"
#include "rules/arguments.h"
#include "rules/limits.h"
#include "rules/limits_arg.h"

APLOG_USE_MODULE(expect);

static const char *const key_names[] = {
    "all", "ip", "user", "vhost", "directory", NULL
};

#define ACCEPTED_IN_FLIGHT \
    "in-flight takes [uploads=N] [bytes=SIZE] [key=KEY], and at least one of " \
    "uploads= and bytes="
#define ACCEPTED_QUOTA \
    "quota takes [uploads=N] [bytes=SIZE] per=PERIOD [key=KEY], and at least " \
    "one of uploads= and bytes="
#define ACCEPTED_KEY \
    "a KEY is ip, user or directory, and outside of .htaccess also vhost, all " \
    "or expr=STRING"
#define ACCEPTED_PERIOD \
    "a PERIOD is minute, hour, day, week, or a number with s, m, h or d"

static const char *limits_accepted(const limits_arg_t *a)
{
    return a->limit.kind == EXPECT_LIMIT_QUOTA ? ACCEPTED_QUOTA
                                               : ACCEPTED_IN_FLIGHT;
}

/* --- arguments ----------------------------------------------------------- */

static const char *parse_uploads(apr_pool_t *p, limits_arg_t *a,
                                 const char *word, const char *value)
{
    char *end;

    a->limit.uploads = apr_strtoi64(value, &end, 10);
    if (!apr_isdigit(*value) || *end || a->limit.uploads < 1
        || a->limit.uploads > APR_INT32_MAX) {
        return expect_rule_wrong(p, word, "not a number of 1 or more",
                                 "uploads=N is a whole number, like "
                                 "uploads=100");
    }
    return NULL;
}

static const char *parse_bytes(apr_pool_t *p, limits_arg_t *a,
                               const char *word, const char *value)
{
    apr_off_t size;

    if (!expect_size_parse(&size, value) || size < 1) {
        return expect_rule_wrong(p, word, "not a SIZE of 1 or more, or too "
                                 "large", EXPECT_SIZE_ACCEPTED);
    }
    a->limit.bytes = size;
    return NULL;
}

/* Seconds of 366 days: a longer period is a mistake. */
#define PERIOD_MAX APR_INT64_C(31622400)

static const char *parse_per(apr_pool_t *p, limits_arg_t *a, const char *word,
                             const char *value)
{
    static const struct { const char *name; int seconds; } names[] = {
        { "minute", 60 }, { "hour", 3600 }, { "day", 86400 },
        { "week", 7 * 86400 }, { NULL, 0 }
    };
    static const char units[] = "smhd";
    static const int unit_seconds[] = { 1, 60, 3600, 86400 };
    apr_int64_t seconds = 0;
    const char *unit;
    char *end;
    int i;

    for (i = 0; names[i].name; ++i) {
        if (!strcasecmp(value, names[i].name)) {
            seconds = names[i].seconds;
        }
    }
    if (!seconds && apr_isdigit(*value)) {
        seconds = apr_strtoi64(value, &end, 10);
        unit = *end && !end[1] ? strchr(units, apr_tolower(*end)) : NULL;
        seconds = unit && seconds <= PERIOD_MAX
                      ? seconds * unit_seconds[unit - units] : 0;
    }
    if (seconds < 1 || seconds > PERIOD_MAX) {
        return expect_rule_wrong(p, word, "not a PERIOD, or over 366 days",
                                 ACCEPTED_PERIOD);
    }
    a->limit.period = apr_time_from_sec(seconds);
    a->per = value;
    return NULL;
}

/* key="expr=STRING" may have quotes of its own. With a blank in them, the word
 * has ended there: httpd knows no quotes within a word. */
static const char *parse_key(apr_pool_t *p, limits_arg_t *a, const char *word,
                             const char *value)
{
    apr_size_t length = strlen(value);
    int i;

    if (length > 1 && value[0] == '"' && value[length - 1] == '"') {
        value = apr_pstrmemdup(p, value + 1, length - 2);
    }
    else if (value[0] == '"') {
        return expect_rule_wrong(p, word, "the closing quote is missing",
                                 "with blanks, the whole argument is quoted: "
                                 "\"key=expr=STRING\"");
    }
    if (!strncasecmp(value, "expr=", 5) && value[5]) {
        a->key = KEY_EXPR;
        a->string = value + 5;
        return NULL;
    }
    for (i = 0; key_names[i]; ++i) {
        if (!strcasecmp(value, key_names[i])) {
            a->key = (key_e)i;
            return NULL;
        }
    }
    return expect_rule_wrong(p, word, "unknown KEY", ACCEPTED_KEY);
}

static const char *parse_word(apr_pool_t *p, limits_arg_t *a, unsigned *given,
                              const char *word)
{
    static const struct {
        const char *name;
        const char *(*parse)(apr_pool_t *, limits_arg_t *, const char *,
                             const char *);
        int is_shown;
    } words[] = {
        { "uploads=", parse_uploads, 1 }, { "bytes=", parse_bytes, 1 },
        { "per=", parse_per, 1 }, { "key=", parse_key, 0 }
    };
    unsigned i;

    for (i = 0; i < 4; ++i) {
        apr_size_t length = strlen(words[i].name);

        if (strncasecmp(word, words[i].name, length)) {
            continue;
        }
        if (*given & (1U << i)) {
            return expect_rule_wrong(p, word, "given twice",
                                     limits_accepted(a));
        }
        *given |= 1U << i;
        if (!word[length]) {
            return expect_rule_wrong(p, word, "the value is missing",
                                     limits_accepted(a));
        }
        if (words[i].is_shown) {
            a->shown = apr_pstrcat(p, a->shown, " ", word, NULL);
        }
        return words[i].parse(p, a, word, word + length);
    }
    return expect_rule_wrong(p, word, "unknown argument", limits_accepted(a));
}

const char *expect_limits_parse(apr_pool_t *p, int argc,
                                const char *const *argv, const void **arg,
                                expect_limit_e kind)
{
    limits_arg_t *a = apr_pcalloc(p, sizeof(*a));
    unsigned given = 0;
    int i;

    a->limit.kind = kind;
    a->limit.uploads = a->limit.bytes = EXPECT_LIMIT_NONE;
    a->shown = kind == EXPECT_LIMIT_QUOTA ? "quota" : "in-flight";
    for (i = 0; i < argc; ++i) {
        const char *err = parse_word(p, a, &given, argv[i]);

        if (err) {
            return err;
        }
    }
    if (a->limit.uploads == EXPECT_LIMIT_NONE
        && a->limit.bytes == EXPECT_LIMIT_NONE) {
        return expect_rule_wrong(p, NULL, "neither uploads= nor bytes= is "
                                 "given", limits_accepted(a));
    }
    if ((kind == EXPECT_LIMIT_QUOTA) != (a->per != NULL)) {
        return expect_rule_wrong(p, NULL, a->per ? "in-flight has no period"
                                                 : "per= is missing",
                                 limits_accepted(a));
    }
    *arg = a;
    return NULL;
}

/* --- where it is written ------------------------------------------------- */

/* What tells the rule apart from any other. A rule of key=all that is read
 * several times, from a file that virtual hosts include, is one rule. */
static const char *limits_name(cmd_parms *cmd, const expect_rule_t *rule,
                               const limits_arg_t *a)
{
    const server_rec *s = cmd->server;
    const char *place = a->key == KEY_ALL ? ""
        : apr_psprintf(cmd->temp_pool, "%s:%u %s",
                       s->defn_name ? s->defn_name : "", s->defn_line_number,
                       cmd->path ? cmd->path : "");

    return apr_psprintf(cmd->temp_pool, "%s:%u %s %s", rule->file, rule->line,
                        rule->text, place);
}

static int limits_is_negated(const cmd_parms *cmd, const expect_rule_t *rule)
{
    const ap_directive_t *parent = cmd->directive->parent;

    for (; parent; parent = parent->parent) {
        if (!strcasecmp(parent->directive, "<ExpectRequireNone")) {
            return 1;
        }
    }
    return rule->negated;
}

/* For the readers of the ledger. Only what is written in the server's
 * configuration: that is read by one thread, before there are requests. */
static void limits_publish(cmd_parms *cmd, const limits_arg_t *a)
{
    expect_named_t named = { .limit = &a->limit, .text = a->shown };

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_RUN_MPM) {
        return;
    }
    if (a->key != KEY_ALL) {
        named.text = apr_pstrcat(cmd->pool, a->shown, " key=",
                                 a->key == KEY_EXPR ? "expr"
                                                    : key_names[a->key], NULL);
        named.is_per_key = a->key != KEY_DIRECTORY;
    }
    expect_named_add(&named);
}

const char *expect_limits_finish(struct cmd_parms_struct *cmd,
                                 expect_rule_t *rule, void *arg)
{
    limits_arg_t *a = arg;
    int is_htaccess = expect_is_htaccess(cmd);
    const char *err = NULL;

    if (limits_is_negated(cmd, rule)) {
        return expect_rule_wrong(cmd->pool, NULL, "is not allowed behind "
                                 "`not` and in <ExpectRequireNone>",
                                 "an alternative is accepted in "
                                 "<ExpectRequireAny>");
    }
    if (is_htaccess && a->key != KEY_IP && a->key != KEY_USER
        && a->key != KEY_DIRECTORY) {
        return expect_rule_wrong(cmd->pool, NULL, apr_pstrcat(
            cmd->pool, "key=", a->key == KEY_EXPR ? "expr" : key_names[a->key],
            " is not allowed in .htaccess", NULL),
            "key=ip, key=user and key=directory are accepted there");
    }
    if (a->key == KEY_EXPR) {
        a->expr = ap_expr_parse_cmd(cmd, a->string,
                                    AP_EXPR_FLAG_STRING_RESULT
                                        | AP_EXPR_FLAG_DONT_VARY, &err, NULL);
        if (err) {
            return expect_rule_wrong(cmd->pool, a->string, err,
                                     "STRING is a string expression, like "
                                     "%{HTTP:X-Tenant}");
        }
    }
    rule->earliest = EXPECT_AT_HEAD;
    if (a->key == KEY_USER || (a->string && (ap_strcasestr(a->string, "USER")
                                  || ap_strcasestr(a->string, "AUTH")))) {
        rule->earliest = EXPECT_AT_USER;
    }
    else if (a->key == KEY_EXPR) {
        rule->earliest = EXPECT_AT_ENV;
    }
    a->limit.is_tenants = is_htaccess;
    a->limit.name = apr_pstrdup(cmd->pool, limits_name(cmd, rule, a));
    expect_ledger_id(a->limit.id, expect_server_secret(), a->limit.name);
    if (!is_htaccess) {
        limits_publish(cmd, a);
    }
    return NULL;
}

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

expect_value_e expect_limits_check(const expect_facts_t *facts,
                                   const void *arg, expect_answer_t *answer)
{
    const limits_arg_t *a = arg;
    expect_claim_entry_t *c;

    if (facts->claims->is_too_many) {
        answer->status = HTTP_SERVICE_UNAVAILABLE;
        return EXPECT_DENIED;
    }
    c = expect_claims_of(facts->claims, arg);
    if (c->is_taken) {
        return EXPECT_GRANTED;
    }
    if (c->is_reached) {
        answer->status = expect_limits_status(a, c);
        return EXPECT_DENIED;
    }
    c->claim = (expect_claim_t){ .limit = &a->limit,
                                 .length = facts->head->length };
    if (limits_is_taken(facts->claims, a)) {
        c->is_taken = 1;
        return EXPECT_GRANTED;
    }
    if (!limits_set_key(facts->pool, facts->r, a, c)) {
        return EXPECT_NEUTRAL;
    }
    if (facts->claims->is_direct) {
        /* the take decides */
        c->found = EXPECT_LEDGER_TAKEN;
    }
    else if (expect_server_is_absent()) {
        limits_peek_unused(a, c);
    }
    else {
        c->found = expect_fleet_peek(&c->claim, facts->claims->asks_store);
    }
    if (c->found == EXPECT_LEDGER_TAKEN) {
        return EXPECT_GRANTED;
    }
    answer->status = expect_limits_status(a, c);
    return EXPECT_DENIED;
}

/* How the claim was found is left alone: the upload was admitted. */
void expect_limits_look_again(const expect_facts_t *facts, const void *arg)
{
    expect_fleet_peek(&expect_claims_of(facts->claims, arg)->claim, 1);
}
