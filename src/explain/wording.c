/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The result of a simulation, in words.
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
#include "util_varbuf.h"

#include "apr_strings.h"

#include "answer/enforce.h"
#include "answer/notes.h"
#include "config/merge.h"
#include "explain/arrival.h"
#include "explain/show.h"
#include "explain/wording.h"
#include "judge/request.h"
#include "judge/verdict.h"
#include "rules/target.h"

/* --- lines of text ------------------------------------------------------- */

static void text_add(struct ap_varbuf *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds one line. */
static void text_add(struct ap_varbuf *t, const char *format, ...)
{
    const char *line;
    va_list args;

    va_start(args, format);
    line = expect_show_line(t->pool, format, args);
    va_end(args);
    /* a macro, which evaluates its arguments twice */
    ap_varbuf_strcat(t, line);
}

/* --- the place ----------------------------------------------------------- */

/* The request that has entered the section: the lookup, or the request
 * itself. */
static const request_rec *wording_request(const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);

    return e && e->facts.r ? e->facts.r : h->r;
}

static void wording_target(struct ap_varbuf *t, const request_rec *r)
{
    int inside = r->path_info && *r->path_info;
    const char *kind = "";

    if (expect_target_is_rewritten(r)) {
        text_add(t, "  target: %s, by an internal redirect\n",
                 r->filename + sizeof("redirect:") - 1);
        return;
    }
    if (!r->proxyreq && ap_is_url(r->filename)) {
        text_add(t, "  target: %s\n", r->filename);
        return;
    }
    if (r->proxyreq || !strncmp(r->filename, "proxy:", 6)) {
        inside = 0;
    }
    else if (inside || r->finfo.filetype == APR_NOFILE) {
        kind = ", which does not exist";
    }
    else if (r->finfo.filetype == APR_DIR) {
        kind = ", a folder";
    }
    text_add(t, "  target: %s%s%s%s\n", r->filename, inside ? r->path_info : "",
             kind, r->prev ? ", by an internal redirect" : "");
}

/* The .htaccess file of a folder, by its name in AccessFileName, or NULL. */
static const char *htaccess_file(apr_pool_t *p, const request_rec *r,
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

static int htaccess_was_read(const request_rec *r, const char *dir)
{
    const struct htaccess_result *one;

    for (one = r->htaccess; one; one = one->next) {
        if (one->htaccess && !strcmp(one->dir, dir)) {
            return 1;
        }
    }
    return 0;
}

/* The .htaccess files of the target's folders, from the outside in. */
static void wording_htaccess(struct ap_varbuf *t, const request_rec *r)
{
    const char *path = r->finfo.filetype == APR_DIR
                           ? apr_pstrcat(t->pool, r->filename, "/", NULL)
                           : r->filename;
    const char *slash = path;
    int any = 0;

    while (*path == '/' && slash) {
        const char *dir = apr_pstrmemdup(t->pool, path, slash + 1 - path);
        const char *file = htaccess_file(t->pool, r, dir);

        if (file) {
            text_add(t, "  .htaccess: %s%s\n", file,
                     htaccess_was_read(r, dir) ? ""
                                          : ", not read: AllowOverride None");
            any = 1;
        }
        slash = slash[1] == '/' ? NULL : ap_strchr_c(slash + 1, '/');
    }
    if (!any) {
        text_add(t, "  .htaccess: none\n");
    }
}

/* The differences between the simulation and a real request. */
static void wording_differences(struct ap_varbuf *t,
                                const expect_simulation_t *h)
{
    const expect_query_t *q = h->query;
    const ap_directive_t *map = expect_show_find(ap_conftree, "RewriteMap",
                                                 "prg:");

    if (ap_unixd_config.user_id != (uid_t)-1
        && geteuid() != ap_unixd_config.user_id) {
        text_add(t, "  note: files that only User %s may read are not seen\n",
                 ap_unixd_config.user_name);
        text_add(t, "  note: scripts that modules ran for this answer had the "
                 "rights of the caller of httpd, not those of User %s\n",
                 ap_unixd_config.user_name);
    }
    if (!expect_arrival_listens(h->r->connection)) {
        text_add(t, "  note: httpd does not listen on port %u\n",
                 (unsigned)h->r->connection->local_addr->port);
    }
    if (q->scheme && !strcasecmp(q->scheme, "https")) {
        text_add(t, "  note: TLS is not simulated: SSLRequireSSL, the rule ssl "
                 "and the SSL_ variables behave as without it\n");
    }
    if (map) {
        text_add(t, "  note: the program of RewriteMap (%s:%d) is not run: its "
                 "lookups find nothing\n", map->filename, map->line_num);
    }
}

/* --- the rules ----------------------------------------------------------- */

static const char *wording_note(void *data, const expect_rule_t *rule)
{
    expect_simulation_t *h = data;
    const expect_request_t *e = expect_request_get(h->r);
    const char *answer = apr_hash_get(h->answers, &rule, sizeof(void *));

    if (answer) {
        return answer;
    }
    if (!(rule->limited & e->facts.method)) {
        return apr_pstrcat(h->pool, "does not apply to ",
                           h->query->method, NULL);
    }
    if (e->outcome.verdict == EXPECT_UNDECIDED) {
        return "not evaluated: the request did not get that far";
    }
    answer = expect_simulate_rule(h, rule);
    return answer ? apr_pstrcat(h->pool, answer, " (not needed: the result "
                                "was already certain)", NULL)
                  : "not evaluated: the result was already certain";
}

/* The rules of a request that is not judged are shown as well, without
 * answers. */
static void wording_rules(struct ap_varbuf *t, expect_simulation_t *h,
                          const expect_request_t *e)
{
    int not_judged = e->outcome.verdict == EXPECT_NOT_JUDGED;
    const expect_dir_conf_t *conf =
        not_judged ? expect_conf_of(e->section.entered_by->per_dir_config)
                   : e->section.conf;
    const expect_rule_t *rules =
        not_judged ? expect_conf_rules(h->pool, conf) : e->section.rules;

    text_add(t, "  %s\n", expect_show_settings(h->pool, conf));
    if (rules) {
        const char *lines = expect_show_rules(h->pool, rules, 2,
                                              not_judged ? NULL : wording_note,
                                              h);

        ap_varbuf_strcat(t, lines);
    }
}

const char *expect_wording_place(expect_simulation_t *h)
{
    struct ap_varbuf t;
    const expect_query_t *q = h->query;
    const expect_request_t *e = expect_request_get(h->r);
    const request_rec *r = wording_request(h);
    int mapped = r->filename && (e ? e->section.entered_by != NULL
                                       : h->status == OK);

    ap_varbuf_init(h->pool, &t, 0);
    text_add(&t, "  client: %s, %s%s\n", q->ip,
             q->user ? "logged in as " : "without a login",
             q->user ? q->user : "");
    text_add(&t, "  server: %s\n", expect_show_server(h->pool, h->r->server));
    if (mapped) {
        wording_target(&t, r);
        wording_htaccess(&t, r);
    }
    else {
        text_add(&t, "  target: not known\n");
    }
    wording_differences(&t, h);
    if (e && e->section.entered_by) {
        wording_rules(&t, h, e);
    }
    return t.buf;
}

/* --- the outcome --------------------------------------------------------- */

/* The last note in a chain of internal redirects. */
static const char *wording_noted(const expect_simulation_t *h,
                                 const char *name)
{
    const request_rec *r;
    const char *value = NULL;

    for (r = h->r; r; r = r->next) {
        const char *one = apr_table_get(r->notes, name);

        value = one ? one : value;
    }
    return value;
}

static int wording_is_verdict(const expect_simulation_t *h,
                              const char *verdict)
{
    const char *noted_verdict = wording_noted(h, EXPECT_NOTE_VERDICT);

    return noted_verdict && !strcmp(noted_verdict, verdict);
}

static const char *wording_why_not_judged(const expect_request_t *e)
{
    const expect_dir_conf_t *conf =
        expect_conf_of(e->section.entered_by->per_dir_config);

    return !conf || !conf->has_rules ? "there are no rules"
           : conf->engine == EXPECT_ENGINE_OFF ? "ExpectEngine Off"
                                               : "ExpectScope expectation";
}

/* NULL: the rules were not evaluated, or have not decided. */
static const char *wording_verdict(const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);
    const char *status = wording_noted(h, EXPECT_NOTE_STATUS);
    const char *reason = wording_noted(h, EXPECT_NOTE_REASON);

    if (wording_is_verdict(h, EXPECT_WORD_REFUSE)) {
        return apr_pstrcat(h->pool, "refused ", status, ": ", reason, NULL);
    }
    if (wording_is_verdict(h, EXPECT_WORD_DETECT)) {
        return apr_pstrcat(h->pool, "would refuse ", status, ": ", reason,
                           " (DetectionOnly)", NULL);
    }
    if (wording_is_verdict(h, EXPECT_WORD_CONTINUE)) {
        return "admitted";
    }
    if (!e && h->status == OK) {
        return "not judged: no content is announced";
    }
    if (e && e->section.entered_by && e->outcome.verdict == EXPECT_NOT_JUDGED) {
        return apr_pstrcat(h->pool, "not judged: ", wording_why_not_judged(e),
                           NULL);
    }
    return NULL;
}

/* What httpd does with the request; NULL: nothing, or it is not known. */
static const char *wording_httpd(const expect_simulation_t *h)
{
    const char *location = apr_table_get(h->r->headers_out, "Location");

    if (wording_is_verdict(h, EXPECT_WORD_REFUSE) || h->stopped) {
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
        return "httpd answers the request itself";
    }
    return expect_target_takes_content(wording_request(h))
               ? apr_pstrcat(h->pool, "goes to ", h->handler, NULL)
               : "goes to httpd's file handler, which takes no content";
}

/* Limits that an admitted request may still exceed. */
static void wording_limits(struct ap_varbuf *t, const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);
    apr_off_t limit = ap_get_limit_req_body(wording_request(h));

    if (!e || !h->handler) {
        return;
    }
    if (e->content.max != EXPECT_UNLIMITED) {
        text_add(t, "    content of unknown length %s cut off with 413 at the "
                 "first byte over %" APR_OFF_T_FMT "\n",
                 e->content.is_dry_run ? "would be" : "is", e->content.max);
    }
    if (limit > 0 && strncmp(h->handler, "proxy", 5)
        && (e->head.length > limit
            || e->head.length == EXPECT_LENGTH_UNKNOWN)) {
        text_add(t, "    LimitRequestBody %" APR_OFF_T_FMT " refuses %s with "
                 "413 when it is read\n", limit,
                 e->head.length > limit ? "the content" : "more content");
    }
}

static int wording_rests_on_ledger(const expect_simulation_t *h,
                                   const expect_rule_t *rule)
{
    int i;

    if (rule->kind == EXPECT_RULE) {
        const char *answer = apr_hash_get(h->answers, &rule, sizeof(void *));

        return rule->remembers && answer
               && !strncmp(answer, "granted", sizeof("granted") - 1);
    }
    for (i = 0; i < rule->children->nelts; ++i) {
        if (wording_rests_on_ledger(h, APR_ARRAY_IDX(rule->children, i,
                                                     const expect_rule_t *))) {
            return 1;
        }
    }
    return 0;
}

/* What was admitted as if it were the only upload. */
static void wording_ledger(struct ap_varbuf *t, const expect_simulation_t *h)
{
    const expect_request_t *e = expect_request_get(h->r);

    if (e && e->section.rules && wording_is_verdict(h, EXPECT_WORD_CONTINUE)
        && wording_rests_on_ledger(h, e->section.rules)) {
        text_add(t, "    this holds if nothing else is in flight, and no quota "
                 "was spent: a server may refuse it then; nothing is taken "
                 "here\n");
    }
}

/* An ErrorDocument in place of mod_expect's own page. */
static const char *wording_document(const expect_simulation_t *h)
{
    const core_request_config *own =
        ap_get_core_module_config(h->r->request_config);
    int i = ap_index_of_response(h->status);

    return !ap_is_HTTP_ERROR(h->status) || h->r->next
               || (own->response_code_strings
                   && own->response_code_strings[i])
               ? NULL : ap_response_code_string(h->r, i);
}

const char *expect_wording_phase(expect_phase_e phase)
{
    static const char *const phases[] = {
        "the search for the section", "access control",
        "the choice of type and handler", "the fixups",
        "the start of the handler", "the answer"
    };

    return phases[phase];
}

const char *expect_wording_remarks(const expect_simulation_t *h)
{
    const char *document = wording_document(h);
    struct ap_varbuf text;
    struct ap_varbuf *t = &text;
    int i;

    ap_varbuf_init(h->pool, t, 0);
    wording_limits(t, h);
    wording_ledger(t, h);
    if (h->login) {
        text_add(t, "    authentication (AuthType %s) is not performed; it is "
                 "assumed to have %s\n", h->login,
                 h->query->user ? "succeeded"
                                : "failed with 401 (user=NAME assumes "
                                  "success)");
    }
    if (h->was_read) {
        text_add(t, "    not known: the effect of a module that reads the "
                 "content before the handler; there is none here\n");
    }
    if (h->stopped) {
        text_add(t, "    not known: the result of %s and of all that follows; "
                 "a module that needs a running server crashed there\n",
                 expect_wording_phase(h->stop));
    }
    if (document) {
        text_add(t, "    the client gets ErrorDocument %s%s\n", document,
                 *document == '"' ? "\"" : "");
    }
    for (i = 0; i < h->log->nelts; ++i) {
        text_add(t, "    httpd logs: %s\n", APR_ARRAY_IDX(h->log, i,
                                                          const char *));
    }
    return t->buf;
}

const char *expect_wording_outcome(const expect_simulation_t *h)
{
    const char *expect = apr_table_get(h->query->fields, "Expect");
    const char *one = wording_verdict(h);
    const char *other = wording_httpd(h);
    struct ap_varbuf t;

    ap_varbuf_init(h->pool, &t, 0);
    text_add(&t, "  %s%s: %s%s%s\n", expect ? "Expect: " : "",
             expect ? expect
             : h->asks == EXPECT_CLIENT_ASKS ? "asks" : "does not ask",
             one ? one : other ? other : "not decided",
             one && other ? "; " : "", one && other ? other : "");
    return t.buf;
}
