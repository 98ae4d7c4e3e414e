/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How the rules of sections are joined: ExpectMerging.
 *
 * The value in force for a section is the nearest one set in it or above it.
 * Above a folder's section, an .htaccess file and all that is nested in either
 * stand the <Directory> sections of the folders around. Above any other section
 * stands its server only, whatever httpd has merged before it: so a <Directory>
 * that opens a tree does not open what an administrator demands in a
 * <Location>.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"

#include "apr_strings.h"

#include "config/section.h"
#include "config/merge.h"

/* The depth of a <DirectoryMatch>: httpd merges it after all folders. */
#define DEPTH_MATCH APR_INT32_MAX

/* Where a section stands */

typedef enum { NO_SECTION, DIRECTORY, OTHER_SECTION } section_e;

static section_e section_of(const ap_directive_t *directive)
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

/* What a section sets, read from the tree of its directives: lines that come
 * further below count as well. */
static int merging_in(const ap_directive_t *parent, apr_pool_t *p)
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

static int slashes_in(const char *path)
{
    int n = 0;

    for (; *path; ++path) {
        n += *path == '/';
    }
    return n;
}

/* How deep the folder of a <Directory> is. httpd merges those with regular
 * expressions when all others and all .htaccess files are merged. */
static int depth_of(const ap_directive_t *directory, apr_pool_t *p)
{
    const char *args = directory->args;
    char *path = ap_getword_conf(p, &args);
    char *folder;
    apr_size_t length = strlen(path);

    if (length && path[length - 1] == '>') {
        path[--length] = '\0';
    }
    if (strcasecmp(directory->directive, "<Directory") || path[0] != '/') {
        return DEPTH_MATCH;
    }
    if (apr_filepath_merge(&folder, NULL, path, 0, p) == APR_SUCCESS) {
        path = folder;
        length = strlen(path);
    }
    return slashes_in(path) + (length && path[length - 1] != '/');
}

/* How the rules of an .htaccess file are joined is for its folder, also within
 * the <Files> and <If> in it. */
static void place_in_htaccess(expect_dir_conf_t *conf, const cmd_parms *cmd,
                              int is_nested)
{
    const char *name = is_nested ? cmd->config_file->name : cmd->path;

    if (name && name[0] == '/') {
        conf->standing = EXPECT_IN_FOLDER;
        conf->depth = slashes_in(name);
    }
    else {
        /* some module has read it from elsewhere */
        conf->standing = EXPECT_ALONE;
    }
}

void expect_merge_place(expect_dir_conf_t *conf, cmd_parms *cmd)
{
    const ap_directive_t *parent = cmd->directive->parent;
    int is_htaccess = ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL;
    int is_nested = 0;

    for (; parent; parent = parent->parent) {
        section_e section = section_of(parent);

        if (section == NO_SECTION) {
            continue;
        }
        /* Its own value need not be read yet, and is looked for later. An
         * .htaccess has none to look for: with AllowOverride Nonfatal=..., a
         * line that httpd has skipped stands in the tree all the same. */
        if (is_nested && !is_htaccess && !conf->merging_around) {
            conf->merging_around = merging_in(parent, cmd->temp_pool);
        }
        if (section == DIRECTORY) {
            conf->standing = is_nested ? EXPECT_IN_FOLDER : EXPECT_FOLDER;
            conf->depth = depth_of(parent, cmd->temp_pool);
            return;
        }
        is_nested = 1;
    }
    if (is_htaccess) {
        place_in_htaccess(conf, cmd, is_nested);
    }
    else {
        conf->standing = is_nested ? EXPECT_ALONE : EXPECT_IN_SERVER;
    }
}

/* Merging */

void *expect_conf_merge(apr_pool_t *p, void *basev, void *addv)
{
    const expect_dir_conf_t *base = basev;
    const expect_dir_conf_t *add = addv;
    expect_dir_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    conf->engine = add->engine ? add->engine : base->engine;
    conf->status = add->status ? add->status : base->status;
    conf->scope = add->scope ? add->scope : base->scope;
    conf->has_rules = base->has_rules || add->has_rules;
    conf->outer = base;
    conf->inner = add;
    return conf;
}

/* A <Directory> that sets a value. */
typedef struct {
    int depth;
    int merging;
} folder_t;

/* A section with rules, and how they join those before. */
typedef struct {
    const expect_rule_t *rules;
    int merging;
    int is_alone;
} joined_t;

/* What the sections say, as far as they were read. */
typedef struct {
    apr_pool_t *p;
    /* the value in force: of the server, of the section that was read last */
    int server;
    int last;
    /* of folder_t, as deep as they come; NULL: none */
    apr_array_header_t *folders;
    /* of joined_t */
    apr_array_header_t *sections;
} reading_t;

static int merging_of_folder(const reading_t *f, int depth)
{
    int i = f->folders ? f->folders->nelts : 0;

    while (--i >= 0) {
        const folder_t *folder = &APR_ARRAY_IDX(f->folders, i, folder_t);

        if (folder->depth <= depth) {
            return folder->merging;
        }
    }
    return f->server;
}

static void note_folder(reading_t *f, const expect_dir_conf_t *conf)
{
    folder_t *folder;

    if (!f->folders) {
        f->folders = apr_array_make(f->p, 4, sizeof(folder_t));
    }
    folder = apr_array_push(f->folders);
    folder->depth = conf->depth;
    folder->merging = conf->merging;
}

static int merging_of(reading_t *f, const expect_dir_conf_t *conf)
{
    int merging = conf->merging ? conf->merging : conf->merging_around;

    if (conf->standing == EXPECT_IN_SERVER && merging) {
        f->server = merging;
    }
    else if (conf->standing == EXPECT_FOLDER && merging
             && conf->depth != DEPTH_MATCH) {
        note_folder(f, conf);
    }
    if (merging) {
        return merging;
    }
    return conf->standing == EXPECT_FOLDER || conf->standing == EXPECT_IN_FOLDER
               ? merging_of_folder(f, conf->depth) : f->server;
}

static void read_section(reading_t *f, const expect_dir_conf_t *conf)
{
    joined_t *section;

    f->last = merging_of(f, conf);
    if (conf->own) {
        section = apr_array_push(f->sections);
        section->rules = conf->own;
        section->merging = f->last;
        section->is_alone = conf->standing == EXPECT_ALONE;
    }
}

/* From the outside in. httpd merges one section after the other to what it
 * has: so many can lie at the outer sides, within each other, and few at the
 * inner ones. */
static void read_sections(reading_t *f, const expect_dir_conf_t *conf)
{
    apr_array_header_t *inner;
    const expect_dir_conf_t **next;

    if (!conf->outer) {
        read_section(f, conf);
        return;
    }
    inner = apr_array_make(f->p, 8, sizeof(void *));
    for (; conf->outer; conf = conf->outer) {
        APR_ARRAY_PUSH(inner, const expect_dir_conf_t *) = conf->inner;
    }
    read_section(f, conf);
    while ((next = apr_array_pop(inner))) {
        read_sections(f, *next);
    }
}

static void read_all(reading_t *f, apr_pool_t *p,
                     const expect_dir_conf_t *conf)
{
    f->p = p;
    f->server = f->last = EXPECT_MERGING_AND;
    f->folders = NULL;
    f->sections = apr_array_make(p, 8, sizeof(joined_t));
    if (conf) {
        read_sections(f, conf);
    }
}

/* Joining */

/* The rules in force, as far as they were joined. */
typedef struct {
    apr_pool_t *p;
    const expect_rule_t *rules;
    /* what joins them, NULL as long as there is one section's only */
    expect_rule_t *join;
} in_force_t;

/* One container for all that are joined the same way: a tree that is as deep
 * as an .htaccess has sections could be too deep for the stack. */
static expect_rule_t *join_for(in_force_t *f, expect_kind_e kind)
{
    expect_rule_t *join = f->join;

    if (!join || join->kind != kind) {
        join = expect_rule_container(f->p, kind);
        expect_rule_add(join, f->rules);
    }
    return join;
}

static void join_section(in_force_t *f, const joined_t *section)
{
    if (!f->rules || section->merging == EXPECT_MERGING_OFF) {
        f->rules = section->rules;
        f->join = NULL;
        return;
    }
    f->join = join_for(f, section->merging == EXPECT_MERGING_OR ? EXPECT_ANY
                                                                : EXPECT_ALL);
    expect_rule_add(f->join, section->rules);
    f->rules = f->join;
}

/*
 * httpd merges a <Files> or an <If> of a folder behind sections that stand
 * alone. Where such a one offers an alternative or replaces what is there, that
 * is for the rules of its folder only: so it is joined to these before the
 * others are. What a folder's <Files> or <If> adds holds for what a section
 * that stands alone has offered before it, too.
 */
static int is_joined_late(const joined_t *section, int is_opened)
{
    return section->is_alone
           || (is_opened && section->merging == EXPECT_MERGING_AND);
}

static void join_where(in_force_t *f, const apr_array_header_t *sections,
                       int is_late)
{
    int i, is_opened = 0;

    for (i = 0; i < sections->nelts; ++i) {
        const joined_t *section = &APR_ARRAY_IDX(sections, i, joined_t);

        if (is_joined_late(section, is_opened) == is_late) {
            join_section(f, section);
        }
        is_opened |= section->is_alone
                     && section->merging != EXPECT_MERGING_AND;
    }
}

const expect_rule_t *expect_conf_rules(apr_pool_t *p,
                                       const expect_dir_conf_t *conf)
{
    in_force_t f = { p, NULL, NULL };
    reading_t reading;

    read_all(&reading, p, conf);
    join_where(&f, reading.sections, 0);
    join_where(&f, reading.sections, 1);
    return f.rules;
}

int expect_conf_merging(apr_pool_t *p, const expect_dir_conf_t *conf)
{
    reading_t reading;

    read_all(&reading, p, conf);
    return reading.last;
}
