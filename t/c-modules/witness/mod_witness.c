/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * mod_witness: tells the tests what happened inside the server.
 *
 * For every request one line goes to logs/witness_log:
 *
 *     id=7 status=413 read=0 calls=0 eos=0 ends=0 continued=0 authn=0 authz=0
 *     handler=witness verdict=refuse rule=content-length nstatus=413
 *     env=refuse reason="content-length 9 is over max=1"
 *
 * (on one line). id is the request's X-Witness header; read, calls and eos
 * count what anybody in the server read of the content; continued says that
 * 100 Continue was sent; authn and authz count the calls of the providers
 * below; the rest are the handler, mod_expect's notes and its environment
 * variable, read from the last request of a chain of internal redirects, as
 * mod_log_config does.
 *
 *     SetHandler witness           reads all content, answers "read=<bytes>"
 *     SetHandler witness-lazy      sends its answer and never reads
 *     SetHandler witness-tail      sends "begun" and leaves the rest, "tail", to
 *                                  httpd's filters; never reads
 *     SetHandler witness-nonblock  reads without blocking, as a proxy does
 *     SetHandler witness-begins    sends "begun", and then does as witness
 *     SetHandler witness-ends      sends "begun" and the end of the response
 *                                  itself; never reads
 *     SetHandler witness-no-content
 *                                  sends the head of a 204, and then does as
 *                                  witness
 *     SetHandler witness-env       reads all content, answers with what a CGI
 *                                  script's environment would be as well
 *     SetHandler witness-takes-by-name, witness-takes-by-handle
 *                                  removes HTTP_IN, as modules for WebSocket
 *                                  do, and answers what comes after the head
 *     SetOutputFilter WITNESS_OUT  counts the ends of a response as ends
 *     AuthBasicProvider witness    alice and bob, password "secret"
 *     AuthDigestProvider witness   the same
 *     Require witness              grants if the request has X-Grant: yes
 *     Require witness-user NAME    grants if r->user is NAME
 *     Require witness-neutral      says nothing
 *     Require witness-error        fails
 */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "mod_auth.h"
#include "util_filter.h"
#include "util_md5.h"
#include "util_script.h"

#include "apr_file_io.h"
#include "apr_strings.h"

#define WITNESS_FILTER "WITNESS_IN"
#define WITNESS_OUT "WITNESS_OUT"
#define WITNESS_PASSWORD "secret"

/* A non-blocking reader polls this often before it blocks, as mod_proxy_http
 * does: a client that waits for 100 Continue sends nothing before. */
#define WITNESS_POLLS 20
#define WITNESS_POLL_INTERVAL apr_time_from_msec(2)

module AP_MODULE_DECLARE_DATA witness_module;

/* What happened to one request of the client's, subrequests and internal
 * redirects included. */
typedef struct {
    const char *id;             /* X-Witness as the client sent it, or NULL */
    apr_off_t read;             /* bytes of content handed out */
    int calls;                  /* reads of content */
    int ends;                   /* ends of a response, where they are counted */
    int authn;                  /* calls of the authn provider */
    int authz;                  /* calls of the authz providers */
    unsigned asked : 1;         /* expecting_100 was set */
    unsigned silent : 1;        /* it was cleared without a 100 */
    unsigned eos : 1;           /* the content's end was seen */
} witness_t;

/* The log is opened once, before the children are forked. */
typedef struct {
    apr_file_t *log;
} witness_server_t;

static witness_t *witness_get(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return ap_get_module_config(r->request_config, &witness_module);
}

/* --- what is read --------------------------------------------------- */

static apr_status_t witness_in(ap_filter_t *f, apr_bucket_brigade *bb,
                               ap_input_mode_t mode, apr_read_type_e block,
                               apr_off_t readbytes)
{
    witness_t *w = f->ctx;
    int expecting = f->r->expecting_100;
    apr_bucket *b;
    apr_status_t rv;

    rv = ap_get_brigade(f->next, bb, mode, block, readbytes);

    /* The head and a chunked body's trailers are read through this filter
     * too, as lines. */
    if (mode == AP_MODE_GETLINE) {
        return rv;
    }
    w->calls++;
    if (expecting && !f->r->expecting_100 && w->read > 0) {
        w->silent = 1;
    }
    if (rv != APR_SUCCESS || mode == AP_MODE_SPECULATIVE) {
        return rv;
    }
    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            w->eos = 1;
        }
        else if (!APR_BUCKET_IS_METADATA(b) && b->length != (apr_size_t)-1) {
            w->read += (apr_off_t)b->length;
        }
    }
    return APR_SUCCESS;
}

/* HTTP_IN is added after the head was read and has the same type, so it lands
 * below this filter: what passes here is decoded content. */
static int witness_create_request(request_rec *r)
{
    witness_t *w;

    if (r->main || r->prev) {
        return OK;
    }
    w = apr_pcalloc(r->pool, sizeof(*w));
    ap_set_module_config(r->request_config, &witness_module, w);
    ap_add_input_filter(WITNESS_FILTER, w, r, r->connection);
    return OK;
}

static int witness_post_read_request(request_rec *r)
{
    witness_t *w = witness_get(r);

    if (w) {
        w->id = apr_table_get(r->headers_in, "X-Witness");
        w->asked = r->expecting_100;
    }
    return DECLINED;
}

/* httpd before 2.4.49 reads the Expect field only now. */
static int witness_header_parser(request_rec *r)
{
    witness_t *w = witness_get(r);

    if (w && r->expecting_100) {
        w->asked = 1;
    }
    return DECLINED;
}

/* --- handlers ------------------------------------------------------- */

static int witness_by_name(const void *a, const void *b)
{
    return strcmp(((const apr_table_entry_t *)a)->key,
                  ((const apr_table_entry_t *)b)->key);
}

/* As mod_cgi, which would start a process to print it. */
static void witness_print_env(request_rec *r)
{
    const apr_array_header_t *fields;
    const apr_table_entry_t *env;
    int i;

    ap_add_common_vars(r);
    ap_add_cgi_vars(r);
    fields = apr_table_elts(r->subprocess_env);
    fields = apr_array_copy(r->pool, fields);
    env = (const apr_table_entry_t *)fields->elts;
    qsort(fields->elts, (size_t)fields->nelts, sizeof(*env), witness_by_name);
    for (i = 0; i < fields->nelts; ++i) {
        ap_rprintf(r, "%s=%s\n", env[i].key, env[i].val);
    }
}

static int witness_answer(request_rec *r, apr_off_t bytes)
{
    ap_set_content_type(r, "text/plain");
    if (!strcmp(r->handler, "witness-env")) {
        witness_print_env(r);
    }
    ap_rprintf(r, "read=%" APR_OFF_T_FMT "\n", bytes);
    return OK;
}

/* Adds up and empties the brigade; returns 1 at the content's end. */
static int witness_take(apr_bucket_brigade *bb, apr_off_t *bytes)
{
    apr_bucket *b;
    int end = 0;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;

        if (APR_BUCKET_IS_EOS(b)) {
            end = 1;
        }
        else if (!APR_BUCKET_IS_METADATA(b)
                 && apr_bucket_read(b, &data, &len, APR_BLOCK_READ)
                    == APR_SUCCESS) {
            *bytes += (apr_off_t)len;
        }
    }
    apr_brigade_cleanup(bb);
    return end;
}

static int witness_read(request_rec *r, apr_read_type_e wanted)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool,
                                            r->connection->bucket_alloc);
    apr_off_t bytes = 0;
    int polls = 0;
    int end = 0;

    while (!end) {
        apr_read_type_e block = polls < WITNESS_POLLS ? wanted
                                                      : APR_BLOCK_READ;
        apr_status_t rv = ap_get_brigade(r->input_filters, bb,
                                         AP_MODE_READBYTES, block,
                                         HUGE_STRING_LEN);

        if (block == APR_NONBLOCK_READ
            && (APR_STATUS_IS_EAGAIN(rv)
                || (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(bb)))) {
            apr_sleep(WITNESS_POLL_INTERVAL);
            polls++;
            continue;
        }
        if (rv != APR_SUCCESS) {
            if (!strcmp(r->handler, "witness-again")) {
                /* as if the error could be read past */
                ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, block,
                               HUGE_STRING_LEN);
            }
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        polls = 0;
        end = witness_take(bb, &bytes);
    }
    return witness_answer(r, bytes);
}

/* Both ways in which modules look for HTTP_IN. */
static void witness_remove_http(request_rec *r)
{
    ap_filter_t *f = r->input_filters;

    if (!strcmp(r->handler, "witness-takes-by-handle")) {
        ap_remove_input_filter_byhandle(f, "http_in");
        return;
    }
    while (f && strcmp(f->frec->name, "http_in")) {
        f = f->next;
    }
    if (f) {
        ap_remove_input_filter(f);
    }
}

static int witness_take_over(request_rec *r)
{
    conn_rec *c = r->connection;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, c->bucket_alloc);
    char bytes[64];
    apr_size_t n = sizeof(bytes);

    witness_remove_http(r);
    r->status = HTTP_SWITCHING_PROTOCOLS;
    r->status_line = ap_get_status_line(r->status);
    ap_send_interim_response(r, 1);
    if (ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ,
                       n) != APR_SUCCESS
        || apr_brigade_flatten(bb, bytes, &n) != APR_SUCCESS) {
        n = 0;
    }
    apr_brigade_cleanup(bb);
    apr_brigade_printf(bb, NULL, NULL, "got <%.*s>\n", (int)n, bytes);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(c->bucket_alloc));
    ap_pass_brigade(c->output_filters, bb);
    c->keepalive = AP_CONN_CLOSE;
    return DONE;
}

static apr_status_t witness_out(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_bucket *b;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            witness_get(f->r)->ends++;
        }
    }
    return ap_pass_brigade(f->next, bb);
}

static int witness_end(request_rec *r)
{
    apr_bucket_alloc_t *ba = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, ba);

    apr_brigade_puts(bb, NULL, NULL, "begun\n");
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(ba));
    return ap_pass_brigade(r->output_filters, bb) == APR_SUCCESS ? OK : DONE;
}

static int witness_handler(request_rec *r)
{
    if (!r->handler || strncmp(r->handler, "witness", 7)) {
        return DECLINED;
    }
    if (!strcmp(r->handler, "witness-lazy")) {
        /* Unless the answer is under way, httpd discards the content first,
         * sending 100 Continue to get it. */
        witness_answer(r, 0);
        ap_rflush(r);
        return OK;
    }
    if (!strcmp(r->handler, "witness-tail")) {
        ap_rputs("begun\n", r);
        ap_rflush(r);
        ap_rputs("tail\n", r);
        return OK;
    }
    if (!strcmp(r->handler, "witness-ends")) {
        return witness_end(r);
    }
    if (!strncmp(r->handler, "witness-takes-", 14)) {
        return witness_take_over(r);
    }
    if (!strcmp(r->handler, "witness-nonblock")) {
        return witness_read(r, APR_NONBLOCK_READ);
    }
    if (!strcmp(r->handler, "witness-begins")) {
        ap_rputs("begun\n", r);
        ap_rflush(r);
    }
    if (!strcmp(r->handler, "witness-no-content")) {
        r->status = HTTP_NO_CONTENT;
        ap_rflush(r);
    }
    if (!strcmp(r->handler, "witness") || !strcmp(r->handler, "witness-env")
        || !strcmp(r->handler, "witness-begins")
        || !strcmp(r->handler, "witness-no-content")
        || !strcmp(r->handler, "witness-again")) {
        return witness_read(r, APR_BLOCK_READ);
    }
    return DECLINED;
}

/* --- authentication and authorization ------------------------------- */

static int witness_knows(const char *user)
{
    return !strcmp(user, "alice") || !strcmp(user, "bob");
}

static authn_status witness_check_password(request_rec *r, const char *user,
                                           const char *password)
{
    witness_get(r)->authn++;
    if (!witness_knows(user)) {
        return AUTH_USER_NOT_FOUND;
    }
    return strcmp(password, WITNESS_PASSWORD) ? AUTH_DENIED : AUTH_GRANTED;
}

static authn_status witness_realm_hash(request_rec *r, const char *user,
                                       const char *realm, char **hash)
{
    const char *text;

    witness_get(r)->authn++;
    if (!witness_knows(user)) {
        return AUTH_USER_NOT_FOUND;
    }
    text = apr_pstrcat(r->pool, user, ":", realm, ":", WITNESS_PASSWORD,
                       NULL);
    *hash = ap_md5(r->pool, (const unsigned char *)text);
    return AUTH_USER_FOUND;
}

static authz_status witness_authz_header(request_rec *r, const char *line,
                                         const void *parsed)
{
    const char *grant = apr_table_get(r->headers_in, "X-Grant");

    (void)line;
    (void)parsed;
    witness_get(r)->authz++;
    return grant && !strcmp(grant, "yes") ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static authz_status witness_authz_user(request_rec *r, const char *line,
                                       const void *parsed)
{
    (void)parsed;
    witness_get(r)->authz++;
    if (!r->user) {
        return AUTHZ_DENIED_NO_USER;
    }
    return strcmp(r->user, line) ? AUTHZ_DENIED : AUTHZ_GRANTED;
}

static authz_status witness_authz_neutral(request_rec *r, const char *line,
                                          const void *parsed)
{
    (void)line;
    (void)parsed;
    witness_get(r)->authz++;
    return AUTHZ_NEUTRAL;
}

static authz_status witness_authz_error(request_rec *r, const char *line,
                                        const void *parsed)
{
    (void)line;
    (void)parsed;
    witness_get(r)->authz++;
    return AUTHZ_GENERAL_ERROR;
}

/* As a module that wants a user where access control does not. */
static int witness_force_authn(request_rec *r)
{
    return apr_table_get(r->headers_in, "X-Witness-Force") ? OK : DECLINED;
}

static const authn_provider witness_authn = {
    witness_check_password, witness_realm_hash
};
static const authz_provider witness_header = { witness_authz_header, NULL };
static const authz_provider witness_user = { witness_authz_user, NULL };
static const authz_provider witness_neutral = { witness_authz_neutral, NULL };
static const authz_provider witness_error = { witness_authz_error, NULL };

/* --- the log -------------------------------------------------------- */

static const char *witness_word(request_rec *r, apr_table_t *table,
                                const char *name)
{
    const char *value = apr_table_get(table, name);

    return value ? ap_escape_logitem(r->pool, value) : "-";
}

static int witness_log(request_rec *first)
{
    witness_server_t *s = ap_get_module_config(
                              first->server->module_config, &witness_module);
    witness_t *w = witness_get(first);
    request_rec *r = first;
    const char *id, *line;
    apr_size_t len;

    if (!w || !s->log) {
        return DECLINED;
    }
    /* A request that failed early never came to post_read_request. */
    id = w->id ? w->id : apr_table_get(first->headers_in, "X-Witness");
    while (r->next) {
        r = r->next;
    }
    line = apr_psprintf(r->pool,
        "id=%s status=%d read=%" APR_OFF_T_FMT " calls=%d eos=%d"
        " ends=%d continued=%d authn=%d authz=%d handler=%s verdict=%s rule=%s"
        " nstatus=%s env=%s reason=\"%s\"\n",
        id ? ap_escape_logitem(r->pool, id) : "-", r->status,
        w->read, w->calls, w->eos, w->ends,
        w->asked && !r->expecting_100 && !w->silent, w->authn, w->authz,
        r->handler ? r->handler : "-",
        witness_word(r, r->notes, "expect-verdict"),
        witness_word(r, r->notes, "expect-rule"),
        witness_word(r, r->notes, "expect-status"),
        witness_word(r, r->subprocess_env, "EXPECT_VERDICT"),
        witness_word(r, r->notes, "expect-reason"));
    len = strlen(line);
    apr_file_write(s->log, line, &len);
    return OK;
}

static void *witness_create_server(apr_pool_t *p, server_rec *s)
{
    (void)s;
    return apr_pcalloc(p, sizeof(witness_server_t));
}

static void *witness_merge_server(apr_pool_t *p, void *basev, void *addv)
{
    (void)p;
    (void)addv;
    return basev;
}

static int witness_open_logs(apr_pool_t *p, apr_pool_t *plog,
                             apr_pool_t *ptemp, server_rec *main_server)
{
    const char *name = ap_runtime_dir_relative(ptemp, "witness_log");
    apr_file_t *log;
    server_rec *s;
    apr_status_t rv;

    (void)p;
    rv = apr_file_open(&log, name, APR_FOPEN_WRITE | APR_FOPEN_CREATE
                       | APR_FOPEN_APPEND, APR_FPROT_OS_DEFAULT, plog);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, main_server,
                     "witness: cannot open %s", name);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    for (s = main_server; s; s = s->next) {
        witness_server_t *conf = ap_get_module_config(s->module_config,
                                                      &witness_module);
        conf->log = log;
    }
    return OK;
}

static void witness_register_authz(apr_pool_t *p, const char *name,
                                   const authz_provider *provider)
{
    ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, name,
                              AUTHZ_PROVIDER_VERSION, provider,
                              AP_AUTH_INTERNAL_PER_CONF);
}

static void witness_hooks(apr_pool_t *p)
{
    ap_register_input_filter(WITNESS_FILTER, witness_in, NULL,
                             AP_FTYPE_PROTOCOL);
    ap_register_output_filter(WITNESS_OUT, witness_out, NULL,
                              AP_FTYPE_RESOURCE);
    ap_register_auth_provider(p, AUTHN_PROVIDER_GROUP, "witness",
                              AUTHN_PROVIDER_VERSION, &witness_authn,
                              AP_AUTH_INTERNAL_PER_CONF);
    witness_register_authz(p, "witness", &witness_header);
    witness_register_authz(p, "witness-user", &witness_user);
    witness_register_authz(p, "witness-neutral", &witness_neutral);
    witness_register_authz(p, "witness-error", &witness_error);

    ap_hook_open_logs(witness_open_logs, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_create_request(witness_create_request, NULL, NULL,
                           APR_HOOK_MIDDLE);
    /* Before anybody could refuse. */
    ap_hook_post_read_request(witness_post_read_request, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    ap_hook_header_parser(witness_header_parser, NULL, NULL,
                          APR_HOOK_REALLY_FIRST);
    ap_hook_force_authn(witness_force_authn, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(witness_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(witness_log, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(witness) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* per-directory config creator */
    NULL,                       /* per-directory config merger */
    witness_create_server,
    witness_merge_server,
    NULL,                       /* directives */
    witness_hooks,
    AP_MODULE_FLAG_NONE
};
