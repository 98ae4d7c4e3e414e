/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * What a simulation has shown, in words.
 */

#include <string.h>
#include <unistd.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_core.h"
#include "unixd.h"

#include "apr_strings.h"

#include "explain/wording.h"
#include "answer/enforce.h"
#include "judge/request.h"
#include "rules/target.h"
#include "config/merge.h"
#include "explain/show.h"

/* Lines of text */

typedef struct {
    apr_pool_t *p;
    apr_array_header_t *parts;
} text_t;

static text_t text_make(apr_pool_t *p)
{
    text_t text = { p, NULL };

    text.parts = apr_array_make(p, 16, sizeof(const char *));
    return text;
}

static void add(text_t *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line. */
static void add(text_t *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    APR_ARRAY_PUSH(t->parts, const char *) = expect_show_line(t->p, format,
                                                              args);
    va_end(args);
}

static const char *text_of(const text_t *t)
{
    return apr_array_pstrcat(t->p, t->parts, '\0');
}

/* Where it leads to */

/* The request that has come to the section: the lookup, or the one itself. */
static const request_rec *target_of(const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);

    return e && e->facts.r ? e->facts.r : h->r;
}

static void add_target(text_t *t, const request_rec *r)
{
    int inside = r->path_info && *r->path_info;
    const char *kind = "";

    if (expect_target_is_rewritten(r)) {
        add(t, "  target: %s, by an internal redirect\n",
            r->filename + sizeof("redirect:") - 1);
        return;
    }
    if (!r->proxyreq && ap_is_url(r->filename)) {
        add(t, "  target: %s\n", r->filename);
        return;
    }
    if (r->proxyreq || !strncmp(r->filename, "proxy:", 6)) {
        inside = 0;
    }
    else if (inside || r->finfo.filetype == APR_NOFILE) {
        kind = ", which is not there";
    }
    else if (r->finfo.filetype == APR_DIR) {
        kind = ", a folder";
    }
    add(t, "  target: %s%s%s%s\n", r->filename, inside ? r->path_info : "",
        kind, r->prev ? ", by an internal redirect" : "");
}

/* The .htaccess of a folder, by whatever name (AccessFileName), or NULL. */
static const char *access_file(apr_pool_t *p, const request_rec *r,
                               const char *dir)
{
    const core_server_config *core =
        ap_get_core_module_config(r->server->module_config);
    const char *names = core->access_name ? core->access_name
                                          : DEFAULT_ACCESS_FNAME;

    while (*names) {
        const char *file = apr_pstrcat(p, dir, ap_getword_conf(p, &names),
                                       NULL);
        apr_finfo_t info;

        if (apr_stat(&info, file, APR_FINFO_TYPE, p) == APR_SUCCESS) {
            return file;
        }
    }
    return NULL;
}

static int was_read(const request_rec *r, const char *dir)
{
    const struct htaccess_result *one;

    for (one = r->htaccess; one; one = one->next) {
        if (one->htaccess && !strcmp(one->dir, dir)) {
            return 1;
        }
    }
    return 0;
}

/* Those of the target's folders, from the outside in. */
static void add_htaccess(text_t *t, const request_rec *r)
{
    const char *path = r->finfo.filetype == APR_DIR
                           ? apr_pstrcat(t->p, r->filename, "/", NULL)
                           : r->filename;
    const char *slash = path;
    int any = 0;

    while (*path == '/' && slash) {
        const char *dir = apr_pstrmemdup(t->p, path, slash + 1 - path);
        const char *file = access_file(t->p, r, dir);

        if (file) {
            add(t, "  .htaccess: %s%s\n", file,
                was_read(r, dir) ? "" : ", not read: AllowOverride None");
            any = 1;
        }
        slash = slash[1] == '/' ? NULL : ap_strchr_c(slash + 1, '/');
    }
    if (!any) {
        add(t, "  .htaccess: none\n");
    }
}

/* What is not as it would be. */
static void add_differences(text_t *t, const expect_simulation_t *h)
{
    const expect_query_t *q = h->question;
    const ap_directive_t *map = expect_show_find(ap_conftree, "RewriteMap",
                                                 "prg:");

    if (ap_unixd_config.user_id != (uid_t)-1
        && geteuid() != ap_unixd_config.user_id) {
        add(t, "  note: what only User %s may read is not seen\n",
            ap_unixd_config.user_name);
        add(t, "  note: scripts that modules ran for this had the rights of "
            "who called httpd, not those of User %s\n",
            ap_unixd_config.user_name);
    }
    if (!expect_simulate_listens(h->r->connection)) {
        add(t, "  note: nothing listens on port %u\n",
            (unsigned)h->r->connection->local_addr->port);
    }
    if (q->scheme && !strcasecmp(q->scheme, "https")) {
        add(t, "  note: there is no TLS here: SSLRequireSSL, the rule ssl and "
            "SSL_ variables answer as without\n");
    }
    if (map) {
        add(t, "  note: the program of RewriteMap (%s:%d) does not run here: "
            "it finds nothing\n", map->filename, map->line_num);
    }
}

/* The rules */

static const char *note(void *data, const expect_rule_t *rule)
{
    expect_simulation_t *h = data;
    const expect_request_t *e = expect_request_get(h->r);
    const char *heard = apr_hash_get(h->heard, &rule, sizeof(void *));

    if (heard) {
        return heard;
    }
    if (!(rule->limited & e->facts.method)) {
        return apr_pstrcat(h->pool, "does not apply to ",
                           h->question->method, NULL);
    }
    if (e->outcome.verdict == EXPECT_UNDECIDED) {
        return "not asked: it did not come so far";
    }
    heard = expect_simulate_rule(h, rule);
    return heard ? apr_pstrcat(h->pool, heard,
                               " (not asked: it was certain before)", NULL)
                 : "not asked: it was certain before";
}

/* Also those that are not asked: to say why. */
static void add_rules(text_t *t, expect_simulation_t *h,
                      const expect_request_t *e)
{
    int exempt = e->outcome.verdict == EXPECT_NOT_JUDGED;
    const expect_dir_conf_t *conf =
        exempt ? expect_conf_of(e->section.entered_by->per_dir_config) : e->section.conf;
    const expect_rule_t *rules = exempt ? expect_conf_rules(h->pool, conf)
                                        : e->section.rules;

    add(t, "  %s\n", expect_show_settings(h->pool, conf));
    if (rules) {
        APR_ARRAY_PUSH(t->parts, const char *) =
            expect_show_rules(h->pool, rules, 2, exempt ? NULL : note, h);
    }
}

/* What holds for both clients, as a rule. */
const char *expect_explain_place(expect_simulation_t *h)
{
    text_t t = text_make(h->pool);
    const expect_query_t *q = h->question;
    const expect_request_t *e = expect_request_get(h->r);
    const request_rec *r = target_of(h);
    int mapped = r->filename && (e ? e->section.entered_by != NULL
                                       : h->status == OK);

    add(&t, "  client: %s, %s%s\n", q->ip,
        q->user ? "logged in as " : "without a login", q->user ? q->user : "");
    add(&t, "  server: %s\n", expect_show_server(h->pool, h->r->server));
    if (mapped) {
        add_target(&t, r);
        add_htaccess(&t, r);
    }
    else {
        add(&t, "  target: not known\n");
    }
    add_differences(&t, h);
    if (e && e->section.entered_by) {
        add_rules(&t, h, e);
    }
    return text_of(&t);
}

/* The outcome */

/* The last of a chain of internal redirects knows what all know. */
static const char *noted(const expect_simulation_t *h, const char *name)
{
    const request_rec *r;
    const char *value = NULL;

    for (r = h->r; r; r = r->next) {
        const char *one = apr_table_get(r->notes, name);

        value = one ? one : value;
    }
    return value;
}

static int is_verdict(const expect_simulation_t *h, const char *verdict)
{
    const char *noted_verdict = noted(h, EXPECT_NOTE_VERDICT);

    return noted_verdict && !strcmp(noted_verdict, verdict);
}

static const char *why_exempt(const expect_request_t *e)
{
    const expect_dir_conf_t *conf =
        expect_conf_of(e->section.entered_by->per_dir_config);

    return !conf || !conf->has_rules ? "there are no rules"
           : conf->engine == EXPECT_ENGINE_OFF ? "ExpectEngine Off"
                                               : "ExpectScope expectation";
}

/* NULL: the rules were not asked, or have not decided. */
static const char *verdict(const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);
    const char *status = noted(h, EXPECT_NOTE_STATUS);
    const char *reason = noted(h, EXPECT_NOTE_REASON);

    if (is_verdict(h, EXPECT_WORD_REFUSE)) {
        return apr_pstrcat(h->pool, "refused ", status, ": ", reason, NULL);
    }
    if (is_verdict(h, EXPECT_WORD_DETECT)) {
        return apr_pstrcat(h->pool, "would refuse ", status, ": ", reason,
                           " (DetectionOnly)", NULL);
    }
    if (is_verdict(h, EXPECT_WORD_CONTINUE)) {
        return "admitted";
    }
    if (!e && h->status == OK) {
        return "not judged: no content is announced";
    }
    if (e && e->section.entered_by && e->outcome.verdict == EXPECT_NOT_JUDGED) {
        return apr_pstrcat(h->pool, "not judged: ", why_exempt(e), NULL);
    }
    return NULL;
}

/* NULL: it has no part in it, or none that is known. */
static const char *httpd_says(const expect_simulation_t *h)
{
    const char *location = apr_table_get(h->r->headers_out, "Location");

    if (is_verdict(h, EXPECT_WORD_REFUSE) || h->stopped) {
        return NULL;
    }
    if (h->status != OK) {
        return apr_psprintf(h->pool, "httpd answers %d%s%s", h->status,
                            location ? ", to " : "", location ? location : "");
    }
    if (!expect_request_get(h->r)) {
        return NULL;
    }
    if (!h->handler) {
        return "httpd answers it itself";
    }
    return expect_target_takes_content(target_of(h))
               ? apr_pstrcat(h->pool, "goes to ", h->handler, NULL)
               : "goes to httpd's file handler, which takes no content";
}

/* What admits may end early. */
static void add_limits(text_t *t, const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);
    apr_off_t limit = ap_get_limit_req_body(target_of(h));

    if (!e || !h->handler) {
        return;
    }
    if (e->content.max != EXPECT_UNLIMITED) {
        add(t, "    its length is not known: %s at the first byte over %"
            APR_OFF_T_FMT "\n", e->content.is_dry_run
                                    ? "413 would be answered"
                                    : "413, and cut off", e->content.max);
    }
    if (limit > 0 && strncmp(h->handler, "proxy", 5)
        && (e->head.length > limit
            || e->head.length == EXPECT_LENGTH_UNKNOWN)) {
        add(t, "    LimitRequestBody %" APR_OFF_T_FMT " refuses %s with "
            "413 when it is read\n", limit,
            e->head.length > limit ? "it" : "more");
    }
}

/* An ErrorDocument in place of mod_expect's own page. */
static const char *document_of(const expect_simulation_t *h)
{
    const core_request_config *own =
        ap_get_core_module_config(h->r->request_config);
    int i = ap_index_of_response(h->status);

    return !ap_is_HTTP_ERROR(h->status) || h->r->next
               || (own->response_code_strings
                   && own->response_code_strings[i])
               ? NULL : ap_response_code_string(h->r, i);
}

const char *expect_explain_phase(expect_phase_e phase)
{
    static const char *const phases[] = {
        "whose section it is", "access control", "the type of the target",
        "what modules do last", "filters", "the answer"
    };

    return phases[phase];
}

const char *expect_explain_remarks(const expect_simulation_t *h)
{
    const char *document = document_of(h);
    text_t text = text_make(h->pool);
    text_t *t = &text;
    int i;

    add_limits(t, h);
    if (h->login) {
        add(t, "    the login, AuthType %s, is not asked: it is taken for %s\n",
            h->login, h->question->user ? "done"
                                        : "missing, 401; user=NAME takes it "
                                          "for done");
    }
    if (h->was_read) {
        add(t, "    not known: what a module makes of the content that it "
            "reads before the handler\n");
    }
    if (h->stopped) {
        add(t, "    not known: %s, and what comes after it; a module that "
            "needs a running server crashed there\n",
            expect_explain_phase(h->stop));
    }
    if (document) {
        add(t, "    the client reads ErrorDocument %s%s\n", document,
            *document == '"' ? "\"" : "");
    }
    for (i = 0; i < h->log->nelts; ++i) {
        add(t, "    httpd logs: %s\n", APR_ARRAY_IDX(h->log, i,
                                                     const char *));
    }
    return text_of(t);
}

const char *expect_explain_outcome(const expect_simulation_t *h)
{
    const char *expect = apr_table_get(h->question->fields, "Expect");
    const char *one = verdict(h);
    const char *other = httpd_says(h);

    text_t t = text_make(h->pool);

    add(&t, "  %s%s: %s%s%s\n", expect ? "Expect: " : "",
        expect ? expect : h->asks == EXPECT_CLIENT_ASKS ? "asks" : "does not ask",
        one ? one : other ? other : "not decided", one && other ? "; " : "",
        one && other ? other : "");
    return text_of(&t);
}
