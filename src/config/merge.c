/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * How the rules of sections are joined: ExpectMerging.
 *
 * The value in force for a section is the nearest one that is set in it or
 * above it. Above a folder's section, an .htaccess file, and sections nested in
 * either, are the <Directory> sections of the folders around it. Above any
 * other section is only its server, whatever httpd has merged before it: so a
 * <Directory> that replaces rules does not replace those of an administrator's
 * <Location>.
 */

#include <stdlib.h>

#include "httpd.h"
#include "http_config.h"

#include "config/merge.h"

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

/* A section with rules, and how they are joined with those before. */
typedef struct {
    const expect_rule_t *rules;
    int merging;
    int is_alone;
    /* the depth at which it is joined, and its place among all of that depth */
    int depth;
    int nth;
} joined_t;

/* The sections that were read so far. */
typedef struct {
    apr_pool_t *p;
    /* ExpectMerging in force: for the server, for the section read last */
    int server;
    int last;
    /* of folder_t, from the outside in; NULL: none */
    apr_array_header_t *folders;
    /* of joined_t, in the order of httpd's merges, until they are sorted */
    apr_array_header_t *sections;
    /* the greatest depth so far; a section of less depth has come later */
    int deepest;
    int is_unsorted;
} reading_t;

static int reading_merging_of_folder(const reading_t *f, int depth)
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

static void reading_add_folder(reading_t *f, const expect_dir_conf_t *conf)
{
    folder_t *folder;

    if (!f->folders) {
        f->folders = apr_array_make(f->p, 4, sizeof(folder_t));
    }
    folder = apr_array_push(f->folders);
    folder->depth = conf->depth;
    folder->merging = conf->merging;
}

static int reading_merging(reading_t *f, const expect_dir_conf_t *conf)
{
    int merging = conf->merging ? conf->merging : conf->merging_around;

    if (conf->standing == EXPECT_IN_SERVER && merging) {
        f->server = merging;
    }
    else if (conf->standing == EXPECT_FOLDER && merging
             && conf->depth != EXPECT_DEPTH_MATCH) {
        reading_add_folder(f, conf);
    }
    if (merging) {
        return merging;
    }
    return conf->standing == EXPECT_FOLDER || conf->standing == EXPECT_IN_FOLDER
               ? reading_merging_of_folder(f, conf->depth) : f->server;
}

/*
 * httpd merges a folder's <Files> or <If> after the sections of the folders
 * within. If the <Files> or <If> offers an alternative (Or) or replaces rules
 * (Off), that concerns the rules of its folder and of outer ones: so it is
 * joined before those of the folders within. All others are joined in httpd's
 * order.
 */
static int reading_depth(const reading_t *f, const expect_dir_conf_t *conf)
{
    int is_opening = conf->standing == EXPECT_IN_FOLDER
                     && f->last != EXPECT_MERGING_AND;

    return is_opening || conf->depth > f->deepest ? conf->depth : f->deepest;
}

static void reading_add(reading_t *f, const expect_dir_conf_t *conf)
{
    joined_t *section;

    f->last = reading_merging(f, conf);
    if (conf->own) {
        section = apr_array_push(f->sections);
        section->rules = conf->own;
        section->merging = f->last;
        section->is_alone = conf->standing == EXPECT_ALONE;
        section->depth = reading_depth(f, conf);
        section->nth = f->sections->nelts;
        if (section->depth < f->deepest) {
            f->is_unsorted = 1;
        }
        else {
            f->deepest = section->depth;
        }
    }
}

/* Read sections from the outside in. httpd merges each section with the result
 * so far: many merges may be nested on the outer side, which is a loop, and few
 * on the inner side, which is recursion. */
static void reading_add_all(reading_t *f, const expect_dir_conf_t *conf)
{
    apr_array_header_t *inner;
    const expect_dir_conf_t **next;

    if (!conf->outer) {
        reading_add(f, conf);
        return;
    }
    inner = apr_array_make(f->p, 8, sizeof(void *));
    for (; conf->outer; conf = conf->outer) {
        APR_ARRAY_PUSH(inner, const expect_dir_conf_t *) = conf->inner;
    }
    reading_add(f, conf);
    while ((next = apr_array_pop(inner))) {
        reading_add_all(f, *next);
    }
}

/* By depth; at the same depth they stay in their order. */
static int joined_compare(const void *av, const void *bv)
{
    const joined_t *a = av;
    const joined_t *b = bv;

    return a->depth != b->depth ? (a->depth < b->depth ? -1 : 1)
                                : a->nth - b->nth;
}

static void reading_begin(reading_t *f, apr_pool_t *p,
                          const expect_dir_conf_t *conf)
{
    f->p = p;
    f->server = f->last = EXPECT_MERGING_AND;
    f->folders = NULL;
    f->sections = apr_array_make(p, 8, sizeof(joined_t));
    f->deepest = f->is_unsorted = 0;
    if (conf) {
        reading_add_all(f, conf);
    }
    if (f->is_unsorted) {
        qsort(f->sections->elts, f->sections->nelts, sizeof(joined_t),
              joined_compare);
    }
}

/* Joining */

/* The rules that were joined so far. */
typedef struct {
    apr_pool_t *p;
    const expect_rule_t *rules;
    /* the container of all of them; NULL: they are of one section */
    expect_rule_t *join;
} in_force_t;

/* One container holds all sections that are joined the same way. A tree as deep
 * as an .htaccess has sections could be too deep for the stack. */
static expect_rule_t *in_force_join(in_force_t *f, expect_kind_e kind)
{
    expect_rule_t *join = f->join;

    if (!join || join->kind != kind) {
        join = expect_rule_container(f->p, kind);
        expect_rule_add(join, f->rules);
    }
    return join;
}

static void in_force_add(in_force_t *f, const joined_t *section)
{
    if (!f->rules || section->merging == EXPECT_MERGING_OFF) {
        f->rules = section->rules;
        f->join = NULL;
        return;
    }
    f->join = in_force_join(f, section->merging == EXPECT_MERGING_OR
                                   ? EXPECT_ANY : EXPECT_ALL);
    expect_rule_add(f->join, section->rules);
    f->rules = f->join;
}

/*
 * httpd merges a folder's <Files> or <If> after sections that stand alone, too.
 * What it opens (Or, Off) is the rules of folders: so it is joined with these
 * before the sections that stand alone are joined. If it adds rules (And), they
 * hold as well for an alternative that a section standing alone has offered
 * before.
 */
static int joined_is_late(const joined_t *section, int is_opened)
{
    return section->is_alone
           || (is_opened && section->merging == EXPECT_MERGING_AND);
}

static void in_force_add_all(in_force_t *f, const apr_array_header_t *sections,
                             int is_late)
{
    int i, is_opened = 0;

    for (i = 0; i < sections->nelts; ++i) {
        const joined_t *section = &APR_ARRAY_IDX(sections, i, joined_t);

        if (joined_is_late(section, is_opened) == is_late) {
            in_force_add(f, section);
        }
        is_opened |= section->is_alone
                     && section->merging != EXPECT_MERGING_AND;
    }
}

const expect_rule_t *expect_conf_rules(apr_pool_t *p,
                                       const expect_dir_conf_t *conf)
{
    in_force_t f = { .p = p };
    reading_t reading;

    if (conf && !conf->outer) {
        /* nothing is joined */
        return conf->own;
    }
    reading_begin(&reading, p, conf);
    in_force_add_all(&f, reading.sections, 0);
    in_force_add_all(&f, reading.sections, 1);
    return f.rules;
}

int expect_conf_merging(apr_pool_t *p, const expect_dir_conf_t *conf)
{
    reading_t reading;

    reading_begin(&reading, p, conf);
    return reading.last;
}
