/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The lookup: which section governs this request.
 *
 * Before header_parser a request has the server's configuration only. Where a
 * module reads its content earlier, a copy of the request goes through
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
#include "judge/copy.h"

/* The copy's filters deliver nothing: a module that reads finds the end, and
 * what it writes is dropped. */
static request_rec *lookup_copy(request_rec *r, expect_request_t *e)
{
    request_rec *rr;
    apr_pool_t *p;

    apr_pool_create(&p, r->pool);
    apr_pool_tag(p, "expect_lookup");
    rr = expect_request_copy(p, r, e->fields);
    expect_filter_refuse_all(rr);
    expect_once_drop(rr);
    rr->used_path_info = AP_REQ_DEFAULT_PATH_INFO;
    /* header_parser ends the lookup by this: see stages/mapped.c */
    ap_set_module_config(rr->request_config, &expect_module, e);
    return rr;
}

request_rec *expect_lookup_section(request_rec *r, expect_request_t *e)
{
    const char *uri = r->parsed_uri.path;
    expect_busy_e busy = e->busy;
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
    e->busy = busy;
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
