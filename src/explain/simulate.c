/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A request without a client.
 *
 * httpd itself processes it, by the functions that ap_read_request() and
 * ap_process_async_request() call, and so mod_expect's hooks judge it as they
 * judge any other request: nothing is decided here. It ends before the handler
 * runs. Authentication is not performed: it is assumed to have succeeded or
 * failed.
 *
 * Modules lack the state that they set up when a server starts. Most can do
 * without it, up to the handler; core, mod_mime and mod_rewrite get theirs
 * here. Any other module may crash: so this runs in a process of its own, which
 * writes down how far it came.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "http_vhost.h"
#include "mod_rewrite.h"
#include "mpm_common.h"
#include "util_filter.h"

#include "apr_strings.h"

#include "answer/enforce.h"
#include "base/compat.h"
#include "explain/arrival.h"
#include "explain/simulate.h"
#include "judge/request.h"
#include "judge/trace.h"
#include "stages/stages.h"
#include "tree/describe.h"
#include "tree/evaluate.h"

#if EXPECT_CORE_KNOWS_TLS
#include "http_ssl.h"
#endif

/* The simulation that is under way, in a process that does nothing else. */
static expect_simulation_t *current;

static ap_filter_rec_t *source_filter;
static ap_filter_rec_t *sink_filter;

/* --- the connection and the request --------------------------------------- */

/* There is no content: a module that reads it before the handler sees another
 * upload than the one of the query. */
static apr_status_t simulate_read(ap_filter_t *f, apr_bucket_brigade *bb,
                                  ap_input_mode_t mode, apr_read_type_e block,
                                  apr_off_t readbytes)
{
    (void)mode;
    (void)block;
    (void)readbytes;
    if (!current->handler) {
        current->was_read = 1;
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

static apr_status_t simulate_write(ap_filter_t *f, apr_bucket_brigade *bb)
{
    (void)f;
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

static conn_rec *simulate_connection(apr_pool_t *p, server_rec *s,
                                     const expect_query_t *q)
{
    conn_rec *c = apr_pcalloc(p, sizeof(*c));

    c->pool = p;
    c->base_server = s;
    c->bucket_alloc = apr_bucket_alloc_create(p);
    c->conn_config = ap_create_conn_config(p);
    c->notes = apr_table_make(p, 5);
    c->local_addr = expect_arrival_address(p, s, q);
    apr_sockaddr_ip_get(&c->local_ip, c->local_addr);
    apr_sockaddr_info_get(&c->client_addr, q->ip, APR_UNSPEC, 1024, 0, p);
    apr_sockaddr_ip_get(&c->client_ip, c->client_addr);
    ap_add_input_filter_handle(source_filter, NULL, NULL, c);
    ap_add_output_filter_handle(sink_filter, NULL, NULL, c);
    ap_update_vhost_given_ip(c);
    return c;
}

static apr_table_t *simulate_fields(apr_pool_t *p, const server_rec *s,
                                    const expect_simulation_t *simulation)
{
    const expect_query_t *q = simulation->query;
    apr_table_t *fields = apr_table_make(p, 10);

    apr_table_setn(fields, "Host", expect_arrival_host(p, s, q));
    if (simulation->asks == EXPECT_CLIENT_ASKS) {
        apr_table_setn(fields, "Expect", "100-continue");
    }
    return apr_table_overlay(p, q->fields, fields);
}

#if EXPECT_CORE_READS_EXPECT
request_rec *expect_simulate_create(conn_rec *c)
{
    return ap_create_request(c);
}

static int simulate_read_line(request_rec *r)
{
    return ap_parse_request_line(r);
}

static int simulate_read_host(request_rec *r)
{
    return ap_check_request_header(r);
}
#else
/* As in core, which does not export it before 2.4.49. */
request_rec *expect_simulate_create(conn_rec *c)
{
    apr_pool_t *p;
    request_rec *r;

    apr_pool_create(&p, c->pool);
    r = apr_pcalloc(p, sizeof(*r));
    r->pool = p;
    r->connection = c;
    r->server = c->base_server;
    r->allowed_methods = ap_make_method_list(r->pool, 2);
    r->headers_in = apr_table_make(r->pool, 5);
    r->trailers_in = apr_table_make(r->pool, 5);
    r->subprocess_env = apr_table_make(r->pool, 5);
    r->headers_out = apr_table_make(r->pool, 5);
    r->err_headers_out = apr_table_make(r->pool, 5);
    r->trailers_out = apr_table_make(r->pool, 5);
    r->notes = apr_table_make(r->pool, 5);
    r->request_config = ap_create_request_config(r->pool);
    r->proto_output_filters = r->output_filters = c->output_filters;
    r->proto_input_filters = r->input_filters = c->input_filters;
    ap_run_create_request(r);
    r->per_dir_config = r->server->lookup_defaults;
    r->read_body = REQUEST_NO_BODY;
    r->status = HTTP_OK;
    r->used_path_info = AP_REQ_DEFAULT_PATH_INFO;
    r->useragent_addr = c->client_addr;
    r->useragent_ip = c->client_ip;
    return r;
}

/* query.c has checked the parts of the line. */
static int simulate_read_line(request_rec *r)
{
    r->method = current->query->method;
    r->method_number = ap_method_number_of(r->method);
    r->protocol = apr_pstrdup(r->pool, "HTTP/1.1");
    r->proto_num = HTTP_VERSION(1, 1);
    ap_parse_uri(r, current->query->target);
    return r->status == HTTP_OK;
}

/* expect_compat_check() looks at the Expect field. */
static int simulate_read_host(request_rec *r)
{
    ap_update_vhost_from_headers(r);
    return r->status == HTTP_OK;
}
#endif

/* As in ap_read_request(). */
static int simulate_read_request(request_rec *r, server_rec *s)
{
    const expect_query_t *q = current->query;
    int known;

    r->the_request = apr_pstrcat(r->pool, q->method, " ", q->target,
                                 " HTTP/1.1", NULL);
    r->request_time = apr_time_now();
    r->headers_in = simulate_fields(r->pool, s, current);
    known = simulate_read_line(r) && simulate_read_host(r);
    r->per_dir_config = r->server->lookup_defaults;
    return known ? ap_run_post_read_request(r) : r->status;
}

/* --- the phases ----------------------------------------------------------- */

/* Writes the phase down, and ends the request where it is to stop. */
static int simulate_reach(request_rec *r, expect_phase_e phase)
{
    if (!current || r->main || r->prev) {
        return DECLINED;
    }
    if (phase == current->stop) {
        current->stopped = 1;
        return DONE;
    }
    *current->phase = phase;
    return DECLINED;
}

/* Does what mod_expect does when an error is answered. httpd has answered the
 * last one of a chain of internal redirects already. */
static int simulate_error(request_rec *r, int status)
{
    if (ap_is_HTTP_ERROR(status)) {
        r->status = status;
        if (expect_unsupported_is(r)) {
            expect_unsupported_refuse(r);
        }
        expect_access_denied(r);
        return r->status;
    }
    if (status != OK && status != DONE) {
        return status;
    }
    while (r->next) {
        r = r->next;
    }
    return ap_is_HTTP_ERROR(r->status) ? r->status : OK;
}

void expect_simulate(server_rec *s, expect_simulation_t *simulation)
{
    apr_pool_t *p = simulation->pool;
    request_rec *r;
    int status;

    current = simulation;
    current->answers = apr_hash_make(p);
    current->log = apr_array_make(p, 2, sizeof(const char *));
    *current->phase = EXPECT_PHASE_MAP;

    current->r = r =
        expect_simulate_create(simulate_connection(p, s, current->query));
    status = simulate_read_request(r, s);
    if (status == OK) {
        status = ap_process_request_internal(r);
    }
    if (status == OK) {
        status = simulate_reach(r, EXPECT_PHASE_HANDLER);
        if (status == DECLINED) {
            status = ap_invoke_handler(r);
        }
    }
    /* a status from behind the handler is about content that was not there */
    current->status = current->handler ? OK : simulate_error(r, status);
}

static int simulate_header_parser(request_rec *r)
{
    return simulate_reach(r, EXPECT_PHASE_ACCESS);
}

static int simulate_type_checker(request_rec *r)
{
    return simulate_reach(r, EXPECT_PHASE_TYPES);
}

static int simulate_fixups(request_rec *r)
{
    return simulate_reach(r, EXPECT_PHASE_FIXUPS);
}

/* No handler runs except mod_rewrite's, which redirects to another one; nor
 * does an ErrorDocument. */
static int simulate_handler(request_rec *r)
{
    if (!current || !strcmp(r->handler, REWRITE_REDIRECT_HANDLER_NAME)) {
        return DECLINED;
    }
    if (!current->handler && r->status == HTTP_OK) {
        current->handler = r->handler;
    }
    return DONE;
}

/* --- assumptions ---------------------------------------------------------- */

static int simulate_check_user_id(request_rec *r)
{
    const char *type = current ? ap_auth_type(r) : NULL;

    if (!type) {
        return DECLINED;
    }
    current->login = type;
    if (!current->query->user) {
        return HTTP_UNAUTHORIZED;
    }
    r->user = apr_pstrdup(r->pool, current->query->user);
    r->ap_auth_type = apr_pstrdup(r->pool, type);
    return OK;
}

#if EXPECT_CORE_KNOWS_TLS
static int simulate_ssl_conn_is_ssl(conn_rec *c)
{
    (void)c;
    return current && current->query->scheme
           && !strcasecmp(current->query->scheme, "https") ? OK : DECLINED;
}
#endif

/* --- the answers of the rules --------------------------------------------- */

static void simulate_observe(const expect_facts_t *facts, expect_stage_e stage,
                             const expect_rule_t *rule,
                             const expect_answer_t *answer)
{
    apr_pool_t *p = current->pool;
    const char *saw = expect_trace_saw(facts, rule);
    const char *text =
        answer->value == EXPECT_DENIED
            ? apr_pstrcat(p, "denied: ", expect_rule_reason(p, answer, facts),
                          NULL)
            : apr_pstrcat(p, expect_trace_said(answer), saw ? ", saw " : "",
                          saw, NULL);

    apr_hash_set(current->answers, apr_pmemdup(p, &rule, sizeof(void *)),
                 sizeof(void *), text);
    if (current->stage < stage) {
        current->stage = stage;
    }
}

const char *expect_simulate_rule(expect_simulation_t *simulation,
                                 const expect_rule_t *rule)
{
    const expect_request_t *e = expect_request_get(simulation->r);
    expect_stage_e stage = simulation->stage;

    current = simulation;
    /* not later rules: a provider that httpd would not call may crash here */
    if (e && rule->earliest <= stage && rule->earliest <= EXPECT_AT_DIRECTORY
        && (rule->limited & e->facts.method)) {
        expect_rule_evaluate(rule, &e->facts, stage, NULL);
    }
    return apr_hash_get(simulation->answers, &rule, sizeof(void *));
}

static void simulate_error_log(const ap_errorlog_info *info,
                               const char *message)
{
    if (current && info->level <= APLOG_WARNING) {
        APR_ARRAY_PUSH(current->log, const char *) = apr_pstrdup(current->pool,
                                                                 message);
    }
}

/* --- setting up ----------------------------------------------------------- */

/* Some of httpd's own modules look things up when a server starts (AuthType and
 * Satisfy, mime.types, whether mod_proxy is loaded), and give wrong answers or
 * crash without them. These modules share no memory, and start nothing. */
static void simulate_post_config(apr_pool_t *p, server_rec *s)
{
    static const char *const names[] = {
        "core.c", "mod_mime.c", "mod_rewrite.c", NULL
    };
    const apr_array_header_t *hooks = ap_hook_get_post_config();
    int i, j;

    for (i = 0; hooks && i < hooks->nelts; ++i) {
        const ap_LINK_post_config_t *hook =
            &APR_ARRAY_IDX(hooks, i, ap_LINK_post_config_t);

        for (j = 0; names[j]; ++j) {
            if (!strcmp(hook->szName, names[j])) {
                hook->pFunc(p, p, p, s);
            }
        }
    }
}

/* The MPM has a hook for connections that it has accepted itself (event: for
 * KeepAliveTimeout), which crashes on any other connection. */
static void simulate_leave_mpm_out(apr_pool_t *p)
{
    apr_array_header_t *hooks = ap_hook_get_post_read_request();
    const char *mpm = apr_pstrcat(p, ap_show_mpm(), ".c", NULL);
    int i, kept = 0;

    for (i = 0; hooks && i < hooks->nelts; ++i) {
        ap_LINK_post_read_request_t *hook =
            &APR_ARRAY_IDX(hooks, i, ap_LINK_post_read_request_t);

        if (strcmp(hook->szName, mpm)) {
            APR_ARRAY_IDX(hooks, kept++, ap_LINK_post_read_request_t) = *hook;
        }
    }
    if (hooks) {
        hooks->nelts = kept;
    }
}

void expect_simulate_prepare(apr_pool_t *p, server_rec *s)
{
    simulate_post_config(p, s);
    simulate_leave_mpm_out(p);
    expect_trace_observe(simulate_observe);
}

void expect_simulate_register(void)
{
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_NORMAL) {
        return;
    }
    source_filter = ap_register_input_filter("EXPECT_SOURCE", simulate_read,
                                             NULL, AP_FTYPE_NETWORK);
    sink_filter = ap_register_output_filter("EXPECT_SINK", simulate_write, NULL,
                                            AP_FTYPE_NETWORK);

    /* not REALLY_FIRST, where a lookup ends */
    ap_hook_header_parser(simulate_header_parser, NULL, NULL,
                          APR_HOOK_FIRST);
    ap_hook_type_checker(simulate_type_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(simulate_fixups, NULL, NULL,
                   APR_HOOK_REALLY_FIRST);
    ap_hook_handler(simulate_handler, NULL, NULL,
                    APR_HOOK_REALLY_FIRST);

    ap_hook_check_authn(simulate_check_user_id, NULL, NULL,
                        APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
#if EXPECT_CORE_KNOWS_TLS
    ap_hook_ssl_conn_is_ssl(simulate_ssl_conn_is_ssl, NULL, NULL,
                            APR_HOOK_FIRST);
#endif
    ap_hook_error_log(simulate_error_log, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
