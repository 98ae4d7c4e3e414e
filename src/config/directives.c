/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The configuration of a section: the directives.
 *
 * An error in a directive reads "<Directive>: <what was read>: <what is
 * wrong>; <what is accepted>". Each directive checks all of its own, so that
 * .htaccess is covered as well: there is no pass over the whole tree.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_strings.h"

#include "config/section.h"
#include "answer/linger.h"
#include "config/merge.h"
#include "base/quote.h"
#include "explain/query.h"
#include "judge/request.h"
#include "rules/provider.h"

/* Containers may nest this deep: more is a mistake, or an attempt on the
 * stack from some .htaccess. */
#define NESTING_MAX 32

/* Sections */

/* httpd skips modules that have nothing in a section when it merges for a
 * request: so a section has one as soon as something is written there, and not
 * before, as a create_dir_config would make it. */
static expect_dir_conf_t *section(cmd_parms *cmd)
{
    expect_dir_conf_t *conf = ap_get_module_config(cmd->context,
                                                   &expect_module);

    if (!conf) {
        conf = apr_pcalloc(cmd->pool, sizeof(*conf));
        expect_merge_place(conf, cmd);
        ap_set_module_config(cmd->context, &expect_module, conf);
    }
    return conf;
}

/* Messages */

/* httpd names file and line of an error in its own configuration, but of an
 * .htaccess the file only. */
static const char *wrong(cmd_parms *cmd, const char *read, const char *err)
{
    int is_htaccess = ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL;
    const ap_directive_t *at = cmd->err_directive ? cmd->err_directive
                                                  : cmd->directive;

    /* the line comes last, and is to be seen */
    return apr_pstrcat(cmd->pool, cmd->cmd->name,
                       cmd->cmd->name[0] == '<' ? ">" : "", ": ",
                       expect_quoted(cmd->pool, read, EXPECT_WORD_MAX),
                       expect_quoted(cmd->pool, err, EXPECT_MESSAGE_MAX),
                       is_htaccess
                           ? apr_psprintf(cmd->pool, " (line %d)",
                                          at->line_num)
                           : NULL, NULL);
}

const char *expect_config_error(cmd_parms *cmd, const char *read,
                              const char *err)
{
    return wrong(cmd, read, err);
}

/* The names of a table's rules, for a message. */
static const char *names(apr_pool_t *p, const expect_rule_type_t *table)
{
    const char *all = "";

    for (; table->name; ++table) {
        all = apr_pstrcat(p, all, table->name, " ", NULL);
    }
    return all;
}

static const char *unknown_rule(cmd_parms *cmd, const char *name)
{
    const char *others = expect_authz_names(cmd->pool);

    return wrong(cmd, *name ? name : "no rule",
                 apr_pstrcat(cmd->pool,
                             *name ? ": unknown rule; a rule is one of "
                                   : ": a rule is missing; a rule is one of ",
                             names(cmd->pool, expect_rules_content),
                             names(cmd->pool, expect_rules_target),
                             "or what the loaded modules give Require: ",
                             *others ? others
                                     : "nothing, without mod_authz_core",
                             NULL));
}

/* ExpectRequire */

const char *expect_conf_parse_rule(apr_pool_t *p,
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

static expect_rule_t *container_in(cmd_parms *cmd, expect_dir_conf_t *conf)
{
    if (conf->open) {
        return conf->open;
    }
    if (!conf->own) {
        conf->own = expect_rule_container(cmd->pool, EXPECT_ALL);
        conf->has_rules = 1;
    }
    return conf->own;
}

/*
 * The name of the file that is read. mod_macro's name for where it is used
 * lives in a temporary pool, so it is copied; once for the lines that follow
 * each other, as an .htaccess may have many and lie deep.
 */
static const char *file_of(const cmd_parms *cmd)
{
    static const char key[] = "expect-file";
    const char *name = cmd->directive->filename;
    void *copied = NULL;

    apr_pool_userdata_get(&copied, key, cmd->pool);
    if (!copied || strcmp(copied, name)) {
        copied = apr_pstrdup(cmd->pool, name);
        apr_pool_userdata_setn(copied, key, NULL, cmd->pool);
    }
    return copied;
}

static void place(cmd_parms *cmd, expect_rule_t *rule)
{
    rule->file = file_of(cmd);
    rule->line = cmd->directive->line_num;
    rule->limited = (apr_int64_t)cmd->limited;
}

/*
 * @param err set to what is wrong if there is no rule
 * @return the rule, without text and place, or NULL
 */
static expect_rule_t *rule_make(cmd_parms *cmd, const char *name,
                                const char *args, const char **err)
{
    const expect_rule_type_t *type = expect_rules_find(name);
    expect_rule_t *rule = NULL;
    const void *arg = NULL;

    if (type) {
        *err = expect_conf_parse_rule(cmd->pool, type, args, &arg);
        if (*err) {
            *err = wrong(cmd, type->name, *err);
            return NULL;
        }
        return expect_rule_leaf(cmd->pool, type, arg);
    }

    *err = expect_authz_rule(cmd, name, args, &rule);
    if (*err) {
        *err = wrong(cmd, apr_pstrcat(cmd->pool, name, *args ? " " : "", args,
                                      NULL),
                     apr_pstrcat(cmd->pool, ": ", *err,
                                 "; what Require accepts is accepted", NULL));
    }
    else if (!rule) {
        *err = unknown_rule(cmd, name);
    }
    return rule;
}

/* A container of Require would not heed it. */
static const char *inside_require(cmd_parms *cmd)
{
    const ap_directive_t *parent = cmd->directive->parent;

    for (; parent; parent = parent->parent) {
        if (!strncasecmp(parent->directive, "<Require", 8)) {
            return wrong(cmd, apr_pstrcat(cmd->pool, parent->directive, ">",
                                          NULL),
                         ": has no part in this container; Require and a rule "
                         "are accepted there, this outside of it");
        }
    }
    return NULL;
}

static const char *expect_cmd_require(cmd_parms *cmd, void *unused,
                                      const char *args)
{
    expect_rule_t *rule;
    const char *text = args;
    const char *name = ap_getword_conf(cmd->pool, &args);
    const char *err = inside_require(cmd);
    int negated = 0;

    (void)unused;
    if (err) {
        return err;
    }
    if (!strcasecmp(name, "not")) {
        negated = 1;
        name = ap_getword_conf(cmd->pool, &args);
    }
    rule = rule_make(cmd, name, args, &err);
    if (!rule) {
        return err;
    }
    rule->text = text;
    rule->negated = negated;
    place(cmd, rule);
    expect_rule_add(container_in(cmd, section(cmd)), rule);
    return NULL;
}

/* Containers */

/* What else may stand in a container: nothing. */
static const char *foreign_directive(cmd_parms *cmd)
{
    const ap_directive_t *child = cmd->directive->first_child;

    for (; child; child = child->next) {
        if (strcasecmp(child->directive, "ExpectRequire")
            && strncasecmp(child->directive, "<ExpectRequire", 14)) {
            cmd->err_directive = child;
            return wrong(cmd, child->directive,
                         ": has no place in this container; ExpectRequire "
                         "and its containers are accepted");
        }
    }
    return NULL;
}

static const char *container_check(cmd_parms *cmd, const char *args)
{
    const ap_directive_t *parent = cmd->directive->parent;
    const char *end = ap_strrchr_c(args, '>');
    int depth = 0;

    if (!end || end[1]) {
        return wrong(cmd, args, ": the closing '>' is missing; no argument "
                                "is accepted");
    }
    if (end != args) {
        return wrong(cmd, apr_pstrmemdup(cmd->pool, args, end - args),
                     ": one argument too many; none is accepted");
    }
    for (; parent; parent = parent->parent) {
        if (!strncasecmp(parent->directive, "<ExpectRequire", 14)
            && ++depth >= NESTING_MAX) {
            return wrong(cmd, "nested too deep",
                         apr_psprintf(cmd->pool, ": more containers within "
                                      "each other than %d; up to %d are "
                                      "accepted", NESTING_MAX, NESTING_MAX));
        }
    }
    return foreign_directive(cmd);
}

static const char *container_useless(cmd_parms *cmd,
                                     const expect_rule_t *rule)
{
    if (!rule->children->nelts) {
        return wrong(cmd, "empty", ": there is no rule in it; one "
                                   "ExpectRequire or more is accepted");
    }
    if (rule->kind == EXPECT_ANY && rule->children->nelts == 1) {
        return wrong(cmd, "useless", ": one alternative is no choice; two "
                                     "rules or more are accepted, or "
                                     "ExpectRequire without a container");
    }
    return NULL;
}

static const char *expect_cmd_container(cmd_parms *cmd, void *unused,
                                        const char *args)
{
    expect_dir_conf_t *conf = section(cmd);
    expect_kind_e kind = (expect_kind_e)(apr_uintptr_t)cmd->info;
    expect_rule_t *outer = conf->open;
    expect_rule_t *rule;
    int override = cmd->override;
    const ap_directive_t *directive = cmd->directive;
    const command_rec *command = cmd->cmd;
    const char *err = inside_require(cmd);

    (void)unused;
    if (!err) {
        err = container_check(cmd, args);
    }
    if (err) {
        return err;
    }
    rule = expect_rule_container(cmd->pool, kind);
    place(cmd, rule);

    conf->open = rule;
    cmd->override = OR_AUTHCFG;
    err = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    cmd->override = override;
    conf->open = outer;
    if (err) {
        return err;
    }

    /* the walk left its last directive there */
    cmd->directive = (ap_directive_t *)directive;
    cmd->cmd = command;
    err = container_useless(cmd, rule);
    if (err) {
        return err;
    }
    expect_rule_add(container_in(cmd, conf), rule);
    return NULL;
}

/* Directives with one word out of a list */

const char *const expect_engine_words[] = {
    "On", "On", "Off", "DetectionOnly", NULL
};
const char *const expect_status_words[] = { "417", "417", "specific", NULL };
const char *const expect_scope_words[] = {
    "content", "content", "expectation", NULL
};
const char *const expect_merging_words[] = { "And", "And", "Or", "Off", NULL };

/* One of them, and the member of expect_dir_conf_t that its number goes to. */
typedef struct {
    const char *const *words;
    const char *accepted;
    apr_size_t member;
} setting_t;

static const setting_t engine_setting = {
    expect_engine_words, "On, Off or DetectionOnly is accepted",
    APR_OFFSETOF(expect_dir_conf_t, engine)
};
static const setting_t status_setting = {
    expect_status_words, "417 or specific is accepted",
    APR_OFFSETOF(expect_dir_conf_t, status)
};
static const setting_t scope_setting = {
    expect_scope_words, "content or expectation is accepted",
    APR_OFFSETOF(expect_dir_conf_t, scope)
};
static const setting_t merging_setting = {
    expect_merging_words, "And, Or or Off is accepted",
    APR_OFFSETOF(expect_dir_conf_t, merging)
};

static const char *expect_cmd_setting(cmd_parms *cmd, void *unused,
                                      const char *args)
{
    const setting_t *setting = cmd->info;
    int *value = (int *)((char *)section(cmd) + setting->member);
    const char *word = ap_getword_conf(cmd->pool, &args);
    const char *err = inside_require(cmd);
    int i;

    (void)unused;
    if (!err) {
        /* not even where AllowOverrideList names a directive of the
         * administrator's: a ceiling has to hold */
        err = ap_check_cmd_context(
            cmd, (cmd->cmd->req_override & OR_AUTHCFG)
                     ? NOT_IN_LIMIT : NOT_IN_LIMIT | NOT_IN_HTACCESS);
    }
    if (err) {
        return err;
    }
    if (*args) {
        return wrong(cmd, args, apr_pstrcat(cmd->pool,
                                            ": one argument too many; ",
                                            setting->accepted, NULL));
    }
    for (i = 1; setting->words[i]; ++i) {
        if (!strcasecmp(setting->words[i], word)) {
            *value = i;
            return NULL;
        }
    }
    return wrong(cmd, *word ? word : "no argument",
                 apr_pstrcat(cmd->pool, *word ? ": unknown value; "
                                              : ": a value is missing; ",
                             setting->accepted, NULL));
}

/* A tenant's .htaccess may add rules and choose the status of a refusal
 * (AllowOverride AuthConfig); the rest is the administrator's. */
#define TENANT (RSRC_CONF | OR_AUTHCFG)
#define ADMINISTRATOR (RSRC_CONF | ACCESS_CONF)

const command_rec expect_directives[] = {
    AP_INIT_RAW_ARGS("ExpectEngine", expect_cmd_setting,
                     (void *)&engine_setting, ADMINISTRATOR,
                     "On, Off, or DetectionOnly: decide and log, but refuse "
                     "nothing"),
    AP_INIT_RAW_ARGS("ExpectRequire", expect_cmd_require, NULL, TENANT,
                     "[not] and a rule that an upload must meet"),
    AP_INIT_RAW_ARGS("<ExpectRequireAll", expect_cmd_container,
                     (void *)EXPECT_ALL, TENANT,
                     "container of rules that must all hold"),
    AP_INIT_RAW_ARGS("<ExpectRequireAny", expect_cmd_container,
                     (void *)EXPECT_ANY, TENANT,
                     "container of rules of which one must hold"),
    AP_INIT_RAW_ARGS("<ExpectRequireNone", expect_cmd_container,
                     (void *)EXPECT_NONE, TENANT,
                     "container of rules of which none may hold"),
    AP_INIT_RAW_ARGS("ExpectMerging", expect_cmd_setting,
                     (void *)&merging_setting, ADMINISTRATOR,
                     "And, Or or Off: how a section's rules join those of "
                     "the sections around it"),
    AP_INIT_RAW_ARGS("ExpectStatus", expect_cmd_setting,
                     (void *)&status_setting, TENANT,
                     "417, or specific: the status that names the cause"),
    AP_INIT_RAW_ARGS("ExpectScope", expect_cmd_setting,
                     (void *)&scope_setting, ADMINISTRATOR,
                     "content: judge all uploads; expectation: only those "
                     "that asked"),
    AP_INIT_RAW_ARGS("ExpectLinger", expect_cmd_linger, NULL, RSRC_CONF,
                     "time=SECONDS, idle=SECONDS, max=SIZE: how long the "
                     "connection of a refused client is kept; or Off"),
    AP_INIT_RAW_ARGS("ExpectExplain", expect_cmd_explain, NULL, RSRC_CONF,
                     "an upload, for httpd -t -D DUMP_EXPECT to explain what "
                     "would become of it"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
