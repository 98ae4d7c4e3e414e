/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The rules in force in every section of a server, after merging.
 *
 * httpd merges sections for each request. Here they are merged as for a request
 * that every enclosing section matches, and no other.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "mod_proxy.h"

#include "apr_fnmatch.h"
#include "apr_strings.h"

#include "config/merge.h"
#include "config/section.h"
#include "explain/doubts.h"
#include "explain/sections.h"
#include "explain/show.h"

typedef struct {
    apr_pool_t *p;
    apr_file_t *out;
    server_rec *s;
    int auth_varies;
    /** the section is a <Proxy>, where LimitRequestBody has no effect */
    int is_proxy;
    /** an AuthType may come from sections elsewhere */
    int challenged_elsewhere;
} sections_t;

/* --- one section --------------------------------------------------------- */

static const ap_conf_vector_t *section_merge(sections_t *d,
                                             const ap_conf_vector_t *outer,
                                             const ap_conf_vector_t *inner)
{
    return ap_merge_per_dir_configs(d->p, (ap_conf_vector_t *)outer,
                                    (ap_conf_vector_t *)inner);
}

/* A request to a section, for those functions of httpd that look at nothing
 * else of it. */
static request_rec section_request(sections_t *d,
                                   const ap_conf_vector_t *section)
{
    request_rec r = { 0 };

    r.pool = d->p;
    r.server = d->s;
    r.per_dir_config = (ap_conf_vector_t *)section;
    return r;
}

static apr_off_t section_limit(sections_t *d, const ap_conf_vector_t *section)
{
    request_rec r = section_request(d, section);

    return d->is_proxy ? 0 : ap_get_limit_req_body(&r);
}

/*
 * Whether a client could be challenged to log in: an AuthType is set, or may be
 * set where it cannot be seen from here.
 * @param section merged with the server's, as modules may have no
 *                configuration of their own in it
 */
static int section_may_challenge(sections_t *d,
                                 const ap_conf_vector_t *section)
{
    const core_dir_config *core = ap_get_core_module_config(section);
    APR_OPTIONAL_FN_TYPE(authn_ap_auth_type) *auth_type =
        APR_RETRIEVE_OPTIONAL_FN(authn_ap_auth_type);
    /* it looks at nothing else if AuthType is a constant */
    request_rec r = section_request(d, section);

    return d->auth_varies || (core->override & OR_AUTHCFG)
           || (auth_type && auth_type(&r));
}

static int section_is_specific(const expect_dir_conf_t *conf)
{
    return conf->status == EXPECT_STATUS_SPECIFIC
           && expect_conf_refuses(conf);
}

/* Rules could be written in an .htaccess below such a section. */
static int section_has_tenants(const expect_dir_conf_t *own)
{
    return !own || own->standing == EXPECT_IN_SERVER
           || own->standing == EXPECT_FOLDER;
}

static void section_warn_of_opening(sections_t *d,
                                    const ap_conf_vector_t *section,
                                    int merging)
{
    const core_dir_config *core = ap_get_core_module_config(section);

    apr_file_printf(d->out, "    warning: ExpectMerging %s is in force: a "
                    "tenant can exceed the outer rules%s\n",
                    expect_merging_words[merging],
                    core->override & OR_AUTHCFG
                        ? "" : ", where AllowOverride lets tenants write "
                               "rules");
}

/* httpd looks up a <Proxy> only for these. */
static void section_note_proxy(sections_t *d)
{
    apr_file_puts("    note: this section applies to ProxyPass, and to "
                  "RewriteRule [P] in the server's configuration; it does not "
                  "apply to SetHandler \"proxy:...\", nor to [P] in a "
                  "<Directory> or an .htaccess\n", d->out);
}

/*
 * @param own    the directives of the section, or NULL
 * @param merged the configuration in force there
 */
static void section_print(sections_t *d, const char *name,
                          const expect_dir_conf_t *own,
                          const ap_conf_vector_t *merged)
{
    const expect_dir_conf_t *conf = expect_conf_of(merged);
    const expect_rule_t *rules = expect_conf_rules(d->p, conf);
    int merging = expect_conf_merging(d->p, conf);
    int is_open = merging != EXPECT_MERGING_AND;
    expect_doubts_t doubts = {
        .p = d->p, .out = d->out, .limit = section_limit(d, merged)
    };

    expect_show_print(d->p, d->out, "  %s: %s%s%s\n", name,
                      expect_show_settings(d->p, conf),
                      is_open ? ", merging " : "",
                      is_open ? expect_merging_words[merging] : "");
    if (is_open && section_has_tenants(own)) {
        section_warn_of_opening(d, merged, merging);
    }
    if (d->is_proxy) {
        section_note_proxy(d);
    }
    if (!rules) {
        expect_show_print(d->p, d->out, "    no rules\n");
        return;
    }
    apr_file_puts(expect_show_rules(d->p, rules, 2, NULL, NULL), d->out);
    doubts.no_challenge = section_is_specific(conf)
                          && !d->challenged_elsewhere
                          && !section_may_challenge(d, merged);
    expect_doubts_print(&doubts, rules);
}

/* --- a section with those in it ------------------------------------------ */

static void section_print_inner(sections_t *d, const char *name,
                                const ap_conf_vector_t *section,
                                const ap_conf_vector_t *merged);

/*
 * A section in which something is written, and those in it.
 * @param joined a remark on other sections that are merged; it stands behind
 *               the name of this section, and not behind those in it
 */
static void section_print_all(sections_t *d, const char *name,
                              const char *joined,
                              const ap_conf_vector_t *section,
                              const ap_conf_vector_t *merged)
{
    const expect_dir_conf_t *own = expect_conf_of(section);

    if (own) {
        section_print(d, apr_pstrcat(d->p, name, joined, NULL), own, merged);
    }
    section_print_inner(d, name, section, merged);
}

static void section_print_each(sections_t *d, const char *outer_name,
                               const apr_array_header_t *sections,
                               const ap_conf_vector_t *outer)
{
    int i;

    for (i = 0; sections && i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);
        const core_dir_config *core = ap_get_core_module_config(section);
        /* httpd does not keep the text of <If> */
        const char *name =
            core->condition
                ? apr_pstrcat(d->p, outer_name, " <If>", NULL)
                : apr_psprintf(d->p, "%s <Files%s %s>", outer_name,
                               core->r ? "Match" : "", core->d);

        section_print_all(d, name, "", section,
                          section_merge(d, outer, section));
    }
}

/*
 * The <Files> and <If> sections in another, and those in them.
 * @param section the section as written
 * @param merged  the configuration in force there
 */
static void section_print_inner(sections_t *d, const char *name,
                                const ap_conf_vector_t *section,
                                const ap_conf_vector_t *merged)
{
    const core_dir_config *core = ap_get_core_module_config(section);

    /* a <Proxy> may have no configuration of core's */
    if (core) {
        section_print_each(d, name, core->sec_file, merged);
        section_print_each(d, name, core->sec_if, merged);
    }
}

/* --- which sections enclose another -------------------------------------- */

static int section_is_pattern(const core_dir_config *section)
{
    return section->r || section->d_is_fnmatch;
}

/* The beginning of all paths that a <Directory> or <Location> matches. */
static const char *section_beginning(sections_t *d,
                                     const core_dir_config *section)
{
    return section->r ? "/"
           : section->d_is_fnmatch
               ? apr_pstrmemdup(d->p, section->d,
                                strcspn(section->d, "*?[\\"))
               : section->d;
}

/* A <Directory> holds for all files in a folder that it matches; a <Location>
 * for whole paths only. */
static int section_pattern_matches(sections_t *d, const char *pattern,
                                   const char *path, int is_folder)
{
    const char *slash = path;
    int matches = !apr_fnmatch(pattern, path, APR_FNM_PATHNAME);

    while (is_folder && !matches && (slash = ap_strchr_c(slash, '/'))) {
        ++slash;
        matches = !apr_fnmatch(pattern, apr_pstrmemdup(d->p, path,
                                                       slash - path),
                               APR_FNM_PATHNAME);
    }
    return matches;
}

/* Whether a <Directory> or <Location> certainly holds for all of another. */
static int section_encloses(sections_t *d, const core_dir_config *outer,
                            const core_dir_config *inner, int is_folder)
{
    apr_size_t length = strlen(outer->d);
    const char *begin = section_beginning(d, inner);

    if (outer == inner) {
        return 1;
    }
    if (section_is_pattern(outer) && section_is_pattern(inner)) {
        return 0;
    }
    if (outer->r) {
        return !ap_regexec(outer->r, inner->d, 0, NULL, 0);
    }
    if (outer->d_is_fnmatch) {
        return section_pattern_matches(d, outer->d, inner->d, is_folder);
    }
    /* the paths of <Directory> end with a slash by now */
    return !strncmp(outer->d, begin, length)
           && ((!begin[length] && !section_is_pattern(inner))
               || begin[length] == '/'
               || (length && outer->d[length - 1] == '/'));
}

/* The result of httpd's merge for one <Directory> or <Location>. The sections
 * are in the order of ap_core_reorder_directories() by now. */
static const ap_conf_vector_t *
section_in_force(sections_t *d, const apr_array_header_t *sections,
                 const core_dir_config *inner, int is_folder)
{
    const ap_conf_vector_t *merged = d->s->lookup_defaults;
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);

        if (section_encloses(d, ap_get_core_module_config(section), inner,
                             is_folder)) {
            merged = section_merge(d, merged, section);
        }
    }
    return merged;
}

/* --- all of a server ----------------------------------------------------- */

/* The two kinds of sections that can enclose each other. */
typedef struct {
    const char *name;
    int is_folder;
    /** the remark on sections that may be merged as well */
    const char *joined;
    /** the same for a pattern */
    const char *joined_pattern;
} section_kind_t;

static const section_kind_t directories = {
    .name = "Directory", .is_folder = 1, .joined = "",
    .joined_pattern = ", joined with other matching sections"
};

static const section_kind_t locations = {
    .name = "Location", .is_folder = 0,
    .joined = ", joined with the directory's rules",
    .joined_pattern = ", joined with the directory's rules and other matching "
                      "sections"
};

static void sections_print_kind(sections_t *d, const section_kind_t *kind,
                                const apr_array_header_t *sections)
{
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);
        const core_dir_config *core = ap_get_core_module_config(section);

        section_print_all(d, apr_psprintf(d->p, "<%s%s %s>", kind->name,
                                          core->r ? "Match" : "", core->d),
                          section_is_pattern(core) ? kind->joined_pattern
                                                   : kind->joined,
                          section, section_in_force(d, sections, core,
                                                    kind->is_folder));
    }
}

/* The <Proxy> sections of mod_proxy, where it is loaded; for a proxied request
 * it merges them in place of <Directory>. */
static void sections_print_proxies(sections_t *d)
{
    const module *proxy = ap_find_linked_module("mod_proxy.c");
    const proxy_server_conf *conf =
        proxy ? ap_get_module_config(d->s->module_config, proxy) : NULL;
    int i;

    d->is_proxy = 1;
    for (i = 0; conf && i < conf->sec_proxy->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(conf->sec_proxy, i, const ap_conf_vector_t *);
        const proxy_dir_conf *dir = ap_get_module_config(section, proxy);

        section_print_all(d, apr_psprintf(d->p, "<Proxy%s %s>",
                                          dir->r ? "Match" : "", dir->p),
                          "", section,
                          section_merge(d, d->s->lookup_defaults, section));
    }
    d->is_proxy = 0;
}

static int sections_may_challenge(sections_t *d,
                                  const apr_array_header_t *sections)
{
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);

        if (section_may_challenge(d, section_merge(d, d->s->lookup_defaults,
                                                   section))) {
            return 1;
        }
    }
    return 0;
}

void expect_sections_print(apr_pool_t *p, apr_file_t *out, server_rec *s,
                           int auth_varies)
{
    const core_server_config *core =
        ap_get_core_module_config(s->module_config);
    const ap_conf_vector_t *server = s->lookup_defaults;
    sections_t d = {
        .p = p, .out = out, .s = s, .auth_varies = auth_varies
    };
    int in_dirs = sections_may_challenge(&d, core->sec_dir);
    int in_urls = sections_may_challenge(&d, core->sec_url);

    expect_show_print(p, out, "%s\n", expect_show_server(p, s));
    d.challenged_elsewhere = in_dirs || in_urls;
    section_print(&d, "everywhere", expect_conf_of(server), server);
    section_print_inner(&d, "everywhere", server, server);
    d.challenged_elsewhere = in_urls;
    sections_print_kind(&d, &directories, core->sec_dir);
    d.challenged_elsewhere = in_dirs;
    sections_print_kind(&d, &locations, core->sec_url);
    d.challenged_elsewhere = in_dirs || in_urls;
    sections_print_proxies(&d);
}
