/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The lookup: which section governs this request.
 *
 * Before header_parser a request has the server's configuration only. Where
 * somebody reads its content earlier, a copy of the request goes through
 * httpd's own mapping (aliases, rewriting, <Directory>, .htaccess, <Files>,
 * <Location>, <If>) and stops before access control, which only the request
 * itself may run.
 *
 * The copy has a pool of its own, and nothing of it is given to the request:
 * mod_rewrite and others remember in the pool what they have done, and with the
 * notes of ap_location_walk() and similar functions the request's own walks
 * would return at once, without the variables that named groups set.
 *
 * It is a copy and not a subrequest: httpd removes the content fields and the
 * version from a subrequest, and <If> and [NS] of mod_rewrite treat it
 * differently.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"

#include "apr_strings.h"

#include "answer/once.h"
#include "content/filter.h"
#include "content/lookup.h"

/* What mapping may change belongs to the copy, and its filters begin where
 * those of a new request do (ap_create_request()). A module that reads or
 * writes nevertheless reads nothing, and what it writes is dropped. */
static request_rec *lookup_copy(request_rec *r, expect_request_t *e)
{
    request_rec *rr;
    apr_pool_t *p;
    conn_rec *c = r->connection;

    apr_pool_create(&p, r->pool);
    apr_pool_tag(p, "expect_lookup");
    rr = apr_pmemdup(p, r, sizeof(*r));
    rr->pool = p;
    rr->request_config = ap_create_request_config(p);
    rr->per_dir_config = r->server->lookup_defaults;
    rr->headers_in = apr_table_copy(p, e->fields);
    rr->subprocess_env = apr_table_copy(p, r->subprocess_env);
    rr->notes = apr_table_copy(p, r->notes);
    rr->headers_out = apr_table_make(p, 5);
    rr->err_headers_out = apr_table_make(p, 5);
    rr->allowed_methods = ap_make_method_list(p, 2);
    rr->proto_output_filters = rr->output_filters = c->output_filters;
    rr->proto_input_filters = rr->input_filters = c->input_filters;

    ap_run_create_request(rr);
    expect_filter_refuse_all(rr);
    expect_once_drop(rr);
    rr->used_path_info = AP_REQ_DEFAULT_PATH_INFO;
    /* header_parser ends the lookup by this: see stages/section.c */
    ap_set_module_config(rr->request_config, &expect_module, e);
    return rr;
}

request_rec *expect_lookup_section(request_rec *r, expect_request_t *e)
{
    const char *uri = r->parsed_uri.path;
    request_rec *rr;
    int status;

    /* of an absolute-form target only path and query are mapped */
    if (r->proxyreq || !uri || *uri != '/') {
        return NULL;
    }
    if (r->parsed_uri.query) {
        uri = apr_pstrcat(r->pool, uri, "?", r->parsed_uri.query, NULL);
    }

    rr = lookup_copy(r, e);
    ap_parse_uri(rr, uri);
    e->busy = EXPECT_LOOKING_UP;
    status = ap_process_request_internal(rr);
    e->busy = EXPECT_IDLE;
    if (status != DONE) {
        /* the request itself will fail in the same way */
        rr->status = status;
    }
    return rr;
}

request_rec *expect_lookup_moved(request_rec *r, expect_request_t *e)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    request_rec *rr;

    if (!core->sec_if) {
        return r;
    }
    rr = lookup_copy(r, e);
    rr->filename = apr_pstrcat(rr->pool, r->filename, r->path_info, NULL);
    rr->path_info = NULL;
    /* as ap_process_request_internal(), from map_to_storage on */
    return ap_run_map_to_storage(rr) == OK && ap_location_walk(rr) == OK
                   && ap_if_walk(rr) == OK
               ? rr : NULL;
}
