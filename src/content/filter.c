/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The filter between the readers of a judged request and its content.
 *
 * It stands directly above HTTP_IN, below everything that changes content
 * (mod_deflate): what counts is what crosses the network, chunk framing apart.
 * - It is installed at post_read_request. If a module reads before httpd knows
 *   the section, the section is looked up and the rules are evaluated first.
 * - It is initialised when the handler is about to run: rules that need the
 *   handler are evaluated then, and nothing can change afterwards.
 * - Content of a refused request is never read: every reader sees its end.
 * - Content of unknown length ends at the first byte over its max: 413, or 503
 *   if a store does not answer; connection closed. The handler reads an error
 *   and not the end of content, and never more than max, so that it cannot take
 *   the part for the whole.
 *
 * A second filter delivers no content at all. It replaces HTTP_IN where a
 * request announced none; or stands above it, where the request may be upgraded
 * to another protocol, and where a request without a state is refused.
 */

#include "httpd.h"
#include "http_connection.h"
#include "http_protocol.h"
#include "util_filter.h"

#include "answer/admission.h"
#include "answer/enforce.h"
#include "answer/once.h"
#include "content/filter.h"
#include "content/framing.h"
#include "content/place.h"
#include "content/start.h"
#include "judge/connection.h"

static ap_filter_rec_t *content_filter, *empty_filter;

/* The contexts of the empty filter: the request announced no content; it did
 * not, but its connection may be taken over; it is refused. */
static char announced_none, may_upgrade, refused_all;

/* The handler is about to run. */
static int filter_init(ap_filter_t *f)
{
    expect_request_t *e = f->ctx;
    int status = e ? expect_content_start(f->r, e) : DECLINED;

    if (e && !e->section.rules && e->outcome.verdict != EXPECT_REFUSED) {
        /* no section that the request has come through has rules */
        ap_remove_input_filter(f);
    }
    return status == DECLINED ? OK : status;
}

/* --- reading ------------------------------------------------------------- */

static apr_status_t filter_end(ap_filter_t *f, apr_bucket_brigade *bb)
{
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

/*
 * Send the refusal now, inside the read, as HTTP_IN does for LimitRequestBody.
 * The handler's own filters are bypassed: mod_fcgid's drops error buckets.
 *
 * The status of an answer that has begun stands. If its handler still runs, it
 * is not the whole, and the client must not take it for that: with this error
 * httpd leaves out the last chunk, and resets a stream (ap_http_chunk_filter(),
 * ap_http_outerror_filter()). After the handler, httpd itself reads, to get to
 * the next request: that answer is whole. Its filters may keep a part until its
 * end: it is ended as httpd would end it. (httpd 2.5 would break it off after
 * the error: ap_finalize_request_protocol().) An answer that its handler has
 * ended, like mod_proxy_fcgi, is left alone.
 */
static apr_status_t filter_answer(ap_filter_t *f, apr_bucket_brigade *bb,
                                  int status)
{
    expect_request_t *e = f->ctx;
    request_rec *r = f->r;
    ap_filter_t *out = r->proto_output_filters;
    apr_bucket_alloc_t *ba = f->c->bucket_alloc;

    apr_brigade_cleanup(bb);
    e->content.was_begun = expect_once_has_begun(r);
    e->content.sent_status = r->status;
    if (e->content.was_begun && !expect_content_handler_runs(r, e)) {
        out = r->output_filters;
    }
    else {
        APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(
            e->content.was_begun ? HTTP_BAD_GATEWAY : status, NULL, r->pool,
            ba));
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(ba));
    e->content.is_answering = 1;
    if (!r->eos_sent) {
        ap_pass_brigade(out, bb);
    }
    e->content.is_answering = 0;
    apr_brigade_cleanup(bb);
    /* mod_jk aborts the connection when its read fails: what is not flushed by
     * then is lost */
    ap_flush_conn(f->c);
    e->content.answered = 1;
    expect_once_keep(r);
    return AP_FILTER_ERROR;
}

/* Keep the first bytes of a brigade, and delete the rest. */
static apr_status_t filter_keep_within(apr_bucket_brigade *bb, apr_off_t length)
{
    apr_bucket *b;
    apr_status_t rv = apr_brigade_partition(bb, length, &b);

    while (rv == APR_SUCCESS && b != APR_BRIGADE_SENTINEL(bb)) {
        apr_bucket *next = APR_BUCKET_NEXT(b);

        apr_bucket_delete(b);
        b = next;
    }
    return rv;
}

static int filter_has_eos(const apr_bucket_brigade *bb)
{
    return !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
}

/* Read, past the filter of the connection, and watch for the end. */
static apr_status_t filter_read(ap_filter_t *f, apr_bucket_brigade *bb,
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
    /* HTTP_IN reports the end, too, where the client still waits for its 100 */
    if (rv == APR_SUCCESS && filter_has_eos(bb) && !f->r->expecting_100
        && mode != AP_MODE_SPECULATIVE) {
        e->content.ended = 1;
        connection->is_unread = 0;
    }
    return rv;
}

/* Whether no more content can come. */
static int is_failure(apr_status_t rv)
{
    return rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)
           && !APR_STATUS_IS_TIMEUP(rv) && !APR_STATUS_IS_EINTR(rv);
}

/* Read and count. */
static apr_status_t filter_count(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    apr_off_t length;
    apr_status_t rv;

    e->content.is_reading = 1;
    rv = filter_read(f, bb, mode, block, readbytes);
    e->content.is_reading = 0;
    if (rv == APR_SUCCESS
        && (rv = apr_brigade_length(bb, 1, &length)) == APR_SUCCESS) {
        e->content.read += length;
        expect_admission_draw(e, length);
    }
    if (e->content.ended || is_failure(rv)) {
        /* the answer may take much longer than the content */
        expect_admission_settle(e);
    }
    return rv;
}

/* How much of the content may be read once so much was. */
static apr_off_t filter_left(const expect_request_t *e, apr_off_t read)
{
    return e->content.max == EXPECT_UNLIMITED ? APR_INT64_MAX - 1
                                              : e->content.max - read;
}

/*
 * Read and count, up to one byte over the max: that is enough to know. What is
 * within the max is delivered first, and the error at the next read: a handler
 * may take an error of its first read for "no content" (mod_proxy_http2).
 */
static apr_status_t filter_limit(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    apr_off_t before = e->content.read;
    apr_off_t left = filter_left(e, before);
    apr_status_t rv;
    int status;

    if (left >= 0) {
        if (mode == AP_MODE_READBYTES && readbytes - 1 > left) {
            readbytes = left + 1;
        }
        rv = filter_count(f, bb, mode, block, readbytes);
        /* less may be left now: see expect_admission_draw() */
        left = filter_left(e, before);
        if (rv != APR_SUCCESS || filter_left(e, e->content.read) >= 0) {
            return rv;
        }
        if (!e->content.is_dry_run
            && (left > 0 || block == APR_NONBLOCK_READ)) {
            rv = filter_keep_within(bb, left);
            return rv != APR_SUCCESS || left > 0 ? rv : APR_EAGAIN;
        }
    }
    status = expect_enforce_cut_off(f->r, e);
    return status == DECLINED ? APR_SUCCESS : filter_answer(f, bb, status);
}

/* Whether a read needs no counting. */
static int filter_need_not_count(const expect_request_t *e,
                                 ap_input_mode_t mode)
{
    /* HTTP_IN reads the trailer section from the top of the chain, inside our
     * own read: that is not content. Of content whose length is known only the
     * end is watched for. */
    return e->content.is_reading || mode == AP_MODE_SPECULATIVE
           || mode == AP_MODE_INIT
           || (e->content.handler_started
               && e->outcome.verdict != EXPECT_UNDECIDED
               && e->content.max == EXPECT_UNLIMITED
               && !e->content.is_counted);
}

/* A filter without a context was added by SetInputFilter of some .htaccess. */
static apr_status_t filter_remove(ap_filter_t *f, apr_bucket_brigade *bb,
                                  ap_input_mode_t mode, apr_read_type_e block,
                                  apr_off_t readbytes)
{
    ap_filter_t *next = f->next;

    ap_remove_input_filter(f);
    return ap_get_brigade(next, bb, mode, block, readbytes);
}

static apr_status_t filter_main(ap_filter_t *f, apr_bucket_brigade *bb,
                                ap_input_mode_t mode, apr_read_type_e block,
                                apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    int status, need_not_count;

    if (!e) {
        return filter_remove(f, bb, mode, block, readbytes);
    }
    status = expect_content_decide_early(f->r, e);
    if (status != DECLINED) {
        return filter_answer(f, bb, status);
    }
    /* a reader that goes on after the refusal was sent finds an error again,
     * and not an end of content */
    if (e->content.answered) {
        return AP_FILTER_ERROR;
    }
    expect_framing_restore(f->r, e);
    /* an ErrorDocument finds the end; and so do providers under evaluation:
     * rules must not depend on content */
    if (e->outcome.verdict == EXPECT_REFUSED
        || e->outcome.verdict == EXPECT_CUT_OFF
        || e->busy == EXPECT_EVALUATING) {
        return filter_end(f, bb);
    }
    need_not_count = filter_need_not_count(e, mode);
    /* HTTP_IN looks at the framing in these modes only */
    if (mode == AP_MODE_READBYTES || mode == AP_MODE_GETLINE) {
        e->content.was_read = 1;
    }
    if (need_not_count) {
        return filter_read(f, bb, mode, block, readbytes);
    }
    return filter_limit(f, bb, mode, block, readbytes);
}

static apr_status_t filter_empty(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    /* a module that has removed HTTP_IN reads what comes after the head: RFC
     * 9110, 7.8 */
    int is_removed = f->ctx == &may_upgrade ? !expect_place_http(f) : !f->ctx;

    if (is_removed) {
        return filter_remove(f, bb, mode, block, readbytes);
    }
    if (f->ctx != &refused_all) {
        expect_framing_unannounce(f->r);
    }
    return filter_end(f, bb);
}

/* --- installing ---------------------------------------------------------- */

void expect_filter_register(void)
{
    /* PROTOCOL: such filters survive internal redirects, and the fast ones of
     * DirectoryIndex and MultiViews */
    content_filter = ap_register_input_filter("EXPECT", filter_main,
                                              filter_init,
                                              AP_FTYPE_PROTOCOL);
    empty_filter = ap_register_input_filter("EXPECT_EMPTY", filter_empty, NULL,
                                            AP_FTYPE_PROTOCOL);
}

void expect_filter_install(request_rec *r, expect_request_t *e)
{
    if (!expect_place_find(r, content_filter, e)) {
        expect_place_insert(r, content_filter, e);
    }
}

void expect_filter_reinstall(request_rec *r, expect_request_t *e)
{
    if (e->section.rules && !expect_place_find(r, content_filter, e)) {
        e->content.read = 0;
        expect_place_insert(r, content_filter, e);
    }
}

void expect_filter_refuse_all(request_rec *r)
{
    expect_place_insert(r, empty_filter, &refused_all);
}

/* This is done for each request without content, twice: it has to be cheap. */
int expect_filter_none(request_rec *r)
{
    ap_filter_t *http = expect_place_http(r->input_filters);

    if (!http) {
        return 0;
    }
    if (!apr_table_get(r->headers_in, "Upgrade")) {
        http->frec = empty_filter;
        http->ctx = &announced_none;
    }
    else if (!expect_place_find(r, empty_filter, &may_upgrade)) {
        expect_place_insert(r, empty_filter, &may_upgrade);
    }
    return 1;
}
