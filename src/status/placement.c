/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Whether the administrator has placed the status page where it is requested:
 * httpd merges the sections again, without any .htaccess file.
 */

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_request.h"

#include "apr_strings.h"

#include "judge/copy.h"
#include "status/placement.h"

/* The walks find each .htaccess file that was read, as an empty one. */
static const struct htaccess_result *
htaccess_empty(apr_pool_t *p, const struct htaccess_result *found)
{
    struct htaccess_result *empty;

    if (!found) {
        return NULL;
    }
    empty = apr_pmemdup(p, found, sizeof(*found));
    empty->htaccess = NULL;
    empty->next = htaccess_empty(p, found->next);
    return empty;
}

static int placement_is_htaccess(const struct htaccess_result *found)
{
    for (; found; found = found->next) {
        if (found->htaccess) {
            return 1;
        }
    }
    return 0;
}

static request_rec *placement_copy(request_rec *r)
{
    request_rec *rr = expect_request_copy(r->pool, r, r->headers_in);

    /* the walks would take over the sections of the request that led here, with
     * its .htaccess merged in */
    rr->prev = rr->main = NULL;
    rr->htaccess = htaccess_empty(r->pool, r->htaccess);
    rr->handler = NULL;
    rr->content_type = NULL;
    if (r->filename) {
        /* the walk finds the file again, from the whole path */
        rr->filename = apr_pstrcat(r->pool, r->filename, r->path_info, NULL);
        rr->path_info = NULL;
        rr->finfo.filetype = APR_NOFILE;
    }
    return rr;
}

/* The handler of SetHandler, else of AddHandler. Core evaluates SetHandler in
 * its fixups hook, which does the same; the hook itself would run the fixups of
 * other modules twice. */
static const char *placement_handler(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *err = NULL;
    const char *handler = core->handler;

    if (core->expr_handler) {
        handler = ap_expr_str_exec(r, core->expr_handler, &err);
    }
    if (err) {
        return NULL;
    }
    if (handler && strcmp(handler, "none")) {
        return handler;
    }
    ap_run_type_checker(r);
    return r->handler;
}

int expect_placed_by_server(request_rec *r, const char *handler)
{
    request_rec *rr;
    const char *placed;

    if (!placement_is_htaccess(r->htaccess)) {
        return 1;
    }
    rr = placement_copy(r);
    if ((rr->filename
         && (ap_directory_walk(rr) != OK || ap_file_walk(rr) != OK))
        || ap_location_walk(rr) != OK || ap_if_walk(rr) != OK
        || placement_is_htaccess(rr->htaccess)) {
        return 0;
    }
    placed = placement_handler(rr);
    return placed && !strcmp(placed, handler);
}
