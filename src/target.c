/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The lookup: whose rules govern this request.
 *
 * At post_read_request a request has the server's configuration only. A
 * subrequest without an output filter runs httpd's own mapping (aliases,
 * rewriting, <Directory>, .htaccess, <Files>, <Location>, <If>) and stops
 * before access control, which only the main request may run.
 */

#include "httpd.h"
#include "http_request.h"

#include "apr_strings.h"

#include "target.h"

request_rec *expect_target_lookup(request_rec *r, expect_request_t *e)
{
    const char *uri = r->parsed_uri.path;
    request_rec *rr;

    /* of an absolute-form target only path and query are for here */
    if (r->proxyreq || !uri || *uri != '/') {
        return NULL;
    }
    if (r->parsed_uri.query) {
        uri = apr_pstrcat(r->pool, uri, "?", r->parsed_uri.query, NULL);
    }

    e->lookup = EXPECT_LOOKUP_RUNNING;
    rr = ap_sub_req_method_uri(r->method, uri, r, NULL);

    if (e->lookup != EXPECT_LOOKUP_FOUND) {
        e->lookup = EXPECT_LOOKUP_NONE;
    }

    /* what it parsed of .htaccess need not be parsed again: so its pool has
     * to live on, it is not destroyed here */
    r->htaccess = rr->htaccess;
    return rr;
}

/* The state of the main request if it is just looking up. */
static expect_request_t *looking_up(const request_rec *rr)
{
    expect_request_t *e = rr->main ? expect_request_get(rr->main) : NULL;

    return e && e->lookup == EXPECT_LOOKUP_RUNNING ? e : NULL;
}

/*
 * <If> and rewriting are to see the upload as it is: its content fields,
 * which ap_set_sub_req_protocol() strips, and its version.
 */
void expect_target_prepare(request_rec *rr)
{
    if (looking_up(rr)) {
        rr->headers_in = apr_table_copy(rr->pool, rr->main->headers_in);
        rr->protocol = rr->main->protocol;
        rr->proto_num = rr->main->proto_num;
    }
}

int expect_target_found(request_rec *rr)
{
    expect_request_t *e = looking_up(rr);

    if (!e) {
        return DECLINED;
    }
    e->lookup = EXPECT_LOOKUP_FOUND;
    return DONE;
}
