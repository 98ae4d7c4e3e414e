/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * At header_parser: the section is known, and so are its rules. Only a module
 * that reads content unusually early has read any yet.
 */

#include <string.h>

#include "httpd.h"

#include "answer/enforce.h"
#include "answer/options.h"
#include "base/announced.h"
#include "content/filter.h"
#include "content/start.h"
#include "stages/stages.h"

/* Whether mod_proxy handles CONNECT: what comes behind the head is its own to
 * read (RFC 9110, 9.3.6). A RewriteRule may have led elsewhere. */
static int mapped_is_tunnel(const request_rec *r)
{
    return r->method_number == M_CONNECT && !r->prev
           && r->filename && !strncmp(r->filename, "proxy:", 6);
}

/* Whether this is CONNECT to a proxy, with content, wherever it was led: it has
 * no state. For an ErrorDocument httpd makes GET of the method, and the target
 * of a RewriteRule may be no proxy's. */
static int mapped_is_unjudged(const request_rec *r)
{
    const request_rec *first = expect_announced_first(r);
    expect_head_t head;

    return (r->prev ? ap_is_HTTP_ERROR(r->prev->status) || first->proxyreq
                    : r->method_number == M_CONNECT)
           && expect_announced_head(&head, first, 0);
}

/* A redirect, or CONNECT. */
static int mapped_without_content(request_rec *r)
{
    if ((r->prev && expect_request_get(expect_announced_first(r)))
        || mapped_is_tunnel(r)) {
        return 0;
    }
    if (expect_filter_none(r) && mapped_is_unjudged(r)) {
        /* it must not become a request */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    return 1;
}

int expect_mapped_without_content(request_rec *r)
{
    if (!expect_conf_governs(expect_conf_of(r->per_dir_config))) {
        return 0;
    }
    if (r->prev || r->method_number == M_CONNECT) {
        return mapped_without_content(r);
    }
    expect_filter_none(r);
    return 1;
}

static int mapped_enter(request_rec *r, expect_request_t *e)
{
    /* a redirect keeps the rules of the target that the client named */
    if (r->prev && e->section.entered_by) {
        return DECLINED;
    }
    /* a module has read already, and the refusal was sent */
    if (e->outcome.verdict == EXPECT_REFUSED
        || e->outcome.verdict == EXPECT_CUT_OFF) {
        return e->outcome.status;
    }
    expect_content_enter(r, e, r);
    /* RFC 9110, 9.3.6: CONNECT has no content. Where httpd is no proxy, it goes
     * to a handler like any other request. */
    if (r->method_number == M_CONNECT) {
        return expect_failed_leave_unread(r, e);
    }
    return r->prev && ap_is_HTTP_ERROR(r->prev->status)
               ? expect_failed_document(r, e)
               : expect_enforce(r, e, EXPECT_AT_DIRECTORY);
}

int expect_mapped_judge(request_rec *r)
{
    expect_request_t *e = expect_request_get(r);

    if (e && e->busy == EXPECT_LOOKING_UP) {
        return DONE;
    }
    if (r->method_number == M_OPTIONS && !r->prev) {
        expect_options_announce(r);
    }
    if (!e) {
        expect_mapped_without_content(r);
        return DECLINED;
    }
    return mapped_enter(r, e);
}
