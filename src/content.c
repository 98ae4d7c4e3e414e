/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The input filter of a judged request.
 *
 * It stands directly above HTTP_IN, below everything that changes content
 * (mod_deflate): what counts is what crosses the network, chunk framing apart.
 * - It is started when the handler is about to run: what waited for that, the
 *   handler rule, is decided there. Nothing can change after it.
 * - Content of a refused request is never read: whoever asks sees its end.
 * - Content of unknown length ends at the first byte over its max: 413,
 *   connection closed. The handler reads an error, no end of content, and
 *   never more than max, so that it does not take the part for the whole.
 */

#include "httpd.h"
#include "http_protocol.h"
#include "util_filter.h"

#include "content.h"
#include "refusal.h"

static ap_filter_rec_t *content_filter;

/*
 * DirectoryIndex moves a request to another file, and so into other <Files>
 * sections: then it is their rules that count. An internal redirect keeps the
 * rules of the target that the client named.
 */
static int content_init(ap_filter_t *f)
{
    request_rec *r = f->r;
    expect_request_t *e = f->ctx;
    int status;

    if (!e) {
        return OK;
    }
    if (!r->prev && e->state != EXPECT_REFUSED) {
        expect_request_take_rules(r, e, r);
    }
    /* Satisfy Any may have let it through without our hook being asked */
    e->facts.auth = OK;
    status = expect_request_judge(r, e, EXPECT_AT_HANDLER);
    return status == DECLINED ? OK : status;
}

/*
 * Somebody reads before the handler runs (mod_security2, in fixups): what the
 * user can tell is to be told before. Not so while access control is asked: a
 * login form is content, too.
 */
static int decide_before_read(ap_filter_t *f)
{
    expect_request_t *e = f->ctx;

    if (e->state != EXPECT_OPEN || e->asking) {
        return DECLINED;
    }
    e->facts.auth = OK;
    return expect_request_judge(f->r, e, EXPECT_AT_USER);
}

static apr_status_t end_of_content(ap_filter_t *f, apr_bucket_brigade *bb)
{
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
    return APR_SUCCESS;
}

/* Have the error answered now, as HTTP_IN does for LimitRequestBody. */
static apr_status_t answer_error(ap_filter_t *f, apr_bucket_brigade *bb,
                                 int status)
{
    apr_bucket_alloc_t *ba = f->c->bucket_alloc;

    apr_brigade_cleanup(bb);
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(status, NULL,
                                                       f->r->pool, ba));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(ba));
    ap_pass_brigade(f->r->output_filters, bb);
    apr_brigade_cleanup(bb);
    return AP_FILTER_ERROR;
}

/* Read on, counting, up to one byte over the cap: enough to know. */
static apr_status_t read_bounded(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    expect_request_t *e = f->ctx;
    apr_off_t left = e->cap - e->seen + 1;
    apr_off_t length;
    apr_status_t rv;
    int status;

    if (mode == AP_MODE_READBYTES && readbytes > left) {
        readbytes = left;
    }
    rv = ap_get_brigade(f->next, bb, mode, block, readbytes);
    if (rv != APR_SUCCESS
        || (rv = apr_brigade_length(bb, 1, &length)) != APR_SUCCESS) {
        return rv;
    }
    e->seen += length;
    if (e->seen <= e->cap) {
        return APR_SUCCESS;
    }
    status = expect_refuse_over(f->r, e);
    return status == DECLINED ? APR_SUCCESS : answer_error(f, bb, status);
}

static apr_status_t content_read(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t readbytes)
{
    const expect_request_t *e = f->ctx;
    ap_filter_t *next = f->next;
    int status = e ? decide_before_read(f) : DECLINED;

    if (status != DECLINED) {
        return answer_error(f, bb, status);
    }
    if (!e || e->state == EXPECT_REFUSED) {
        return end_of_content(f, bb);
    }
    if (e->state == EXPECT_CUT_OFF) {
        return AP_FILTER_ERROR;
    }
    if (e->state != EXPECT_OPEN && e->cap == EXPECT_NO_CAP) {
        /* nothing to watch for: out of the way of large uploads */
        ap_remove_input_filter(f);
        return ap_get_brigade(next, bb, mode, block, readbytes);
    }
    if (e->cap == EXPECT_NO_CAP || e->state == EXPECT_DETECTED
        || mode == AP_MODE_SPECULATIVE || mode == AP_MODE_INIT) {
        return ap_get_brigade(next, bb, mode, block, readbytes);
    }
    return read_bounded(f, bb, mode, block, readbytes);
}

void expect_content_register(void)
{
    /* PROTOCOL - 1: the lowest that still belongs to one request */
    content_filter = ap_register_input_filter("EXPECT", content_read,
                                              content_init,
                                              AP_FTYPE_PROTOCOL - 1);
}

void expect_content_guard(request_rec *r, expect_request_t *e)
{
    ap_add_input_filter_handle(content_filter, e, r, r->connection);
}
