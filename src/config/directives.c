/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The directives of a section: ExpectRequire, its containers, and those that
 * take one word.
 *
 * An error in a directive reads "<Directive>: <what was read>: <what is
 * wrong>; <what is accepted>". Each directive checks everything when it is
 * read, so that errors in .htaccess are found as well; there is no check of the
 * whole configuration afterwards.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_strings.h"

#include "base/htaccess.h"
#include "base/quote.h"
#include "config/directives.h"
#include "config/section.h"
#include "rules/provider.h"
#include "rules/registry.h"

/* How deep containers may nest. More is a mistake, or an attack on the stack by
 * some .htaccess. */
#define NESTING_MAX 32

/* Messages */

/* httpd names the file and line of an error in its own configuration, but of an
 * error in .htaccess only the file. */
const char *expect_config_error(cmd_parms *cmd, const char *read,
                                const char *err)
{
    const ap_directive_t *at = cmd->err_directive ? cmd->err_directive
                                                  : cmd->directive;

    /* the parts before the line number are cut, so that it is shown */
    return apr_pstrcat(cmd->pool, cmd->cmd->name,
                       cmd->cmd->name[0] == '<' ? ">" : "", ": ",
                       expect_quoted(cmd->pool, read, EXPECT_WORD_MAX),
                       expect_quoted(cmd->pool, err, EXPECT_MESSAGE_MAX),
                       expect_is_htaccess(cmd)
                           ? apr_psprintf(cmd->pool, " (line %d)",
                                          at->line_num)
                           : NULL, NULL);
}

static const char *rule_unknown(cmd_parms *cmd, const char *name)
{
    const char *others = expect_provider_names(cmd->pool);

    return expect_config_error(
        cmd, *name ? name : "no rule",
        apr_pstrcat(cmd->pool,
                    *name ? ": unknown rule; a rule is one of "
                          : ": a rule is missing; a rule is one of ",
                    expect_registry_names(cmd->pool),
                    " or what the loaded modules add to Require: ",
                    *others ? others : "nothing, without mod_authz_core",
                    NULL));
}

/* ExpectRequire */

static expect_rule_t *container_around(cmd_parms *cmd, expect_dir_conf_t *conf)
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

/* The name of the file that is read. It is copied where the rule outlives it:
 * mod_macro's name for the place of its use is in the temporary pool. For an
 * .htaccess both pools are the request's. */
static const char *rule_file(const cmd_parms *cmd)
{
    const char *name = cmd->directive->filename;

    return expect_is_htaccess(cmd) ? name : apr_pstrdup(cmd->pool, name);
}

static void rule_set_place(cmd_parms *cmd, expect_rule_t *rule)
{
    rule->file = rule_file(cmd);
    rule->line = cmd->directive->line_num;
    rule->limited = (apr_int64_t)cmd->limited;
}

/*
 * Make a rule from its name and arguments.
 * @param err set to the message of an error, or to NULL
 * @return the rule, without text and place, or NULL
 */
static expect_rule_t *rule_make(cmd_parms *cmd, const char *name,
                                const char *args, const char **err)
{
    const expect_rule_type_t *type = expect_registry_find(name);
    expect_rule_t *rule = NULL;
    const void *arg = NULL;

    if (type) {
        *err = expect_registry_parse(cmd->pool, type, args, &arg);
        if (*err) {
            *err = expect_config_error(cmd, type->name, *err);
            return NULL;
        }
        return expect_rule_leaf(cmd->pool, type, arg);
    }

    *err = expect_provider_rule(cmd, name, args, &rule);
    if (*err) {
        *err = expect_config_error(
            cmd,
            apr_pstrcat(cmd->pool, name, *args ? " " : "", args, NULL),
            apr_pstrcat(cmd->pool, ": ", *err,
                        "; the arguments are those of Require", NULL));
    }
    else if (!rule) {
        *err = rule_unknown(cmd, name);
    }
    return rule;
}

/* A container of Require has no effect on this module's directives. */
static const char *directive_check_require(cmd_parms *cmd)
{
    const ap_directive_t *parent = cmd->directive->parent;

    for (; parent; parent = parent->parent) {
        if (!strncasecmp(parent->directive, "<Require", 8)) {
            return expect_config_error(
                cmd, apr_pstrcat(cmd->pool, parent->directive, ">", NULL),
                ": is not allowed inside this container; use \"Require RULE\" "
                "here, or move it out");
        }
    }
    return NULL;
}

const char *expect_cmd_require(cmd_parms *cmd, void *unused,
                               const char *args)
{
    expect_rule_t *rule;
    const char *text = args;
    const char *name = ap_getword_conf(cmd->pool, &args);
    const char *err = directive_check_require(cmd);
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
    rule_set_place(cmd, rule);
    if (rule->type->finish) {
        err = rule->type->finish(cmd, rule, (void *)rule->arg);
        if (err) {
            return expect_config_error(cmd, rule->name, err);
        }
    }
    expect_rule_add(container_around(cmd, expect_section_get(cmd)), rule);
    return NULL;
}

/* Containers */

/* No other directives are allowed in a container. */
static const char *container_check_content(cmd_parms *cmd)
{
    const ap_directive_t *child = cmd->directive->first_child;

    for (; child; child = child->next) {
        if (strcasecmp(child->directive, "ExpectRequire")
            && strncasecmp(child->directive, "<ExpectRequire", 14)) {
            cmd->err_directive = child;
            return expect_config_error(
                cmd, child->directive,
                ": is not allowed in this container; ExpectRequire and its "
                "containers are accepted");
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
        return expect_config_error(cmd, args, ": the closing '>' is missing; "
                                              "no argument is accepted");
    }
    if (end != args) {
        return expect_config_error(
            cmd, apr_pstrmemdup(cmd->pool, args, end - args),
            ": one argument too many; none is accepted");
    }
    for (; parent; parent = parent->parent) {
        if (!strncasecmp(parent->directive, "<ExpectRequire", 14)
            && ++depth >= NESTING_MAX) {
            return expect_config_error(
                cmd, "nested too deep",
                apr_psprintf(cmd->pool, ": more containers within each other "
                             "than %d; up to %d are accepted", NESTING_MAX,
                             NESTING_MAX));
        }
    }
    return container_check_content(cmd);
}

static const char *container_check_use(cmd_parms *cmd,
                                       const expect_rule_t *rule)
{
    if (!rule->children->nelts) {
        return expect_config_error(cmd, "empty",
                                   ": there is no rule in it; one "
                                   "ExpectRequire or more is accepted");
    }
    if (rule->kind == EXPECT_ANY && rule->children->nelts == 1) {
        return expect_config_error(cmd, "useless",
                                   ": a single alternative has no effect; "
                                   "list two or more, or drop the container");
    }
    return NULL;
}

const char *expect_cmd_container(cmd_parms *cmd, void *unused,
                                 const char *args)
{
    expect_dir_conf_t *conf = expect_section_get(cmd);
    expect_kind_e kind = (expect_kind_e)(apr_uintptr_t)cmd->info;
    expect_rule_t *outer = conf->open;
    expect_rule_t *rule;
    int override = cmd->override;
    const ap_directive_t *directive = cmd->directive;
    const command_rec *command = cmd->cmd;
    const char *err = directive_check_require(cmd);

    (void)unused;
    if (!err) {
        err = container_check(cmd, args);
    }
    if (err) {
        return err;
    }
    rule = expect_rule_container(cmd->pool, kind);
    rule_set_place(cmd, rule);

    conf->open = rule;
    cmd->override = OR_AUTHCFG;
    err = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    cmd->override = override;
    conf->open = outer;
    if (err) {
        return err;
    }

    /* the walk has left the last directive of the container here */
    cmd->directive = (ap_directive_t *)directive;
    cmd->cmd = command;
    err = container_check_use(cmd, rule);
    if (err) {
        return err;
    }
    expect_rule_add(container_around(cmd, conf), rule);
    return NULL;
}

/* Directives that take one of several words */

struct expect_setting_t {
    /** the words, by their number; that of 0 is never read */
    const char *const *words;
    const char *accepted;
    /** the offset of the member of expect_dir_conf_t that is set */
    apr_size_t member;
};

const expect_setting_t expect_engine_setting = {
    .words = expect_engine_words,
    .accepted = "On, Off or DetectionOnly is accepted",
    .member = APR_OFFSETOF(expect_dir_conf_t, engine)
};
const expect_setting_t expect_status_setting = {
    .words = expect_status_words,
    .accepted = "417 or specific is accepted",
    .member = APR_OFFSETOF(expect_dir_conf_t, status)
};
const expect_setting_t expect_scope_setting = {
    .words = expect_scope_words,
    .accepted = "content or expectation is accepted",
    .member = APR_OFFSETOF(expect_dir_conf_t, scope)
};
const expect_setting_t expect_merging_setting = {
    .words = expect_merging_words,
    .accepted = "And, Or or Off is accepted",
    .member = APR_OFFSETOF(expect_dir_conf_t, merging)
};

/* AllowOverrideList can name any directive; those of the administrator are not
 * allowed in .htaccess even then, because a ceiling has to hold. */
static const char *setting_check_place(cmd_parms *cmd)
{
    const char *err = directive_check_require(cmd);

    if (err) {
        return err;
    }
    return ap_check_cmd_context(cmd, (cmd->cmd->req_override & OR_AUTHCFG)
                                         ? NOT_IN_LIMIT
                                         : NOT_IN_LIMIT | NOT_IN_HTACCESS);
}

const char *expect_cmd_setting(cmd_parms *cmd, void *unused,
                               const char *args)
{
    const expect_setting_t *setting = cmd->info;
    int *value = (int *)((char *)expect_section_get(cmd) + setting->member);
    const char *word = ap_getword_conf(cmd->pool, &args);
    const char *err = setting_check_place(cmd);
    int i;

    (void)unused;
    if (err) {
        return err;
    }
    if (*args) {
        return expect_config_error(cmd, args,
                                   apr_pstrcat(cmd->pool,
                                               ": one argument too many; ",
                                               setting->accepted, NULL));
    }
    for (i = 1; setting->words[i]; ++i) {
        if (!strcasecmp(setting->words[i], word)) {
            *value = i;
            return NULL;
        }
    }
    return expect_config_error(cmd, *word ? word : "no argument",
                               apr_pstrcat(cmd->pool,
                                           *word ? ": unknown value; "
                                                 : ": a value is missing; ",
                                           setting->accepted, NULL));
}
