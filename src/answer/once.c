/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * One answer and no second one, where it is sent inside a handler's read.
 */

#include <string.h>

#include "httpd.h"
#include "mod_core.h"
#include "util_filter.h"

#include "answer/once.h"
#include "base/compat.h"
#include "judge/request.h"

static ap_filter_rec_t *drop_filter;

/* The context of the filter. One without was added by SetOutputFilter of some
 * .htaccess. */
static char ours;

static apr_status_t once_drop(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_filter_t *next = f->next;

    if (!f->ctx) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(next, bb);
    }
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

/* Whether the head of a response without content was sent: then the filter that
 * sends it has a context. */
static int once_has_sent_head(const request_rec *r)
{
    ap_filter_t *f = r->proto_output_filters;

    if (EXPECT_CORE_MARKS_EACH_HEAD
        || (!r->header_only && !AP_STATUS_IS_HEADER_ONLY(r->status))) {
        return 0;
    }
    while (f && f->frec != ap_http_header_filter_handle) {
        f = f->next;
    }
    return f && f->ctx;
}

int expect_once_has_begun(const request_rec *r)
{
    return r->sent_bodyct || r->eos_sent || once_has_sent_head(r);
}

void expect_once_drop(request_rec *r)
{
    ap_add_output_filter_handle(drop_filter, &ours, r, r->connection);
}

void expect_once_keep(request_rec *r)
{
    const expect_request_t *e = expect_request_get(r->prev ? r->prev : r);

    if (e && e->content.answered) {
        r->status = e->content.was_begun ? e->content.sent_status
                                         : e->outcome.status;
        expect_once_drop(r);
    }
}

/* ap_invoke_handler() takes the media type where no handler is set. */
static int once_is_media_type(const request_rec *r)
{
    apr_size_t length = strlen(r->handler);

    return r->content_type && !strncmp(r->content_type, r->handler, length)
           && (!r->content_type[length] || r->content_type[length] == ';'
               || r->content_type[length] == ' ')
           && ap_cstr_casecmpn(r->handler, "application/x-httpd-", 20);
}

/* A file that httpd itself sends. This includes a page of mod_include: what it
 * includes is a subrequest, which is examined by itself. */
static int once_is_plain_file(const request_rec *r)
{
    return !r->handler || !strcmp(r->handler, AP_DEFAULT_HANDLER_NAME)
           || !strcmp(r->handler, "default-handler") || once_is_media_type(r);
}

int expect_once_keep_out(request_rec *r)
{
    const expect_request_t *e = expect_request_get(expect_announced_first(r));

    return e && e->content.is_answering && !once_is_plain_file(r)
               ? HTTP_NOT_FOUND : DECLINED;
}

void expect_once_register(void)
{
    drop_filter = ap_register_output_filter("EXPECT_DROP", once_drop, NULL,
                                            AP_FTYPE_CONTENT_SET);
}
