/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The lookup: whose rules govern this request.
 *
 * At post_read_request a request has the server's configuration only. Where
 * later is too late to judge, a copy of it runs httpd's own mapping (aliases,
 * rewriting, <Directory>, .htaccess, <Files>, <Location>, <If>) and stops
 * before access control, which only the request itself may run.
 *
 * It is a copy and not a subrequest: of that, httpd strips the content fields
 * and the version, and <If> and [NS] of mod_rewrite treat it apart.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_protocol.h"
#include "http_request.h"

#include "apr_strings.h"

#include "target.h"

/* What mapping may change is the copy's own, and its filters begin where those
 * of a new request do (ap_create_request()): nobody will use them. */
static request_rec *copy_for_lookup(request_rec *r, expect_request_t *e)
{
    request_rec *rr = apr_pmemdup(r->pool, r, sizeof(*r));
    conn_rec *c = r->connection;

    rr->request_config = ap_create_request_config(r->pool);
    rr->per_dir_config = r->server->lookup_defaults;
    rr->headers_in = apr_table_copy(r->pool, r->headers_in);
    rr->subprocess_env = apr_table_copy(r->pool, r->subprocess_env);
    rr->notes = apr_table_copy(r->pool, r->notes);
    rr->headers_out = apr_table_make(r->pool, 5);
    rr->err_headers_out = apr_table_make(r->pool, 5);
    rr->allowed_methods = ap_make_method_list(r->pool, 2);
    rr->proto_output_filters = rr->output_filters = c->output_filters;
    rr->proto_input_filters = rr->input_filters = c->input_filters;

    ap_run_create_request(rr);
    rr->used_path_info = AP_REQ_DEFAULT_PATH_INFO;
    /* this is how it is known where it is to stop */
    ap_set_module_config(rr->request_config, &expect_module, e);
    return rr;
}

/* What the copy found on its way need not be found again: .htaccess files, and
 * the merged sections (the notes of ap_directory_walk() and its like, which
 * httpd itself hands from a request to its subrequests and redirects). */
static void hand_over(request_rec *r, request_rec *rr)
{
    apr_size_t i;

    r->htaccess = rr->htaccess;
    for (i = 0; i < AP_NUM_STD_NOTES; ++i) {
        *ap_get_request_note(r, i) = *ap_get_request_note(rr, i);
    }
}

request_rec *expect_target_lookup(request_rec *r, expect_request_t *e)
{
    const char *uri = r->parsed_uri.path;
    request_rec *rr;
    int status;

    /* of an absolute-form target only path and query are for here */
    if (r->proxyreq || !uri || *uri != '/') {
        return NULL;
    }
    if (r->parsed_uri.query) {
        uri = apr_pstrcat(r->pool, uri, "?", r->parsed_uri.query, NULL);
    }

    rr = copy_for_lookup(r, e);
    ap_parse_uri(rr, uri);
    e->looking_up = 1;
    status = ap_process_request_internal(rr);
    e->looking_up = 0;
    if (status != DONE) {
        rr->status = status;
    }

    hand_over(r, rr);
    return rr;
}

request_rec *expect_target_moved(request_rec *r, expect_request_t *e)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    request_rec *rr;

    if (!core->sec_if) {
        return r;
    }
    rr = copy_for_lookup(r, e);
    rr->filename = apr_pstrcat(r->pool, r->filename, r->path_info, NULL);
    rr->path_info = NULL;
    /* as ap_process_request_internal(), from map_to_storage on */
    return ap_run_map_to_storage(rr) == OK && ap_location_walk(rr) == OK
                   && ap_if_walk(rr) == OK
               ? rr : NULL;
}
