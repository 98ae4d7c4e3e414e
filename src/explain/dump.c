/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * httpd -t -D DUMP_EXPECT: the rules in force in every section, after merging,
 * with file and line and the stage at which each is known.
 *
 *     VirtualHost files.example.org:443
 *       <Directory /srv/uploads/>: engine On, status 417, scope content
 *         (its rules: see show.c)
 *
 * What is written in .htaccess is not known here. Of a server that has
 * questions (ExpectExplain) these are answered instead: see explain.c.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "mod_proxy.h"

#include "apr_file_io.h"
#include "apr_fnmatch.h"
#include "apr_strings.h"

#include "config/merge.h"
#include "tree/describe.h"
#include "explain/dump.h"
#include "explain/explain.h"
#include "explain/query.h"
#include "explain/simulate.h"
#include "judge/request.h"
#include "explain/show.h"
#include "base/version.h"

typedef struct {
    apr_pool_t *p;
    apr_file_t *out;
    server_rec *s;
    /* some AuthType is an expression, which only a request can tell */
    int auth_type_varies;
    /* the section is a <Proxy>, where LimitRequestBody does nothing */
    int proxied;
} dump_t;

/* What is doubtful */

static void warn(dump_t *d, const expect_rule_t *rule, const char *what)
{
    expect_show_print(d->p, d->out, "    warning: %s (%s:%u): %s\n",
                      rule->text, rule->file, rule->line, what);
}

/* Word by word: blanks and quotes do not count. */
static int is_text(dump_t *d, const expect_rule_t *rule, const char *text)
{
    const char *written = rule->text;

    while (*written && *text) {
        if (strcasecmp(ap_getword_conf(d->p, &written),
                       ap_getword_conf(d->p, &text))) {
            return 0;
        }
    }
    return !*written && !*text;
}

static int always_holds(dump_t *d, const expect_rule_t *rule)
{
    return is_text(d, rule, "all granted")
           || is_text(d, rule, "not all denied")
           || is_text(d, rule, "content-length min=0");
}

static int never_holds(dump_t *d, const expect_rule_t *rule)
{
    return is_text(d, rule, "all denied")
           || is_text(d, rule, "not all granted")
           || is_text(d, rule, "not auth");
}

/* The max of a rule or a tree that has one, else EXPECT_UNLIMITED. */
static apr_off_t max_of(apr_pool_t *p, const expect_rule_t *rule)
{
    expect_accepts_t told;

    expect_rule_accepts_all(p, rule, &told);
    return told.max;
}

/* What the rules of a section are held against. */
typedef struct {
    /* the smallest max that has to hold in any case */
    apr_off_t tightest;
    /* LimitRequestBody, or what httpd takes for it; 0: none */
    apr_off_t limit;
    /* the rule's own status is answered, and for 401 there is no challenge */
    int no_challenge;
} around_t;

static void check_max(dump_t *d, const expect_rule_t *rule,
                      const around_t *around)
{
    apr_off_t max = max_of(d->p, rule);

    if (max == EXPECT_UNLIMITED) {
        return;
    }
    if (around->tightest != EXPECT_UNLIMITED && max > around->tightest) {
        warn(d, rule, apr_psprintf(d->p, "a tighter max=%" APR_OFF_T_FMT
                                   " is in force", around->tightest));
    }
    if (around->limit > 0 && max > around->limit) {
        warn(d, rule, apr_psprintf(d->p, "LimitRequestBody %" APR_OFF_T_FMT
                                   " is smaller, and refuses later where "
                                   "nothing is proxied", around->limit));
    }
}

static void check_leaf(dump_t *d, const expect_rule_t *rule,
                       expect_kind_e parent, const around_t *around)
{
    if (parent == EXPECT_ANY && always_holds(d, rule)) {
        warn(d, rule, "this alternative always holds, the others are never "
             "needed");
    }
    if (parent == EXPECT_ALL && never_holds(d, rule)) {
        warn(d, rule, "can never hold: every upload is refused");
    }
    if (around->no_challenge && rule->needs_access && !rule->negated) {
        warn(d, rule, "ExpectStatus specific, but no AuthType is set here: "
             "nobody is challenged to log in, and a Require that wants a user "
             "ends in 500");
    }
    check_max(d, rule, around);
}

static void check_rule(dump_t *d, const expect_rule_t *rule,
                       const around_t *around)
{
    int i;

    for (i = 0; i < rule->children->nelts; ++i) {
        const expect_rule_t *child =
            APR_ARRAY_IDX(rule->children, i, const expect_rule_t *);

        if (child->kind == EXPECT_RULE) {
            check_leaf(d, child, rule->kind, around);
        }
        else {
            check_rule(d, child, around);
        }
    }
}

/* One section */

static const ap_conf_vector_t *merge(dump_t *d, const ap_conf_vector_t *outer,
                                     const ap_conf_vector_t *inner)
{
    return ap_merge_per_dir_configs(d->p, (ap_conf_vector_t *)outer,
                                    (ap_conf_vector_t *)inner);
}

/* A request to a section, for those of httpd's functions that look at nothing
 * else of it. */
static request_rec request_to(dump_t *d, const ap_conf_vector_t *section)
{
    request_rec r = { 0 };

    r.pool = d->p;
    r.server = d->s;
    r.per_dir_config = (ap_conf_vector_t *)section;
    return r;
}

static apr_off_t limit_of(dump_t *d, const ap_conf_vector_t *section)
{
    request_rec r = request_to(d, section);

    return d->proxied ? 0 : ap_get_limit_req_body(&r);
}

/*
 * Whether somebody could be asked to log in: an AuthType is set, or may be set
 * where it cannot be seen from here.
 * @param section merged with the server's: else modules may have none
 */
static int may_challenge(dump_t *d, const ap_conf_vector_t *section)
{
    const core_dir_config *core = ap_get_core_module_config(section);
    APR_OPTIONAL_FN_TYPE(authn_ap_auth_type) *auth_type =
        APR_RETRIEVE_OPTIONAL_FN(authn_ap_auth_type);
    /* it looks at no more where it is a constant */
    request_rec r = request_to(d, section);

    return d->auth_type_varies || (core->override & OR_AUTHCFG)
           || (auth_type && auth_type(&r));
}

static int is_specific(const expect_dir_conf_t *conf)
{
    return conf->status == EXPECT_STATUS_SPECIFIC
           && expect_conf_refuses(conf);
}

/* Where it is not the usual one. */
static const char *merging_text(dump_t *d, int merging)
{
    return merging != EXPECT_MERGING_AND
               ? apr_pstrcat(d->p, ", merging ",
                             expect_merging_words[merging], NULL)
               : "";
}

/* Whose rules could be written in an .htaccess below. */
static int has_tenants(const expect_dir_conf_t *own)
{
    return !own || own->standing == EXPECT_IN_SERVER
           || own->standing == EXPECT_FOLDER;
}

static void warn_of_opening(dump_t *d, const ap_conf_vector_t *section,
                            int merging)
{
    const core_dir_config *core = ap_get_core_module_config(section);

    apr_file_printf(d->out, "    warning: ExpectMerging %s is in force: a "
                    "tenant can exceed what stands above%s\n",
                    expect_merging_words[merging],
                    core->override & OR_AUTHCFG
                        ? "" : ", where AllowOverride lets him write rules");
}

/* What httpd asks no <Proxy> for. */
static void note_of_proxy(dump_t *d)
{
    apr_file_puts("    note: it holds for ProxyPass, and for RewriteRule [P] "
                  "in the server's configuration; not for SetHandler "
                  "\"proxy:...\", nor for [P] in a <Directory> or an "
                  ".htaccess\n", d->out);
}

/*
 * @param own       what is written in it, or NULL
 * @param section   what is in force there
 * @param challenge whether an AuthType may come from sections elsewhere
 */
static void dump_section(dump_t *d, const char *name,
                         const expect_dir_conf_t *own,
                         const ap_conf_vector_t *section, int challenge)
{
    const expect_dir_conf_t *conf = expect_conf_of(section);
    const expect_rule_t *rules = expect_conf_rules(d->p, conf);
    around_t around = { EXPECT_UNLIMITED, limit_of(d, section), 0 };
    int merging = expect_conf_merging(d->p, conf);

    expect_show_print(d->p, d->out, "  %s: %s%s\n", name,
                      expect_show_settings(d->p, conf),
                      merging_text(d, merging));
    if (merging != EXPECT_MERGING_AND && has_tenants(own)) {
        warn_of_opening(d, section, merging);
    }
    if (d->proxied) {
        note_of_proxy(d);
    }
    if (!rules) {
        expect_show_print(d->p, d->out, "    no rules\n");
        return;
    }
    apr_file_puts(expect_show_rules(d->p, rules, 2, NULL, NULL), d->out);
    around.tightest = max_of(d->p, rules);
    around.no_challenge = is_specific(conf) && !challenge
                          && !may_challenge(d, section);
    check_rule(d, rules, &around);
}

static void dump_inner(dump_t *d, const char *outer_name,
                       const ap_conf_vector_t *outer,
                       const ap_conf_vector_t *merged, int challenge);

static void dump_each(dump_t *d, const char *outer_name,
                      const apr_array_header_t *sections,
                      const ap_conf_vector_t *outer, int challenge)
{
    int i;

    for (i = 0; sections && i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);
        const core_dir_config *core = ap_get_core_module_config(section);
        const expect_dir_conf_t *own = expect_conf_of(section);
        const ap_conf_vector_t *merged = merge(d, outer, section);
        /* of <If> httpd does not keep the text */
        const char *name =
            core->condition
                ? apr_pstrcat(d->p, outer_name, " <If>", NULL)
                : apr_psprintf(d->p, "%s <Files%s %s>", outer_name,
                               core->r ? "Match" : "", core->d);

        if (own) {
            dump_section(d, name, own, merged, challenge);
        }
        dump_inner(d, name, section, merged, challenge);
    }
}

/*
 * <Files> and <If> sections within another, and within those.
 * @param outer  the section as written
 * @param merged what is in force there
 */
static void dump_inner(dump_t *d, const char *outer_name,
                       const ap_conf_vector_t *outer,
                       const ap_conf_vector_t *merged, int challenge)
{
    const core_dir_config *core = ap_get_core_module_config(outer);

    /* a <Proxy> may have nothing of core's */
    if (core) {
        dump_each(d, outer_name, core->sec_file, merged, challenge);
        dump_each(d, outer_name, core->sec_if, merged, challenge);
    }
}

static int is_pattern(const core_dir_config *section)
{
    return section->r || section->d_is_fnmatch;
}

/* What all that a <Directory> or <Location> matches begins with. */
static const char *beginning(dump_t *d, const core_dir_config *section)
{
    return section->r ? "/"
           : section->d_is_fnmatch
               ? apr_pstrmemdup(d->p, section->d,
                                strcspn(section->d, "*?[\\"))
               : section->d;
}

/* A <Directory> holds for what lies in a folder that it matches; <Location> for
 * whole paths only. */
static int pattern_matches(dump_t *d, const char *pattern, const char *path,
                           int is_folder)
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

/* Whether a <Directory> or <Location> certainly holds for all of another as
 * well. */
static int is_around(dump_t *d, const core_dir_config *outer,
                     const core_dir_config *inner, int is_folder)
{
    apr_size_t length = strlen(outer->d);
    const char *begin = beginning(d, inner);

    if (outer == inner) {
        return 1;
    }
    if (is_pattern(outer) && is_pattern(inner)) {
        return 0;
    }
    if (outer->r) {
        return !ap_regexec(outer->r, inner->d, 0, NULL, 0);
    }
    if (outer->d_is_fnmatch) {
        return pattern_matches(d, outer->d, inner->d, is_folder);
    }
    /* the paths of <Directory> end with a slash by now */
    return !strncmp(outer->d, begin, length)
           && ((!begin[length] && !is_pattern(inner)) || begin[length] == '/'
               || (length && outer->d[length - 1] == '/'));
}

/* What httpd would merge for one <Directory>, in the order that
 * ap_core_reorder_directories() has brought them into by now, or <Location>. */
static const ap_conf_vector_t *in_force(dump_t *d,
                                        const apr_array_header_t *sections,
                                        const core_dir_config *inner,
                                        const ap_conf_vector_t *server,
                                        int is_folder)
{
    const ap_conf_vector_t *merged = server;
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);

        if (is_around(d, ap_get_core_module_config(section), inner,
                      is_folder)) {
            merged = merge(d, merged, section);
        }
    }
    return merged;
}

static void dump_directories(dump_t *d, const apr_array_header_t *sections,
                             const ap_conf_vector_t *server, int challenge)
{
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);
        const core_dir_config *core = ap_get_core_module_config(section);
        const expect_dir_conf_t *own = expect_conf_of(section);
        const ap_conf_vector_t *merged = in_force(d, sections, core, server,
                                                  1);
        const char *name = apr_psprintf(d->p, "<Directory%s %s>",
                                        core->r ? "Match" : "", core->d);

        if (own) {
            dump_section(d, is_pattern(core)
                            ? apr_pstrcat(d->p, name, ", joined with what else "
                                          "matches", NULL)
                            : name,
                         own, merged, challenge);
        }
        dump_inner(d, name, section, merged, challenge);
    }
}

static int any_challenges(dump_t *d, const apr_array_header_t *sections,
                          const ap_conf_vector_t *server)
{
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);

        if (may_challenge(d, merge(d, server, section))) {
            return 1;
        }
    }
    return 0;
}

static void dump_locations(dump_t *d, const apr_array_header_t *sections,
                           const ap_conf_vector_t *server, int challenge)
{
    int i;

    for (i = 0; i < sections->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(sections, i, const ap_conf_vector_t *);
        const core_dir_config *core = ap_get_core_module_config(section);
        const expect_dir_conf_t *own = expect_conf_of(section);
        const ap_conf_vector_t *merged = in_force(d, sections, core, server,
                                                  0);
        const char *name = apr_psprintf(d->p, "<Location%s %s>",
                                        core->r ? "Match" : "", core->d);

        if (own) {
            dump_section(d, apr_pstrcat(d->p, name, ", joined with the "
                                        "directory's", is_pattern(core)
                                        ? " and what else matches" : "", NULL),
                         own, merged, challenge);
        }
        dump_inner(d, name, section, merged, challenge);
    }
}

/* Of mod_proxy, where it is loaded; it takes them in place of <Directory>. */
static void dump_proxies(dump_t *d, const ap_conf_vector_t *server,
                         int challenge)
{
    const module *proxy = ap_find_linked_module("mod_proxy.c");
    const proxy_server_conf *conf =
        proxy ? ap_get_module_config(d->s->module_config, proxy) : NULL;
    int i;

    d->proxied = 1;
    for (i = 0; conf && i < conf->sec_proxy->nelts; ++i) {
        const ap_conf_vector_t *section =
            APR_ARRAY_IDX(conf->sec_proxy, i, const ap_conf_vector_t *);
        const proxy_dir_conf *dir = ap_get_module_config(section, proxy);
        const expect_dir_conf_t *own = expect_conf_of(section);
        const ap_conf_vector_t *merged = merge(d, server, section);
        const char *name = apr_psprintf(d->p, "<Proxy%s %s>",
                                        dir->r ? "Match" : "", dir->p);

        if (own) {
            dump_section(d, name, own, merged, challenge);
        }
        dump_inner(d, name, section, merged, challenge);
    }
    d->proxied = 0;
}

static void dump_server(dump_t *d)
{
    const core_server_config *core =
        ap_get_core_module_config(d->s->module_config);
    const ap_conf_vector_t *server = d->s->lookup_defaults;
    int in_dirs = any_challenges(d, core->sec_dir, server);
    int in_urls = any_challenges(d, core->sec_url, server);

    expect_show_print(d->p, d->out, "%s\n", expect_show_server(d->p, d->s));
    dump_section(d, "everywhere", expect_conf_of(server), server,
                 in_dirs || in_urls);
    dump_inner(d, "everywhere", server, server, in_dirs || in_urls);
    dump_directories(d, core->sec_dir, server, in_urls);
    dump_locations(d, core->sec_url, server, in_dirs);
    dump_proxies(d, server, in_dirs || in_urls);
}

static void dump_servers(apr_pool_t *p, server_rec *s, apr_file_t *out)
{
    dump_t d = { p, out, s,
                 expect_show_find(ap_conftree, "AuthType", "%{") != NULL, 0 };

    expect_show_print(p, out, "mod_expect %s: the rules in force, .htaccess "
                      "apart\n", EXPECT_VERSION);
    for (; d.s; d.s = d.s->next) {
        dump_server(&d);
    }
}

static void expect_test_config(apr_pool_t *p, server_rec *s)
{
    const apr_array_header_t *questions = expect_queries(s);
    apr_file_t *out;
    int i;

    if (!ap_exists_config_define("DUMP_EXPECT")) {
        return;
    }
    apr_file_open_stdout(&out, p);
    if (!questions) {
        dump_servers(p, s, out);
        return;
    }
    for (i = 0; i < questions->nelts; ++i) {
        expect_explain(p, s, out, APR_ARRAY_IDX(questions, i,
                                                const expect_query_t *));
    }
}

void expect_dump_register(void)
{
    expect_simulate_register();
    ap_hook_test_config(expect_test_config, NULL, NULL, APR_HOOK_MIDDLE);
}
