/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A copy of a request, which httpd can map without a trace in the request.
 */

#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "http_request.h"

#include "apr_strings.h"

#include "judge/copy.h"

request_rec *expect_request_copy(apr_pool_t *p, const request_rec *r,
                                 const apr_table_t *fields)
{
    request_rec *rr = apr_pmemdup(p, r, sizeof(*r));
    conn_rec *c = r->connection;

    rr->pool = p;
    rr->request_config = ap_create_request_config(p);
    rr->per_dir_config = r->server->lookup_defaults;
    rr->headers_in = apr_table_copy(p, fields);
    rr->subprocess_env = apr_table_copy(p, r->subprocess_env);
    rr->notes = apr_table_copy(p, r->notes);
    rr->headers_out = apr_table_make(p, 5);
    rr->err_headers_out = apr_table_make(p, 5);
    rr->allowed_methods = ap_make_method_list(p, 2);
    rr->proto_output_filters = rr->output_filters = c->output_filters;
    rr->proto_input_filters = rr->input_filters = c->input_filters;
    ap_run_create_request(rr);
    return rr;
}
