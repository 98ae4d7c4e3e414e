/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What is written in a section, and where the section stands.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_strings.h"

#include "base/htaccess.h"
#include "config/section.h"

const char *const expect_engine_words[] = {
    "On", "On", "Off", "DetectionOnly", NULL
};
const char *const expect_status_words[] = { "417", "417", "specific", NULL };
const char *const expect_scope_words[] = {
    "content", "content", "expectation", NULL
};
const char *const expect_merging_words[] = { "And", "And", "Or", "Off", NULL };

typedef enum { NO_SECTION, DIRECTORY, OTHER_SECTION } section_e;

static section_e section_kind(const ap_directive_t *directive)
{
    static const char *const others[] = {
        "<Location", "<LocationMatch", "<Files", "<FilesMatch", "<If",
        "<ElseIf", "<Else", "<Proxy", "<ProxyMatch", NULL
    };
    int i;

    if (!strcasecmp(directive->directive, "<Directory")
        || !strcasecmp(directive->directive, "<DirectoryMatch")) {
        return DIRECTORY;
    }
    for (i = 0; others[i]; ++i) {
        if (!strcasecmp(directive->directive, others[i])) {
            return OTHER_SECTION;
        }
    }
    return NO_SECTION;
}

/*
 * The value that a section around this one sets. It is read from the tree of
 * directives, because the directive may stand further below, and is executed
 * later than those of a section nested before it. httpd does not pass a nested
 * section the configuration of the section around it.
 */
static int section_merging(const ap_directive_t *parent, apr_pool_t *p)
{
    const ap_directive_t *child = parent->first_child;
    int merging = 0;
    int i;

    for (; child; child = child->next) {
        const char *args = child->args;

        if (strcasecmp(child->directive, "ExpectMerging")) {
            continue;
        }
        args = ap_getword_conf(p, &args);
        for (i = 1; expect_merging_words[i]; ++i) {
            if (!strcasecmp(expect_merging_words[i], args)) {
                merging = i;
            }
        }
    }
    return merging;
}

static int section_count_slashes(const char *path)
{
    int n = 0;

    for (; *path; ++path) {
        n += *path == '/';
    }
    return n;
}

/* The depth of a <Directory>'s folder. httpd merges those with regular
 * expressions after all others and after all .htaccess files. */
static int section_depth(const ap_directive_t *directory, apr_pool_t *p)
{
    const char *args = directory->args;
    char *path = ap_getword_conf(p, &args);
    char *folder;
    apr_size_t length = strlen(path);

    if (length && path[length - 1] == '>') {
        path[--length] = '\0';
    }
    if (strcasecmp(directory->directive, "<Directory") || path[0] != '/') {
        return EXPECT_DEPTH_MATCH;
    }
    if (apr_filepath_merge(&folder, NULL, path, 0, p) == APR_SUCCESS) {
        path = folder;
        length = strlen(path);
    }
    return section_count_slashes(path) + (length && path[length - 1] != '/');
}

/* The rules of an .htaccess file are joined as those of its folder, also within
 * <Files> and <If> in it. */
static void section_place_in_htaccess(expect_dir_conf_t *conf,
                                      const cmd_parms *cmd, int is_nested)
{
    const char *name = is_nested ? cmd->config_file->name : cmd->path;

    if (name && name[0] == '/') {
        conf->standing = EXPECT_IN_FOLDER;
        conf->depth = section_count_slashes(name);
    }
    else {
        /* another module has read it from elsewhere */
        conf->standing = EXPECT_ALONE;
    }
}

/* Note where a section stands. Only the parser knows it, and it decides how the
 * section's rules are joined with those of others. */
static void section_place(expect_dir_conf_t *conf, cmd_parms *cmd)
{
    const ap_directive_t *parent = cmd->directive->parent;
    int is_htaccess = expect_is_htaccess(cmd);
    int is_nested = 0;

    for (; parent; parent = parent->parent) {
        section_e section = section_kind(parent);

        if (section == NO_SECTION) {
            continue;
        }
        /* The section's own value is used when the rules are joined; it may
         * not be read yet. In .htaccess ExpectMerging is not allowed, but with
         * AllowOverride Nonfatal=... a line that httpd skipped is still in the
         * tree. */
        if (is_nested && !is_htaccess && !conf->merging_around) {
            conf->merging_around = section_merging(parent, cmd->temp_pool);
        }
        if (section == DIRECTORY) {
            conf->standing = is_nested ? EXPECT_IN_FOLDER : EXPECT_FOLDER;
            conf->depth = section_depth(parent, cmd->temp_pool);
            return;
        }
        is_nested = 1;
    }
    if (is_htaccess) {
        section_place_in_htaccess(conf, cmd, is_nested);
    }
    else {
        conf->standing = is_nested ? EXPECT_ALONE : EXPECT_IN_SERVER;
    }
}

/* httpd skips modules without a configuration when it merges sections for a
 * request. So a section has one only from its first directive on, and there is
 * no create_dir_config, which would make one for every section. */
expect_dir_conf_t *expect_section_get(cmd_parms *cmd)
{
    expect_dir_conf_t *conf = ap_get_module_config(cmd->context,
                                                   &expect_module);

    if (!conf) {
        conf = apr_pcalloc(cmd->pool, sizeof(*conf));
        section_place(conf, cmd);
        ap_set_module_config(cmd->context, &expect_module, conf);
    }
    return conf;
}
