/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A request without a client.
 *
 * httpd itself is led through it, by the functions that ap_read_request() and
 * ap_process_async_request() call, and so mod_expect's hooks judge it as they
 * judge any other: nothing is decided here. It ends before the handler runs,
 * and a login is taken for done, or for missing, and never asked for.
 *
 * Modules miss what they set up when a server starts. Most get along without,
 * up to the handler; core, mod_mime and mod_rewrite are helped. Whoever does
 * not may crash: so this runs in a process of its own, which tells another how
 * far it came.
 */

#include <string.h>

#include "httpd.h"
#include "ap_listen.h"
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

#include "stages/access.h"
#include "base/compat.h"
#include "answer/enforce.h"
#include "explain/simulate.h"
#include "judge/request.h"
#include "judge/trace.h"
#include "tree/describe.h"
#include "tree/evaluate.h"

#if EXPECT_CORE_KNOWS_TLS
#include "http_ssl.h"
#endif

/* The one that is under way, in a process that has nothing else to do. */
static expect_simulation_t *now;

static ap_filter_rec_t *source_filter;
static ap_filter_rec_t *sink_filter;

/* Where the request arrives */

static const char *address_of(apr_pool_t *p, apr_sockaddr_t *address)
{
    char *ip = NULL;

    if (address && !apr_sockaddr_is_wildcard(address)) {
        apr_sockaddr_ip_get(&ip, address);
    }
    return ip ? apr_pstrdup(p, ip) : NULL;
}

/* The address of the virtual host that a name belongs to, as the client would
 * have it from DNS; NULL if that says nothing. */
static const char *address_by_name(apr_pool_t *p, server_rec *s,
                                   const char *host, apr_port_t port)
{
    request_rec r = { 0 };
    const server_addr_rec *a;

    for (; s; s = s->next) {
        r.server = s;
        /* its own port: what counts is the name, and below the address's */
        if (!ap_matches_request_vhost(&r, host, s->port)) {
            continue;
        }
        for (a = s->addrs; a; a = a->next) {
            const char *ip = address_of(p, a->host_addr);

            if (ip && (!a->host_port || a->host_port == port)) {
                return ip;
            }
        }
    }
    return NULL;
}

static ap_listen_rec *listener_on(apr_port_t port)
{
    ap_listen_rec *l;

    for (l = ap_listeners; l && port; l = l->next) {
        if (l->bind_addr->port == port) {
            return l;
        }
    }
    return port ? NULL : ap_listeners;
}

static apr_sockaddr_t *arrives_at(apr_pool_t *p, server_rec *s,
                                  const expect_query_t *q)
{
    apr_port_t port = q->port ? q->port
                              : q->scheme ? apr_uri_port_of_scheme(q->scheme)
                                          : 0;
    ap_listen_rec *l = listener_on(port);
    const char *ip = NULL;
    apr_sockaddr_t *address = NULL;

    port = port ? port : l ? l->bind_addr->port : DEFAULT_HTTP_PORT;
    if (q->host) {
        ip = ap_strchr_c(q->host, ':') || !q->host[strspn(q->host,
                                                          "0123456789.")]
                 ? q->host : address_by_name(p, s, q->host, port);
    }
    if (!ip && l) {
        ip = address_of(p, l->bind_addr);
    }
    if (apr_sockaddr_info_get(&address, ip ? ip : "127.0.0.1", APR_UNSPEC,
                              port, 0, p) != APR_SUCCESS) {
        apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, port, 0, p);
    }
    return address;
}

int expect_simulate_listens(const conn_rec *c)
{
    return listener_on(c->local_addr->port) != NULL;
}

/* The connection and the request */

/* There is no content: who reads any before the handler has seen another
 * upload than the one that was asked about. */
static apr_status_t source(ap_filter_t *f, apr_bucket_brigade *bb,
                           ap_input_mode_t mode, apr_read_type_e block,
                           apr_off_t readbytes)
{
    (void)mode;
    (void)block;
    (void)readbytes;
    if (!now->handler) {
        now->was_read = 1;
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

static apr_status_t sink(ap_filter_t *f, apr_bucket_brigade *bb)
{
    (void)f;
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

static conn_rec *make_connection(apr_pool_t *p, server_rec *s,
                                 const expect_query_t *q)
{
    conn_rec *c = apr_pcalloc(p, sizeof(*c));

    c->pool = p;
    c->base_server = s;
    c->bucket_alloc = apr_bucket_alloc_create(p);
    c->conn_config = ap_create_conn_config(p);
    c->notes = apr_table_make(p, 5);
    c->local_addr = arrives_at(p, s, q);
    apr_sockaddr_ip_get(&c->local_ip, c->local_addr);
    apr_sockaddr_info_get(&c->client_addr, q->ip, APR_UNSPEC, 1024, 0, p);
    apr_sockaddr_ip_get(&c->client_ip, c->client_addr);
    ap_add_input_filter_handle(source_filter, NULL, NULL, c);
    ap_add_output_filter_handle(sink_filter, NULL, NULL, c);
    ap_update_vhost_given_ip(c);
    return c;
}

static const char *host_field(apr_pool_t *p, const server_rec *s,
                              const expect_query_t *q)
{
    const char *host = q->host ? q->host
                               : s->server_hostname ? s->server_hostname
                                                    : "localhost";

    if (ap_strchr_c(host, ':')) {
        host = apr_pstrcat(p, "[", host, "]", NULL);
    }
    return q->port ? apr_psprintf(p, "%s:%u", host, (unsigned)q->port) : host;
}

static apr_table_t *make_fields(apr_pool_t *p, const server_rec *s,
                                const expect_simulation_t *simulation)
{
    const expect_query_t *q = simulation->question;
    apr_table_t *fields = apr_table_make(p, 10);

    apr_table_setn(fields, "Host", host_field(p, s, q));
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

static int read_line(request_rec *r)
{
    return ap_parse_request_line(r);
}

static int read_host(request_rec *r)
{
    return ap_check_request_header(r);
}
#else
/* As core, which does not give it out before 2.4.49. */
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

/* Of a line that question.c has found in order. */
static int read_line(request_rec *r)
{
    r->method = now->question->method;
    r->method_number = ap_method_number_of(r->method);
    r->protocol = apr_pstrdup(r->pool, "HTTP/1.1");
    r->proto_num = HTTP_VERSION(1, 1);
    ap_parse_uri(r, now->question->target);
    return r->status == HTTP_OK;
}

/* The Expect field is for expect_compat_check(). */
static int read_host(request_rec *r)
{
    ap_update_vhost_from_headers(r);
    return r->status == HTTP_OK;
}
#endif

/* As in ap_read_request(). */
static int read_request(request_rec *r, server_rec *s)
{
    const expect_query_t *q = now->question;
    int known;

    r->the_request = apr_pstrcat(r->pool, q->method, " ", q->target,
                                 " HTTP/1.1", NULL);
    r->request_time = apr_time_now();
    r->headers_in = make_fields(r->pool, s, now);
    known = read_line(r) && read_host(r);
    r->per_dir_config = r->server->lookup_defaults;
    return known ? ap_run_post_read_request(r) : r->status;
}

/* The way, and where it ends */

static int come_to(request_rec *r, expect_phase_e phase)
{
    if (!now || r->main || r->prev) {
        return DECLINED;
    }
    if (phase == now->stop) {
        now->stopped = 1;
        return DONE;
    }
    *now->phase = phase;
    return DECLINED;
}

/* As mod_expect does when an error is answered; of internal redirects httpd
 * has answered the last one already. */
static int answered(request_rec *r, int status)
{
    if (ap_is_HTTP_ERROR(status)) {
        r->status = status;
        expect_unknown_expectation(r);
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

    now = simulation;
    now->heard = apr_hash_make(p);
    now->log = apr_array_make(p, 2, sizeof(const char *));
    *now->phase = EXPECT_PHASE_MAP;

    now->r = r = expect_simulate_create(make_connection(p, s, now->question));
    status = read_request(r, s);
    if (status == OK) {
        status = ap_process_request_internal(r);
    }
    if (status == OK) {
        status = come_to(r, EXPECT_PHASE_HANDLER);
        if (status == DECLINED) {
            status = ap_invoke_handler(r);
        }
    }
    /* what comes after a handler speaks of content that was not there */
    now->status = now->handler ? OK : answered(r, status);
}

static int expect_rehearse_header_parser(request_rec *r)
{
    return come_to(r, EXPECT_PHASE_ACCESS);
}

static int expect_rehearse_type_checker(request_rec *r)
{
    return come_to(r, EXPECT_PHASE_TYPES);
}

static int expect_rehearse_fixups(request_rec *r)
{
    return come_to(r, EXPECT_PHASE_FIXUPS);
}

/* No handler runs but mod_rewrite's, which leads on to another; nor is any
 * ErrorDocument made. */
static int expect_rehearse_handler(request_rec *r)
{
    if (!now || !strcmp(r->handler, REWRITE_REDIRECT_HANDLER_NAME)) {
        return DECLINED;
    }
    if (!now->handler && r->status == HTTP_OK) {
        now->handler = r->handler;
    }
    return DONE;
}

/* What is taken for something else */

static int expect_rehearse_check_user_id(request_rec *r)
{
    const char *type = now ? ap_auth_type(r) : NULL;

    if (!type) {
        return DECLINED;
    }
    now->login = type;
    if (!now->question->user) {
        return HTTP_UNAUTHORIZED;
    }
    r->user = apr_pstrdup(r->pool, now->question->user);
    r->ap_auth_type = apr_pstrdup(r->pool, type);
    return OK;
}

#if EXPECT_CORE_KNOWS_TLS
static int expect_rehearse_ssl_conn_is_ssl(conn_rec *c)
{
    (void)c;
    return now && now->question->scheme
           && !strcasecmp(now->question->scheme, "https") ? OK : DECLINED;
}
#endif

/* What is heard */

static void hear(const expect_facts_t *facts, expect_stage_e stage,
                 const expect_rule_t *rule, const expect_answer_t *answer)
{
    const char *saw = expect_trace_saw(facts, rule);
    const char *heard =
        answer->value == EXPECT_DENIED
            ? apr_pstrcat(now->pool, "denied: ",
                          expect_rule_reason(now->pool, answer, facts), NULL)
            : apr_pstrcat(now->pool, expect_trace_said(answer),
                          saw ? ", saw " : "", saw, NULL);
    apr_hash_set(now->heard, apr_pmemdup(now->pool, &rule, sizeof(void *)),
                 sizeof(void *), heard);
    if (now->stage < stage) {
        now->stage = stage;
    }
}

const char *expect_simulate_rule(expect_simulation_t *simulation,
                                const expect_rule_t *rule)
{
    const expect_request_t *e = expect_request_get(simulation->r);
    expect_stage_e stage = simulation->stage;

    now = simulation;
    /* not later ones: a provider that httpd would not ask may crash here */
    if (e && rule->earliest <= stage && rule->earliest <= EXPECT_AT_DIRECTORY
        && (rule->limited & e->facts.method)) {
        expect_rule_evaluate(rule, &e->facts, stage, NULL);
    }
    return apr_hash_get(simulation->heard, &rule, sizeof(void *));
}

static void expect_rehearse_error_log(const ap_errorlog_info *info,
                                      const char *message)
{
    if (now && info->level <= APLOG_WARNING) {
        APR_ARRAY_PUSH(now->log, const char *) = apr_pstrdup(now->pool,
                                                             message);
    }
}

/* Setting up */

/* What some of httpd's own modules look up when a server starts, and are wrong
 * or crash without: AuthType and Satisfy, mime.types, whether there is a
 * mod_proxy. They share no memory, and start nothing. */
static void post_config(apr_pool_t *p, server_rec *s)
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
 * KeepAliveTimeout), and crashes on others. */
static void leave_mpm_out(apr_pool_t *p)
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
    post_config(p, s);
    leave_mpm_out(p);
    expect_trace_observe(hear);
}

void expect_simulate_register(void)
{
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_NORMAL) {
        return;
    }
    source_filter = ap_register_input_filter("EXPECT_SOURCE", source, NULL,
                                             AP_FTYPE_NETWORK);
    sink_filter = ap_register_output_filter("EXPECT_SINK", sink, NULL,
                                            AP_FTYPE_NETWORK);

    /* Not REALLY_FIRST: a lookup ends before. */
    ap_hook_header_parser(expect_rehearse_header_parser, NULL, NULL,
                          APR_HOOK_FIRST);
    ap_hook_type_checker(expect_rehearse_type_checker, NULL, NULL,
                         APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(expect_rehearse_fixups, NULL, NULL,
                   APR_HOOK_REALLY_FIRST);
    ap_hook_handler(expect_rehearse_handler, NULL, NULL,
                    APR_HOOK_REALLY_FIRST);

    ap_hook_check_authn(expect_rehearse_check_user_id, NULL, NULL,
                        APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
#if EXPECT_CORE_KNOWS_TLS
    ap_hook_ssl_conn_is_ssl(expect_rehearse_ssl_conn_is_ssl, NULL, NULL,
                            APR_HOOK_FIRST);
#endif
    ap_hook_error_log(expect_rehearse_error_log, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
