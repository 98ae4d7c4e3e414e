/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The input filter of a judged request.
 *
 * It stands directly above HTTP_IN, below everything that changes content
 * (mod_deflate): what counts is what crosses the network, chunk framing apart.
 * - It is there from post_read_request on. Who reads before httpd knows the
 *   section makes it look the section up and evaluate the rules first.
 * - It is started when the handler is about to run: what waited for that, the
 *   handler rule, is decided there. Nothing can change after it.
 * - Content of a refused request is never read: whoever asks sees its end.
 * - Content of unknown length ends at the first byte over its max: 413,
 *   connection closed. The handler reads an error, no end of content, and
 *   never more than max, so that it does not take the part for the whole.
 *
 * A request that announced no content has none: there the filter stands in the
 * place of HTTP_IN.
 */

#include "httpd.h"
#include "http_connection.h"
#include "http_core.h"
#include "http_protocol.h"
#include "mod_core.h"
#include "util_filter.h"

#include "answer/page.h"
#include "judge/connection.h"
#include "content/filter.h"
#include "answer/linger.h"
#include "answer/enforce.h"
#include "content/lookup.h"

static ap_filter_rec_t *content_filter;

/* What the filter's context is where there is no state: the request announced
 * no content; or it is refused. */
static char announced_none, refused_all;

static expect_request_t *state_of(const ap_filter_t *f)
{
    return f->ctx == &announced_none || f->ctx == &refused_all ? NULL
                                                               : f->ctx;
}

/*
 * DirectoryIndex moves a request to another file, and so into other <Files>
 * sections: their rules count as well. An internal redirect keeps to the rules
 * of the target that the client named; what mod_rewrite in a directory leaves
 * open is decided there.
 */
static int judge_last(request_rec *r, expect_request_t *e)
{
    int status = expect_enforce(r, e, EXPECT_AT_HANDLER);
    request_rec *target;

    if (e->section.entered_by != r || e->section.vector == r->per_dir_config
        || status != DECLINED || e->outcome.verdict == EXPECT_UNDECIDED
        || e->outcome.verdict == EXPECT_REFUSED || e->outcome.verdict == EXPECT_CUT_OFF) {
        return status;
    }
    target = expect_lookup_moved(r, e);
    if (!target) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    expect_request_enter_section(r, e, target);
    status = expect_enforce(r, e, EXPECT_AT_HANDLER);
    /* whose content it is: see content_read() */
    e->facts.r = r;
    return status;
}

static void restore_field(apr_table_t *fields, const char *name,
                          const char *value)
{
    if (apr_table_get(fields, name) == value) {
        return;
    }
    if (value) {
        apr_table_setn(fields, name, value);
    }
    else {
        apr_table_unset(fields, name);
    }
}

/* HTTP_IN takes the length of content from these fields when it is read first.
 * They are as they were judged: RequestHeader of some .htaccess has no say.
 * Who has read it may take them away (mod_cgi, for a redirect). */
static void restore_framing(request_rec *r, const expect_request_t *e)
{
    if (!e->content.was_read && e->section.rules && e->outcome.verdict != EXPECT_REFUSED) {
        restore_field(r->headers_in, "Content-Length", e->content.length);
        restore_field(r->headers_in, "Transfer-Encoding",
                      e->content.transfer_encoding);
    }
}

/* The handler is about to run: decide all that is left, and hold what was read
 * before against its max. */
static int begin(request_rec *r, expect_request_t *e)
{
    int status;

    e->content.handler_started = 1;
    expect_connection_get(r->connection)->is_handled = 1;
    restore_framing(r, e);
    status = judge_last(r, e);
    if (status == DECLINED && e->outcome.verdict != EXPECT_CUT_OFF
        && e->content.max != EXPECT_UNLIMITED && e->content.read > e->content.max) {
        status = expect_enforce_cut_off(r, e);
    }
    expect_count_outcome(r, e);
    return status;
}

static int content_init(ap_filter_t *f)
{
    expect_request_t *e = state_of(f);
    int status = e ? begin(f->r, e) : DECLINED;

    if (e && !e->section.rules && e->outcome.verdict != EXPECT_REFUSED) {
        /* none of the sections that the request has come through has any */
        ap_remove_input_filter(f);
    }
    return status == DECLINED ? OK : status;
}

/* What was admitted, or would be refused, is counted where nothing later was
 * final: somebody has answered in the place of a handler. */
static apr_status_t count_late(void *r)
{
    expect_count_outcome(r, expect_request_get(r));
    return APR_SUCCESS;
}

/* A broken .htaccess, or a folder that nobody may enter, ends httpd's walk
 * before the rules above it are there: a tenant could wish for that. */
static int hides_rules(const request_rec *target)
{
    const expect_dir_conf_t *conf = expect_conf_of(target->per_dir_config);

    return (target->status == HTTP_FORBIDDEN
            || ap_is_HTTP_SERVER_ERROR(target->status))
           && (!conf || expect_conf_refuses(conf));
}

/*
 * A quick handler or a translate hook reads before httpd has found the section:
 * it is looked up. A lookup that fails on its way (with 404, or a redirect) has
 * the rules that are in force so far: those of <Location> or the server. A
 * quick handler may answer such a request all the same.
 */
static int decide_before_section(request_rec *r, expect_request_t *e)
{
    request_rec *target = expect_lookup_section(r, e);

    if (target && hides_rules(target)) {
        r->connection->keepalive = AP_CONN_CLOSE;
        e->outcome.status = target->status;
        expect_verdict_set(&e->outcome.verdict, EXPECT_REFUSED);
        return target->status;
    }
    apr_pool_pre_cleanup_register(r->pool, r, count_late);
    expect_request_enter_section(r, e, target ? target : r);
    return expect_enforce(r, e, EXPECT_AT_DIRECTORY);
}

/*
 * Somebody reads before the handler runs: the rules are evaluated before, as
 * far as the request has come. Not so while access control is at work: a login
 * form is content, too.
 */
static int decide_before_read(ap_filter_t *f)
{
    expect_request_t *e = f->ctx;

    if (!e->section.entered_by) {
        return decide_before_section(f->r, e);
    }
    if (e->outcome.verdict != EXPECT_UNDECIDED || e->busy != EXPECT_IDLE) {
        return DECLINED;
    }
    return expect_enforce(f->r, e, e->stage);
}

static apr_status_t end_of_content(ap_filter_t *f, apr_bucket_brigade *bb)
{
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

/*
 * Have the error answered now, as HTTP_IN does for LimitRequestBody. The
 * handler's own filters are passed by: mod_fcgid's drops what is no data.
 */
static apr_status_t answer_error(ap_filter_t *f, apr_bucket_brigade *bb,
                                 int status)
{
    expect_request_t *e = f->ctx;
    request_rec *r = f->r;
    apr_bucket_alloc_t *ba = f->c->bucket_alloc;

    apr_brigade_cleanup(bb);
    e->content.was_begun = r->sent_bodyct != 0;
    e->content.sent_status = r->status;
    /* an answer that is under way stands: 2.5 would break it off */
    if (!e->content.was_begun) {
        APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(status, NULL,
                                                           r->pool, ba));
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(ba));
    e->content.is_answering = 1;
    ap_pass_brigade(r->proto_output_filters, bb);
    e->content.is_answering = 0;
    apr_brigade_cleanup(bb);
    /* mod_jk gives the connection up when it cannot read */
    ap_flush_conn(f->c);
    e->content.answered = 1;
    expect_page_only_one(r);
    return AP_FILTER_ERROR;
}

/* The part of a brigade that is within the cap. */
static apr_status_t keep_within(apr_bucket_brigade *bb, apr_off_t length)
{
    apr_bucket *e;
    apr_status_t rv = apr_brigade_partition(bb, length, &e);

    while (rv == APR_SUCCESS && e != APR_BRIGADE_SENTINEL(bb)) {
        apr_bucket *next = APR_BUCKET_NEXT(e);

        apr_bucket_delete(e);
        e = next;
    }
    return rv;
}

static int has_eos(const apr_bucket_brigade *bb)
{
    return !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
}

/* Read on, past the connection's filter, and see the end. */
static apr_status_t read_on(ap_filter_t *f, apr_bucket_brigade *bb,
                            ap_input_mode_t mode, apr_read_type_e block,
                            apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    expect_connection_t *connection = expect_connection_get(f->c);
    unsigned was_reading = connection->is_reading;
    apr_status_t rv;

    connection->is_reading = 1;
    rv = ap_get_brigade(f->next, bb, mode, block, readbytes);
    connection->is_reading = was_reading;
    /* of a client that still waits, HTTP_IN says that it has read all */
    if (rv == APR_SUCCESS && has_eos(bb) && !f->r->expecting_100
        && mode != AP_MODE_SPECULATIVE) {
        e->content.ended = 1;
        connection->is_unread = 0;
    }
    return rv;
}

/* Read on, counting. */
static apr_status_t read_counted(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    apr_off_t length;
    apr_status_t rv;

    e->content.is_reading = 1;
    rv = read_on(f, bb, mode, block, readbytes);
    e->content.is_reading = 0;
    if (rv == APR_SUCCESS
        && (rv = apr_brigade_length(bb, 1, &length)) == APR_SUCCESS) {
        e->content.read += length;
    }
    return rv;
}

/*
 * Read on, counting, up to one byte over the cap: enough to know. What is
 * within is handed on first: a handler that takes an error of its first read
 * for "no content" (mod_proxy_http2) is not to go on without.
 */
static apr_status_t read_bounded(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    apr_off_t left = e->content.max - e->content.read;
    apr_status_t rv;
    int status;

    if (left >= 0) {
        if (mode == AP_MODE_READBYTES && readbytes - 1 > left) {
            readbytes = left + 1;
        }
        rv = read_counted(f, bb, mode, block, readbytes);
        if (rv != APR_SUCCESS || e->content.read <= e->content.max) {
            return rv;
        }
        if (!e->content.is_dry_run
            && (left > 0 || block == APR_NONBLOCK_READ)) {
            rv = keep_within(bb, left);
            return rv != APR_SUCCESS || left > 0 ? rv : APR_EAGAIN;
        }
    }
    status = expect_enforce_cut_off(f->r, e);
    return status == DECLINED ? APR_SUCCESS : answer_error(f, bb, status);
}

static apr_status_t content_read(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    expect_request_t *e = state_of(f);
    ap_filter_t *next = f->next;
    int status;

    if (!f->ctx) {
        /* SetInputFilter of some .htaccess has put it there */
        ap_remove_input_filter(f);
        return ap_get_brigade(next, bb, mode, block, readbytes);
    }
    if (f->ctx == &announced_none) {
        expect_framing_unannounce(f->r);
    }
    if (!e) {
        return end_of_content(f, bb);
    }
    status = decide_before_read(f);
    if (status != DECLINED) {
        return answer_error(f, bb, status);
    }
    /* whoever reads on behind the answer finds an error again, and no end */
    if (e->content.answered) {
        return AP_FILTER_ERROR;
    }
    restore_framing(f->r, e);
    /* An ErrorDocument finds the end. So do the rules: content does not say
     * whether it is welcome. */
    if (e->outcome.verdict == EXPECT_REFUSED || e->outcome.verdict == EXPECT_CUT_OFF
        || e->busy == EXPECT_EVALUATING) {
        return end_of_content(f, bb);
    }
    /* HTTP_IN looks at the framing in these modes only */
    e->content.was_read |= mode == AP_MODE_READBYTES || mode == AP_MODE_GETLINE;
    /* HTTP_IN reads the trailer section from the top of the chain: that is no
     * content. And of a large upload only the end is watched for. */
    if (e->content.is_reading || mode == AP_MODE_SPECULATIVE || mode == AP_MODE_INIT
        || (e->content.handler_started && e->outcome.verdict != EXPECT_UNDECIDED
            && e->content.max == EXPECT_UNLIMITED)) {
        return read_on(f, bb, mode, block, readbytes);
    }
    return e->content.max == EXPECT_UNLIMITED
               ? read_counted(f, bb, mode, block, readbytes)
               : read_bounded(f, bb, mode, block, readbytes);
}

void expect_filter_register(void)
{
    /* PROTOCOL: the chain that redirects, fast ones of DirectoryIndex and
     * MultiViews included, take with them */
    content_filter = ap_register_input_filter("EXPECT", content_read,
                                              content_init,
                                              AP_FTYPE_PROTOCOL);
}

/* Whatever stood directly above a filter has another there now. */
static void insert_above(request_rec *r, ap_filter_t *f, ap_filter_t *below)
{
    ap_filter_t *at;

    for (at = r->input_filters; at && at != below; at = at->next) {
        if (at->next == below) {
            at->next = f;
            break;
        }
    }
    if (r->input_filters == below) {
        r->input_filters = f;
    }
    if (r->proto_input_filters == below) {
        r->proto_input_filters = f;
    }
    f->next = below;
}

/* httpd places a filter below those of its type that are there already: this
 * one belongs above HTTP_IN. */
static void move_above(request_rec *r, ap_filter_t *f, ap_filter_t *below)
{
    ap_filter_t *at = below;

    while (at && at->next != f) {
        at = at->next;
    }
    if (at && f) {
        at->next = f->next;
        insert_above(r, f, below);
    }
}

/* Where content comes from: HTTP_IN, or what was put in its place, with what
 * was read already; NULL: there is none. */
static ap_filter_t *source_of(const request_rec *r)
{
    ap_filter_t *source = NULL, *f;

    for (f = r->input_filters; f && f->frec->ftype < AP_FTYPE_CONNECTION;
         f = f->next) {
        if (f->frec->ftype >= AP_FTYPE_PROTOCOL) {
            source = f;
        }
        if (f->frec == ap_http_input_filter_handle) {
            break;
        }
    }
    return source;
}

/* The filter of a request, by its context, or NULL. */
static ap_filter_t *find_filter(const request_rec *r, const void *ctx)
{
    ap_filter_t *f = r->input_filters;

    while (f && (f->frec != content_filter || f->ctx != ctx)) {
        f = f->next;
    }
    return f;
}

static void insert(request_rec *r, void *ctx)
{
    ap_filter_t *source = source_of(r);

    move_above(r, ap_add_input_filter_handle(content_filter, ctx, r,
                                             r->connection), source);
}

void expect_filter_install(request_rec *r, expect_request_t *e)
{
    if (!find_filter(r, e)) {
        insert(r, e);
    }
}

void expect_filter_refuse_all(request_rec *r)
{
    insert(r, &refused_all);
}

void expect_framing_none(request_rec *r)
{
    ap_filter_t *f = r->input_filters;

    while (f && f->frec != ap_http_input_filter_handle) {
        f = f->next;
    }
    if (f) {
        f->frec = content_filter;
        f->ctx = &announced_none;
    }
}

void expect_framing_unannounce(request_rec *r)
{
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    if (apr_table_get(r->headers_in, "Content-Length")) {
        apr_table_setn(r->headers_in, "Content-Length", "0");
    }
}

int expect_content_discard(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r);
    conn_rec *c = r->connection;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, c->bucket_alloc);
    expect_drain_t drain;
    apr_status_t rv = APR_SUCCESS;
    apr_off_t length;
    int is_over = e->content.ended;

    expect_drain_begin(&drain, r);
    while (rv == APR_SUCCESS && !is_over && expect_drain_goes_on(&drain)) {
        rv = ap_get_brigade(r->proto_input_filters, bb, AP_MODE_READBYTES,
                            APR_BLOCK_READ, HUGE_STRING_LEN);
        if (rv == APR_SUCCESS) {
            rv = apr_brigade_length(bb, 1, &length);
            drain.total += rv == APR_SUCCESS ? length : 0;
        }
        /* once the status is an error, HTTP_IN says so of a client that
         * waits: nothing is read to its end, and nothing more comes */
        is_over = has_eos(bb);
        apr_brigade_cleanup(bb);
    }
    expect_drain_end(&drain);
    return rv == APR_SUCCESS && e->content.ended;
}

void expect_filter_reinstall(request_rec *r, expect_request_t *e)
{
    if (e->section.rules && !find_filter(r, e)) {
        /* all of it will come once more */
        e->content.read = 0;
        insert(r, e);
    }
}

int expect_content_start_late(request_rec *r, expect_request_t *e)
{
    expect_filter_reinstall(r, e);
    return begin(r, e);
}
