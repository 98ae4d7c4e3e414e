/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The arguments of in-flight and quota, and where these rules may stand.
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
#include "ledger/named.h"
#include "ledger/server.h"
#include "rules/arguments.h"
#include "rules/limits.h"
#include "rules/limits_arg.h"

/* for ap_expr_parse_cmd() */
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
    "a KEY is ip, user or directory, and outside of .htaccess also vhost, " \
    "all or expr=STRING"
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
        return expect_rule_wrong(cmd->pool, NULL, "cannot be negated, by `not` "
                                 "or <ExpectRequireNone>",
                                 "it is accepted by itself, in "
                                 "<ExpectRequireAll> and in "
                                 "<ExpectRequireAny>");
    }
    if (is_htaccess && a->key != KEY_IP && a->key != KEY_USER
        && a->key != KEY_DIRECTORY) {
        return expect_rule_wrong(cmd->pool, NULL, apr_pstrcat(
            cmd->pool, "key=", a->key == KEY_EXPR ? "expr" : key_names[a->key],
            a->key == KEY_ALL ? ", the default," : "",
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
